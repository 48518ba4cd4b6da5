"""Staying the one who has a run while a step of it takes longer than a lease."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

from service.domain.runs import Run
from service.usecases.steps.parts import Parts

_EVERY_S = 1.0


@contextmanager
def kept(keep: Callable[[], object]) -> Iterator[None]:
    """Keep what one has while something is computed that does not say how far it is.

    Raises:
        ServiceError: What ``keep`` raises, once the computation is over.
    """
    over = Event()

    def go_on() -> None:
        while not over.wait(_EVERY_S):
            keep()

    with ThreadPoolExecutor(1) as pool:
        keeping = pool.submit(go_on)
        try:
            yield
        finally:
            over.set()
        keeping.result()


def keeper(run: Run, parts: Parts) -> Callable[[], None]:
    """Give what keeps a run: to be called as often as one likes, it writes once in a third of a lease."""
    every = parts.timing.lease / 3
    extend_at = parts.clock() + every

    def keep() -> None:
        nonlocal extend_at
        now = parts.clock()
        if now >= extend_at:
            parts.runs.extend(run, until=now + parts.timing.lease)
            extend_at = now + every

    return keep
