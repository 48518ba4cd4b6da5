"""The unmodified SDK builds a project in the sandbox: dataset, rows, ontology, batch, queues, webhooks."""

from collections.abc import Iterator

import labelbox
import pytest
from labelbox import Classification, MediaType, OntologyBuilder, Option, PromptResponseClassification, ResponseOption
from labelbox.schema.identifiable import GlobalKey, UniqueId
from labelbox.schema.identifiables import GlobalKeys, UniqueIds
from lbox.exceptions import ApiLimitError, AuthenticationError, InvalidQueryError, ResourceNotFoundError

from sandbox.faults import Faults
from sandbox.operations import Operation
from sandbox.server import RunningSandbox, serve_in_thread
from sandbox.settings import Settings

KEY = "key-of-the-sandbox"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with serve_in_thread(Settings(api_key=KEY)) as running:
        yield running


@pytest.fixture
def sandbox(server: RunningSandbox) -> RunningSandbox:
    server.core.clear()
    return server


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[labelbox.Client]:
    client = labelbox.Client(api_key=KEY, endpoint=sandbox.url)
    yield client
    client.connection.close()


@pytest.fixture
def project(client: labelbox.Client) -> labelbox.Project:
    dataset = client.create_dataset(name="chats", iam_integration=None)
    upload(dataset, [{"row_data": f"text {n}", "global_key": f"key-{n}"} for n in range(4)])
    asked = [
        Classification(class_type=Classification.Type.TEXT, name="summary", instructions="Summary:", required=True)
    ]
    ontology = client.create_ontology("o", OntologyBuilder(classifications=asked).asdict(), media_type=MediaType.Text)
    project = client.create_project(name="p", media_type=MediaType.Text)
    project.connect_ontology(ontology)
    project.create_batch("first", global_keys=[f"key-{n}" for n in range(4)])
    return project


def upload(dataset: labelbox.Dataset, rows: list[dict[str, str]]) -> labelbox.schema.task.DataUpsertTask:
    task = dataset.create_data_rows(rows)
    task.wait_till_done()
    return task


def statuses(project: labelbox.Project) -> list[int]:
    return [queue.data_row_count for queue in project.task_queues()]


def test_uploaded_rows_are_listed_with_their_ids(client: labelbox.Client) -> None:
    dataset = client.create_dataset(name="d", iam_integration=None)
    task = upload(dataset, [{"row_data": "line\nbreak ✓", "global_key": "k", "external_id": "e"}])
    (row,) = task.result
    assert (task.status, task.errors) == ("COMPLETE", None)
    assert (row["row_data"], row["global_key"], row["external_id"]) == ("line\nbreak ✓", "k", "e")
    assert client.get_dataset(dataset.uid).row_count == 1
    assert client.get_data_row(row["id"]).row_data == "line\nbreak ✓"
    assert client.get_data_row_by_global_key("k").uid == row["id"]


def test_a_global_key_is_given_once(client: labelbox.Client) -> None:
    dataset = client.create_dataset(name="d", iam_integration=None)
    task = upload(dataset, [{"row_data": "a", "global_key": "k"}, {"row_data": "b", "global_key": "k"}])
    (made,), (failure,) = task.result, task.errors
    assert failure["message"] == "Duplicate global key: 'k'"
    # The SDK uploads its pieces in any order, so either row may be the first.
    assert {made["row_data"], failure["failedDataRows"][0]["rowData"]} == {"a", "b"}


def test_an_upsert_changes_the_row_of_its_key_and_makes_the_missing_one(client: labelbox.Client) -> None:
    dataset = client.create_dataset(name="d", iam_integration=None)
    (row,) = upload(dataset, [{"row_data": "a", "global_key": "k"}]).result
    task = dataset.upsert_data_rows(
        [
            {"key": GlobalKey("k"), "row_data": "changed"},
            {"key": UniqueId(row["id"]), "external_id": "e"},
            {"key": GlobalKey("new"), "row_data": "b"},
            {"key": GlobalKey("nowhere"), "external_id": "e"},
        ]
    )
    task.wait_till_done()
    assert len(task.errors) == 1
    changed = client.get_data_row(row["id"])
    assert (changed.row_data, changed.external_id) == ("changed", "e")
    assert client.get_data_row_by_global_key("new").row_data == "b"


