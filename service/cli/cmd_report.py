"""``tuneloop report`` and ``tuneloop models curve``: an evaluation told whole, and whether labelling still pays."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from service.bootstrap import Deps
from service.cli.app import AsJson, app, models, print_json
from service.cli.curve_lines import lines_of_curve
from service.config import load
from service.domain.errors import ConfigurationError, NotFound
from service.domain.plurals import how_many
from service.domain.reports import WORST, EvaluationReport
from service.usecases.draw_pipeline_curve import draw_pipeline_curve
from service.usecases.report_evaluation import ComparedWith, Wanted, report_evaluation
from service.web.report_answers import plain_report

_PART = ".part"


@app.command()
def report(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="A judged run's id or the beginning of it.")],
    *,
    out: Annotated[Path | None, typer.Option(help="The file to write; report-RUN.html here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead: printed, or written to --out.")] = False,
    worst: Annotated[int | None, typer.Option(min=0, help=f"How many examples, the worst first; {WORST}.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All examples, and every text whole.")] = False,
    checkpoint: Annotated[
        int | None, typer.Option(metavar="STEP", help="An earlier checkpoint that was judged.")
    ] = None,
    against: Annotated[ComparedWith, typer.Option(help="What the challenger's answers are marked against.")] = "human",
) -> None:
    """Write the report of a run's evaluation: verdict, scores, slices, cost, and answers side by side.

    It holds label texts and answers: they go into this file and nowhere else. No model is asked anything.
    """
    if every and worst is not None:
        raise ConfigurationError("--worst and --all exclude each other", remedy="Give one of them.")
    deps = Deps(load(os.environ))
    most = None if every else WORST if worst is None else worst
    found = report_evaluation(run_id, deps, Wanted(most, against, checkpoint))
    if as_json and out is None:
        print_json(plain_report(found))
        return
    step = "" if checkpoint is None else f"-step-{checkpoint}"
    path = out or Path(f"report-{found.run.run_id}{step}.html")
    _write(path, json.dumps(plain_report(found), ensure_ascii=False) if as_json else _html(found, whole=every))
    typer.echo(f"{found.verdict.outcome}: {path}, {len(found.examples)} of {how_many(found.held_out, 'example')}")


def _html(found: EvaluationReport, *, whole: bool) -> str:
    from service.web.pages.report import report_html

    return report_html(found, whole=whole)


def _write(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all, and that only its owner can read."""
    passing = path.with_name(path.name + _PART)
    passing.unlink(missing_ok=True)
    with os.fdopen(os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        # Half an emoji cannot be written, and is no reason to have no report.
        file.write(text.encode(errors="replace").decode())
    passing.replace(path)


@models.command()
def curve(
    pipeline: str,
    *,
    metric: Annotated[str | None, typer.Option(help="One of the verdict's; the primary one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show scores by dataset version, and whether 50 more labels would pay."""
    deps = Deps(load(os.environ))
    found = draw_pipeline_curve(pipeline, deps, metric=metric)
    if found is None and pipeline not in deps.settings.pipelines:
        raise NotFound(f"no pipeline {pipeline!r}", remedy=f"There are: {', '.join(deps.settings.pipelines)}")
    if as_json:
        print_json(asdict(found) if found else None)
        return
    for line in lines_of_curve(found) if found else ("No run of it was judged yet.",):
        typer.echo(line)
