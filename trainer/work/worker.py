"""A thread that does what is due and sleeps in between."""

import threading
from collections.abc import Callable

import structlog

logger = structlog.get_logger()
LONGEST_SLEEP_S = 30.0
PAUSE_AFTER_CRASH_S = 1.0


class Worker:
    """Calls ``work`` again and again until it is stopped.

    Args:
        name: The thread's name.
        work: Does what is due; gives the seconds until something may be due again, 0 for "at once".
    """

    def __init__(self, name: str, work: Callable[[], float]) -> None:
        self._work = work
        self._awake = threading.Event()
        self._stopping = threading.Event()
        # A daemon, so that an engine deep in a step cannot keep the process from ending; the job resumes later.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self) -> None:
        """Have it look at once; may be called from any thread."""
        self._awake.set()

    def stop(self) -> None:
        """Ask the thread to end after what it is doing."""
        self._stopping.set()
        self._awake.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread's end, but not for ever."""
        self._thread.join(timeout_s)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                sleep_s = self._work()
            except Exception:
                # The edge of the thread: whatever failed (a full disk, say) is tried again, and work goes on.
                logger.exception("worker_crashed", worker=self._thread.name)
                sleep_s = PAUSE_AFTER_CRASH_S
            self._awake.wait(min(sleep_s, LONGEST_SLEEP_S))
            self._awake.clear()
