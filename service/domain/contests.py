"""A challenger against one rival."""

from dataclasses import dataclass
from typing import Literal

from service.domain.comparisons import Comparison

Rival = Literal["champion", "base"]


@dataclass(frozen=True, slots=True)
class Contest:
    """A challenger against one rival, on the held-out examples that both answered.

    Attributes:
        rival: Who serves now, or the model as it was before any tuning.
        primary: The metric that has to get better.
        guards: Those that must not get worse.
    """

    rival: Rival
    primary: Comparison
    guards: tuple[Comparison, ...] = ()
