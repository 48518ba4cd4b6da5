"""An export row has exactly the shape of a real one."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from sandbox.core import Sandbox
from sandbox.exports import start_export
from sandbox.imports import add_texts
from sandbox.operations import Operation
from sandbox.project import Project
from sandbox.records import Json

START = datetime(2026, 11, 20, 10, 0, 0, 123_000, tzinfo=UTC)
EVERY_PART = {
    "includeAttachments": True,
    "includeMetadata": True,
    "includeEmbeddings": True,
    "includeDataRowDetails": True,
    "includeProjectDetails": True,
    "includeLabelDetails": True,
    "includePerformanceDetails": True,
}
QUESTIONS: Json = {
    "classifications": [
        {"type": "text", "name": "summary", "instructions": "Summary:"},
        {"type": "radio", "name": "tone", "instructions": "Tone?", "options": [{"label": "Kind", "value": "kind"}]},
        {
            "type": "checklist",
            "name": "faults",
            "instructions": "Faults?",
            "options": [{"label": "Long", "value": "long"}, {"label": "Wrong", "value": "wrong"}],
        },
    ]
}


class Desk:
    """A sandbox with one project of five rows, a clock that is moved by hand, and no server."""

    def __init__(self) -> None:
        self.at = START
        self.sandbox = Sandbox(clock=lambda: self.at)
        organization = self.sandbox.organization
        self.project: Project = organization.create_project("p", description="", media_type="TEXT", at=START)
        self.project.ontology = organization.create_ontology("o", QUESTIONS, media_type="TEXT", at=START)
        dataset = organization.create_dataset("d", description="", at=START)
        rows = add_texts(organization, dataset.id, [(f"key-{n}", f"text {n}") for n in range(5)], START)
        self.project.add(organization.create_batch(self.project, "first", START), rows, priority=5, at=START)
        self.ids = [row.id for row in rows]

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def do(self, number: int, *names: str, answers: Mapping[str, str | list[str]] | None = None) -> None:
        for name in names:
            given = (answers or {"summary": f"answer {number}"}) if name == "submit" else None
            self.sandbox.perform(
                Operation(name, self.project.id, self.ids[number], answers=given, queue="review", seconds=42)
            )

    def export(self, parts: Mapping[str, bool]) -> list[Json]:
        query: Json = {"projectId": self.project.id, "searchQuery": {"query": []}}
        started = start_export(self.sandbox, {"filters": query, "params": parts})
        started.write()
        result = started.task.result
        assert result is not None
        chunk = result.at(0)
        assert chunk is not None
        return [msgspec.json.decode(line) for line in result.read(chunk, 0).splitlines()]

    def parts_of(self, row: Json) -> Json:
        part: Json = row["projects"][self.project.id]
        return part


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_full_row_has_the_shape_of_a_real_one(desk: Desk) -> None:
    desk.move(0.6)
    desk.do(0, "submit", answers={"summary": "s", "tone": "kind", "faults": ["wrong", "long"]})
    desk.move(60)
    desk.do(0, "approve")
    assert without_ids(desk.export(EVERY_PART)[0], desk.project) == EXPECTED_ROW


def test_parts_that_were_not_asked_for_are_absent(desk: Desk) -> None:
    desk.do(0, "submit", "approve")
    row = desk.export({})[0]
    assert sorted(row) == ["data_row", "media_attributes", "projects"]
    assert sorted(row["data_row"]) == ["global_key", "id", "row_data"]
    assert sorted(desk.parts_of(row)) == ["labels", "name", "project_tags"]
    assert sorted(desk.parts_of(row)["labels"][0]) == ["annotations", "id", "label_kind", "version"]


def test_only_done_rows_name_their_label_and_only_rows_at_work_a_task(desk: Desk) -> None:
    desk.do(1, "submit")
    desk.do(2, "submit", "reject")
    desk.do(3, "submit", "approve")
    desk.do(4, "submit", "approve", "move")
    details = [desk.parts_of(row)["project_details"] for row in desk.export(EVERY_PART)]
    assert ["selected_label_id" in item for item in details] == [False, False, False, True, False]
    assert ["task_id" in item for item in details] == [False, True, True, False, True]
    assert [item.get("task_name") for item in details][2:4] == ["Rework (all rejected)", "Done"]


def test_a_skipped_row_says_so_in_its_performance_details(desk: Desk) -> None:
    desk.do(0, "skip", "approve")
    (label,) = desk.parts_of(desk.export(EVERY_PART)[0])["labels"]
    assert label["performance_details"]["skipped"] is True
    assert label["annotations"]["classifications"] == []


def without_ids(row: Json, project: Project) -> object:
    """Put a dash in place of every id, so that rows of different runs can be compared."""

    def cleaned(node: object) -> object:
        if isinstance(node, list):
            return [cleaned(item) for item in node]
        if not isinstance(node, dict):
            return node
        return {key: "-" if key == "id" or key.endswith("_id") else cleaned(value) for key, value in node.items()}

    return cleaned(json.loads(json.dumps(row).replace(project.id, "project")))


def option(name: str, value: str) -> Json:
    return {"feature_id": "-", "feature_schema_id": "-", "name": name, "value": value, "classifications": []}


TEN = "2026-11-20T10:00:00.123+00:00"
EXPECTED_ROW: Json = {
    "data_row": {
        "id": "-",
        "global_key": "key-0",
        "row_data": "text 0",
        "details": {
            "dataset_id": "-",
            "dataset_name": "d",
            "created_at": TEN,
            "updated_at": TEN,
            "last_activity_at": "2026-11-20T10:01:00.723+00:00",
            "created_by": "owner@example.com",
        },
    },
    "media_attributes": {"asset_type": "text", "mime_type": "text/plain"},
    "attachments": [],
    "metadata_fields": [],
    "embeddings": [],
    "projects": {
        "project": {
            "name": "p",
            "labels": [
                {
                    "label_kind": "Default",
                    "version": "1.0.0",
                    "id": "-",
                    "label_details": {
                        "created_at": "2026-11-20T10:00:01.000+00:00",
                        "updated_at": "2026-11-20T10:00:01.000+00:00",
                        "created_by": "labeler1@example.com",
                        "content_last_updated_at": "2026-11-20T10:00:00.723+00:00",
                        "reviews": [],
                    },
                    "performance_details": {"seconds_to_create": 48, "seconds_to_review": 6, "skipped": False},
                    "performance_details_v2": {
                        "seconds_to_label": 42,
                        "seconds_to_review": 6,
                        "seconds_to_rework": 0,
                        "seconds_total": 48,
                        "skipped": False,
                    },
                    "annotations": {
                        "objects": [],
                        "classifications": [
                            {
                                "feature_id": "-",
                                "feature_schema_id": "-",
                                "name": "Summary:",
                                "value": "summary",
                                "text_answer": {"content": "s", "classifications": []},
                            },
                            {
                                "feature_id": "-",
                                "feature_schema_id": "-",
                                "name": "Tone?",
                                "value": "tone",
                                "radio_answer": option("Kind", "kind"),
                            },
                            {
                                "feature_id": "-",
                                "feature_schema_id": "-",
                                "name": "Faults?",
                                "value": "faults",
                                "checklist_answers": [option("Wrong", "wrong"), option("Long", "long")],
                            },
                        ],
                        "relationships": [],
                    },
                }
            ],
            "project_details": {
                "ontology_id": "-",
                "task_name": "Done",
                "batch_id": "-",
                "batch_name": "first",
                "workflow_status": "DONE",
                "priority": 5,
                "selected_label_id": "-",
                "workflow_history": [
                    {
                        "action": "Approve",
                        "created_at": "2026-11-20T10:01:00.723+00:00",
                        "created_by": "reviewer@example.com",
                        "previous_task_name": "Initial review task",
                        "previous_task_id": "-",
                    },
                    {
                        "action": "Move",
                        "created_at": "2026-11-20T10:00:00.723+00:00",
                        "created_by": "labeler1@example.com",
                        "previous_task_name": "Initial labeling task",
                        "previous_task_id": "-",
                        "next_task_name": "Initial review task",
                        "next_task_id": "-",
                    },
                    {
                        "action": "Move",
                        "created_at": "2026-11-20T10:00:00.723+00:00",
                        "created_by": "labeler1@example.com",
                        "next_task_name": "Initial labeling task",
                        "next_task_id": "-",
                    },
                ],
            },
            "project_tags": [],
        }
    },
}
