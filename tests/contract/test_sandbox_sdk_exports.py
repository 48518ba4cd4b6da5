"""The unmodified SDK exports from the sandbox: filters, parameters, waiting, empty and failed exports, lag."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import labelbox
import pytest
from labelbox import ExportTask, StreamType
from lbox.exceptions import MalformedQueryException, ResourceNotFoundError

from sandbox.errors import SandboxError
from sandbox.faults import Faults
from sandbox.imports import add_texts
from sandbox.operations import Operation
from sandbox.project import Project
from sandbox.records import Json
from sandbox.server import RunningSandbox, serve_in_thread

START = datetime(2026, 11, 20, 10, 0, 0, 123_000, tzinfo=UTC)
EVERYTHING = {
    "attachments": True,
    "metadata_fields": True,
    "embeddings": True,
    "data_row_details": True,
    "project_details": True,
    "label_details": True,
    "performance_details": True,
}
QUESTIONS: Json = {"classifications": [{"type": "text", "name": "summary", "instructions": "Summary:"}]}


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def server(clock: Clock) -> Iterator[RunningSandbox]:
    with serve_in_thread(clock=clock) as running:
        yield running


@pytest.fixture
def sandbox(server: RunningSandbox, clock: Clock) -> RunningSandbox:
    clock.at = START
    server.core.clear()
    server.core.faults = Faults()
    return server


@pytest.fixture
def project(sandbox: RunningSandbox) -> Project:
    """Five rows at ten o'clock, with the global keys key-0 to key-4."""
    organization = sandbox.core.organization
    project = organization.create_project("p", description="", media_type="TEXT", at=START)
    project.ontology = organization.create_ontology("o", QUESTIONS, media_type="TEXT", at=START)
    dataset = organization.create_dataset("d", description="", at=START)
    rows = add_texts(organization, dataset.id, [(f"key-{n}", f"text {n}") for n in range(5)], START)
    project.add(organization.create_batch(project, "first", START), rows, priority=5, at=START)
    return project


@pytest.fixture
def exported(sandbox: RunningSandbox, project: Project) -> Iterator[labelbox.Project]:
    client = labelbox.Client(api_key="any", endpoint=sandbox.url)
    yield client.get_project(project.id)
    client.connection.close()


def key_of(sandbox: RunningSandbox, number: int) -> str:
    return sandbox.core.organization.by_global_key[f"key-{number}"]


def do(sandbox: RunningSandbox, project: Project, number: int, *names: str) -> None:
    for name in names:
        answers = {"summary": f"answer {number}"} if name in {"submit", "edit"} else None
        sandbox.core.perform(Operation(name, project.id, key_of(sandbox, number), answers=answers))


def read(task: ExportTask) -> list[Json]:
    task.wait_till_done()
    assert task.status == "COMPLETE"
    return [item.json for item in task.get_buffered_stream()] if task.has_result() else []


def rows_of(project: labelbox.Project, **filters: Any) -> list[Json]:  # noqa: ANN401 - the SDK's own filters
    return read(project.export(filters=filters, params=EVERYTHING))


def keys_of(rows: list[Json]) -> list[str]:
    return [row["data_row"]["global_key"].removeprefix("key-") for row in rows]


def test_an_export_by_ids_or_global_keys_has_those_rows_only(
    sandbox: RunningSandbox, exported: labelbox.Project
) -> None:
    assert keys_of(rows_of(exported, data_row_ids=[key_of(sandbox, 3), key_of(sandbox, 1), "nobody"])) == ["3", "1"]
    assert keys_of(rows_of(exported, global_keys=["key-2", "nobody"])) == ["2"]


def test_an_export_by_status_has_the_rows_of_that_step(
    sandbox: RunningSandbox, project: Project, exported: labelbox.Project
) -> None:
    do(sandbox, project, 1, "submit")
    do(sandbox, project, 2, "submit", "reject")
    do(sandbox, project, 3, "submit", "approve")
    found = {
        status: keys_of(rows_of(exported, workflow_status=status))
        for status in ("ToLabel", "InReview", "InRework", "Done")
    }
    assert found == {"ToLabel": ["0", "4"], "InReview": ["1"], "InRework": ["2"], "Done": ["3"]}


def test_an_export_by_last_activity_has_what_was_touched_since(
    sandbox: RunningSandbox, project: Project, exported: labelbox.Project, clock: Clock
) -> None:
    clock.move(60)
    do(sandbox, project, 1, "submit")
    clock.move(60)
    do(sandbox, project, 1, "approve")
    do(sandbox, project, 2, "skip")
    assert keys_of(rows_of(exported, last_activity_at=["2026-11-20T10:02:00+0000", None])) == ["1", "2"]
    assert keys_of(rows_of(exported, last_activity_at=[None, "2026-11-20 10:00:01"])) == ["0", "3", "4"]
    between = ["2026-11-20T10:01:30+0000", "2026-11-20T10:02:30+0000"]
    assert keys_of(rows_of(exported, last_activity_at=between, workflow_status="Done")) == ["1"]
    assert keys_of(rows_of(exported, last_activity_at=["2026-11-21", None])) == []