def test_an_ontology_comes_back_with_ids_for_questions_and_options(client: labelbox.Client) -> None:
    asked = [
        Classification(class_type=Classification.Type.TEXT, name="summary", instructions="Summary:"),
        Classification(
            class_type=Classification.Type.RADIO, name="tone", options=[Option(value="kind"), Option(value="cold")]
        ),
    ]
    made = client.create_ontology("o", OntologyBuilder(classifications=asked).asdict(), media_type=MediaType.Text)
    text, radio = client.get_ontology(made.uid).normalized["classifications"]
    assert (text["name"], text["instructions"], text["type"]) == ("summary", "Summary:", "text")
    assert [option["value"] for option in radio["options"]] == ["kind", "cold"]
    keys = [item["featureSchemaId"] for item in (text, radio, *radio["options"])]
    assert all(keys)
    assert len(set(keys)) == 4


def test_a_response_creation_ontology_is_kept_as_it_is(client: labelbox.Client) -> None:
    kinds = PromptResponseClassification.Type
    asked = [
        PromptResponseClassification(class_type=kinds.RESPONSE_TEXT, name="response", character_min=5),
        PromptResponseClassification(
            class_type=kinds.RESPONSE_CHECKLIST, name="faults", options=[ResponseOption(value="rude")]
        ),
    ]
    made = client.create_ontology("o", OntologyBuilder(classifications=asked).asdict(), media_type=MediaType.Text)
    first, second = made.normalized["classifications"]
    assert (first["type"], first["minCharacters"], second["type"]) == ("response-text", 5, "response-checklist")


def test_a_project_has_its_ontology_and_batch(client: labelbox.Client, project: labelbox.Project) -> None:
    again = client.get_project(project.uid)
    assert (again.name, again.media_type, again.data_row_count) == ("p", MediaType.Text, 4)
    assert again.ontology().normalized["classifications"][0]["name"] == "summary"
    assert [(batch.name, batch.size) for batch in again.batches()] == [("first", 4)]
    assert [found.uid for found in client.get_projects(where=labelbox.Project.name == "p")] == [project.uid]
    assert list(client.get_projects(where=labelbox.Project.name == "q")) == []


def test_a_row_that_is_in_the_project_already_fails_in_a_second_batch(
    client: labelbox.Client, project: labelbox.Project
) -> None:
    known = client.get_data_row_by_global_key("key-0").uid
    dataset = client.create_dataset(name="more", iam_integration=None)
    (fresh,) = upload(dataset, [{"row_data": "more"}]).result
    batch = project.create_batch("second", data_rows=[known, fresh["id"]])
    assert batch.size == 1
    assert list(batch.failed_data_row_ids) == [known]


def test_a_thousand_rows_go_by_the_asynchronous_way(client: labelbox.Client, project: labelbox.Project) -> None:
    dataset = client.create_dataset(name="many", iam_integration=None)
    upload(dataset, [{"row_data": f"text {n}", "global_key": f"many-{n}"} for n in range(1000)])
    batch = project.create_batch("many", global_keys=[f"many-{n}" for n in range(1000)])
    assert batch.size == 1000
    assert client.get_project(project.uid).data_row_count == 1004


def test_rows_move_between_the_queues_and_to_done(client: labelbox.Client, project: labelbox.Project) -> None:
    labeling, review, rework = project.task_queues()
    assert (review.queue_type, rework.queue_type) == ("MANUAL_REVIEW_QUEUE", "MANUAL_REWORK_QUEUE")
    assert (labeling.name, review.name) == ("Initial labeling task", "Initial review task")
    assert statuses(project) == [4, 0, 0]
    project.move_data_rows_to_task_queue(GlobalKeys(["key-0", "key-1"]), review.uid)
    assert statuses(project) == [2, 2, 0]
    first = client.get_data_row_by_global_key("key-0").uid
    project.move_data_rows_to_task_queue(UniqueIds([first]), rework.uid)
    assert statuses(project) == [2, 1, 1]
    project.move_data_rows_to_task_queue(UniqueIds([first]), None)
    assert statuses(project) == [2, 1, 0]


