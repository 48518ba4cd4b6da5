"""Deliveries that are not converted yet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from service.domain.deliveries import Delivery


@dataclass(frozen=True, slots=True)
class Taken:
    """A delivery taken from the inbox, not yet acknowledged.

    Attributes:
        attempts: How often it was taken and neither given back nor acknowledged, this time included: more than
            once means that a conversion of it crashed or that its worker died.
        looks: How many exports did not show yet what it announced.
    """

    entry_id: str
    delivery: Delivery
    attempts: int
    looks: int = 0


class Inbox(Protocol):
    """Deliveries that were acknowledged to Labelbox and are not converted yet."""

    def take(self, limit: int) -> list[Taken]:
        """Take what stands still since another worker took it, then what is new; empty if there is nothing."""

    def claim(self, entry_ids: Sequence[str]) -> list[Taken]:
        """Take exactly these, whoever has them; those that are acknowledged are left out."""

    def touch(self, taken: Sequence[Taken]) -> None:
        """Say that these are still being worked on."""

    def hold(self, taken: Sequence[Taken]) -> None:
        """Keep these without their counting as tried: nothing is done with them yet."""

    def begin(self, taken: Sequence[Taken]) -> None:
        """Count an attempt at these from now on: if the worker dies now, they may be why."""

    def give_back(self, taken: Sequence[Taken], *, pause: timedelta = timedelta(0)) -> None:
        """Let others take these, without their counting as tried, not before the pause is over."""

    def look_again(self, taken: Sequence[Taken]) -> None:
        """Let these come back later, after a longer while each time: the export did not show them yet."""

    def acknowledge(self, taken: Sequence[Taken]) -> None:
        """Forget these: they are converted or in the dead letters."""

    def put_back(self, delivery: Delivery) -> None:
        """Append a delivery once more, for a replay."""

    def rewrite(self, change: Callable[[Delivery], Delivery]) -> int:
        """Put another delivery in the place of each that this changes, whoever has it; give the number.

        What was in the inbox before and is not any more is nowhere afterwards.
        """

    def compact(self) -> bool:
        """Have the server write its disk anew, without what was deleted; False where it does not let us."""

    def depth(self) -> int:
        """Count the deliveries not yet acknowledged."""
