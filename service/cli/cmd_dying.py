"""``tuneloop models dying``: champions about to shut down, and the command that trains the same examples elsewhere."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from service.bootstrap import Deps, now
from service.cli.app import AsJson, models, print_json
from service.config import load
from service.domain.errors import ServiceError
from service.domain.plurals import how_many
from service.domain.sunsets import WARN_DAYS, when
from service.usecases.dying import Dying, dying_champions
from service.usecases.retrain import Retraining, doors_shut


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
        print_json([{**asdict(item), "refused": _refused(item, deps)} for item in found])
        return
    for item in found:
        typer.echo(f"{item.pipeline}: {item.model} at {item.trainer} {when(item.shutdown_on, moment.date())}")
        for line in _about(item, _refused(item, deps)):
            typer.echo(f"    {line}")
    if not found:
        typer.echo(f"No champion is known to shut down within {how_many(within, 'day')}.")


def _refused(item: Dying, deps: Deps) -> dict[str, list[str]]:
    """Give the commands that would be refused now, such as by a budget, each with the reasons."""
    found = {}
    for command, other in zip(item.commands, item.others, strict=True):
        wanted = Retraining(str(item.snapshot_id), item.pipeline, other.trainer, other.model)
        try:
            found[command] = [reason.text for reason in doors_shut(wanted, deps.parts)]
        except ServiceError as error:
            found[command] = [str(error)]
    return {command: reasons for command, reasons in found.items() if reasons}


def _about(item: Dying, refused: Mapping[str, Sequence[str]]) -> list[str]:
    lines = [f"trained on snapshot {item.snapshot_id}, run {item.run_id}"]
    if item.replacement:
        lines.append(f"its vendor names {item.replacement} in its place")
    # The advice holds the first command, unless a run is there already.
    lines.append(item.advice)
    for command in item.commands:
        lines += [f"or: {command}"] if command not in item.advice else []
        lines += [f"    refused now: {'; '.join(refused[command])}"] if command in refused else []
    return lines
