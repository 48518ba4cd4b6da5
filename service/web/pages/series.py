"""A training job's losses and accuracies, step by step."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeGuard

from service.ports import JobEvent

METRICS = "metrics"
_MOST = 1e15


class Point(NamedTuple):
    """A value at a step."""

    step: float
    value: float


def series_of(events: Iterable[JobEvent]) -> Mapping[str, list[Point]]:
    """Give each series by its name, such as ``train_loss``, in the order of the steps.

    Whatever a trainer measures is taken; what is no number is passed over, as losses that became infinite are.
    """
    found: dict[str, dict[float, float]] = {}
    for event in events:
        step = event.facts.get("step") if event.kind == METRICS else None
        if not is_number(step):
            continue
        for name, value in event.facts.items():
            if name.endswith(("loss", "accuracy")) and is_number(value):
                # A job that went on after a pause repeats steps: the later word counts.
                found.setdefault(name, {})[step] = value
    return {name: [Point(*pair) for pair in sorted(points.items())] for name, points in found.items()}


def is_number(value: object) -> TypeGuard[float]:
    """Say whether a trainer's word is a number that can be drawn; whole ones may be too long for a float."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST
