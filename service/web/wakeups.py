"""Wake-ups of the workers: at most one a second, however many deliveries arrive."""

import asyncio
from collections.abc import Callable

import structlog

from service.domain.errors import ServiceError

logger = structlog.get_logger()
PAUSE_S = 1.0


class Waker:
    """Wakes the conversion soon after a delivery was stored; losing a wake-up loses nothing, see ``sweep``.

    Args:
        wake: Queues the job; blocking, so it runs in a thread.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Say that something was stored."""
        self._rung.set()

    async def run(self) -> None:
        """Wake until cancelled. What rings during the pause is woken for right after it, never forgotten."""
        while True:
            await self._rung.wait()
            self._rung.clear()
            try:
                await asyncio.to_thread(self._wake)
            except ServiceError as error:
                logger.warning("wake_up_failed", error=str(error))
            await asyncio.sleep(PAUSE_S)
