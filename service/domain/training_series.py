"""What a training measured, step by step, as a job's events, checkpoints and result file tell it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

# How servers spell what they measure: OpenAI's events and checkpoints, its result files, and Azure's.
METRICS: Mapping[str, str] = {
    "train_loss": "train_loss",
    "train_accuracy": "train_accuracy",
    "train_mean_token_accuracy": "train_accuracy",
    "valid_loss": "valid_loss",
    "validation_loss": "valid_loss",
    "valid_accuracy": "valid_accuracy",
    "valid_mean_token_accuracy": "valid_accuracy",
    "validation_mean_token_accuracy": "valid_accuracy",
    "full_valid_loss": "full_valid_loss",
    "full_validation_loss": "full_valid_loss",
    "full_valid_accuracy": "full_valid_accuracy",
    "full_valid_mean_token_accuracy": "full_valid_accuracy",
    "full_validation_mean_token_accuracy": "full_valid_accuracy",
}
# What a column of whole numbers holds.
MOST_STEPS = 2**31 - 1
_LAST_SECOND = 253_402_300_799  # of the year 9999, the last that a datetime holds


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """One step of a training; what was not measured at it is None.

    Attributes:
        step: Counted from 1, over all epochs.
        train_loss: On the step's own batch; losses and accuracies are the trainer's own measures.
        train_accuracy: The share of tokens that were right, 0 to 1.
        valid_loss: On a batch of the validation file.
        full_valid_loss: On the whole validation file, at the end of an epoch.
        total_steps: How many the training takes.
        at: When it was reported, in unix seconds.
    """

    step: int
    train_loss: float | None = None
    train_accuracy: float | None = None
    valid_loss: float | None = None
    valid_accuracy: float | None = None
    full_valid_loss: float | None = None
    full_valid_accuracy: float | None = None
    total_steps: int | None = None
    at: int | None = None


CELLS = tuple(field.name for field in fields(SeriesPoint) if field.name != "step")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is.

    Attributes:
        train_loss: The newest that was told, as the other two are.
        finish_at: When it will probably end; None once it has, or where nothing tells.
    """

    step: int
    total_steps: int | None
    train_loss: float | None
    valid_loss: float | None
    full_valid_loss: float | None
    finish_at: datetime | None


def point_of(facts: Mapping[str, Any], *, at: int | None = None) -> SeriesPoint | None:
    """Read what an event says of a step; None where it says nothing of one.

    Args:
        facts: The event's ``data``: ``step``, ``total_steps`` and metrics under any spelling of ``METRICS``.
        at: When it was reported, in unix seconds.
    """
    step = whole(facts.get("step"))
    measured = metrics_in(facts)
    if step is None or not measured:
        return None
    return SeriesPoint(step, **measured, total_steps=whole(facts.get("total_steps")), at=at)


def metrics_in(facts: Mapping[str, Any]) -> dict[str, float]:
    """Give the metrics that are numbers, by our names; a loss that overflowed or is NaN counts as not measured."""
    found = ((METRICS[name], finite(value)) for name, value in facts.items() if name in METRICS)
    return {name: value for name, value in found if value is not None}


def merge(points: Iterable[SeriesPoint]) -> list[SeriesPoint]:
    """Make one point of all of a step, sorted: cell by cell the later one counts, where it says anything.

    A paused job repeats steps when it goes on, and a result file says more exactly what the events said.
    """
    steps: dict[int, dict[str, Any]] = {}
    for point in points:
        told = {name: value for name in CELLS if (value := getattr(point, name)) is not None}
        steps.setdefault(point.step, {}).update(told)
    return [SeriesPoint(step, **steps[step]) for step in sorted(steps)]


def progress_of(points: Sequence[SeriesPoint], *, estimated_finish: int | None, is_open: bool) -> Progress | None:
    """Say how far a training is; None before its first step.

    Args:
        points: Sorted by step.
        estimated_finish: What the trainer expects, in unix seconds; without it the pace of the steps tells.
        is_open: Whether the job still runs.
    """
    if not points:
        return None
    total = max((point.total_steps for point in points if point.total_steps), default=None)
    expected = (estimated_finish or _by_pace(points, total)) if is_open else None
    return Progress(
        step=points[-1].step,
        total_steps=total,
        train_loss=_newest(points, "train_loss"),
        valid_loss=_newest(points, "valid_loss"),
        full_valid_loss=_newest(points, "full_valid_loss"),
        finish_at=moment_of(expected),
    )


def best_checkpoint(checkpoints: Iterable[Mapping[str, Any]]) -> str | None:
    """Give the model of the checkpoint with the least loss on the whole validation file, the later of two alike.

    Args:
        checkpoints: Each with ``model``, ``step`` and ``metrics``; one without that loss cannot be the best.
    """
    measured = [
        (loss, -(whole(item.get("step")) or 0), str(item["model"]))
        for item in checkpoints
        if item.get("model") and (loss := metrics_in(item.get("metrics") or {}).get("full_valid_loss")) is not None
    ]
    return min(measured)[2] if measured else None


def moment_of(seconds: int | None) -> datetime | None:
    """Give the moment that a trainer means by unix seconds; None for 0 and for what is no moment."""
    return datetime.fromtimestamp(seconds, UTC) if seconds and 0 < seconds <= _LAST_SECOND else None


def finite(value: object) -> float | None:
    """Give a number that is one; None for everything else, such as NaN, which no JSON column takes."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def whole(value: object) -> int | None:
    """Give a count that is a whole number and fits a column; None for everything else."""
    number = finite(value)
    return int(number) if number is not None and number.is_integer() and 0 <= number <= MOST_STEPS else None


def _newest(points: Sequence[SeriesPoint], name: str) -> float | None:
    values = (getattr(point, name) for point in reversed(points))
    return next((value for value in values if value is not None), None)


def _by_pace(points: Sequence[SeriesPoint], total: int | None) -> int | None:
    """Go on at the pace so far, from the first step that was told to the last."""
    timed = [(point.step, point.at) for point in points if point.at]
    if total is None or len(timed) < 2:  # noqa: PLR2004 - a pace takes two
        return None
    (first, begun), (last, reached) = timed[0], timed[-1]
    return reached + round(max(0, total - last) * max(0, reached - begun) / (last - first))
