"""A training job's losses and accuracies, step by step."""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeGuard

from service.ports import JobEvent

METRICS = "metrics"


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
        if not _is_number(step):
            continue
        for name, value in event.facts.items():
            if name.endswith(("loss", "accuracy")) and _is_number(value):
                # A job that went on after a pause repeats steps: the later word counts.
                found.setdefault(name, {})[step] = value
    return {name: [Point(*pair) for pair in sorted(points.items())] for name, points in found.items()}


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
