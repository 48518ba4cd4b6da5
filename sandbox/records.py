"""What an account holds. Records are never changed, only replaced, so an export can read an older state."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Json = dict[str, Any]
Status = Literal["TO_LABEL", "IN_REVIEW", "IN_REWORK", "DONE"]
Topic = Literal["LABEL_CREATED", "LABEL_UPDATED", "LABEL_DELETED", "WORKFLOW_ACTION"]
TOPICS: tuple[Topic, ...] = ("LABEL_CREATED", "LABEL_UPDATED", "LABEL_DELETED", "WORKFLOW_ACTION")
TEXT_ATTRIBUTES: Json = {"asset_type": "text", "mime_type": "text/plain"}


@dataclass(frozen=True, slots=True)
class User:
    """A labeler, a reviewer, or the owner of the API key."""

    id: str
    email: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Dataset:
    """A named heap of data rows."""

    id: str
    name: str
    description: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DataRow:
    """One text or document to label.

    Attributes:
        row_data: The text, the document as JSON, or the address of a file.
        media_attributes: What exports say of it.
        metadata: Values by the id of their field; the option's id where there are options.
        file: The name of the file in the account's storage, where the text lies in one.
    """

    id: str
    dataset_id: str
    row_data: str
    global_key: str | None
    external_id: str | None
    created_at: datetime
    updated_at: datetime
    media_attributes: Json = field(default_factory=lambda: TEXT_ATTRIBUTES)
    metadata: Json = field(default_factory=dict)
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Ontology:
    """The questions of a project; ``normalized`` is Labelbox's own document of them."""

    id: str
    name: str
    media_type: str | None
    normalized: Json
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Queue:
    """A step of the review workflow; "Done" is none, it has no id."""

    id: str
    name: str
    queue_type: str


@dataclass(frozen=True, slots=True)
class Queues:
    """The three steps that every project here has."""

    labeling: Queue
    review: Queue
    rework: Queue


@dataclass(frozen=True, slots=True)
class Consensus:
    """How many people are to label the rows of a batch.

    Attributes:
        number_of_labels: Of each row that is covered.
        coverage: The share of rows that are, 0 to 1; the others get one label.
    """

    number_of_labels: int
    coverage: float = 1.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Data rows sent to a project together."""

    id: str
    name: str
    created_at: datetime
    consensus: Consensus | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """A remark that somebody pinned to a data row of a project."""

    id: str
    number: int
    project_id: str
    data_row_id: str
    label_id: str | None
    content: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Webhook:
    """A wish to be told; without ``project_id`` it covers the whole organisation."""

    id: str
    url: str
    secret: str
    topics: tuple[str, ...]
    status: str
    project_id: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Score:
    """How far a label agrees with others, 0 to 1 or None, and from when on exports say so."""

    known_at: datetime
    value: float | None


@dataclass(frozen=True, slots=True)
class Content:
    """What a label says, in the shape of an export: answers, and choices among messages."""

    classifications: tuple[Json, ...] = ()
    objects: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Label:
    """One person's answers on one data row.

    Attributes:
        classifications: The answers, in the shape of an export.
        objects: The choices among messages of a chat, in the same shape.
        scores: How far it agrees with the row's other labels, newest last.
        content_last_updated_at: Moves with the answers; ``updated_at`` also moves for other reasons.
    """

    id: str
    created_at: datetime
    updated_at: datetime
    content_last_updated_at: datetime
    created_by: str
    classifications: tuple[Json, ...]
    skipped: bool
    seconds_to_label: int
    seconds_to_review: int = 0
    seconds_to_rework: int = 0
    objects: tuple[Json, ...] = ()
    scores: tuple[Score, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A data row on its way through one project.

    Attributes:
        labels: One, or as many as consensus or a benchmark bring, in the order of arrival.
        expected_labels: How many consensus asks for; None where it asks for nothing.
        chosen_label_id: The reviewer's choice so far; only a done row shows one.
        benchmark_label_id: The label that others are compared with, where the row is a benchmark.
        history: Workflow actions in the shape of an export, newest first.
        deleted: Whether the row is gone; kept so that a lagging export can still show it.
    """

    data_row: DataRow
    batch: Batch
    priority: int
    status: Status
    last_activity_at: datetime
    labels: tuple[Label, ...] = ()
    selected_label_id: str | None = None
    history: tuple[Json, ...] = ()
    deleted: bool = False
    expected_labels: int | None = None
    chosen_label_id: str | None = None
    benchmark_label_id: str | None = None

    @property
    def is_full(self) -> bool:
        """Whether it has all its labels."""
        return len(self.labels) >= (self.expected_labels or 1)

    def label(self, label_id: str | None) -> Label | None:
        """Give a label by its id."""
        return next((label for label in self.labels if label.id == label_id), None)
