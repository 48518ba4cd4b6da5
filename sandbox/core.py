"""The sandbox itself: an organisation, a clock, and the operations that people perform on labels."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox import stamps
from sandbox.changes import Change, Doing
from sandbox.deliveries import Delivery, deliveries_for
from sandbox.errors import MalformedRequest
from sandbox.faults import Faults
from sandbox.ids import Ids
from sandbox.operations import ACTIONS, Operation
from sandbox.organization import Organization
from sandbox.project import Project
from sandbox.records import ProjectRow
from sandbox.tasks import Tasks


@dataclass(frozen=True, slots=True)
class Performed:
    """The row after an operation, the label concerned, and the topics that were told."""

    row: ProjectRow
    label_id: str | None
    topics: tuple[str, ...]


class Sandbox:
    """A Labelbox account with people in it, safe to use from several threads.

    Args:
        seed: Decides ids and fates.
        faults: What goes wrong on purpose; may be replaced at any time.
        clock: Gives the moment, aware.
        outbox: Takes the deliveries that an operation owes.
        base_url: Where it is served, without a path.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        faults: Faults | None = None,
        clock: Callable[[], datetime] = stamps.now,
        outbox: Callable[[list[Delivery]], None] = lambda _: None,
        base_url: str = "",
    ) -> None:
        self.seed = seed
        self.faults = faults or Faults()
        self.lock = threading.RLock()
        self.outbox = outbox
        self._clock = clock
        self._base_url = base_url
        self._begin()

    def clear(self) -> None:
        """Forget everything but the settings, as if just started."""
        with self.lock:
            self._begin()

    def _begin(self) -> None:
        self.organization = Organization(Ids(self.seed), self.now(), self._base_url)
        self.tasks = Tasks(self.organization.ids)
        # What the SDK uploads, by the address that it was answered.
        self.files: dict[str, bytes] = {}

    def now(self) -> datetime:
        """Give this moment as far as Labelbox shows it, in milliseconds."""
        return stamps.to_milliseconds(self._clock())

    def uses_up(self, fault: str) -> bool:
        """Tell whether one of the next ones is to go wrong, and count it."""
        with self.lock:
            changed = self.faults.used(fault)
            self.faults = changed or self.faults
            return changed is not None

    def perform(self, operation: Operation) -> Performed:
        """Do one operation and hand over the deliveries that it owes.

        Raises:
            UnknownResource: No such project or row.
            OperationNotAllowed: The row does not stand where this can be done.
            MalformedRequest: An unknown operation, question, option or queue.
        """
        with self.lock:
            performed = self._act(operation)
            if operation.name == "delete_data_row":
                self._forget(operation.data_row_id)
        return performed

    def delete_data_rows(self, data_row_ids: Iterable[str]) -> None:
        """Delete rows here and from every project that has them.

        Raises:
            UnknownResource: One of them is unknown.
        """
        with self.lock:
            for data_row_id in data_row_ids:
                self._forget(self.organization.data_row(data_row_id).id)

    def _act(self, operation: Operation) -> Performed:
        if operation.name not in ACTIONS:
            raise MalformedRequest(f"unknown operation {operation.name!r}; known: {', '.join(ACTIONS)}")
        usual, act = ACTIONS[operation.name]
        project = self.organization.project(operation.project_id)
        row = project.row(operation.data_row_id)
        doing = Doing(
            by=operation.by or usual,
            at=self.now(),
            queues=project.queues,
            seconds=operation.seconds,
            label_id=operation.label_id,
            scores_after=timedelta(seconds=self.faults.score_delay_s),
        )
        change = act(self.organization, project, row, doing, operation)
        if change.row.data_row is not row.data_row:
            self.organization.put_data_row(change.row.data_row, doing.at)
        project.rows[row.data_row.id].put(change.row, doing.at)
        self._tell(project, change, doing)
        labels = [event.label for event in change.events if event.label] or list(change.row.labels)
        topics = tuple(event.topic for event in change.events)
        return Performed(change.row, labels[0].id if labels else None, topics)

    def _forget(self, data_row_id: str) -> None:
        for project in self.organization.projects.values():
            versions = project.rows.get(data_row_id)
            if versions and not versions.current.deleted:
                self._act(Operation("delete_data_row", project.id, data_row_id))
        self.organization.drop_data_row(data_row_id)

    def _tell(self, project: Project, change: Change, doing: Doing) -> None:
        actor = self.organization.user(doing.by, doing.at)
        owed = [
            delivery
            for event in change.events
            for delivery in deliveries_for(self.organization, project, change.row, event, actor)
        ]
        if owed:
            self.outbox(owed)
