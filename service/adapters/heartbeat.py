"""A heartbeat: something said again and again beside the work, for as long as the work goes on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import sqlalchemy as sa
from structlog import get_logger

from service.domain.errors import ServiceError

logger = get_logger()


@contextmanager
def beating(beat: Callable[[], None], *, every_s: float) -> Iterator[None]:
    """Call ``beat`` every so often from a thread of its own until the block ends.

    A worker that waits two minutes for one request says so that it lives; one that was killed says nothing more. A
    beat that fails is left out: the next may succeed, and if none does the worker has lost what it holds.
    """
    stop = Event()

    def run() -> None:
        while not stop.wait(every_s):
            try:
                beat()
            except (ServiceError, sa.exc.SQLAlchemyError) as error:
                logger.warning("heartbeat_failed", error=type(error).__name__)

    thread = Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
