"""The statistics under a comparison: exact where that is possible, seeded where it is not.

No result depends on the order of its values. Every pair of limits is a 95 % interval.
"""

import math
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ALPHA = 0.05
_SEED = 20_260_101
_RESAMPLES = 4_999
# 2**16 sign flips are enumerated in some milliseconds; each further pair would double that.
_EXACT_PAIRS = 16
# So fine that rounding moves a sum by some hundredths of its standard deviation at most.
_GRID_STEPS = 2**15
# Drawn subsets of so many pairs take a megabyte.
_KEPT_PAIRS = 200
_BLOCK_CELLS = 1_000_000


def share_limits(hits: int, n: int) -> tuple[float, float]:
    """Give the interval of Clopper and Pearson for a share; everything is possible where n is 0."""
    from scipy.special import betaincinv

    low = float(betaincinv(hits, n - hits + 1, _ALPHA / 2)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1 - _ALPHA / 2)) if hits < n else 1.0
    return low, high


def mcnemar(better: int, worse: int) -> float:
    """Give the exact p: as heads and tails, were both models alike, of the pairs that differ."""
    tosses = better + worse
    tail, ways = 0, 1
    for k in range(min(better, worse) + 1):
        tail += ways
        ways = ways * (tosses - k) // (k + 1)
    # Beyond a thousand pairs the true p may be smaller than any float, but it is never 0.
    return min(1.0, max(sys.float_info.min, 2 * tail / (1 << tosses)))


def paired_share_limits(better: int, worse: int, n: int) -> tuple[float, float]:
    """Give the interval of a difference of two shares over the same examples.

    It is the share of examples that differ, times how one-sided these are: both by Clopper and Pearson, taken
    at the ends that lie farthest apart. So it leaves out zero exactly where McNemar's p is below 5 %.
    """
    fewest, most = share_limits(better + worse, n)
    for_least, for_most = (2 * side - 1 for side in share_limits(better, better + worse))
    return min(for_least * fewest, for_least * most), max(for_most * fewest, for_most * most)


def sign_flip(differences: Sequence[float]) -> float:
    """Give the p of the sign-flip test; equal pairs change no sum, so leaving them out keeps more cases exact.

    Many pairs are counted on a grid: that of their unit, where all sizes are multiples of one; else the test is as
    exact for rounded sizes, which say nothing of the signs. No chance is too small to be counted. Drawn flips could not
    tell one in a hundred thousand from none.

    Source: Pagano and Tritchler 1983 for the counting; Streitberg and Roehmel 1986 call it the shift algorithm.
    """
    import numpy as np

    changed = sorted((d for d in differences if d), key=abs)
    if not changed:
        return 1.0
    sizes = [abs(d) for d in changed]
    total = math.fsum(sizes)
    if len(sizes) > _EXACT_PAIRS:
        steps = max(_GRID_STEPS, 8 * len(sizes))
        unit = _unit_of(sizes)
        # Whole numbers of a unit, as labels and stars give them, need no rounding, which would break their ties.
        unit = unit if unit is not None and total <= steps * unit else total / steps
        return _flips_on_grid([round(d / unit) for d in changed])
    # A sign flipped is an example whose size moves to the other side: total minus twice what moved.
    moved = np.concatenate([sums for sums, _ in _subsets(sizes)])
    observed = abs(math.fsum(differences))
    return float(np.mean(np.abs(total - 2 * moved) >= observed - 1e-9 * total))


def _unit_of(sizes: Sequence[float]) -> float | None:
    """Give the largest number that all sizes are multiples of, but for how floats round; None where there is none."""
    noise = 1e-9 * sizes[-1]
    unit = 0.0
    for size in sizes:
        rest, unit = unit, size
        while rest > noise:
            unit, rest = rest, abs(unit - rest * round(unit / rest))
        if unit < 1e3 * noise:
            return None
    return unit


def _flips_on_grid(steps: Sequence[int]) -> float:
    """Give the chance of random signs to leave as little on one side as lies on the lesser one."""
    import numpy as np

    least = min(sum(step for step in steps if step > 0), -sum(step for step in steps if step < 0))
    # By what lies on one side, up to the observed: more of it is never needed.
    chances = np.zeros(least + 1)
    chances[0] = 1.0
    reached = 0
    for size in map(abs, steps):
        reached = min(reached + size, least)
        shifted = chances[: max(0, reached + 1 - size)].copy()
        chances[size : reached + 1] += shifted
        chances[: reached + 1] *= 0.5
    return min(1.0, max(sys.float_info.min, 2 * float(chances.sum())))


def paired_score_limits(differences: Sequence[float], span: float) -> tuple[float, float]:
    """Give the shifts that the sign-flip test would not refuse: ordered means of subsets (Hartigan 1969)."""
    import numpy as np

    if not any(differences):
        unseen = share_limits(0, len(differences))[1] if differences else 1.0
        return -unseen * span, unseen * span
    if math.fsum(differences) < 0:
        # One orientation for both: swapping the models then mirrors the interval exactly.
        low, high = paired_score_limits([-d for d in differences], span)
        return -high, -low
    subsets = list(_subsets(sorted(differences)))
    sums, sizes = (np.concatenate(parts) for parts in zip(*subsets, strict=True))
    with_members = sizes > 0
    means = np.divide(sums, sizes, out=np.full_like(sums, -math.inf), where=with_members)
    # The empty subset, the observation itself, speaks against no shift: it stands at either end.
    rank = math.ceil(len(means) * _ALPHA / 2) - 1
    low = float(np.partition(means, rank)[rank])
    means[~with_members] = math.inf
    high = float(-np.partition(-means, rank)[rank])
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
    for members in _kept_draws(len(values)) if len(values) <= _KEPT_PAIRS else _draws(len(values)):
        drawn = members @ weights
        yield tuple(np.concatenate([drawn, everything - drawn]).T)


def _draws(pairs: int) -> "Iterator[NDArray[np.int8]]":
    import numpy as np

    generator = np.random.default_rng(_SEED)
    for count in _blocks(_RESAMPLES, pairs):
        yield generator.integers(0, 2, size=(count, pairs), dtype=np.int8)


@lru_cache(maxsize=16)
def _kept_draws(pairs: int) -> "tuple[NDArray[np.int8], ...]":
    """Keep what was drawn: an evaluation compares several metrics and rivals on as many examples."""
    return tuple(_draws(pairs))


def bootstrap_limits(values: Sequence[float]) -> tuple[float, float]:
    """Give the percentile bootstrap interval of a mean."""
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
