"""What sending rows back has changed: those that were sent against those that were only watched."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from service.domain.paired_tests import share_limits

# Fewer on either side say nothing of a mean.
LEAST = 5


@dataclass(frozen=True, slots=True)
class Shares:
    """How many of two groups something happened to.

    Attributes:
        sent: Rows that were sent.
        sent_hits: Of these, those that it happened to.
        control: Rows that were only watched.
        control_hits: Of these.
    """

    sent: int
    sent_hits: int
    control: int
    control_hits: int


@dataclass(frozen=True, slots=True)
class Effect:
    """A difference, sent less watched, and where it may truly lie: a 95 % interval."""

    difference: float
    low: float
    high: float

    @property
    def words(self) -> str:
        """Say what it means."""
        if self.low <= 0 <= self.high:
            return "cannot tell yet"
        return "more than without" if self.low > 0 else "less than without"


def effect_on_shares(shares: Shares) -> Effect | None:
    """Compare two shares; None where one of the groups is empty.

    The interval puts those of the two shares together (Newcombe 1998), each by Clopper and Pearson, so that it is
    rather too wide than too narrow.
    """
    if not shares.sent or not shares.control:
        return None
    one, other = shares.sent_hits / shares.sent, shares.control_hits / shares.control
    one_low, one_high = share_limits(shares.sent_hits, shares.sent)
    other_low, other_high = share_limits(shares.control_hits, shares.control)
    difference = one - other
    return Effect(
        difference,
        difference - math.hypot(one - one_low, other_high - other),
        difference + math.hypot(one_high - one, other - other_low),
    )


def effect_on_means(sent: Sequence[float], control: Sequence[float]) -> Effect | None:
    """Compare two means by Welch's interval; None where a group has fewer than ``LEAST`` values, or none differ."""
    if min(len(sent), len(control)) < LEAST:
        return None
    means = [math.fsum(group) / len(group) for group in (sent, control)]
    parts = [
        math.fsum((value - mean) ** 2 for value in group) / (len(group) - 1) / len(group)
        for group, mean in zip((sent, control), means, strict=True)
    ]
    if not sum(parts):
        return None
    from scipy.special import stdtrit

    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(group) - 1) for part, group in zip(parts, (sent, control), strict=True)
    )
    reach = float(stdtrit(freedom, 0.975)) * math.sqrt(sum(parts))
    difference = means[0] - means[1]
    return Effect(difference, difference - reach, difference + reach)
