"""Runs on the command line."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.bootstrap import Deps, now
from service.cli.app import AsJson, AtMost, print_json, runs
from service.cli.run_lines import lines_of_events, lines_of_ledger, lines_of_report, lines_of_run, lines_of_story
from service.cli.showing import visible
from service.config import load
from service.domain.errors import ConfigurationError, NotFound
from service.domain.metrics import figure_lines
from service.domain.runs import Run, RunState
from service.usecases.report_run import report_run, series_of
from service.usecases.retrain import Retraining, retrain
from service.usecases.start_run import start_by_hand

if TYPE_CHECKING:
    from service.usecases.reconcile_trainer import Compared

_NEWEST = 5
RunId = Annotated[str, typer.Argument(help="A run's id or the beginning of it.")]


_HAS_OPEN_JOB = frozenset({RunState.SUBMITTED, RunState.TRAINING})


@runs.command("list")
def list_runs(
    pipeline: Annotated[str | None, typer.Option()] = None, limit: AtMost = 20, *, as_json: AsJson = False
) -> None:
    """List the newest runs first."""
    found = _deps().runs.recent(pipeline, limit)
    if as_json:
        print_json([asdict(run) for run in found])
        return
    # Plain lines, because a table cuts ids where the terminal is narrow.
    for run in found:
        typer.echo(f"{run.run_id}  {run.created_at:%Y-%m-%d %H:%M:%S}  {run.pipeline} no. {run.ordinal}: {run.state}")
        status = f", {run.fact('job_status')}" if run.state in _HAS_OPEN_JOB else ""
        typer.echo(visible(f"    {run.model} at {run.trainer}, job {run.job_id or '-'}{status}"))
        if run.error:
            typer.echo(visible(f"    {run.error}"))
    if not found:
        typer.echo("No run yet.")


@runs.command()
def show(run_id: RunId, *, as_json: AsJson = False) -> None:
    """Show a run with its history, its evaluation and what its job reported."""
    deps = _deps()
    run = deps.runs.get(run_id)
    facts: dict[str, Any] = {
        "run": asdict(run),
        "history": deps.runs.history(run.run_id),
        "evaluation": deps.evaluations.evaluation(run.run_id),
        "judged_checkpoints": deps.evaluations.judged_checkpoints(run.run_id),
        "ledger": [asdict(entry) for entry in deps.ledger.entries_of(run.run_id)],
    }
    report = report_run(run, deps)
    if as_json:
        print_json(facts | {"report": asdict(report)})
        return
    typer.echo(f"{run.run_id}  {run.pipeline} no. {run.ordinal}: {run.state}")
    newest = deps.reports.newest_events(run.run_id, limit=_NEWEST)
    for line in (
        *lines_of_run(run),
        *lines_of_ledger(facts["ledger"]),
        *lines_of_report(report, series_of(run, deps)),
        *(f"  {'judged':<12} step {step}: {outcome}" for step, outcome in facts["judged_checkpoints"].items()),
        *lines_of_story(run, facts["history"]),
        *(f"  {line}" for line in figure_lines((facts["evaluation"] or {}).get("figures", {}))),
        *lines_of_events(run, [event for _, event in newest], known=report.events),
    ):
        typer.echo(visible(line))


@runs.command()
def orphans(
    trainer: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    *,
    clean: Annotated[bool, typer.Option("--clean", help="Do now what the schedule does by itself.")] = False,
    as_json: AsJson = False,
) -> None:
    """List jobs and files of ours at the trainers that no run knows, and what becomes of them."""
    from service.usecases.reconcile_trainer import reconcile_trainer

    deps = _deps()
    if trainer and trainer not in deps.settings.trainers:
        raise NotFound(f"no trainer {trainer!r}", remedy=f"There are: {', '.join(deps.settings.trainers)}")
    names = [trainer] if trainer else sorted(set(deps.aftermath.trainers()) & deps.settings.trainers.keys())
    found = {name: reconcile_trainer(name, deps.parts, act=clean) for name in names}
    if as_json:
        print_json({name: asdict(compared) for name, compared in found.items()})
    else:
        _print_orphans(found, acted=clean)
    if any(compared.errors for compared in found.values()):
        raise typer.Exit(1)


def _print_orphans(found: Mapping[str, "Compared"], *, acted: bool) -> None:
    for name, compared in found.items():
        for orphan in compared.orphans:
            done = orphan.done if acted else f"to be {orphan.done}, with --clean"
            settled = "a person has to settle this" if orphan.remedy else done
            typer.echo(visible(f"{name}: {orphan.kind} {orphan.thing_id}: {settled}\n    {orphan.what}"))
            if orphan.remedy:
                typer.echo(visible(f"    What to do: {orphan.remedy}"))
        for error in compared.errors:
            typer.echo(visible(f"{name}: {error}"), err=True)
    if not any(compared.orphans or compared.errors for compared in found.values()):
        typer.echo("Every job and file of ours is known.")


@runs.command()
def start(
    pipeline: Annotated[str | None, typer.Argument(help="May be left out with --snapshot.")] = None,
    *,
    snapshot: Annotated[str | None, typer.Option(help="Train this one, frozen before, instead of what stands.")] = None,
    trainer: Annotated[str | None, typer.Option(help="Where to train the snapshot; the pipeline's own.")] = None,
    model: Annotated[str | None, typer.Option(help="The base model to train; the pipeline's own.")] = None,
    despite_sunset: Annotated[bool, typer.Option(help="Although the model is about to shut down.")] = False,
    despite_list: Annotated[bool, typer.Option(help="Although the trainer's list does not have the model.")] = False,
    again: Annotated[bool, typer.Option(help="Although the same was trained on this model before.")] = False,
) -> None:
    """Start a run now, without waiting for the threshold; or train any snapshot on any trainer."""
    deps = _deps()
    if pipeline is not None and pipeline not in deps.settings.pipelines:
        raise NotFound(f"no pipeline {pipeline!r}", remedy=f"There are: {', '.join(deps.settings.pipelines)}")
    despite = {"despite_sunset": despite_sunset, "despite_list": despite_list}
    if snapshot is not None:
        wanted = Retraining(snapshot, pipeline, trainer, model, again=again, **despite)
        typer.echo(f"Started {retrain(wanted, deps.parts).run_id}.")
        return
    if pipeline is None or trainer or model:
        raise ConfigurationError(
            "--trainer and --model are for a snapshot" if pipeline else "neither a pipeline nor a snapshot",
            remedy=f"There are the pipelines {', '.join(deps.settings.pipelines)}, each started as in tuneloop runs "
            f"start {pipeline or next(iter(deps.settings.pipelines))}; tuneloop datasets list shows the snapshots.",
        )
    run = start_by_hand(deps.settings.pipelines[pipeline], deps, clock=now, again=again, **despite)
    typer.echo(f"Started {run.run_id}.")


@runs.command()
def approve(
    run_id: RunId,
    *,
    answers_as: Annotated[
        str | None, typer.Option("--as", help="What the model you deployed answers to, if not the name asked for.")
    ] = None,
) -> None:
    """Let a run go on that waits for a person."""
    from service.usecases.steer_run import approve_run

    _say(approve_run(run_id, _deps().parts, answers_as=answers_as))


@runs.command()
def cancel(run_id: RunId) -> None:
    """Stop a run, and its job."""
    from service.usecases.steer_run import cancel_run

    run = cancel_run(run_id, _deps().parts)
    _say(run)
    if run.job_id and not run.fact("job_over"):
        typer.echo(f"The trainer is asked to stop job {run.job_id} until it has ended; what it cost is billed then.")
    elif run.tuned_model:
        typer.echo(visible(f"Its job had succeeded and is billed. Its model, {run.tuned_model}, is not judged."))


def _say(run: Run) -> None:
    typer.echo(f"{run.run_id} is {run.state}.")


def _deps() -> Deps:
    return Deps(load(os.environ))
