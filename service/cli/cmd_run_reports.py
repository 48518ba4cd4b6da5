"""What jobs reported: ``tuneloop runs events`` and ``tuneloop runs metrics``."""

import os
from dataclasses import asdict
from typing import Annotated

import typer

from service.bootstrap import Deps
from service.cli.app import AsJson, AtMost, print_json, runs
from service.cli.run_lines import csv_of, line_of_event, table_of
from service.cli.showing import visible
from service.config import load
from service.domain.errors import ConfigurationError
from service.usecases.report_run import series_of

RunId = Annotated[str, typer.Argument(help="A run's id or the beginning of it.")]
_ROWS = 25


@runs.command()
def events(run_id: RunId, limit: AtMost = 50, *, as_json: AsJson = False) -> None:
    """Show what the trainer said of a run's job, the newest last."""
    deps = Deps(load(os.environ))
    run = deps.runs.get(run_id)
    found = deps.reports.newest_events(run.run_id, limit=limit)[::-1]
    if as_json:
        print_json([{"number": number, **asdict(event)} for number, event in found])
        return
    total = deps.reports.count_events(run.run_id)
    if total > len(found):
        typer.echo(f"The newest {len(found)} of {total}; --limit shows more.")
    for _, event in found:
        typer.echo(visible(line_of_event(event)))
    if not found:
        typer.echo("No event yet.")


@runs.command()
def metrics(
    run_id: RunId,
    *,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print every step as CSV.")] = False,
) -> None:
    """Show what a run's job measured, by step: a table of some steps, or every step."""
    if as_json and as_csv:
        raise ConfigurationError("--json and --csv exclude each other", remedy="Give one of them.")
    deps = Deps(load(os.environ))
    run = deps.runs.get(run_id)
    points = series_of(run, deps)
    if as_json:
        print_json([asdict(point) for point in points])
        return
    if not points and not as_csv:
        typer.echo("Nothing was measured yet.")
        return
    for line in csv_of(points) if as_csv else table_of(points, most=_ROWS):
        typer.echo(line)
