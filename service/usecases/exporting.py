"""What conversion and reconcile share: taking a turn, looking at the task, and what follows from each failure."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from service.domain.errors import InboxUnavailable, LabelsLimited, LabelsUnreachable, ServiceError
from service.domain.exports import (
    FIRST_POLL_S,
    LIMIT_PAUSE,
    MAX_ATTEMPTS,
    Export,
    ExportState,
    Kind,
    longer_poll_s,
    retry_pause,
    standing_pause,
)
from service.ports import Clock, ExportStore, JobQueue, LabelSource

# Calls a function again and again, beside what is done, until the block ends.
Keeper = Callable[[Callable[[], None]], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long who waits for what.

    Attributes:
        at_once: So many exports may run in the organisation.
        lease: A worker that is not heard of for so long has lost its export.
        slice: So long a job waits beside a running export; afterwards the sweep comes for it.
        wait: Sleeps so many seconds.
        keep: See ``Keeper``.
        chance: Gives a random number, 0 to 1.
    """

    wait: Callable[[float], None]
    keep: Keeper
    chance: Callable[[], float]
    at_once: int = 4
    lease: timedelta = timedelta(seconds=30)
    slice: timedelta = timedelta(seconds=20)


class Exports:
    """Our exports, as those see them who read one."""

    def __init__(
        self, *, source: LabelSource, store: ExportStore, queue: JobQueue, clock: Clock, patience: Patience
    ) -> None:
        self._source = source
        self._store = store
        self._queue = queue
        self._clock = clock
        self._patience = patience

    def turn(
        self,
        project: str,
        kind: Kind,
        ask: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
        *,
        create: bool = False,
    ) -> Export | None:
        """Begin an export if it is its turn, see ``ExportStore``."""
        now, until = self._clock(), self._clock() + self._patience.lease
        at_once = self._patience.at_once
        return self._store.turn(project, kind, ask, create=create, at_once=at_once, now=now, until=until)

    def due(self, kind: Kind) -> list[Export]:
        """Give what somebody should come for."""
        return [export for export in self._store.due(now=self._clock()) if export.kind == kind]

    def get(self, export_id: str) -> Export:
        """Give one."""
        return self._store.get(export_id)

    def lease(self, export: Export) -> Export | None:
        """Take over one that runs; None while another worker has it."""
        now = self._clock()
        return self._store.lease(export, now=now, until=now + self._patience.lease)

    def want(self, project: str, kind: Kind, wish: Mapping[str, Any]) -> Export:
        """Stand in line, see ``ExportStore``."""
        return self._store.want(project, kind, wish, now=self._clock())

    def keep(self, export: Export) -> None:
        """Stay the one who has it."""
        self._store.keep(export, until=self._clock() + self._patience.lease)

    def is_paused(self) -> bool:
        """Say whether Labelbox is left alone now."""
        return self._store.is_paused(now=self._clock())

    def look(self, export: Export) -> tuple[Export, bool]:
        """Look at its task once, or have it made; also says whether it is complete."""
        if export.task_id is not None:
            return export, self._source.look(export.task_id).is_complete
        # The intent stands in the store already. A worker killed before the id is written costs one more export.
        task = self._source.start_export(export.project, export.request)
        return self.write(replace(export, task_id=task.task_id)), task.is_complete

    def write(self, export: Export) -> Export:
        """Write how it stands; ExportMoved if another worker has it."""
        if export.leased_until is not None:
            export = replace(export, leased_until=self._clock() + self._patience.lease)
        return self._store.write(export, now=self._clock())

    def next_request(self, export: Export, progress: Mapping[str, Any]) -> Export:
        """Write that a window is followed by another request."""
        return self.write(replace(export, progress=progress, task_id=None, asked_at=self._clock()))

    def is_old(self, export: Export) -> bool:
        """Say whether no job should wait beside it any more."""
        return self._clock() - export.observed_at > self._patience.slice

    def leave(self, export: Export) -> None:
        """Let it run without us: whoever comes by when it is due goes on with it."""
        due_at = self._clock() + standing_pause(self._clock() - export.observed_at)
        self.write(replace(export, due_at=due_at, leased_until=None))

    def end(self, export: Export) -> None:
        """Write that it was read, and call those who wait for their turn."""
        self.write(replace(export, state=ExportState.READ, leased_until=None, error=None))
        self.call_waiting(export)

    def fail(self, export: Export, error: ServiceError) -> Export:
        """Write what follows from an error: another try later, or the end.

        Returns:
            The export; in the state ``failed`` if it is not tried again.
        """
        now = self._clock()
        words = f"{type(error).__name__}: {error}"
        keeps_task = isinstance(error, LabelsLimited | LabelsUnreachable) and export.task_id is not None
        after = ExportState.RUNNING if keeps_task else ExportState.WANTED
        task_id = export.task_id if keeps_task else None
        attempts = export.attempts + 1
        if isinstance(error, LabelsLimited):
            # Nothing is wrong with the export: it waits for as long as everything else.
            attempts = max(export.attempts, 1)
            due_at = now + LIMIT_PAUSE * (1 + 0.25 * self._patience.chance())
            self._store.pause(due_at)
        else:
            due_at = now + retry_pause(attempts, chance=self._patience.chance())
            if not error.retryable or attempts >= MAX_ATTEMPTS:
                after = ExportState.FAILED
        failed = self.write(
            replace(
                export,
                state=after,
                task_id=task_id,
                attempts=attempts,
                due_at=due_at,
                wanted_at=due_at,
                leased_until=None,
                error=words,
            )
        )
        self.call_waiting(export)
        return failed

    def call_waiting(self, ended: Export | None = None) -> None:
        """Wake whoever may have a turn now."""
        call_for(self._store, self._queue, now=self._clock(), rows=ended is not None and ended.kind == "window")

    def pauses(self) -> Iterator[float]:
        """Give ever longer pauses, in seconds, for one slice."""
        end_at, pause_s = self._clock() + self._patience.slice, FIRST_POLL_S
        while self._clock() < end_at:
            yield pause_s
            pause_s = longer_poll_s(pause_s)


def call_for(store: ExportStore, queue: JobQueue, *, now: datetime, rows: bool = False) -> None:
    """Wake the jobs that go on with what stands: losing a call loses nothing, the next sweep calls again.

    Args:
        store: Our exports.
        queue: Where jobs are woken.
        now: The time.
        rows: Call for deliveries in any case: they may wait in the inbox for a turn.
    """
    due = store.due(now=now)
    try:
        for project in dict.fromkeys(export.project for export in due if export.kind == "window"):
            queue.wake("reconcile", project)
        if rows or any(export.kind == "rows" for export in due):
            queue.wake("convert_deliveries")
    except InboxUnavailable:
        return
