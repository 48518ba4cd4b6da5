"""What numbers on held-out examples say, and how sure they are.

Everything is exact or seeded, and does not depend on the order of the examples: judging the same answers
twice must not give two verdicts. Every interval is a 95 % interval.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from service.domain.metrics import Kind, Metric
from service.domain.paired_tests import (
    bootstrap_limits,
    mcnemar,
    paired_score_limits,
    paired_share_limits,
    share_limits,
    sign_flip,
)


class Interval(NamedTuple):
    """A mean and where it may truly lie; the mean is None where nothing was measured."""

    mean: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same held-out examples; plain values only, so that it can be stored as JSON.

    Attributes:
        metric: The metric's name.
        words: What it measures, as a manager reads it.
        kind: ``yes_no`` or ``score``.
        span: The metric's greatest minus its least value.
        n: Examples that both models answered.
        challenger: The challenger's mean, 0.0 where n is 0.
        incumbent: The incumbent's mean, 0.0 where n is 0.
        difference: Mean difference in the metric's unit, positive where the challenger is better.
        low: Lower end of the difference's 95 % interval.
        high: Upper end of the difference's 95 % interval.
        p: Two-sided, in (0, 1]: how often chance alone would show a difference at least as large.
        better_on: Examples on which the challenger is better.
        worse_on: Examples on which it is worse.
        spread: Standard deviation of the differences, 0.0 where n is below 2.
    """

    metric: str
    words: str
    kind: Kind
    span: float
    n: int
    challenger: float
    incumbent: float
    difference: float
    low: float
    high: float
    p: float
    better_on: int
    worse_on: int
    spread: float

    @property
    def discordant(self) -> int:
        """Examples on which the two models differ; only these say anything about which is better."""
        return self.better_on + self.worse_on


def interval(metric: Metric, values: Sequence[float]) -> Interval:
    """Give the mean of one model's values and its 95 % interval.

    Args:
        metric: What was measured.
        values: One value an example, in any order.

    Returns:
        For yes/no the exact interval of Clopper and Pearson; for scores the percentile bootstrap. Where all
        scores are equal a bootstrap would claim certainty: then as many unseen examples may differ as
        Clopper and Pearson allow, each by as much as the range does. Without values it is the whole range.

    Raises:
        ValueError: A yes/no value is neither 0 nor 1.
    """
    if not values:
        return Interval(None, metric.low, metric.high)
    mean = math.fsum(values) / len(values)
    if metric.kind == "yes_no":
        low, high = share_limits(_count_ones(values), len(values))
    elif min(values) == max(values):
        unseen = share_limits(0, len(values))[1]
        low, high = mean - unseen * (mean - metric.low), mean + unseen * (metric.high - mean)
    else:
        low, high = bootstrap_limits(values)
    return Interval(mean, min(low, mean), max(high, mean))


def compare(metric: Metric, challenger: Sequence[float], incumbent: Sequence[float]) -> Comparison:
    """Compare two models on the same examples, in pairs.

    Args:
        metric: What was measured.
        challenger: Its value on each example.
        incumbent: The other model's value on each example, in the same order.

    Returns:
        For yes/no the p of McNemar's exact test, for scores that of the sign-flip permutation test; p is never 0.
        The interval is the test turned round: it leaves out zero where p is below 5 %. Of scores on more than 16
        examples its ends are drawn, with a seed, so that this holds to within a sampling error.

    Raises:
        ValueError: The two differ in length, or a yes/no value is neither 0 nor 1.
    """
    sign = 1 if metric.higher_is_better else -1
    differences = [sign * (float(new) - float(old)) for new, old in zip(challenger, incumbent, strict=True)]
    n, better, worse = len(differences), sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    mean = math.fsum(differences) / n if n else 0.0
    span = metric.high - metric.low
    if metric.kind == "yes_no":
        _count_ones([*challenger, *incumbent])
        p, (low, high) = mcnemar(better, worse), paired_share_limits(better, worse, n)
    else:
        p, (low, high) = sign_flip(differences), paired_score_limits(differences, span)
    return Comparison(
        metric=metric.name,
        words=metric.words,
        kind=metric.kind,
        span=span,
        n=n,
        challenger=math.fsum(challenger) / n if n else 0.0,
        incumbent=math.fsum(incumbent) / n if n else 0.0,
        difference=mean,
        low=min(low, mean),
        high=max(high, mean),
        p=p,
        better_on=better,
        worse_on=worse,
        spread=_spread(differences, mean),
    )


def _spread(differences: Sequence[float], mean: float) -> float:
    if len(differences) < 2:  # noqa: PLR2004 - one value has no spread
        return 0.0
    return math.sqrt(math.fsum((d - mean) ** 2 for d in differences) / (len(differences) - 1))


def _count_ones(values: Sequence[float]) -> int:
    if not all(value in (0.0, 1.0) for value in values):
        raise ValueError("a yes/no metric gives 0 or 1")
    return round(math.fsum(values))
