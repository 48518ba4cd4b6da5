"""A run's page."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from starlette.requests import Request

from service.bootstrap import Deps, now
from service.domain.budgets import Estimate
from service.domain.errors import TrainedAlready
from service.domain.metrics import figure_lines
from service.domain.pipelines import Pipeline
from service.domain.remedies import is_again
from service.domain.runs import RETRAINING, WAITS_FOR_A_PERSON, Run, RunState
from service.domain.triggers import BY_HAND, OPEN_RUN_CODES, Counts, Reason
from service.ports import JobEvent
from service.usecases.doors import weigh_by_hand
from service.usecases.report_run import Checkpoint, report_run, series_of
from service.usecases.start_run import new_run
from service.usecases.steps.paid_once import require_first, require_news
from service.web.pages.chart import charts_of
from service.web.pages.commands import Command, command_to_start_again, commands_for
from service.web.pages.series import lines_of
from service.web.pages.verdict import scores_of

SHOWN_EVENTS = 50
# Most events are measurements, one a step.
READ_EVENTS = 500


def read_run(deps: Deps, request: Request) -> Mapping[str, object]:
    """Give all that is known of a run.

    Raises:
        NotFound: There is none of this id, or several begin with it.
    """
    run = deps.runs.get(request.path_params["run_id"])
    report, events = report_run(run, deps), deps.reports.newest_events(run.run_id, limit=READ_EVENTS)
    history = deps.runs.history(run.run_id)
    evaluation = deps.evaluations.evaluation(run.run_id)
    again, shut = _start_again(run, deps)
    return {
        "run": run,
        "problem": _problem(run, history),
        "commands": (*commands_for(run), *again),
        "shut": shut,
        "ledger": deps.ledger.entries_of(run.run_id),
        "estimate": _estimate(run),
        "history": history,
        "charts": charts_of(lines_of(series_of(run, deps))),
        "events": _words_of([event for _, event in events]),
        "event_count": report.events,
        "checkpoints": [_checkpoint(found) for found in report.checkpoints],
        "evaluation": evaluation,
        "scores": scores_of(evaluation) if evaluation else [],
        "figures": list(figure_lines(evaluation.get("figures", {}))) if evaluation else [],
    }


def _start_again(run: Run, deps: Deps) -> tuple[tuple[Command, ...], tuple[Reason, ...]]:
    """Give the command that starts another run after one that came to nothing, or what it would be refused for."""
    pipeline = deps.settings.pipelines.get(run.pipeline)
    if pipeline is None or run.state not in {RunState.FAILED, RunState.CANCELLED}:
        return (), ()
    despite_sunset, unlisted = bool(run.fact("despite_sunset")), () if run.fact("despite_list") else None
    counts, shut = weigh_by_hand(pipeline, deps, now=now(), despite_sunset=despite_sunset, unlisted=unlisted)
    if run.cause == RETRAINING:
        # Its examples are frozen, and its model is another: of all the doors only this one is the same.
        shut = tuple(reason for reason in shut if reason.code in OPEN_RUN_CODES)
    shut = shut or _trained_already(run, pipeline, counts, deps)
    return ((), shut) if shut else ((command_to_start_again(run),), ())


def _trained_already(run: Run, pipeline: Pipeline, counts: Counts, deps: Deps) -> tuple[Reason, ...]:
    """Say that another run trained the same, where the command would be refused for that."""
    if is_again(run):
        return ()
    try:
        if run.cause == RETRAINING:
            require_first(run.snapshot_id or "", run, deps.runs)
        else:
            require_news(new_run(pipeline, counts, BY_HAND, now=now()), deps.runs)
    except TrainedAlready as error:
        return (Reason("trained_already", f"{error}. {error.remedy}", {}),)
    return ()


def _problem(run: Run, history: list[Mapping[str, Any]]) -> tuple[str, str] | None:
    """Give what stands in the way and what to do; why it came to this state where a person is asked or it failed."""
    if run.state in WAITS_FOR_A_PERSON or run.state == RunState.FAILED:
        return history[-1]["cause"], run.remedy or ""
    return (run.error, run.remedy or "") if run.error else None


def _estimate(run: Run) -> str | None:
    estimate = run.fact("estimate")
    return Estimate(**estimate).in_words() if estimate else None


def _words_of(events: list[JobEvent]) -> list[JobEvent]:
    """Give the newest events that say something in words; the measured ones are in the charts."""
    return list(islice((event for event in events if event.kind != "metrics"), SHOWN_EVENTS))


def _checkpoint(found: Checkpoint) -> Mapping[str, object]:
    numbers = {name: value for name, value in found.metrics.items() if name != "step"}
    measured = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in numbers.items())
    return {
        "name": found.model or found.checkpoint_id,
        "step": found.step,
        "measured": measured,
        "is_best": found.is_best,
    }
