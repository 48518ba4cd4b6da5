"""Let an earlier champion serve again, at once: it was judged before, so that nothing is asked and nothing paid."""

from collections.abc import Mapping
from typing import Any

from service.domain.errors import ServiceError
from service.domain.reigns import Crowning, Grounds, predecessors
from service.domain.runs import Run
from service.usecases.promote_run import (
    ModelGone,
    TakenDown,
    evidence_for,
    missing_since_promoted,
    require_serving,
    shutdown_of,
)
from service.usecases.steps.parts import Parts


class NothingBefore(ServiceError):
    """There is no earlier champion whose model still answers."""

    remedy = "Promote a judged run instead: tuneloop runs list, then tuneloop models promote RUN."


class NeverServed(ServiceError):
    """The run's model was never the champion of this pipeline, so there is no going back to it."""

    remedy = "Make it the champion with tuneloop models promote RUN."


def roll_back(
    pipeline: str, parts: Parts, *, to: str | None = None, by: str | None = None, reason: str | None = None
) -> Run:
    """Make the previous champion serve again, or the one of a certain run.

    Args:
        pipeline: Whose champion.
        parts: The parts.
        to: A run that served before; the previous one whose model still answers. Where it serves now nothing changes.
        by: Who decides.
        reason: Why, in that person's words.

    Raises:
        NothingBefore: Nobody served before, or no such model answers any more.
        NeverServed: The run was never the champion.
        TakenDown: Its model was undeployed.
        ModelGone: Its model does not answer any more.
        ChampionMoved: Somebody else changed the champion just now.
    """
    champion = parts.evaluations.champion(pipeline)
    history = parts.evaluations.champion_history(pipeline)
    run = _previous(pipeline, history, parts) if to is None else _chosen(to, pipeline, history, parts)
    if champion is not None and champion["run_id"] == run.run_id:
        return run
    crowned = next(row for row in history if row["run_id"] == run.run_id)
    evidence = crowned["evidence"] or evidence_for(run, parts)
    grounds = Grounds("rollback", evidence, by=by, reason=reason, over=champion["position"] if champion else None)
    if not parts.evaluations.promote(run, "rolled back by hand", now=parts.clock(), grounds=grounds):
        raise TakenDown(f"the model of run {run.run_id} was undeployed")
    return run


def _previous(pipeline: str, history: list[Mapping[str, Any]], parts: Parts) -> Run:
    crownings = [Crowning(row["run_id"], row["decided"]) for row in reversed(history)]
    for run_id in predecessors(crownings):
        run = parts.runs.get(run_id)
        try:
            _require_answering(run, parts)
        except ServiceError:
            continue
        return run
    raise NothingBefore(f"{pipeline} has no earlier champion whose model still answers")


def _chosen(to: str, pipeline: str, history: list[Mapping[str, Any]], parts: Parts) -> Run:
    run = parts.runs.get(to)
    if all(row["run_id"] != run.run_id for row in history):
        raise NeverServed(f"run {run.run_id} was never the champion of {pipeline}")
    _require_answering(run, parts)
    return run


def _require_answering(run: Run, parts: Parts) -> None:
    require_serving(run)
    shutdown_on = shutdown_of(run, parts)
    if missing_since_promoted(run, parts) or (shutdown_on is not None and shutdown_on <= parts.clock().date()):
        raise ModelGone(f"{run.answers_as} at {run.trainer} does not answer any more")
