"""``tuneloop models dying``: champions about to shut down, and the command that trains the same examples elsewhere."""

import os
from dataclasses import asdict
from typing import Annotated

import typer

from service.bootstrap import Deps, now
from service.cli.app import AsJson, models, print_json
from service.config import load
from service.domain.plurals import how_many
from service.domain.sunsets import WARN_DAYS, when
from service.usecases.dying import Dying, dying_champions


@models.command()
def dying(
    within: Annotated[int, typer.Option(min=0, help="Only those that shut down within so many days.")] = max(WARN_DAYS),
    *,
    as_json: AsJson = False,
) -> None:
    """List the champions that are about to shut down, each with what would take its place."""
    deps, moment = Deps(load(os.environ)), now()
    found = dying_champions(deps.settings.pipelines, deps, within_days=within, now=moment)
    if as_json:
        print_json([asdict(item) for item in found])
        return
    for item in found:
        typer.echo(f"{item.pipeline}: {item.model} at {item.trainer} {when(item.shutdown_on, moment.date())}")
        for line in _about(item):
            typer.echo(f"    {line}")
    if not found:
        typer.echo(f"No champion is known to shut down within {how_many(within, 'day')}.")


def _about(item: Dying) -> list[str]:
    lines = [f"trained on snapshot {item.snapshot_id}, run {item.run_id}"]
    if item.replacement:
        lines.append(f"its vendor names {item.replacement} in its place")
    # The advice holds the first command, unless a run is there already.
    return [*lines, item.advice, *(f"or: {command}" for command in item.commands if command not in item.advice)]
