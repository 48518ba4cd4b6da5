"""Simulated labelers and their reviewer at work, step by step and decided by seed alone. No clock in here.

Every row that people take has a fate: most are answered once and approved, some are rejected and reworked,
edited before or after the approval, deleted and labelled again, or skipped. However it goes, a row that is not
skipped ends as done with its right answer, so the number approved is exact.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from sandbox.ids import seeded
from sandbox.people import Care

# By fate: how many of a hundred rows meet it, and what is done to them.
_FATES: dict[str, tuple[int, tuple[str, ...]]] = {
    "clean": (60, ("submit final", "approve")),
    "careless": (12, ("submit careless", "reject", "submit final", "approve")),
    "edited_in_review": (7, ("submit draft", "edit final", "approve")),
    "edited_when_done": (5, ("submit draft", "approve", "edit final")),
    "deleted": (4, ("submit draft", "delete_label", "submit final", "approve")),
    "deleted_when_done": (3, ("submit draft", "approve", "delete_label", "submit final", "approve")),
    "second_thoughts": (5, ("submit draft", "approve", "move review", "reject", "submit final", "approve")),
    "skipped": (4, ("skip", "approve")),
}
_REVIEWS = ("approve", "reject", "move")
_LONGEST_PAUSE_TICKS = 8


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that one person does now.

    Attributes:
        by: The labeler's e-mail address; None for what the reviewer does.
        detail: The care of ``submit`` and ``edit``, the queue of ``move``.
        seconds: How long it took, by their own account.
        counts: Whether the row is to end approved.
        labeler: Who has the row in hands, also where the reviewer acts.
    """

    action: str
    data_row_id: str
    by: str | None
    detail: str
    seconds: int
    counts: bool
    labeler: str

    @property
    def care(self) -> Care:
        """How well the answer is written."""
        return cast("Care", self.detail or "final")


@dataclass(order=True, slots=True)
class _Errand:
    """A row in somebody's hands, ordered by when the next step is due."""

    due: int
    number: int
    data_row_id: str = field(compare=False)
    labeler: str = field(compare=False)
    fate: str = field(compare=False)
    chance: random.Random = field(compare=False)
    done: int = field(default=0, compare=False)

    @property
    def is_over(self) -> bool:
        return self.done >= len(_FATES[self.fate][1])

    def step(self) -> Step:
        action, _, detail = _FATES[self.fate][1][self.done].partition(" ")
        self.done += 1
        self.due += 1 + self.chance.randrange(_LONGEST_PAUSE_TICKS)
        return Step(
            action=action,
            data_row_id=self.data_row_id,
            by=None if action in _REVIEWS else self.labeler,
            detail=detail,
            seconds=self.chance.randint(20, 240),
            counts=self.fate != "skipped",
            labeler=self.labeler,
        )


class Shift:
    """People working through a queue.

    Args:
        seed: The same seed, queue and calls give the same steps.
        people: How many labelers there are, besides the reviewer.
        approve: How many rows must end approved.
    """

    def __init__(self, *, seed: int, people: int, approve: int) -> None:
        self._seed = seed
        self._people = people
        self._tick = 0
        self._taken = 0
        self._planned = 0
        self._errands: list[_Errand] = []
        self._held: set[str] = set()
        self.target = approve

    @property
    def is_idle(self) -> bool:
        """Whether no row is in anybody's hands."""
        return not self._errands

    @property
    def is_over(self) -> bool:
        """Whether everything that was asked for is done."""
        return self.is_idle and self._planned >= self.target

    def holds(self, data_row_id: str) -> bool:
        """Tell whether somebody has this row in hands."""
        return data_row_id in self._held

    def more(self, approve: int) -> None:
        """Ask for more rows to be approved."""
        self.target += approve

    def call_off(self) -> None:
        """Ask for no more than was begun, because the queue has nothing left."""
        self.target = self._planned

    def tick(self, take_row: Callable[[], str | None]) -> list[Step]:
        """Let as much time pass as one label takes: take at most one row, and do what is due.

        Args:
            take_row: Gives the next data row of the queue, or None where it is empty.
        """
        self._tick += 1
        if self._planned < self.target and (data_row_id := take_row()):
            self._begin(data_row_id)
        steps = []
        while self._errands and self._errands[0].due <= self._tick:
            errand = heapq.heappop(self._errands)
            steps.append(errand.step())
            if errand.is_over:
                self._held.discard(errand.data_row_id)
            else:
                heapq.heappush(self._errands, errand)
        return steps

    def give_up(self, step: Step) -> None:
        """Drop a row that somebody else moved meanwhile; another one is taken in its place."""
        self._errands = [errand for errand in self._errands if errand.data_row_id != step.data_row_id]
        heapq.heapify(self._errands)
        self._held.discard(step.data_row_id)
        self._planned -= step.counts

    def _begin(self, data_row_id: str) -> None:
        chance = seeded("row", self._seed, self._taken)
        (fate,) = chance.choices(list(_FATES), [share for share, _ in _FATES.values()])
        labeler = f"labeler{chance.randrange(self._people) + 1}@example.com"
        heapq.heappush(self._errands, _Errand(self._tick, self._taken, data_row_id, labeler, fate, chance))
        self._held.add(data_row_id)
        self._taken += 1
        self._planned += fate != "skipped"
