"""``tuneloop forget``: erase what data rows said, everywhere the service holds it, and say where it cannot."""

import getpass
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from service.cli.app import AsJson, app, print_json
from service.cli.cmd_datasets import deps_now
from service.cli.showing import visible
from service.cli.tracing import IN_WORDS
from service.domain.errors import ConfigurationError
from service.usecases.forget import Forgotten
from service.usecases.forget import forget as erase
from service.usecases.survey import Survey, rows_of
from service.usecases.trace import USES, run_facts

_SHOWN = 20


@app.command()
def forget(
    names: Annotated[list[str], typer.Argument(help="Ids of labels, data rows or examples, or global keys.")],
    *,
    row: Annotated[
        bool, typer.Option("--row", help="An unknown name is a data row's id, which shall never come in.")
    ] = False,
    provider_files: Annotated[
        bool, typer.Option("--provider-files", help="Delete the files at the trainers that hold it.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show where it is.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    by: Annotated[str | None, typer.Option(help="On whose word; your account's name by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Erase what data rows said from examples, snapshots, answers, dead letters and deliveries, for good."""
    deps = deps_now()
    rows = rows_of(names, deps.stories, in_advance=row)
    found = deps.erasing.survey(rows)
    if dry_run:
        _show(found, as_json=as_json)
        return
    if not yes:
        _show(found, as_json=False)
        _ask(len(rows))
    report = erase(rows, deps.erasing, by=by or getpass.getuser(), provider_files=provider_files)
    if as_json:
        print_json(_facts(report.survey) | {"done": report.done, "left": [asdict(left) for left in report.left]})
    else:
        for line in (*_told(report.survey), *_outcome(report)):
            typer.echo(visible(line))
    raise typer.Exit(1 if report.left else 0)


def _ask(number: int) -> None:
    if not sys.stdin.isatty():
        raise ConfigurationError("nobody is here to confirm it", remedy="Add --yes, or look first with --dry-run.")
    if not typer.confirm(f"Erase what {number} data rows said? Nothing brings it back.", err=True):
        typer.echo("Nothing was erased.", err=True)
        raise typer.Exit(1)


def _show(found: Survey, *, as_json: bool) -> None:
    if as_json:
        print_json(_facts(found))
        return
    for line in _told(found):
        typer.echo(visible(line))


def _facts(found: Survey) -> dict[str, Any]:
    return {
        "rows": [{"data_row_id": row_id, "global_key": key} for row_id, key in found.rows.items()],
        "labels": found.labels,
        "examples": [
            {"pipeline": pipeline, "data_row_id": row_id, "example_id": example_id}
            for (pipeline, row_id), example_id in found.examples.items()
        ],
        "snapshots": [
            {
                "snapshot_id": held.snapshot_id,
                "data_row_id": held.data_row_id,
                "example_id": held.line.example_id,
                "split": held.line.split,
                "version": held.line.version,
                "label_id": held.line.label_id,
                "taken_out": held.is_out,
            }
            for held in found.holdings
        ],
        "lost_manifests": found.lost,
        "runs": [
            run_facts(seen.run) | {"uses": [USES[split] for split in seen.splits], "files": seen.provider_files}
            for seen in found.runs
        ],
        "kin": [asdict(kin) for kin in found.kin],
    }


def _told(found: Survey) -> Iterator[str]:
    for row_id, key in found.rows.items():
        yield f"data row {row_id}{f', global key {key}' if key else ''}"
    yield f"  labels       {', '.join(found.labels) or 'none seen'}"
    for (pipeline, _), example_id in found.examples.items():
        yield f"  example      {example_id} of {pipeline}"
    for held in found.holdings:
        out = ", taken out" if held.is_out else ""
        use = IN_WORDS[USES[held.line.split]]
        yield f"  snapshot     {held.snapshot_id[:16]}: {held.line.example_id} in {held.line.split} ({use}){out}"
    for snapshot_id in found.lost:
        yield f"  snapshot     {snapshot_id[:16]}: its manifest is lost, so nobody can say"
    for seen in found.runs:
        run, uses = seen.run, "; ".join(IN_WORDS[USES[split]] for split in seen.splits)
        yield f"  run          {run.run_id} ({run.state}), job {run.job_id or '-'}: {uses}"
        for file_id in seen.provider_files:
            yield f"               file {file_id} at trainer {run.trainer}"
        for model in _models(run_facts(run)):
            yield f"               model {model}"
    for kin in found.kin[:_SHOWN]:
        yield f"  asks {'the same' if kin.is_same else 'alike   '} data row {kin.data_row_id} of {kin.pipeline}"
    if len(found.kin) > _SHOWN:
        yield f"  ... and {len(found.kin) - _SHOWN} more that ask the same or alike: --json lists them"


def _models(run: Mapping[str, Any]) -> list[str]:
    checkpoints = [item.get("model") for item in run["checkpoints"] or ()]
    return [str(name) for name in dict.fromkeys([run["tuned_model"], run["answers_as"], *checkpoints]) if name]


def _outcome(report: Forgotten) -> Iterator[str]:
    yield "erased"
    for what, number in report.done.items():
        if what in _DONE and number:
            yield f"  {number:>6} {_DONE[what]}"
    yield "  whatever comes of these rows from now on is refused (forgotten)"
    if report.left:
        yield "NOT erased"
    for left in report.left:
        yield f"  {left.what}: {left.error}"
        yield f"    What to do: {left.remedy}"
    yield "not in our hands"
    for line in _elsewhere(report):
        yield f"  {line}"


_DONE: Mapping[str, str] = {
    "examples": "examples, with every version",
    "snapshot lines": "lines of snapshot files",
    "files deleted": "files that held them",
    "answers": "answers of models to their questions",
    "quotes": "sentences of trainers that quoted them",
    "dead letters": "dead letters",
    "deliveries": "deliveries in the inbox",
    "export copies": "exports left on this disk",
    "provider files": "files at trainers",
}


def _elsewhere(report: Forgotten) -> Iterator[str]:
    found = report.survey
    yield "Labelbox still has the data rows: delete them there"
    models = [model for seen in found.runs if seen.splits != ("held_out",) for model in _models(run_facts(seen.run))]
    if models:
        yield f"models that learned from them stay: {', '.join(dict.fromkeys(models))}"
    for seen in found.runs:
        if seen.needs_files and seen.provider_files:
            name = seen.run.run_id
            yield f"run {name} is going to learn from an upload that holds them: tuneloop runs cancel {name}"
    if not report.done.get("provider files") and any(seen.provider_files for seen in found.runs):
        yield "the files at the trainers named above: --provider-files deletes them"
    if not report.done.get("disk"):
        yield "the database's dead rows until its VACUUM, its log and its replicas"
    if not report.is_compact:
        yield "Redis' own files, which this server does not let us have written anew"
    yield "backups, exported folders, and what other machines' workers hold of an export until it is read"
