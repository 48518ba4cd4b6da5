"""A run's page."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from starlette.requests import Request

from service.bootstrap import Deps
from service.domain.budgets import Estimate
from service.domain.metrics import figure_lines
from service.domain.runs import WAITS_FOR_A_PERSON, Run, RunState
from service.ports import JobEvent
from service.web.answers import summarize_run
from service.web.pages.chart import charts_of
from service.web.pages.commands import commands_for
from service.web.pages.series import METRICS, is_number, series_of
from service.web.pages.verdict import scores_of

SHOWN_EVENTS = 50


def read_run(deps: Deps, request: Request) -> Mapping[str, object]:
    """Give all that is known of a run.

    Raises:
        NotFound: There is none of this id, or several begin with it.
    """
    run = deps.runs.get(request.path_params["run_id"])
    events = deps.runs.job_events(run.run_id)
    history = deps.runs.history(run.run_id)
    evaluation = deps.evaluations.evaluation(run.run_id)
    return {
        "run": run,
        "problem": _problem(run, history),
        "commands": commands_for(run),
        "estimate": _estimate(run),
        "history": history,
        "charts": charts_of(series_of(events)),
        "events": _newest_words(events),
        "event_count": len(events),
        "checkpoints": [_checkpoint(found) for found in run.fact("checkpoints") or ()],
        "evaluation": evaluation,
        "scores": scores_of(evaluation) if evaluation else [],
        "figures": list(figure_lines(evaluation.get("figures", {}))) if evaluation else [],
    }


def _problem(run: Run, history: list[Mapping[str, Any]]) -> tuple[str, str] | None:
    """Give what stands in the way and what to do; why it came to this state where a person is asked or it failed."""
    told = summarize_run(run)
    if run.state in WAITS_FOR_A_PERSON or run.state == RunState.FAILED:
        return history[-1]["cause"], told.remedy or ""
    # Once a step worked, what went wrong before it is over.
    return (told.error, told.remedy or "") if told.error and run.attempts else None


def _estimate(run: Run) -> str | None:
    estimate = run.fact("estimate")
    return Estimate(**estimate).in_words() if estimate else None


def _newest_words(events: list[JobEvent]) -> list[JobEvent]:
    """Give the newest events that say something in words; the measured ones are in the charts."""
    return list(islice((event for event in reversed(events) if event.kind != METRICS), SHOWN_EVENTS))


def _checkpoint(found: Mapping[str, Any]) -> Mapping[str, Any]:
    metrics = found.get("metrics") or {}
    numbers = {name: value for name, value in metrics.items() if name != "step" and is_number(value)}
    measured = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in numbers.items())
    return {
        "name": found.get("model") or found.get("checkpoint_id") or found.get("id"),
        "step": found.get("step"),
        "measured": measured,
    }
