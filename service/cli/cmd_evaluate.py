"""``tuneloop evaluate``: how models answer the held-out examples, and whether the numbers can be had again."""

import os
import time
from dataclasses import asdict
from functools import partial
from typing import Annotated

import typer

from service.bootstrap import Deps, metrics_of
from service.cli.app import AsJson, app, print_json
from service.cli.evaluation_lines import lines_of_evaluation, lines_of_recomputed
from service.cli.showing import visible
from service.config import load
from service.domain.errors import ConfigurationError, NotFound
from service.usecases.evaluate_base import BaseWanted, evaluate_base
from service.usecases.recompute import Recomputed, recompute, recompute_base
from service.usecases.report_evaluation import evaluation_of


@app.command()
def evaluate(
    name: Annotated[str, typer.Argument(metavar="RUN|PIPELINE", help="A judged run, or with --base a pipeline.")],
    *,
    again: Annotated[
        bool, typer.Option("--recompute", help="Reproduce every number from stored answers, and compare.")
    ] = False,
    base: Annotated[bool, typer.Option(help="Measure the untuned model of a pipeline now.")] = False,
    model: Annotated[str | None, typer.Option(help="With --base: another model than the pipeline's.")] = None,
    trainer: Annotated[str | None, typer.Option(help="With --base: another trainer than the pipeline's.")] = None,
    snapshot: Annotated[str | None, typer.Option(help="With --base: whose held-out examples; the newest.")] = None,
    checkpoint: Annotated[
        int | None, typer.Option(metavar="STEP", help="Of a run: an earlier checkpoint that was judged.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how a run was judged, reproduce it from what is stored, or measure an untuned model.

    Only --base asks a model, and pays for it; not with --recompute, which measures the stored answers again.
    """
    if (base and checkpoint is not None) or (not base and (model or trainer or snapshot)):
        raise ConfigurationError(
            "--model, --trainer and --snapshot belong to --base, --checkpoint does not",
            remedy="See tuneloop evaluate --help.",
        )
    deps = Deps(load(os.environ))
    wanted = BaseWanted(name, model, trainer, snapshot)
    if again:
        of_run = None if base else recompute(name, deps, metrics_of, checkpoint=checkpoint)
        _tell_recomputed(of_run or recompute_base(wanted, deps, metrics_of), as_json=as_json)
    elif base:
        _measure(wanted, deps, as_json=as_json)
    else:
        _show(name, deps, checkpoint=checkpoint, as_json=as_json)


def _measure(wanted: BaseWanted, deps: Deps, *, as_json: bool) -> None:
    if wanted.pipeline not in deps.settings.pipelines:
        raise NotFound(f"no pipeline {wanted.pipeline!r}", remedy=f"There are: {', '.join(deps.settings.pipelines)}")
    found = evaluate_base(wanted, deps.parts_by_hand, wait=time.sleep, tell=partial(typer.echo, err=True))
    if as_json:
        print_json(asdict(found))
        return
    for line in (f"{found.model} at {found.trainer}, untuned", *lines_of_evaluation(found.facts)):
        typer.echo(visible(line))


def _tell_recomputed(found: Recomputed, *, as_json: bool) -> None:
    if as_json:
        print_json({**asdict(found), "equal": found.is_equal})
    else:
        for line in lines_of_recomputed(found):
            typer.echo(visible(line))
    if not found.is_equal:
        raise typer.Exit(1)


def _show(run_id: str, deps: Deps, *, checkpoint: int | None, as_json: bool) -> None:
    run = deps.runs.get(run_id)
    found = evaluation_of(run, deps.evaluations, checkpoint=checkpoint)
    if as_json:
        print_json({"run_id": run.run_id, **found})
        return
    for line in lines_of_evaluation(found):
        typer.echo(visible(line))
