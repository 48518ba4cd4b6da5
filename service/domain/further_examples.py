"""How many more held-out examples would settle what these could not."""

import math
from bisect import bisect_left
from statistics import NormalDist

from service.domain.comparisons import Comparison
from service.domain.guards import GuardRule
from service.domain.repeated_looks import Look

MOST_NAMED = 1_000_000
_POWER = 0.8
# In parts of the metric's range.
_NO_DIFFERENCE = 1e-9
_INTERVAL_ALPHA = 0.05
_NORMAL = NormalDist()


def further_examples(comparison: Comparison, look: Look) -> int | None:
    """Estimate how many more examples would prove the difference at the next look, were it to stay as observed.

    The next look has to prove more than this one, and the less so the more of its examples are new: the number is the
    smallest that is enough with its own alpha.

    Returns:
        The examples to add for a power of 80 %, at least 1; None where no difference was observed, or one so small that
        more than ``MOST_NAMED`` would be needed.

    Source: Miettinen 1968 for pairs of yes and no; the usual normal approximation for paired scores.
    """
    n = comparison.n
    if n == 0 or abs(comparison.difference) <= _NO_DIFFERENCE * comparison.span:
        return None

    def is_enough(further: int) -> bool:
        return _examples_in_all(comparison, look.next_alpha(further / (n + further))) <= n + further

    further = bisect_left(range(MOST_NAMED + 1), 1, lo=1, key=is_enough)
    return further if further <= MOST_NAMED else None


def further_examples_for_guard(guard: Comparison, rule: GuardRule, look: Look) -> int | None:
    """Estimate how many more examples would settle whether a guard stands, were its fall to stay as observed."""
    room = rule.room(guard)
    if room <= 0:
        return further_examples(guard, look)
    # The interval shrinks with the root of the examples until it fits above the margin.
    total = ((_NORMAL.inv_cdf(1 - _INTERVAL_ALPHA / 2) + _NORMAL.inv_cdf(_POWER)) * guard.spread / room) ** 2
    further = max(1, math.ceil(total) - guard.n)
    return further if further <= MOST_NAMED else None


def _examples_in_all(comparison: Comparison, alpha: float) -> int:
    size, sure, powered = abs(comparison.difference), _NORMAL.inv_cdf(1 - alpha / 2), _NORMAL.inv_cdf(_POWER)
    differing = comparison.discordant / comparison.n
    if comparison.kind == "yes_no":
        total = (sure * math.sqrt(differing) + powered * math.sqrt(max(0.0, differing - size**2))) ** 2 / size**2
    else:
        total = ((sure + powered) * comparison.spread / size) ** 2
    # However one-sided, so many examples have to differ before an exact test can prove anything.
    least = (math.floor(math.log2(2 / alpha)) + 1) / differing
    return math.ceil(max(total, least))
