"""Labelbox's tasks: everything that it answers with a task id and finishes by itself."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sandbox.chunks import Chunks
from sandbox.errors import LimitExceeded, UnknownResource
from sandbox.faults import Faults
from sandbox.ids import Ids
from sandbox.records import DataRow, Json

Outcome = Literal["COMPLETE", "FAILED", "CANCELED"]
_EXPORT = "export-data-rows"
# Older export files are dropped, or a sandbox that runs for days would keep them all.
_KEPT_TASKS = 500
# An export that waits for polls ends by itself when nobody asks for it any more, as all of Labelbox's do.
_ABANDONED = timedelta(minutes=1)


@dataclass(slots=True)
class Task:
    """One task and what it brought.

    Attributes:
        project_id: The project that an export is about.
        built: Whether its result is ready; an export is not while it is being written.
        polls_left: How many more times its status is IN_PROGRESS.
        ready_at: Its status is IN_PROGRESS before this.
        outcome: How it ends.
        rows: What an upload made.
        failures: What an upload refused.
        result: The file of an export; None where it is empty.
    """

    id: str
    name: str
    type: str
    created_at: datetime
    ready_at: datetime
    project_id: str | None = None
    built: bool = True
    polls_left: int = 0
    outcome: Outcome = "COMPLETE"
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
        return self.outcome

    def is_running(self, at: datetime) -> bool:
        """Tell whether it has not ended yet; this look does not count."""
        waits_for_polls = self.polls_left > 0 and at < self.created_at + _ABANDONED
        return waits_for_polls or at < self.ready_at or not self.built


class Tasks:
    """The tasks of an organisation, newest last.

    Args:
        ids: Where their ids come from.
    """

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._tasks: dict[str, Task] = {}
        # By project id; None is the whole organisation.
        self._started = Counter[str | None]()
        self._refused = Counter[str | None]()
        self._most_running = Counter[str | None]()

    def finished(self, name: str, kind: str, at: datetime) -> Task:
        """Add a task that is done already, which is how everything but exports behaves here."""
        return self._keep(Task(self._ids.cuid(), name, kind, created_at=at, ready_at=at))

    def export(self, name: str, project_id: str, at: datetime, faults: Faults, *, outcome: Outcome) -> Task:
        """Add an export that is still to be written and takes as long as the faults say.

        Raises:
            LimitExceeded: As many run as may, here or in the whole organisation.
        """
        places = ((project_id, "project", faults.most_project_exports), (None, "organization", faults.most_exports))
        for place, what, most in places:
            if self._running(place, at) >= most:
                self._refused.update((project_id, None))
                raise LimitExceeded(f"You have exceeded the {most} exports that may run at once in one {what}.")
        task = self._keep(
            Task(
                self._ids.cuid(),
                name,
                _EXPORT,
                created_at=at,
                ready_at=at + timedelta(seconds=faults.export_delay_s),
                project_id=project_id,
                built=False,
                polls_left=faults.export_polls,
                outcome=outcome,
            )
        )
        for place in (project_id, None):
            self._started[place] += 1
            self._most_running[place] = max(self._most_running[place], self._running(place, at))
        return task

    def exports(self, project_id: str | None, at: datetime) -> dict[str, int]:
        """Count the exports of a project, or of all: started, running, the most that ever ran at once, refused."""
        return {
            "started": self._started[project_id],
            "running": self._running(project_id, at),
            "most_running": self._most_running[project_id],
            "refused": self._refused[project_id],
        }

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

    def _running(self, project_id: str | None, at: datetime) -> int:
        exports = (task for task in self._tasks.values() if task.type == _EXPORT and task.is_running(at))
        return sum(project_id in {None, task.project_id} for task in exports)

    def _keep(self, task: Task) -> Task:
        self._tasks[task.id] = task
        while len(self._tasks) > _KEPT_TASKS:
            del self._tasks[next(iter(self._tasks))]
        return task
