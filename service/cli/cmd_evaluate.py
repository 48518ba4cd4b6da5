"""``tuneloop evaluate``: how models answer the held-out examples, and whether the numbers can be had again."""

import os
from dataclasses import asdict
from typing import Annotated

import typer

from service.bootstrap import Deps, metrics_of
from service.cli.app import AsJson, app, print_json
from service.cli.evaluation_lines import lines_of_evaluation, lines_of_recomputed
from service.cli.showing import visible
from service.config import load
from service.usecases.recompute import recompute
from service.usecases.report_evaluation import NoEvaluation


@app.command()
def evaluate(
    name: Annotated[str, typer.Argument(metavar="RUN", help="A judged run's id or the beginning of it.")],
    *,
    again: Annotated[
        bool, typer.Option("--recompute", help="Reproduce every number from stored answers, and compare.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show how a run was judged; with --recompute, reproduce it from what is stored. No model is asked anything."""
    deps = Deps(load(os.environ))
    if again:
        _recompute(name, deps, as_json=as_json)
    else:
        _show(name, deps, as_json=as_json)


def _recompute(run_id: str, deps: Deps, *, as_json: bool) -> None:
    found = recompute(run_id, deps, metrics_of)
    if as_json:
        print_json({**asdict(found), "equal": found.is_equal})
    else:
        for line in lines_of_recomputed(found):
            typer.echo(visible(line))
    if not found.is_equal:
        raise typer.Exit(1)


def _show(run_id: str, deps: Deps, *, as_json: bool) -> None:
    run = deps.runs.get(run_id)
    found = deps.evaluations.evaluation(run.run_id)
    if found is None:
        raise NoEvaluation(f"run {run.run_id} is {run.state}, and has no evaluation")
    if as_json:
        print_json({"run_id": run.run_id, **found})
        return
    for line in lines_of_evaluation(found):
        typer.echo(visible(line))
