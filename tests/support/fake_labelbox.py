"""Labelbox in memory, at the port of the label source: one project of text rows with one free-text question."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from service.domain.errors import ExportFailed, ExportLost, RowsRefused, ServiceError
from service.domain.exports import Request
from service.ports import Clock, LabelTask

QUESTION = "schema-summary"
ONTOLOGY: Mapping[str, Any] = {
    "tools": [],
    "classifications": [
        {"type": "text", "featureSchemaId": QUESTION, "name": "summary", "options": []},
        {
            "type": "radio",
            "featureSchemaId": "schema-quality",
            "name": "quality",
            "options": [{"featureSchemaId": "schema-good", "label": "Good", "value": "good"}],
        },
    ],
}


@dataclass
class FakeLabel:
    text: str | None
    changed_at: datetime
    skipped: bool = False


@dataclass
class FakeRow:
    prompt: str
    activity_at: datetime
    global_key: str | None = None
    status: str = "TO_LABEL"
    selected: str | None = None
    labels: dict[str, FakeLabel] = field(default_factory=dict)
    broken: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass
class FakeTask:
    """An export: what it shows was settled when it was asked for.

    Attributes:
        polls_left: So many looks find it running.
        fault: Raised by the next look, or in the middle of the next reading.
    """

    rows: list[Mapping[str, Any] | None]
    polls_left: int
    fails: bool = False
    breaks: bool = False


class FakeLabelbox:
    """What people do there, and exports of it.

    Attributes:
        rows_by_id: The truth.
        trouble: Raised by every request while it is set.
        requests: Every export that was asked for.
        unlisted: Rows that an export by window misses, as it now and then does.
        hidden: Rows that every export misses.
        garbled: Rows whose line in an export is no JSON.
        unnamed: Rows that no export may name by their ids.
        polls: So many looks find the next exports running.
        failing: So many of the next exports end as FAILED.
        breaking: So many of the next exports have a file that is shorter than announced.
        during_export: Called once the rows of an export were chosen and before it is answered.
        after_reading: Called when the last row of an export was given.
    """

    def __init__(self, clock: Clock, project_id: str = "project-1") -> None:
        self.project_id = project_id
        self.rows_by_id: dict[str, FakeRow] = {}
        self.trouble: ServiceError | None = None
        self.requests: list[Request] = []
        self.looks: Counter[str] = Counter()
        self.tasks: dict[str, FakeTask] = {}
        self.ontology: Mapping[str, Any] = ONTOLOGY
        self.unlisted: set[str] = set()
        self.hidden: set[str] = set()
        self.garbled: set[str] = set()
        self.unnamed: set[str] = set()
        self.polls = self.failing = self.breaking = 0
        self.during_export: Callable[[], None] = lambda: None
        self.after_reading: Callable[[], None] = lambda: None
        self._clock = clock
        self._stale: dict[str, FakeRow] | None = None

    def add(
        self, row_id: str, prompt: str, *, global_key: str | None = None, metadata: Mapping[str, str] | None = None
    ) -> None:
        self.rows_by_id[row_id] = FakeRow(prompt, self._clock(), global_key, metadata=metadata or {})

    @property
    def asked_ids(self) -> list[tuple[str, ...]]:
        """The data row ids of every export by id."""
        return [request.data_row_ids for request in self.requests if request.data_row_ids is not None]

    @property
    def windows(self) -> list[Request]:
        """Every export that named no ids."""
        return [request for request in self.requests if request.data_row_ids is None]

    def label(self, row_id: str, text: str | None, *, label_id: str | None = None, status: str = "DONE") -> str:
        """Submit or edit a label, and move its row."""
        row, label_id = self.rows_by_id[row_id], label_id or f"label-{row_id}"
        row.labels[label_id] = FakeLabel(text, self._clock())
        self.move(row_id, status)
        return label_id

    def delete_label(self, row_id: str, label_id: str | None = None) -> None:
        del self.rows_by_id[row_id].labels[label_id or f"label-{row_id}"]
        self.move(row_id, "TO_LABEL")

    def move(self, row_id: str, status: str) -> None:
        row = self.rows_by_id[row_id]
        row.status, row.activity_at = status, self._clock()

    def remove(self, row_id: str) -> None:
        del self.rows_by_id[row_id]

    def lag(self) -> None:
        """Let every export show what is true now, until ``catch_up``."""
        self._stale = deepcopy(self.rows_by_id)

    def catch_up(self) -> None:
        self._stale = None

    def skip(self, row_id: str, label_id: str | None = None) -> None:
        """Let a labeler pass a row by: it is done, and answers nothing."""
        row, label_id = self.rows_by_id[row_id], label_id or f"label-{row_id}"
        row.labels[label_id] = FakeLabel(None, self._clock(), skipped=True)
        self.move(row_id, "DONE")

    def texts(self) -> dict[str, str]:
        """Give the approved answers by data row, as the examples should have them: of several the newest."""
        found = {}
        for row_id, row in self.rows_by_id.items():
            answers = [(label.changed_at, key, label.text) for key, label in row.labels.items() if not label.skipped]
            if row.status == "DONE" and answers:
                found[row_id] = str(max(answers)[2])
        return found

    def webhook_body(self, row_id: str, label_id: str | None = None) -> bytes:
        """Give what Labelbox posts about a label, payload version 1."""
        body = {
            "id": label_id or f"label-{row_id}",
            "updatedAt": self._clock().isoformat(),
            "label": "{}",
            "project": {"id": self.project_id},
            "dataRow": {"id": row_id, "rowData": "..."},
        }
        return msgspec.json.encode(body)

    def normalized_ontology(self, project_id: str) -> Mapping[str, Any]:
        self._answer(project_id)
        return self.ontology

    def start_export(self, project_id: str, request: Request) -> LabelTask:
        self._answer(project_id)
        assert len(request.data_row_ids or ()) <= 2000
        self.requests.append(request)
        if self.unnamed & set(request.data_row_ids or ()):
            raise RowsRefused("no such data row")
        task = FakeTask(self._chosen(request), self.polls, fails=self.failing > 0, breaks=self.breaking > 0)
        self.failing, self.breaking = max(0, self.failing - 1), max(0, self.breaking - 1)
        task_id = f"{project_id}-task-{len(self.requests)}"
        self.tasks[task_id] = task
        self.during_export()
        return self._shown_task(task_id)

    def look(self, task_id: str) -> LabelTask:
        self._answer(self.project_id)
        self.looks[task_id] += 1
        if task_id not in self.tasks:
            raise ExportLost(task_id)
        task = self.tasks[task_id]
        task.polls_left = max(0, task.polls_left - 1)
        return self._shown_task(task_id)

    def read(self, task_id: str) -> Iterator[Mapping[str, Any] | None]:
        self._answer(self.project_id)
        task = self.tasks[task_id]
        assert task.polls_left == 0
        for number, row in enumerate(task.rows):
            if task.breaks and number >= len(task.rows) // 2:
                raise ExportFailed("short")
            yield row
        if task.breaks:
            raise ExportFailed("short")
        self.after_reading()

    def _shown_task(self, task_id: str) -> LabelTask:
        task = self.tasks[task_id]
        if task.fails and not task.polls_left:
            raise ExportFailed(f"task {task_id} is FAILED")
        return LabelTask(task_id, is_complete=task.polls_left == 0)

    def _chosen(self, request: Request) -> list[Mapping[str, Any] | None]:
        shown = {row_id: row for row_id, row in self._shown().items() if row_id not in self.hidden}
        ids = request.data_row_ids
        if ids is None:
            since = request.since
            ids = tuple(
                row_id
                for row_id, row in shown.items()
                if row_id not in self.unlisted and (since is None or row.activity_at >= since)
            )
        return [
            None if row_id in self.garbled else self._exported(row_id, shown[row_id])
            for row_id in ids
            if row_id in shown
        ]

    def _answer(self, project_id: str) -> None:
        if self.trouble is not None:
            raise self.trouble
        assert project_id == self.project_id

    def _shown(self) -> dict[str, FakeRow]:
        return self.rows_by_id if self._stale is None else self._stale

    def _exported(self, row_id: str, row: FakeRow) -> Mapping[str, Any]:
        data_row: dict[str, Any] = {
            "id": row_id,
            "row_data": row.prompt,
            "details": {"last_activity_at": row.activity_at.isoformat()},
        }
        if row.global_key:
            data_row["global_key"] = row.global_key
        if row.broken:
            del data_row["details"]
        details: dict[str, Any] = {"workflow_status": row.status}
        if row.selected:
            details["selected_label_id"] = row.selected
        project = {
            "name": "a project",
            "labels": [_exported_label(label_id, label) for label_id, label in row.labels.items()],
            "project_details": details,
        }
        return {
            "data_row": data_row,
            "media_attributes": {"asset_type": "text", "mime_type": "text/plain"},
            "projects": {self.project_id: project},
            "metadata_fields": [{"schema_name": name, "value": value} for name, value in row.metadata.items()],
        }


class Organisation:
    """Several projects of one account."""

    def __init__(self, *projects: FakeLabelbox) -> None:
        self.projects = {project.project_id: project for project in projects}

    def normalized_ontology(self, project_id: str) -> Mapping[str, Any]:
        return self.projects[project_id].normalized_ontology(project_id)

    def start_export(self, project_id: str, request: Request) -> LabelTask:
        return self.projects[project_id].start_export(project_id, request)

    def look(self, task_id: str) -> LabelTask:
        return self._of(task_id).look(task_id)

    def read(self, task_id: str) -> Iterator[Mapping[str, Any] | None]:
        return self._of(task_id).read(task_id)

    def _of(self, task_id: str) -> FakeLabelbox:
        return self.projects[task_id.partition("-task-")[0]]


def _exported_label(label_id: str, label: FakeLabel) -> dict[str, Any]:
    answers: list[dict[str, Any]] = []
    if label.text is not None:
        answers.append(
            {
                "feature_id": f"feature-{label_id}",
                "feature_schema_id": QUESTION,
                "name": "Summarize it",
                "value": "summary",
                "text_answer": {"content": label.text},
            }
        )
    moment = label.changed_at.isoformat()
    return {
        "label_kind": "Default",
        "id": label_id,
        "label_details": {"created_at": moment, "updated_at": moment, "content_last_updated_at": moment},
        "performance_details": {"skipped": label.skipped},
        "annotations": {"objects": [], "classifications": answers, "relationships": []},
    }