def test_the_winning_label_is_that_of_a_done_row(
    sandbox: RunningSandbox, client: labelbox.Client, project: labelbox.Project
) -> None:
    row = client.get_data_row_by_global_key("key-0")
    label_id = sandbox.core.perform(Operation("submit", project.uid, row.uid, answers={"summary": "s"})).label_id
    assert row.get_winning_label_id(project.uid) is None
    sandbox.core.perform(Operation("approve", project.uid, row.uid))
    assert row.get_winning_label_id(project.uid) == label_id
    assert [label.uid for label in project.labels()] == [label_id]
    assert project.get_label_count() == 1


def test_rows_and_labels_are_deleted_by_the_sdk(
    sandbox: RunningSandbox, client: labelbox.Client, project: labelbox.Project
) -> None:
    row = client.get_data_row_by_global_key("key-0")
    sandbox.core.perform(Operation("submit", project.uid, row.uid, answers={"summary": "s"}))
    next(iter(project.labels())).delete()
    assert project.get_label_count() == 0
    assert statuses(project) == [4, 0, 0]
    row.delete()
    assert statuses(project) == [3, 0, 0]
    with pytest.raises(ResourceNotFoundError):
        client.get_data_row(row.uid)


def test_webhooks_are_made_changed_and_listed(client: labelbox.Client, project: labelbox.Project) -> None:
    topics = [labelbox.Webhook.LABEL_CREATED, labelbox.Webhook.WORKFLOW_ACTION]
    own = labelbox.Webhook.create(client, topics, "http://127.0.0.1:9/a?x=1", "00ff", project)
    everywhere = labelbox.Webhook.create(client, topics[:1], "http://127.0.0.1:9/b", "00ff", None)
    assert [(hook.uid, hook.topics, hook.status) for hook in project.webhooks()] == [(own.uid, topics, "ACTIVE")]
    assert [hook.uid for hook in client.get_organization().webhooks()] == [everywhere.uid]
    own.update(topics=[labelbox.Webhook.LABEL_DELETED], url="http://127.0.0.1:9/c")
    own.delete()
    (listed,) = project.webhooks()
    assert (listed.url, listed.topics, listed.status) == ("http://127.0.0.1:9/c", ["LABEL_DELETED"], "INACTIVE")


def test_a_quote_in_a_webhook_url_breaks_the_query_as_it_does_at_labelbox(client: labelbox.Client) -> None:
    with pytest.raises(InvalidQueryError, match="Syntax Error"):
        labelbox.Webhook.create(client, ["LABEL_CREATED"], 'http://127.0.0.1:9/"', "00ff", None)


def test_unknown_ids_keys_and_fields_are_refused_in_labelboxs_words(
    sandbox: RunningSandbox, client: labelbox.Client
) -> None:
    for ask in (client.get_project, client.get_ontology, client.get_dataset, client.get_data_row):
        with pytest.raises(ResourceNotFoundError):
            ask("nobody")
    with pytest.raises(InvalidQueryError, match="userGroups"):
        client.execute("query GroupsPyApi { userGroups { id } }")
    stranger = labelbox.Client(api_key="another", endpoint=sandbox.url)
    with pytest.raises(AuthenticationError):
        stranger.get_organization()
    stranger.connection.close()


def test_a_limited_request_is_an_api_limit_error_once(sandbox: RunningSandbox, client: labelbox.Client) -> None:
    sandbox.core.faults = Faults(limited_requests=1)
    with pytest.raises(ApiLimitError):
        client.get_organization()
    assert client.get_organization().name == "Sandbox"
