"""What the unmodified SDK needs to send work back to labelers: dataset exports, priorities, issues, batch names."""

from collections.abc import Iterator
from typing import Any

import labelbox
import pytest
from labelbox import GlobalKeys, MediaType, UniqueIds
from lbox.exceptions import (
    InvalidQueryError,
    LabelboxError,
    MalformedQueryException,
    ResourceConflict,
)

from sandbox.faults import Faults
from sandbox.operations import Operation
from sandbox.server import RunningSandbox, serve_in_thread

ONTOLOGY: dict[str, Any] = {
    "tools": [],
    "classifications": [
        {"type": "text", "name": "summary", "instructions": "Summary", "required": True, "options": []}
    ],
}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with serve_in_thread() as running:
        yield running


@pytest.fixture
def client(server: RunningSandbox) -> Iterator[labelbox.Client]:
    server.core.clear()
    server.core.faults = Faults()
    made = labelbox.Client(api_key="any", endpoint=server.url)
    yield made
    made.connection.close()


@pytest.fixture
def dataset(client: labelbox.Client) -> labelbox.Dataset:
    made = client.create_dataset(name="d", iam_integration=None)
    made.create_data_rows([{"row_data": f"text {n}", "global_key": f"key-{n}"} for n in range(4)]).wait_till_done()
    return made


@pytest.fixture
def project(client: labelbox.Client, dataset: labelbox.Dataset) -> labelbox.Project:
    assert dataset
    made = client.create_project(name="p", media_type=MediaType.Text)
    made.connect_ontology(client.create_ontology("o", ONTOLOGY, media_type=MediaType.Text))
    made.create_batch("first", global_keys=["key-0", "key-1"], priority=5)
    return made


def exported(task: labelbox.ExportTask) -> dict[str, Any]:
    task.wait_till_done()
    lines = [item.json for item in task.get_buffered_stream()] if task.has_result() else []
    return {line["data_row"]["global_key"]: line for line in lines}


def labelled(server: RunningSandbox, client: labelbox.Client, project: labelbox.Project, key: str) -> tuple[str, str]:
    """Have a row answered; give it and its label."""
    row_id = client.get_data_row_by_global_key(key).uid
    done = server.core.perform(Operation("submit", project.uid, row_id, answers={"summary": "short"}))
    return row_id, str(done.label_id)


def test_a_dataset_is_exported_with_what_the_project_has_of_it(
    dataset: labelbox.Dataset, project: labelbox.Project
) -> None:
    lines = exported(dataset.export(params={"project_details": True, "project_ids": [project.uid]}))
    assert {key: list(line["projects"]) for key, line in lines.items()} == {
        "key-0": [project.uid],
        "key-1": [project.uid],
        "key-2": [],
        "key-3": [],
    }
    assert lines["key-0"]["projects"][project.uid]["project_details"]["workflow_status"] == "TO_LABEL"
    assert lines["key-2"]["data_row"]["row_data"] == "text 2"


def test_an_empty_dataset_has_no_result(client: labelbox.Client) -> None:
    assert exported(client.create_dataset(name="none", iam_integration=None).export()) == {}


def test_other_catalog_exports_are_refused(client: labelbox.Client, dataset: labelbox.Dataset) -> None:
    with pytest.raises(MalformedQueryException):
        client.get_catalog().export()
    with pytest.raises(MalformedQueryException):
        dataset.export(filters={"global_keys": ["key-1"]})
    # The SDK makes nothing of a change's answer that something is unknown, and stumbles over it.
    with pytest.raises(TypeError):
        dataset.export(params={"project_ids": ["nobody"]})


def test_rows_are_moved_to_the_front_of_the_queue(project: labelbox.Project) -> None:
    assert project.update_data_row_labeling_priority(GlobalKeys(["key-1", "key-3"]), 1)
    lines = exported(project.export(params={"project_details": True}))
    found = {key: line["projects"][project.uid]["project_details"]["priority"] for key, line in lines.items()}
    assert found == {"key-0": 5, "key-1": 1}


def test_an_issue_is_pinned_to_a_label_and_found_again(
    server: RunningSandbox, client: labelbox.Client, project: labelbox.Project
) -> None:
    row_id, label_id = labelled(server, client, project, "key-0")
    made = project.create_issue("please look", data_row_id=row_id, label_id=label_id)
    assert [(item.id, item.content) for item in project.get_issues(data_row_id=row_id)] == [(made.id, "please look")]
    assert list(project.get_issues(data_row_id="another")) == []
    # As the SDK says of Labelbox: without a label an issue is not listed.
    project.create_issue("no label", data_row_id=row_id)
    assert [item.content for item in project.get_issues()] == ["please look"]
    with pytest.raises(TypeError):
        project.create_issue("x", data_row_id=row_id, label_id="nobody's")
    with pytest.raises(InvalidQueryError):
        list(project.get_issues(category_id="c"))


def test_issues_come_in_pages(server: RunningSandbox, client: labelbox.Client, project: labelbox.Project) -> None:
    row_id, label_id = labelled(server, client, project, "key-0")
    for number in range(101):
        project.create_issue(f"{number}", data_row_id=row_id, label_id=label_id)
    assert len(list(project.get_issues())) == 101


def test_a_batch_name_is_unique_in_its_project(project: labelbox.Project) -> None:
    with pytest.raises(ResourceConflict):
        project.create_batch("first", global_keys=["key-2"])


def test_a_change_that_nobody_heard_of_is_done_all_the_same(
    server: RunningSandbox, client: labelbox.Client, project: labelbox.Project
) -> None:
    row_id, _ = labelled(server, client, project, "key-0")
    server.core.faults = Faults(unheard_changes=1)
    # The SDK asks once more, and meets its own batch.
    with pytest.raises((ResourceConflict, LabelboxError)):
        project.create_batch("second", global_keys=["key-2"])
    assert {batch.name: batch.size for batch in project.batches()} == {"first": 2, "second": 1}
    server.core.faults = Faults(unheard_changes=1)
    rework = next(queue for queue in project.task_queues() if queue.queue_type == "MANUAL_REWORK_QUEUE")
    project.move_data_rows_to_task_queue(UniqueIds([row_id]), rework.uid)
    lines = exported(project.export(filters={"data_row_ids": [row_id]}, params={"project_details": True}))
    assert lines["key-0"]["projects"][project.uid]["project_details"]["workflow_status"] == "IN_REWORK"
