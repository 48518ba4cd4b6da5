"""Letting several threads do something at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

T = TypeVar("T")


def at_once(number: int, act: Callable[[int], T]) -> list[T]:
    """Call ``act`` with 0 to ``number`` - 1, all in threads that begin together."""
    together = Barrier(number)

    def begin(index: int) -> T:
        together.wait()
        return act(index)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(begin, range(number)))
