"""What an engine reports of a job, remembered: steps as events, checkpoints as folders."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from trainer.engine import Checkpoint, TrainingStopped
from trainer.store.events import Event
from trainer.store.folders import Folders, move_into_place, remove
from trainer.store.ids import new_id
from trainer.store.job_records import JobRecord
from trainer.values import StepMetrics
from trainer.work.lifecycle import Stores

FLUSH_S = 0.2
WAIT_S = 0.05
CHECKPOINTS_KEPT = 3


class JobReport:
    """See ``Report``. One attempt's; all of it is called from the training thread.

    Args:
        stores: The tables.
        folders: The data folder.
        job: The job, as its attempt began.
        stopping: Set when the server is about to stop.
        seconds: The time over which the job's steps are spread, where they would be faster.
    """

    def __init__(
        self, stores: Stores, folders: Folders, job: JobRecord, stopping: threading.Event, seconds: float
    ) -> None:
        self._stores = stores
        self._folders = folders
        self._job = job
        self._stopping = stopping
        self._seconds = seconds
        self._known_step = self._begun_at_step = stores.events.last_step(job.id)
        self._unsaved: list[StepMetrics] = []
        self._begun = self._flushed = time.monotonic()

    def checkpoints(self) -> list[Checkpoint]:
        """Give what earlier attempts left, oldest first."""
        kept = self._stores.checkpoints.of(self._job.id)
        return [Checkpoint(one.step, self._folders.checkpoint(self._job.id, one.step)) for one in kept]

    def stop_if_asked(self) -> None:
        """See ``Report``."""
        if self._stopping.is_set() or not self._stores.jobs.runs(self._job.id, self._job.attempt):
            raise TrainingStopped

    def step(self, metrics: StepMetrics) -> None:
        """See ``Report``."""
        self.stop_if_asked()
        if metrics.step <= self._known_step:
            return
        self._known_step = metrics.step
        self._unsaved.append(metrics)
        if time.monotonic() - self._flushed >= FLUSH_S:
            self.flush()
        self._pace(metrics)

    def checkpoint(self, metrics: StepMetrics, save: Callable[[Path], None]) -> None:
        """See ``Report``."""
        self.flush()
        self.stop_if_asked()
        place = self._folders.checkpoint(self._job.id, metrics.step)
        if any(one.folder == place for one in self.checkpoints()):
            return
        part = self._folders.tmp / new_id("checkpoint-")
        part.mkdir(mode=0o700)
        try:
            save(part)
            move_into_place(part, place)
        finally:
            remove(part)
        measured = metrics.measured()
        measured.pop("total_steps")
        self._stores.checkpoints.add(self._job.id, metrics.step, measured, time.time())
        for old in self.checkpoints()[:-CHECKPOINTS_KEPT]:
            self._stores.checkpoints.remove(self._job.id, old.step)
            remove(old.folder)

    def flush(self) -> None:
        """Remember the steps that only this process knows yet; a second time changes nothing."""
        if not self._unsaved:
            return
        now = time.time()
        with self._stores.database.transaction():
            # A job that was cancelled has told its last event; a paused one repeats these steps when it goes on.
            if self._stores.jobs.runs(self._job.id, self._job.attempt):
                for metrics in self._unsaved:
                    self._stores.events.add(self._job.id, step_event(metrics), now)
                self._stores.jobs.advanced(self._job.id, now + self._remaining_s(self._unsaved[-1]))
        self._unsaved.clear()
        self._flushed = time.monotonic()

    def settle(self) -> None:
        """Note that the attempt was stopped in good order."""
        self.flush()
        self._stores.jobs.advanced(self._job.id, None)

    def _pace(self, metrics: StepMetrics) -> None:
        """Wait until the step's share of the job's seconds has passed; what was done before a crash does not count."""
        share = (metrics.step - self._begun_at_step) / metrics.total_steps
        due = self._begun + self._seconds * share
        while (left := due - time.monotonic()) > 0:
            if left > WAIT_S and time.monotonic() - self._flushed >= FLUSH_S:
                self.flush()
            self._stopping.wait(min(left, WAIT_S))
            self.stop_if_asked()

    def _remaining_s(self, metrics: StepMetrics) -> float:
        done = metrics.step - self._begun_at_step
        took = (time.monotonic() - self._begun) / max(1, done)
        return (metrics.total_steps - metrics.step) * max(took, self._seconds / metrics.total_steps)


def step_event(metrics: StepMetrics) -> Event:
    """Tell a step's metrics."""
    told = f"Step {metrics.step}/{metrics.total_steps}: training loss={metrics.train_loss:.2f}"
    if metrics.valid_loss is not None:
        told += f", validation loss={metrics.valid_loss:.2f}"
    if metrics.full_valid_loss is not None:
        told += f", full validation loss={metrics.full_valid_loss:.2f}"
    return Event(told, data=metrics.measured(), step=metrics.step)