def test_an_export_by_label_creation_ignores_later_activity(
    sandbox: RunningSandbox, project: Project, exported: labelbox.Project, clock: Clock
) -> None:
    do(sandbox, project, 1, "submit")
    clock.move(60)
    do(sandbox, project, 1, "approve")
    do(sandbox, project, 2, "submit")
    assert keys_of(rows_of(exported, label_created_at=["2026-11-20T10:01:00+0000", None])) == ["2"]


def test_an_export_by_batch_has_the_rows_of_that_batch(
    sandbox: RunningSandbox, project: Project, exported: labelbox.Project
) -> None:
    organization = sandbox.core.organization
    (row,) = add_texts(organization, next(iter(organization.datasets)), [("key-9", "text 9")], START)
    batch = organization.create_batch(project, "second", START)
    project.add(batch, [row], priority=1, at=START)
    assert keys_of(rows_of(exported, batch_ids=[batch.id])) == ["9"]


def test_an_empty_export_has_no_result_and_streaming_it_raises(exported: labelbox.Project) -> None:
    task = exported.export(filters={"workflow_status": "Done"})
    task.wait_till_done()
    assert (task.status, task.has_result(), task.has_errors()) == ("COMPLETE", False, False)
    with pytest.raises(ValueError, match="does not have a RESULT stream"):
        task.get_buffered_stream()


def test_a_task_is_found_again_by_its_id(exported: labelbox.Project) -> None:
    task = exported.export(filters={"global_keys": ["key-1"]})
    again = ExportTask.get_task(exported.client, task.uid)
    assert keys_of(read(again)) == ["1"]
    with pytest.raises(ResourceNotFoundError):
        ExportTask.get_task(exported.client, "nobody")


def test_an_export_may_need_polls_and_then_completes(sandbox: RunningSandbox, exported: labelbox.Project) -> None:
    sandbox.core.faults = Faults(export_polls=2)
    task = exported.export()
    assert task.status == "IN_PROGRESS"
    assert [ExportTask.get_task(exported.client, task.uid).status for _ in range(2)] == ["IN_PROGRESS", "COMPLETE"]


def test_an_export_may_take_a_while(sandbox: RunningSandbox, exported: labelbox.Project, clock: Clock) -> None:
    sandbox.core.faults = Faults(export_delay_s=5)
    task = exported.export()
    clock.move(4)
    assert ExportTask.get_task(exported.client, task.uid).status == "IN_PROGRESS"
    clock.move(1)
    assert len(read(ExportTask.get_task(exported.client, task.uid))) == 5


def test_an_export_may_fail_and_the_next_one_does_not(sandbox: RunningSandbox, exported: labelbox.Project) -> None:
    sandbox.core.faults = Faults(failed_exports=1)
    task = exported.export()
    assert task.status == "FAILED"
    with pytest.raises(ExportTask.ExportTaskException):
        task.get_buffered_stream()
    assert len(rows_of(exported)) == 5


def test_a_lagging_export_shows_an_older_state_and_catches_up(
    sandbox: RunningSandbox, project: Project, exported: labelbox.Project, clock: Clock
) -> None:
    clock.move(60)
    sandbox.core.faults = Faults(export_lag_s=10)
    do(sandbox, project, 1, "submit")
    clock.move(5)
    do(sandbox, project, 1, "approve")
    assert rows_of(exported, global_keys=["key-1"])[0]["projects"][project.id]["labels"] == []
    clock.move(5)
    (row,) = rows_of(exported, global_keys=["key-1"])
    assert row["projects"][project.id]["project_details"]["workflow_status"] == "IN_REVIEW"
    clock.move(5)
    assert keys_of(rows_of(exported, workflow_status="Done")) == ["1"]


def test_a_deleted_row_is_left_out_once_the_lag_is_over(
    sandbox: RunningSandbox, project: Project, exported: labelbox.Project, clock: Clock
) -> None:
    sandbox.core.faults = Faults(export_lag_s=10)
    clock.move(60)
    data_row_id = key_of(sandbox, 1)
    do(sandbox, project, 1, "delete_data_row")
    assert len(rows_of(exported, data_row_ids=[data_row_id])) == 1
    clock.move(10)
    assert rows_of(exported, data_row_ids=[data_row_id]) == []
    with pytest.raises(SandboxError):
        project.row(data_row_id)


def test_a_large_export_comes_in_whole_lines_of_several_files(
    sandbox: RunningSandbox, project: Project, exported: labelbox.Project
) -> None:
    organization = sandbox.core.organization
    texts = [(f"key-{n}", f"{n} ✓ \u2028 " + "long " * 2000) for n in range(10, 1010)]
    rows = add_texts(organization, next(iter(organization.datasets)), texts, START)
    project.add(organization.create_batch(project, "second", START), rows, priority=1, at=START)
    task = exported.export(params=EVERYTHING)
    assert task.get_total_file_size(StreamType.RESULT) > 8_000_000
    assert task.get_total_lines(StreamType.RESULT) == 1005
    assert [row["data_row"]["row_data"] for row in read(task)[5:]] == [text for _, text in texts]


def test_a_filter_that_is_not_imitated_is_refused(exported: labelbox.Project) -> None:
    query = "mutation M($input: X!) { exportDataRowsInProject(input: $input) { taskId isStreamable } }"
    filters = {"projectId": exported.uid, "searchQuery": {"scope": None, "query": [{"type": "metadata"}]}}
    with pytest.raises(MalformedQueryException, match="metadata"):
        exported.client.execute(query, {"input": {"filters": filters, "params": {}}})
