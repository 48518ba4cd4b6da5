"""Let an earlier champion serve again, at once: it was judged before, so that no answer is asked for and paid."""

from collections.abc import Mapping
from typing import Any

from service.domain.checkpoints import Checkpoint, at_checkpoint
from service.domain.errors import ServiceError
from service.domain.reigns import Crowning, Grounds, predecessors
from service.domain.runs import Run
from service.usecases.name_champion import name_at_once
from service.usecases.promote_run import (
    ModelGone,
    TakenDown,
    evidence_for,
    missing_since_promoted,
    require_lasting,
    require_serving,
    require_there,
    shutdown_of,
)
from service.usecases.steps.parts import Parts
from service.usecases.sunset import champion_sunset


class NothingBefore(ServiceError):
    """There is no earlier champion whose model still answers."""

    remedy = "Promote a judged run instead: see tuneloop runs list."


class NeverServed(ServiceError):
    """The run's model was never the champion of this pipeline, so there is no going back to it."""

    remedy = "Promote it instead."


def roll_back(
    pipeline: str,
    parts: Parts,
    *,
    to: str | None = None,
    by: str | None = None,
    reason: str | None = None,
    despite_sunset: bool = False,
) -> Run:
    """Make the previous champion serve again, or the one of a certain run.

    Args:
        pipeline: Whose champion.
        parts: The parts.
        to: A run that served before; None for the previous one whose model still answers and that was not rolled
            back from. Where it serves now nothing changes.
        by: Who decides.
        reason: Why, in that person's words.
        despite_sunset: Although its model shuts down soon, and sooner than the one that serves.

    Raises:
        NothingBefore: Nobody served before, or no such model answers any more.
        NeverServed: The run was never the champion.
        TakenDown: Its model was undeployed.
        ModelGone: Its model does not answer any more, or not for long.
        ChampionMoved: Somebody else changed the champion just now.
    """
    champion = parts.evaluations.champion(pipeline)
    history = parts.evaluations.champion_history(pipeline)
    row = _previous(pipeline, history, parts) if to is None else _chosen(to, pipeline, champion, history, parts)
    run = _served(row, parts)
    if champion is not None and _who(row) == _who(champion):
        return run
    if to is not None and not despite_sunset:
        require_there(run, parts)
    if not despite_sunset and not _loses_no_day(run, champion, parts):
        require_lasting(run, parts)
    evidence = row["evidence"] or evidence_for(run, parts)
    grounds = Grounds("rollback", evidence, by=by, reason=reason, over=champion["position"] if champion else None)
    if not parts.evaluations.promote(run, "rolled back by hand", now=parts.clock(), grounds=grounds):
        raise TakenDown(run)
    name_at_once(pipeline, parts)
    return run


def _previous(pipeline: str, history: list[Mapping[str, Any]], parts: Parts) -> Mapping[str, Any]:
    rows: dict[tuple[str, str], Mapping[str, Any]] = {_who(row): row for row in reversed(history)}
    before = predecessors(Crowning(_who(row), row["decided"]) for row in reversed(history))
    for who in before:
        if _answers(rows[who], parts):
            return rows[who]
    remedy = f"{NothingBefore.remedy.removesuffix('.')} --pipeline {pipeline}"
    # The newest one serves.
    rolled_back = [row for who, row in rows.items() if who not in before and who != _who(history[0])]
    if left := next((row for row in reversed(rolled_back) if _answers(row, parts)), None):
        raise NothingBefore(
            f"{pipeline} has no earlier champion that answers and was not rolled back from",
            remedy=f"tuneloop models rollback {pipeline} --to {left['run_id']} still can. {remedy}",
        )
    raise NothingBefore(f"{pipeline} has no earlier champion whose model still answers", remedy=remedy)


def _answers(row: Mapping[str, Any], parts: Parts) -> bool:
    """Say whether a champion of before still answers, as far as that is known or its trainer tells."""
    try:
        run = _served(row, parts)
        _require_answering(run, parts)
        require_there(run, parts)
    except ServiceError:
        return False
    return True


def _chosen(
    to: str, pipeline: str, champion: Mapping[str, Any] | None, history: list[Mapping[str, Any]], parts: Parts
) -> Mapping[str, Any]:
    """Give when a run served last; of a run that serves with one model, when it did with another one, if it did."""
    run = parts.runs.get(to)
    mine = [row for row in history if row["run_id"] == run.run_id]
    if not mine:
        remedy = f"Make it the champion: tuneloop models promote {run.run_id}"
        raise NeverServed(f"run {run.run_id} was never the champion of {pipeline}", remedy=remedy)
    others = (row for row in mine if champion is None or _who(row) != _who(champion))
    row: Mapping[str, Any] = next(others, mine[0])
    _require_answering(_served(row, parts), parts)
    return row


def _who(row: Mapping[str, Any]) -> tuple[str, str]:
    return str(row["run_id"]), str(row["model"])


def _served(row: Mapping[str, Any], parts: Parts) -> Run:
    """Give the run of a champion, with the model that served: it may be a checkpoint."""
    run = parts.runs.get(row["run_id"])
    if row["model"] == run.answers_as:
        return run
    return at_checkpoint(run, Checkpoint((row["evidence"] or {}).get("checkpoint"), row["model"]))


def _loses_no_day(run: Run, champion: Mapping[str, Any] | None, parts: Parts) -> bool:
    """Say whether the model that serves is gone, or shuts down no later than the run's."""
    if champion is None:
        return False
    ends, instead_on = champion_sunset(champion, parts).shutdown_on, shutdown_of(run, parts)
    is_sooner = ends is not None and (instead_on is None or ends <= instead_on)
    return champion["gone_since"] is not None or is_sooner


def _require_answering(run: Run, parts: Parts) -> None:
    require_serving(run)
    shutdown_on = shutdown_of(run, parts)
    if missing_since_promoted(run, parts) or (shutdown_on is not None and shutdown_on <= parts.clock().date()):
        raise ModelGone(f"{run.answers_as} at {run.trainer} does not answer any more")
