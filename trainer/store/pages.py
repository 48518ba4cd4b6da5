"""Pages of a list: at most so many rows, after the one that was the last of the page before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


class CursorUnknown(Exception):
    """The id given as ``after`` is not in the list."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A page of a list.

    Attributes:
        has_more: Whether there are rows after the last one.
    """

    items: Sequence[Item]
    has_more: bool


def page_of(rows: Sequence[Item], limit: int) -> Page[Item]:
    """Make a page from rows that were read with ``limit + 1``, the one too many telling that there are more."""
    return Page(rows[:limit], has_more=len(rows) > limit)
