"""Asking models outside of a run, in turns that whoever forgets data rows can wait for."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from service.usecases.steps.parts import Parts


@dataclass(slots=True)
class Turns:
    """The turns of one evaluation that is no run: ``with Turns(...) as turns``.

    Each begins with what may be asked then, so that nothing forgotten before it is asked, and nothing that was read is
    stored after whoever forgets has waited for its end.
    """

    name: str
    parts: Parts
    _extend_at: datetime | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        """Begin the first turn."""
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        """End the last turn."""
        self.parts.evaluations.end_turns(self.name)

    def begin(self) -> None:
        """End the turn before, if there was one, and begin the next."""
        now, lease = self.parts.clock(), self.parts.timing.lease
        self.parts.evaluations.begin_turn(self.name, until=now + lease, now=now)
        self._extend_at = now + lease / 3

    def keep(self) -> None:
        """Stay in the turn: to be called as often as one likes, it writes once in a third of a lease."""
        now, lease = self.parts.clock(), self.parts.timing.lease
        if self._extend_at is not None and now >= self._extend_at:
            self.parts.evaluations.extend_turn(self.name, until=now + lease)
            self._extend_at = now + lease / 3
