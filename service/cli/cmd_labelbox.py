"""``tuneloop labelbox setup``: dataset, rows, ontology, project, batch and webhooks, made once."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer

from service.bootstrap import Deps
from service.cli.app import AsJson, labelbox, print_json
from service.cli.row_files import load_rows
from service.config import Settings, load
from service.domain.errors import ConfigurationError, NotFound
from service.domain.row_files import RowsFormat
from service.domain.setup_lines import Line, Report
from service.domain.setup_rows import UploadRow
from service.domain.setup_webhooks import check_secret
from service.domain.setups import Setup
from service.logs import silence_logging
from service.usecases.set_up_labelbox import set_up_labelbox

_EXAMPLE = "Add the table [pipelines.{name}.setup] with its questions, see docs/setup.md."
_SECRET = "LABELBOX_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable


class Format(StrEnum):
    """How the rows are written."""

    JSONL = "jsonl"
    CSV = "csv"
    TEXT = "text"


@labelbox.command()
def setup(
    pipeline: Annotated[str | None, typer.Argument(help="Only this pipeline.")] = None,
    rows: Annotated[
        str | None, typer.Option(help="Data rows: a JSONL, CSV or text file; - reads standard input.")
    ] = None,
    rows_format: Annotated[Format | None, typer.Option(help="If the file's ending does not tell.")] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make in Labelbox what a pipeline's setup table says; what is there already is found, never made twice."""
    silence_logging()
    settings = load(os.environ, setting_up=True)
    chosen = _chosen(settings, pipeline)
    if rows is not None and len(chosen) != 1:
        raise ConfigurationError("--rows is for one pipeline", remedy=f"Name one: {', '.join(chosen)}.")
    written: RowsFormat | None = rows_format.value if rows_format else None
    given = load_rows(rows, written, next(iter(chosen.values()))) if rows is not None else []
    screen = _Screen(settings, is_quiet=as_json)
    try:
        for name, wanted in chosen.items():
            _set_up(Deps(settings), wanted, given, screen.begin(name), dry_run=dry_run)
    finally:
        # Also after a failure: a secret that was made and used is told nowhere else.
        if as_json:
            print_json(screen.facts)
    raise typer.Exit(0 if screen.is_as_wanted else 1)


def _chosen(settings: Settings, pipeline: str | None) -> Mapping[str, Setup]:
    if pipeline is not None and pipeline not in settings.pipelines:
        raise NotFound(f"no pipeline {pipeline!r}", remedy=f"There are: {', '.join(settings.pipelines)}")
    chosen = {name: found for name, found in settings.setups.items() if pipeline in {None, name}}
    if not chosen:
        words = "no pipeline has a setup table" if pipeline is None else f"pipeline {pipeline!r} has no setup table"
        remedy = _EXAMPLE.format(name=pipeline or next(iter(settings.pipelines)))
        raise ConfigurationError(f"{settings.config_file}: {words}", remedy=remedy)
    return chosen


def _set_up(deps: Deps, wanted: Setup, rows: list[UploadRow], screen: "_Screen", *, dry_run: bool) -> None:
    settings, name = deps.settings, wanted.pipeline
    configured = settings.pipelines[name].labels.project
    project_id = set_up_labelbox(
        wanted,
        project_id=configured,
        rows=rows,
        account=deps.account,
        secret=screen.secret,
        report=Report(screen.tell, dry_run),
        others=[found.webhook for found in settings.setups.values() if found.webhook and found.pipeline != name],
    )
    screen.end(project_id, is_configured=bool(configured), is_made=not dry_run)


class _Screen:
    """What is said, as lines at once or as JSON at the end."""

    def __init__(self, settings: Settings, *, is_quiet: bool) -> None:
        self.facts: dict[str, Any] = {"pipelines": {}, "environment": {}}
        self.is_as_wanted = True
        self._settings, self._is_quiet = settings, is_quiet
        self._name = ""
        self._general: str | None = None
        self._secret: str | None = None
        self._variable = _SECRET

    def begin(self, name: str) -> "_Screen":
        """Go on to the next pipeline."""
        self._name = name
        own = self._settings.own_secrets.get(name)
        # At the pipeline's own address no other secret would count.
        self._variable = own.webhook_secret_env if own else _SECRET
        held = own.webhook_secrets if own else self._settings.webhook_secrets
        self._secret = held[0].get_secret_value() if held else None if own else self._general
        self.facts["pipelines"][name] = {"project": None, "lines": []}
        self._say(name)
        return self

    def tell(self, line: Line) -> None:
        """Say one line."""
        self.facts["pipelines"][self._name]["lines"].append(asdict(line))
        self.is_as_wanted = self.is_as_wanted and line.is_as_wanted
        self._say(f"  {line.did:<16} {line.what}" + (f". What to do: {line.remedy}" if line.remedy else ""))

    def secret(self) -> str:
        """Give the secret of the environment, or make one and show it, this once."""
        if self._secret is None:
            self._secret = secrets.token_hex(32)
            self._general = self._secret if self._variable == _SECRET else self._general
            self.facts["environment"][self._variable] = self._secret
            assignment = f"{self._variable}={self._secret}"
            self._say(f"  Labelbox never shows the webhook's secret again; put it into .env now:\n{assignment}")
        return _usable(self._secret, self._variable)

    def end(self, project_id: str, *, is_configured: bool, is_made: bool) -> None:
        """Say what belongs into the configuration and is not there."""
        facts = self.facts["pipelines"][self._name]
        facts["project"] = project_id or None
        facts["toml"] = None
        if project_id and not is_configured:
            facts["toml"] = f'[pipelines.{self._name}.labels]\nproject = "{project_id}"'
            self._say(f"  Put into {self._settings.config_file}:\n{facts['toml']}")
        if self._settings.setups[self._name].webhook and is_made and self._secret is None:
            self._say(f"  {self._variable} is not set: put the secret there that the webhook was made with. {_LOST}")

    def _say(self, text: str) -> None:
        if not self._is_quiet:
            typer.echo(text)


_LOST = "If it is lost, switch the webhook off in Labelbox and run this again."


def _usable(secret: str, variable: str) -> str:
    try:
        return check_secret(secret)
    except ValueError as error:
        raise ConfigurationError(f"{variable}: {error}", remedy="Choose another: openssl rand -hex 32.") from error
