"""The file ``tuneloop.toml``: read, and every mistake in it found at once."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from service.config.budgets import BudgetTable
from service.config.durations import Duration, PositiveDuration
from service.config.environment import Environment
from service.config.manners import dialect_of
from service.config.mistakes import key_of, line_of, locate, mistakes_of
from service.config.notify import NotifyTable
from service.config.pipelines import PipelineTable
from service.config.settings import ServiceSettings
from service.config.tables import HostName, Name, Surroundings, Table
from service.config.trainers import TrainerTable
from service.config.webhooks import secret_owners
from service.domain.dialects import Dialect
from service.domain.errors import ConfigurationError

_SERVICE = ServiceSettings()
_EXAMPLE = "Copy tuneloop.example.toml to {path}, set project and model of a pipeline, then run tuneloop check."


class ServiceTable(Table):
    """See ``ServiceSettings``."""

    sweep_every: PositiveDuration = _SERVICE.sweep_every
    reconcile_every: PositiveDuration = _SERVICE.reconcile_every
    reconcile_overlap: Duration = _SERVICE.reconcile_overlap
    claim_after: PositiveDuration = _SERVICE.claim_after
    exports_at_once: Annotated[int, Field(ge=1, le=20)] = _SERVICE.exports_at_once
    poll_every: PositiveDuration = _SERVICE.poll_every
    trainers_every: PositiveDuration = _SERVICE.trainers_every
    lease: PositiveDuration = _SERVICE.lease
    workers: Annotated[int, Field(ge=1, le=64)] = _SERVICE.workers
    dedupe_window: PositiveDuration = _SERVICE.dedupe_window
    # Not strict, because TOML has lists only; the names in it are as strict as ever.
    fetch_hosts: Annotated[tuple[HostName, ...], Field(strict=False)] = _SERVICE.fetch_hosts


class ConfigFile(Table):
    """The whole file."""

    service: ServiceTable = ServiceTable()
    notify: dict[Name, NotifyTable] = Field(default_factory=dict)
    budget: BudgetTable = BudgetTable()
    trainers: dict[Name, TrainerTable]
    pipelines: Annotated[dict[Name, PipelineTable], Field(min_length=1)] = Field(default_factory=dict)


def read_text(path: Path) -> str:
    """Read the file.

    Raises:
        ConfigurationError: It is missing, unreadable, or not UTF-8.
    """
    try:
        # Some editors begin a file with a byte-order mark, which TOML does not know.
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise ConfigurationError(message, remedy=_EXAMPLE.format(path=path)) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigurationError(f"{path}:{line}: the file is not UTF-8") from error


def parse(path: Path, text: str) -> dict[str, Any]:
    """Read the text as TOML; the trainer that everybody knows needs no table of its own.

    Raises:
        ConfigurationError: It is no TOML; names the line.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r" \(at line (\d+), column \d+\)$", str(error))
        line, words = (at[1], str(error)[: at.start()]) if at else (text.rstrip("\n").count("\n") + 1, str(error))
        raise ConfigurationError(f"{path}:{line}: no TOML: {words}") from error
    return {**document, "trainers": document.get("trainers") or {"openai": {}}}


def check(
    path: Path, text: str, document: Mapping[str, Any], environment: Environment, *, setting_up: bool = False
) -> ConfigFile | list[str]:
    """Check a document against the tables; gives it, or every mistake as ``file:line: key: words``."""
    pipelines = document.get("pipelines")
    names = frozenset(pipelines if isinstance(pipelines, dict) else ())
    around = Surroundings(
        environment,
        _dialects(document["trainers"]),
        pipelines=names,
        setting_up=setting_up,
        secret_owners=secret_owners(pipelines),
        folder=path.parent,
        dialects=_dialect_names(document["trainers"]),
    )
    try:
        return ConfigFile.model_validate(document, context=around)
    except ValidationError as error:
        lines = locate(text)
        placed = [(line_of(at, lines), at, words) for at, words in mistakes_of(error, ConfigFile)]
        placed.sort(key=lambda mistake: mistake[0] or 0)
        return [f"{path}{f':{line}' if line else ''}: {key_of(at)}: {words}" for line, at, words in placed]


def _dialects(trainers: object) -> dict[str, Dialect | None]:
    # Read before the check, so that a pipeline's mistakes are found beside those of its trainer.
    return {name: dialect_of(table) for name, table in trainers.items()} if isinstance(trainers, dict) else {}


def _dialect_names(trainers: object) -> dict[str, str]:
    tables = trainers if isinstance(trainers, dict) else {}
    named = {name: table.get("dialect", "openai") for name, table in tables.items() if isinstance(table, dict)}
    return {name: dialect for name, dialect in named.items() if isinstance(dialect, str)}
