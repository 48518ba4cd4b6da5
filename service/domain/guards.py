"""When a metric that must not get worse got worse."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.domain.comparisons import Comparison

DEFAULT_GUARD_MARGIN = 2.0
# Keeps a fall of exactly the margin, such as 2 in 100 answers, on the allowed side.
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class GuardRule:
    """How far a guard may fall, and what shows that it did not.

    By default it fails where its mean on the held-out examples fell by more than the margin, significantly or not:
    asking for proof that it did fall would let anything pass on few examples. Asking for proof that it did not is safer
    still, and on a hundred examples stops most models that did not fall at all: ``make bench NAME=verdict`` prints
    both.

    Attributes:
        margin: In points: hundredths of the metric's range, so that 2 are two points of chrF and two percentage
            points of a rate. One for all, or by metric.
        proven: Whether the whole 95 % interval has to lie above the margin, and not the mean alone.
    """

    margin: Mapping[str, float] | float = DEFAULT_GUARD_MARGIN
    proven: bool = False

    def margin_of(self, guard: Comparison) -> float:
        """Give the margin in points."""
        if isinstance(self.margin, Mapping):
            return self.margin.get(guard.metric, DEFAULT_GUARD_MARGIN)
        return self.margin

    def room(self, guard: Comparison) -> float:
        """Give how far the mean lies above the margin, in the metric's unit; negative beyond it."""
        return guard.difference + self.margin_of(guard) * guard.span / 100

    def is_failed_by(self, guard: Comparison) -> bool:
        """Say whether this fall is too much."""
        unsure = guard.difference - guard.low if self.proven else 0.0
        return self.room(guard) - unsure < -_TOLERANCE
