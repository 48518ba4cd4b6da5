"""Labelbox in memory, at the port of the label source: one project of text rows with one free-text question."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from service.domain.errors import ServiceError
from service.ports import Clock

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


class FakeLabelbox:
    """What people do there, and exports of it.

    Attributes:
        rows_by_id: The truth.
        trouble: Raised by every request while it is set.
        asked_ids: The data row ids of every export by id.
        unlisted: Rows that an export of the whole project misses, as it now and then does.
        during_export: Called once the rows of an export were read and before they are given away.
    """

    def __init__(self, clock: Clock, project_id: str = "project-1") -> None:
        self.project_id = project_id
        self.rows_by_id: dict[str, FakeRow] = {}
        self.trouble: ServiceError | None = None
        self.asked_ids: list[tuple[str, ...]] = []
        self.ontology: Mapping[str, Any] = ONTOLOGY
        self.unlisted: set[str] = set()
        self.during_export: Callable[[], None] = lambda: None
        self._clock = clock
        self._stale: dict[str, FakeRow] | None = None

    def add(self, row_id: str, prompt: str, *, global_key: str | None = None) -> None:
        self.rows_by_id[row_id] = FakeRow(prompt, self._clock(), global_key)

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

    def texts(self) -> dict[str, str]:
        """Give the approved answers by data row, as the examples should have them."""
        return {
            row_id: str(next(iter(row.labels.values())).text)
            for row_id, row in self.rows_by_id.items()
            if row.status == "DONE" and row.labels
        }

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

    def rows(
        self, project_id: str, data_row_ids: Sequence[str], *, on_wait: Callable[[], None]
    ) -> Iterator[Mapping[str, Any]]:
        self._answer(project_id)
        assert len(data_row_ids) <= 2000
        self.asked_ids.append(tuple(data_row_ids))
        on_wait()
        shown = self._shown()
        found = [self._exported(row_id, shown[row_id]) for row_id in data_row_ids if row_id in shown]
        self.during_export()
        return iter(found)

    def rows_since(self, project_id: str, since: datetime | None) -> Iterator[Mapping[str, Any]]:
        self._answer(project_id)
        shown = self._shown().items()
        found = [
            self._exported(row_id, row)
            for row_id, row in shown
            if row_id not in self.unlisted and (since is None or row.activity_at >= since)
        ]
        self.during_export()
        return iter(found)

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
        }


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
