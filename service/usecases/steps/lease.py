"""Staying the one who has a run while a step of it takes longer than a lease."""

from collections.abc import Callable

from service.domain.runs import Run
from service.usecases.steps.parts import Parts


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
