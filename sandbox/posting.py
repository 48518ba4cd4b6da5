"""In which order deliveries leave, with the faults that befall them. Pure but for its counters."""

from collections import Counter
from dataclasses import dataclass

from sandbox.deliveries import Delivery
from sandbox.faults import Faults, fate_of


@dataclass(frozen=True, slots=True)
class Posting:
    """One POST to make, after a delay in seconds."""

    delivery: Delivery
    delay_s: float = 0.0


class PostingPlan:
    """Turns deliveries into postings.

    Args:
        seed: The same seed and the same deliveries give the same postings.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._planned = 0
        self._held: list[Posting] = []
        self.counted = Counter[str]()

    @property
    def holds_back(self) -> bool:
        """Whether a delivery waits for the next one to pass it."""
        return bool(self._held)

    def plan(self, delivery: Delivery, faults: Faults) -> list[Posting]:
        """Give what to post now that this delivery came, in order."""
        fate = fate_of(self._planned, faults, self._seed)
        self._planned += 1
        if fate.lost:
            self.counted["lost"] += 1
            return []
        postings = [Posting(delivery, fate.delay_s)]
        if fate.doubled:
            postings.append(Posting(delivery, fate.delay_s + fate.copy_delay_s))
        self.counted["doubled"] += fate.doubled
        self.counted["delayed"] += fate.delay_s > 0
        if fate.reordered and not self._held:
            self.counted["reordered"] += 1
            self._held = postings
            return []
        return postings + self.release()

    def release(self) -> list[Posting]:
        """Give what is held back; nothing came that could have passed it."""
        held, self._held = self._held, []
        return held
