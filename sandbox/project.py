"""One labeling project: its workflow steps, batches and rows."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.errors import UnknownResource
from sandbox.ids import Ids, seeded
from sandbox.kinds import LIVE_CHAT, Kind, Quality
from sandbox.records import Batch, DataRow, Ontology, ProjectRow, Queue, Queues
from sandbox.versions import Versions


@dataclass(slots=True)
class Project:
    """A project and the rows in it.

    Attributes:
        kind: What it is for, with Labelbox's ``allowedMediaType``, such as ``TEXT``.
        quality: How many people label a row of a batch that does not say so itself.
        model_configs: The models of a live chat: their configurations by the id of the association.
        model_setup_complete: Whether those may not be changed any more.
        rows: By data row id, in the order in which they were sent to the project.
    """

    id: str
    name: str
    description: str
    kind: Kind
    created_at: datetime
    updated_at: datetime
    queues: Queues
    quality: Quality = field(default_factory=Quality)
    ontology: Ontology | None = None
    deleted: bool = False
    batches: dict[str, Batch] = field(default_factory=dict)
    rows: dict[str, Versions] = field(default_factory=dict)
    model_configs: dict[str, str] = field(default_factory=dict)
    model_setup_complete: bool | None = None

    @property
    def is_live_chat(self) -> bool:
        """Whether people talk with models here, which writes the rows."""
        return self.kind.editor_task_type == LIVE_CHAT

    def current_rows(self) -> list[ProjectRow]:
        """List the rows as they are now, without deleted ones."""
        return [row for versions in self.rows.values() if not (row := versions.current).deleted]

    def rows_as_of(self, at: datetime, data_row_ids: Iterable[str] | None = None) -> list[ProjectRow]:
        """List the rows as they were at a moment, all or the ones named that are here."""
        keys: Iterable[str] = self.rows if data_row_ids is None else dict.fromkeys(data_row_ids)
        found = (self.rows[key].as_of(at) for key in keys if key in self.rows)
        return [row for row in found if row is not None and not row.deleted]

    def row(self, data_row_id: str) -> ProjectRow:
        """Give one row as it is now.

        Raises:
            UnknownResource: It is not in this project, or not any more.
        """
        versions = self.rows.get(data_row_id)
        if versions is None or versions.current.deleted:
            raise UnknownResource(f"project {self.id} has no data row {data_row_id!r}")
        return versions.current

    def count_by_status(self) -> dict[str, int]:
        """Count the rows at each step of the workflow."""
        counted = Counter[str](row.status for row in self.current_rows())
        return {status: counted[status] for status in ("TO_LABEL", "IN_REVIEW", "IN_REWORK", "DONE")}

    def add(self, batch: Batch, data_rows: Sequence[DataRow], *, priority: int, at: datetime) -> None:
        """Queue rows for labeling; a row that is here already keeps its place."""
        for data_row in data_rows:
            if data_row.id not in self.rows:
                queued = ProjectRow(
                    data_row, batch, priority, "TO_LABEL", last_activity_at=at, expected_labels=_wanted(batch, data_row)
                )
                self.rows[data_row.id] = Versions(queued, at)


def _wanted(batch: Batch, data_row: DataRow) -> int | None:
    if batch.consensus and seeded("coverage", batch.id, data_row.id).random() < batch.consensus.coverage:
        return batch.consensus.number_of_labels
    return None


def new_queues(ids: Ids) -> Queues:
    """Make the steps that Labelbox gives every new project; the type of the first is our guess."""
    return Queues(
        labeling=Queue(ids.uuid(), "Initial labeling task", "MANUAL_LABELING_QUEUE"),
        review=Queue(ids.uuid(), "Initial review task", "MANUAL_REVIEW_QUEUE"),
        rework=Queue(ids.uuid(), "Rework (all rejected)", "MANUAL_REWORK_QUEUE"),
    )
