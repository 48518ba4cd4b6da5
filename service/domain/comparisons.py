"""What numbers on held-out examples say, and how sure they are.

Everything is exact or seeded, and does not depend on the order of the examples: judging the same answers
twice must not give two verdicts. Every interval is a 95 % interval.
"""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from service.domain.metrics import Kind, Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ALPHA = 0.05
_SEED = 20_260_101
_RESAMPLES = 4_999
# 2**16 sign flips are enumerated in some milliseconds; each further pair would double that.
_EXACT_PAIRS = 16
_BLOCK_CELLS = 1_000_000


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
        low, high = _share_limits(_count_ones(values), len(values))
    elif min(values) == max(values):
        unseen = _share_limits(0, len(values))[1]
        low, high = mean - unseen * (mean - metric.low), mean + unseen * (metric.high - mean)
    else:
        low, high = _bootstrap_limits(values)
    return Interval(mean, min(low, mean), max(high, mean))


def compare(metric: Metric, challenger: Sequence[float], incumbent: Sequence[float]) -> Comparison:
    """Compare two models on the same examples, in pairs.

    Args:
        metric: What was measured.
        challenger: Its value on each example.
        incumbent: The other model's value on each example, in the same order.

    Returns:
        For yes/no the p of McNemar's exact test. For scores the p of the sign-flip permutation test: exact up
        to 16 examples that differ, beyond that from seeded flips of which the observed one is counted, so
        that p is never 0. The interval is the test turned round: it leaves out zero where p is below 5 %.

    Raises:
        ValueError: The two differ in length, or a yes/no value is neither 0 nor 1.
    """
    sign = 1 if metric.higher_is_better else -1
    differences = [sign * (new - old) for new, old in zip(challenger, incumbent, strict=True)]
    n, better, worse = len(differences), sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    mean = math.fsum(differences) / n if n else 0.0
    span = metric.high - metric.low
    if metric.kind == "yes_no":
        _count_ones([*challenger, *incumbent])
        p, (low, high) = _mcnemar(better, worse), _paired_share_limits(better, worse, n)
    else:
        p, (low, high) = _sign_flip(differences), _paired_score_limits(differences, span)
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


def _share_limits(hits: int, n: int) -> tuple[float, float]:
    """Give the interval of Clopper and Pearson for a share; everything is possible where n is 0."""
    from scipy.special import betaincinv

    low = float(betaincinv(hits, n - hits + 1, _ALPHA / 2)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1 - _ALPHA / 2)) if hits < n else 1.0
    return low, high


def _mcnemar(better: int, worse: int) -> float:
    """Give the exact p: as heads and tails, were both models alike, of the pairs that differ."""
    tosses = better + worse
    tail = sum(math.comb(tosses, k) for k in range(min(better, worse) + 1))
    # Beyond a thousand pairs the true p may be smaller than any float, but it is never 0.
    return min(1.0, max(sys.float_info.min, 2 * tail / 2**tosses))


def _paired_share_limits(better: int, worse: int, n: int) -> tuple[float, float]:
    """Give the interval of a difference of two shares over the same examples.

    It is the share of examples that differ, times how one-sided these are: both by Clopper and Pearson, taken
    at the ends that lie farthest apart. So it leaves out zero exactly where McNemar's p is below 5 %.
    """
    fewest, most = _share_limits(better + worse, n)
    for_least, for_most = (2 * side - 1 for side in _share_limits(better, better + worse))
    return min(for_least * fewest, for_least * most), max(for_most * fewest, for_most * most)


def _sign_flip(differences: Sequence[float]) -> float:
    """Give the p of the sign-flip test; equal pairs change no sum, so leaving them out keeps more cases exact."""
    import numpy as np

    sizes = sorted(abs(d) for d in differences if d)
    if not sizes:
        return 1.0
    # A sign flipped is an example whose size moves to the other side: total minus twice what moved.
    moved = np.concatenate([sums for sums, _ in _subsets(sizes)])
    total, tolerance = math.fsum(sizes), 1e-9 * math.fsum(sizes)
    observed = abs(math.fsum(differences))
    return float(np.mean(np.abs(total - 2 * moved) >= observed - tolerance))


def _paired_score_limits(differences: Sequence[float], span: float) -> tuple[float, float]:
    """Give the shifts that the sign-flip test would not refuse: ordered means of subsets (Hartigan 1969)."""
    import numpy as np

    if not any(differences):
        unseen = _share_limits(0, len(differences))[1] if differences else 1.0
        return -unseen * span, unseen * span
    if math.fsum(differences) < 0:
        # One orientation for both: swapping the models then mirrors the interval exactly.
        low, high = _paired_score_limits([-d for d in differences], span)
        return -high, -low
    subsets = list(_subsets(sorted(differences)))
    sums, sizes = (np.concatenate(parts) for parts in zip(*subsets, strict=True))
    with_members = sizes > 0
    means = np.divide(sums, sizes, out=np.full_like(sums, -math.inf), where=with_members)
    # The empty subset, the observation itself, speaks against no shift: it stands at either end.
    rank = math.ceil(len(means) * _ALPHA / 2) - 1
    low = float(np.sort(means)[rank])
    means[~with_members] = math.inf
    high = float(-np.sort(-means)[rank])
    return max(low, -span), min(high, span)


def _subsets(values: Sequence[float]) -> "Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]":
    """Give sums and sizes of subsets, with each its complement: all of them, or the empty one and seeded ones."""
    import numpy as np

    weights = np.column_stack([np.asarray(values), np.ones(len(values))])
    if len(values) <= _EXACT_PAIRS:
        chosen = (np.arange(2 ** len(values))[:, None] >> np.arange(len(values))) & 1
        yield tuple((chosen @ weights).T)
        return
    everything = weights.sum(axis=0)
    yield tuple(np.stack([0 * everything, everything]).T)
    generator = np.random.default_rng(_SEED)
    for count in _blocks(_RESAMPLES, len(values)):
        drawn = generator.integers(0, 2, size=(count, len(values)), dtype=np.int8) @ weights
        yield tuple(np.concatenate([drawn, everything - drawn]).T)


def _bootstrap_limits(values: Sequence[float]) -> tuple[float, float]:
    import numpy as np

    ordered = np.sort(np.asarray(values, dtype=np.float64))
    generator = np.random.default_rng(_SEED)
    means = [
        ordered[generator.integers(0, len(ordered), size=(count, len(ordered)))].mean(axis=1)
        for count in _blocks(_RESAMPLES, len(ordered))
    ]
    low, high = np.quantile(np.concatenate(means), [_ALPHA / 2, 1 - _ALPHA / 2])
    return float(low), float(high)


def _blocks(rows: int, width: int) -> Iterator[int]:
    """Divide the draws so that no block fills the memory, however many examples there are."""
    step = max(1, _BLOCK_CELLS // width)
    for start in range(0, rows, step):
        yield min(step, rows - start)
