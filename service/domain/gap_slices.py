"""Where a model is weak: slices of the held-out questions whose score lies clearly below the whole, and failures."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.domain.comparisons import interval
from service.domain.metrics import Metric
from service.domain.metrics.label_sets import FEWEST
from service.domain.slices import Slices


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the questions, and how a model does there.

    Attributes:
        name: For people, such as ``prompt: long (above 900 characters)``.
        n: Questions in it.
        mean: The model's mean there.
        low: Lower end of its 95 % interval.
        high: Upper end.
        whole: The mean over all questions.
    """

    name: str
    n: int
    mean: float
    low: float
    high: float
    whole: float


def scored_slices(metric: Metric, values: Mapping[str, float], slices: Slices) -> list[Slice]:
    """Give how a model does in every slice that is large enough, the farthest below the whole first.

    Args:
        metric: What was measured.
        values: By the question's key.
        slices: See ``slices``.
    """
    whole = math.fsum(values.values()) / len(values) if values else 0.0
    found = []
    for name, keys in slices.items():
        mine = [values[key] for key in sorted(keys & values.keys())]
        mean, low, high = interval(metric, mine)
        if len(mine) >= FEWEST and mean is not None:
            found.append(Slice(name, len(mine), mean, low, high, whole))
    sign = 1 if metric.higher_is_better else -1
    return sorted(found, key=lambda part: (sign * (part.mean - whole), part.name))


def is_weak(part: Slice, *, higher_is_better: bool) -> bool:
    """Say whether a slice's whole interval lies on the worse side of the mean over all questions."""
    return part.high < part.whole if higher_is_better else part.low > part.whole


def failures(metric: Metric, keys: Sequence[str], values: Sequence[float]) -> list[str]:
    """Give the questions that went worst, worst first: wrong ones, or the lowest quarter of scores below the mean."""
    sign = 1 if metric.higher_is_better else -1
    # Equal ones in an order that has nothing to do with their place in the file.
    ranked = sorted(zip(keys, values, strict=True), key=lambda item: (sign * item[1], _shuffled(item[0])))
    if metric.kind == "yes_no":
        wrong = 0.0 if metric.higher_is_better else 1.0
        return [key for key, value in ranked if value == wrong]
    mean = math.fsum(values) / len(values) if values else 0.0
    return [key for key, value in ranked[: math.ceil(len(ranked) / 4)] if sign * value < sign * mean]


def _shuffled(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
