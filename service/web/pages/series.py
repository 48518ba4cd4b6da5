"""A training job's losses and accuracies as lines to draw."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from service.domain.training_series import CELLS, SeriesPoint

_DRAWN = tuple(name for name in CELLS if name.endswith(("loss", "accuracy")))


class Point(NamedTuple):
    """A value at a step."""

    step: float
    value: float


def lines_of(points: Iterable[SeriesPoint]) -> Mapping[str, list[Point]]:
    """Give each line by its name, such as ``train_loss``, in the order of the steps; none that has no value."""
    ordered = sorted(points, key=lambda point: point.step)
    found = {
        name: [Point(point.step, value) for point in ordered if (value := getattr(point, name)) is not None]
        for name in _DRAWN
    }
    return {name: line for name, line in found.items() if line}
