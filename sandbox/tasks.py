"""Labelbox's tasks: everything that it answers with a task id and finishes by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.chunks import Chunks
from sandbox.errors import UnknownResource
from sandbox.faults import Faults
from sandbox.ids import Ids
from sandbox.records import DataRow, Json

# Older export files are dropped, or a sandbox that runs for days would keep them all.
_KEPT_TASKS = 500


@dataclass(slots=True)
class Task:
    """One task and what it brought.

    Attributes:
        built: Whether its result is ready; an export is not while it is being written.
        polls_left: How many more times its status is IN_PROGRESS.
        ready_at: Its status is IN_PROGRESS before this.
        failed: Whether it ends as FAILED.
        rows: What an upload made.
        failures: What an upload refused.
        result: The file of an export; None where it is empty.
    """

    id: str
    name: str
    type: str
    created_at: datetime
    ready_at: datetime
    built: bool = True
    polls_left: int = 0
    failed: bool = False
    rows: Sequence[DataRow] = ()
    failures: Sequence[Json] = ()
    result: Chunks | None = None

    def poll(self, at: datetime) -> str:
        """Look at the status once; every look counts."""
        if self.polls_left > 0:
            self.polls_left -= 1
            return "IN_PROGRESS"
        if at < self.ready_at or not self.built:
            return "IN_PROGRESS"
        return "FAILED" if self.failed else "COMPLETE"


class Tasks:
    """The tasks of an organisation, newest last.

    Args:
        ids: Where their ids come from.
    """

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._tasks: dict[str, Task] = {}

    def finished(self, name: str, kind: str, at: datetime) -> Task:
        """Add a task that is done already, which is how everything but exports behaves here."""
        return self._keep(Task(self._ids.cuid(), name, kind, created_at=at, ready_at=at))

    def export(self, name: str, at: datetime, faults: Faults, *, failed: bool) -> Task:
        """Add an export that is still to be written and takes as long as the faults say."""
        return self._keep(
            Task(
                self._ids.cuid(),
                name,
                "export-data-rows",
                created_at=at,
                ready_at=at + timedelta(seconds=faults.export_delay_s),
                built=False,
                polls_left=faults.export_polls,
                failed=failed,
            )
        )

    def get(self, task_id: object) -> Task:
        """Give a task.

        Raises:
            UnknownResource: There is none, or it was dropped for newer ones.
        """
        if str(task_id) not in self._tasks:
            raise UnknownResource(f"no task {task_id!r}")
        return self._tasks[str(task_id)]

    def find(self, task_id: object) -> list[Task]:
        """Give the task in a list, which is empty where there is none."""
        task = self._tasks.get(str(task_id))
        return [] if task is None else [task]

    def _keep(self, task: Task) -> Task:
        self._tasks[task.id] = task
        while len(self._tasks) > _KEPT_TASKS:
            del self._tasks[next(iter(self._tasks))]
        return task
