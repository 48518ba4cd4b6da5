"""``tuneloop notify``: try the channels, and see what reached whom."""

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from service.bootstrap import Deps, now
from service.cli.app import AsJson, AtMost, notify, print_json
from service.cli.showing import visible
from service.config import load
from service.domain.errors import ConfigurationError, NotBegun, NotFound, ServiceError
from service.domain.notices import Notice, message_id
from service.logs import silence_logging
from service.usecases.tell import Target

_REMEDY = "Add a [notify.NAME] table to tuneloop.toml, see docs/notices.md."


@notify.command("test")
def try_channels(channel: Annotated[str | None, typer.Argument(help="One channel; all unless given.")] = None) -> None:
    """Send a test notice to every channel and say what came of it."""
    deps = Deps(load(os.environ))
    silence_logging()
    failed = [target.name for target in _chosen(deps, channel) if not _try(deps, target)]
    raise typer.Exit(1 if failed else 0)


@notify.command("list")
def list_notices(limit: AtMost = 20, *, as_json: AsJson = False) -> None:
    """List the newest notices first, and what became of them at each channel."""
    found = Deps(load(os.environ)).outbox.recent(limit)
    if as_json:
        print_json(found)
        return
    for row in found:
        typer.echo(visible(f"{row['at']:%Y-%m-%d %H:%M:%S}  {row['kind']:<17} {row['title']}"))
        for line in _states(row["deliveries"], is_routed=row["routed_at"] is not None):
            typer.echo(visible(f"    {line}"))
    if not found:
        typer.echo("Nothing to tell yet.")


def _chosen(deps: Deps, channel: str | None) -> Sequence[Target]:
    if not deps.targets:
        raise ConfigurationError("no channel is configured", remedy=_REMEDY)
    if channel is None:
        return list(deps.targets.values())
    chosen = [target for name, target in deps.targets.items() if channel in {name, name.partition("/")[0]}]
    if not chosen:
        raise NotFound(f"no channel {channel!r}", remedy=f"There are: {', '.join(deps.targets)}")
    return chosen


def _try(deps: Deps, target: Target) -> bool:
    moment = now()
    notice = Notice(
        "test",
        moment.isoformat(),
        "Tuneloop: a test",
        f"Channel {target.name} works. It was tried with tuneloop notify test.",
        facts={"channel": target.name},
    )
    try:
        target.connect().send(notice, message_id=message_id(notice, target.name), at=moment, now=moment)
    except ServiceError as error:
        typer.echo(visible(f"WRONG    {target.name}: {error}. What to do: {error.remedy}"), err=True)
        return False
    # A channel can be tried before there is a database.
    with suppress(NotBegun, sa.exc.SQLAlchemyError):
        if target.name in deps.outbox.closed():
            # It ended with a 410 and is there again.
            deps.outbox.reopen(target.name, now=moment)
    typer.echo(f"ok       {target.name}: taken")
    return True


def _states(deliveries: Sequence[dict[str, Any]], *, is_routed: bool) -> list[str]:
    if not deliveries:
        return ["no channel wants it" if is_routed else "not given to the channels yet"]
    return [_state(row) for row in deliveries]


def _state(row: dict[str, Any]) -> str:
    tries = f" after {row['attempts']} {'try' if row['attempts'] == 1 else 'tries'}" if row["attempts"] else ""
    error = f": {row['error']}" if row["error"] else ""
    due = f", next at {row['due_at']:%Y-%m-%d %H:%M:%S}" if row["state"] == "waiting" else ""
    return f"{row['channel']}: {row['state']}{tries}{error}{due}"
