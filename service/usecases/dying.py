"""Champions that are about to shut down, and what would take their place."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from service.domain.pipelines import Pipeline
from service.domain.runs import TERMINAL, Run, RunState
from service.domain.sunsets import WARN_DAYS
from service.ports import EvaluationStore
from service.usecases.replacements import (
    Replacement,
    command_for,
    least_days,
    replacements,
    trained_elsewhere,
    what_exists,
)
from service.usecases.sunset import Past, champion_sunset, door_of

# A successor is looked for among so many of a pipeline's newest runs.
_NEWEST_RUNS = 20


class Reigns(Past, Protocol):
    """The same, and who serves."""

    @property
    def evaluations(self) -> EvaluationStore:
        """The champions."""


@dataclass(frozen=True, slots=True)
class Dying:
    """A champion that is about to shut down.

    Attributes:
        days_left: Negative once it has.
        snapshot_id: What it was trained on.
        replacement: What its vendor names in its place.
        successor: A run of a model that lasts: it is under way, or was judged and can be promoted.
        commands: Each trains the same snapshot elsewhere; the first is the one that lasts longest.
        advice: What to do, in a sentence.
        others: What the commands train, in their order.
    """

    pipeline: str
    model: str
    trainer: str
    run_id: str
    snapshot_id: str | None
    shutdown_on: date
    days_left: int
    replacement: str | None
    successor: str | None
    commands: tuple[str, ...]
    advice: str
    others: tuple[Replacement, ...] = ()


def dying_champions(
    pipelines: Mapping[str, Pipeline], reigns: Reigns, *, within_days: int | None, now: datetime
) -> list[Dying]:
    """Give the champions that shut down within some days, the nearest end first.

    Args:
        pipelines: Whose champions.
        reigns: Who serves, and what is known of ends.
        within_days: None for the earliest warning.
        now: The moment.
    """
    within = max(WARN_DAYS) if within_days is None else within_days
    found = [_judged(pipeline, pipelines, reigns, now) for pipeline in pipelines.values()]
    near = [dying for dying in found if dying is not None and dying.days_left <= within]
    return sorted(near, key=lambda dying: (dying.shutdown_on, dying.pipeline))


def _judged(pipeline: Pipeline, pipelines: Mapping[str, Pipeline], reigns: Reigns, now: datetime) -> Dying | None:
    champion = reigns.evaluations.champion(pipeline.name)
    sunset = champion_sunset(champion, reigns) if champion else None
    if champion is None or sunset is None or sunset.shutdown_on is None:
        return None
    run = reigns.runs.get(champion["run_id"])
    others = replacements(run, pipelines, reigns, least=least_days(pipeline), now=now)
    commands = tuple(command_for(pipeline.name, run.snapshot_id, other) for other in others)
    successor = _successor(pipeline, run, reigns, now)
    return Dying(
        pipeline=pipeline.name,
        model=champion["model"],
        trainer=champion["trainer"],
        run_id=run.run_id,
        snapshot_id=run.snapshot_id,
        shutdown_on=sunset.shutdown_on,
        days_left=(sunset.shutdown_on - now.date()).days,
        replacement=sunset.replacement,
        successor=successor.run_id if successor else None,
        commands=commands,
        advice=_advice(pipeline.name, run, successor, commands),
        others=tuple(others),
    )


def _successor(pipeline: Pipeline, champion: Run, reigns: Reigns, now: datetime) -> Run | None:
    """Give a run of a model that lasts: the newest under way or kept back, or else one of the same examples."""
    least = least_days(pipeline)
    for run in reigns.runs.recent(pipeline.name, _NEWEST_RUNS):
        alive = run.state not in TERMINAL or (run.state == RunState.KEPT and not run.fact("taken_down"))
        newer = run.ordinal > champion.ordinal
        if alive and newer and not door_of(run.trainer, run.model, reigns, min_days_left=least, now=now):
            return run
    return trained_elsewhere(champion, reigns, least=least, now=now)


def _advice(pipeline: str, champion: Run, successor: Run | None, commands: tuple[str, ...]) -> str:
    if successor:
        return what_exists(successor)
    if commands:
        return f"Train the same examples elsewhere: {commands[0]}"
    without = command_for(pipeline, champion.snapshot_id, None)
    return f"No trainer of the configuration outlives it. Add one (docs/sunset.md), then: {without}"
