"""The unmodified SDK sets up chat projects in the sandbox, finds what is there already, and is refused old kinds."""

import json
from collections.abc import Iterator

import labelbox
import pytest
from labelbox import Classification, MediaType, OntologyBuilder, OntologyKind, Option, Tool
from labelbox.schema.identifiable import GlobalKey
from labelbox.schema.ontology_kind import EditorTaskType, UploadType
from lbox.exceptions import (
    InvalidQueryError,
    MalformedQueryException,
    OperationNotAllowedException,
    ResourceNotFoundError,
)

from sandbox.assets import CHAT_TREE, PROMPT_RESPONSE
from sandbox.imports import add_slots
from sandbox.kinds import PROMPT_RESPONSE as OLD_KIND
from sandbox.kinds import PROMPTS, RESPONSES, Kind
from sandbox.records import Json
from sandbox.server import RunningSandbox, serve_in_thread

DEPRECATED = "Automatic generation of data rows"
CREATE = 'mutation C($type: MediaType!) { createProject(data: {name: "old", allowedMediaType: $type}) { id } }'


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with serve_in_thread() as running:
        yield running


@pytest.fixture
def sandbox(server: RunningSandbox) -> RunningSandbox:
    server.core.clear()
    return server


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[labelbox.Client]:
    client = labelbox.Client(api_key="any", endpoint=sandbox.url)
    yield client
    client.connection.close()


def chat_ontology(client: labelbox.Client) -> labelbox.Ontology:
    options = [Option(value="good", label="Good"), Option(value="poor", label="Poor")]
    built = OntologyBuilder(
        tools=[
            Tool(tool=Tool.Type.MESSAGE_SINGLE_SELECTION, name="better"),
            Tool(tool=Tool.Type.MESSAGE_MULTI_SELECTION, name="usable"),
            Tool(tool=Tool.Type.MESSAGE_RANKING, name="order", required=True),
        ],
        classifications=[
            Classification(class_type=Classification.Type.RADIO, name="quality", options=options),
            Classification(
                class_type=Classification.Type.TEXT, name="reason", scope=Classification.Scope.INDEX, required=True
            ),
        ],
    )
    return client.create_ontology(
        "chat", built.asdict(), media_type=MediaType.Conversational, ontology_kind=OntologyKind.ModelEvaluation
    )


def chat(question: str) -> Json:
    return {
        "type": CHAT_TREE,
        "version": 2,
        "actors": {
            "h": {"role": "human", "metadata": {"name": "User"}},
            "m": {"role": "model", "metadata": {"modelConfigName": "small"}},
        },
        "messages": {
            "q": {"actorId": "h", "content": [{"type": "text", "content": question}], "childMessageIds": ["a"]},
            "a": {"actorId": "m", "content": [{"type": "text", "content": "Yes ✓"}], "childMessageIds": []},
        },
        "rootMessageIds": ["q"],
    }


def test_an_offline_chat_project_takes_uploaded_documents(client: labelbox.Client) -> None:
    dataset = client.create_dataset(name="chats", iam_integration=None)
    task = dataset.upsert_data_rows([{"key": GlobalKey("chat-1"), "global_key": "chat-1", "row_data": chat("Is it?")}])
    task.wait_till_done()
    assert task.errors is None
    project = client.create_offline_model_evaluation_project(name="offline")
    project.connect_ontology(chat_ontology(client))
    project.create_batch("first", global_keys=["chat-1"])
    again = client.get_project(project.uid)
    assert (again.media_type, again.editor_task_type) == (
        MediaType.Conversational,
        EditorTaskType.OfflineModelChatEvaluation,
    )
    assert (again.data_row_count, again.is_chat_evaluation(), again.upload_type) == (1, False, UploadType.Manual)
    (row,) = exported(project)
    assert json.loads(row["data_row"]["row_data"]) == chat("Is it?")
    assert row["media_attributes"]["mime_type"] == CHAT_TREE


def test_a_live_chat_project_makes_its_own_empty_rows(client: labelbox.Client) -> None:
    with pytest.warns(DeprecationWarning, match=DEPRECATED):
        project = client.create_model_evaluation_project(name="live", dataset_name="made", data_row_count=3)
    project.connect_ontology(chat_ontology(client))
    again = client.get_project(project.uid)
    assert (again.data_row_count, again.is_chat_evaluation(), again.upload_type) == (3, True, UploadType.Auto)
    (dataset,) = client.get_datasets(where=labelbox.Dataset.name == "made")
    assert dataset.row_count == 3
    rows = exported(project)
    assert len({row["data_row"]["global_key"] for row in rows}) == 3
    assert json.loads(rows[0]["data_row"]["row_data"]) == {
        "type": CHAT_TREE,
        "draft": True,
        "rootMessageIds": [],
        "actors": {},
        "version": 2,
        "messages": {},
    }


def test_a_live_chat_project_may_append_to_a_dataset_or_begin_empty(client: labelbox.Client) -> None:
    dataset = client.create_dataset(name="there", iam_integration=None)
    with pytest.warns(DeprecationWarning, match=DEPRECATED):
        project = client.create_model_evaluation_project(name="live", dataset_id=dataset.uid, data_row_count=2)
    assert (project.data_row_count, client.get_dataset(dataset.uid).row_count) == (2, 2)
    assert client.create_model_evaluation_project(name="empty").data_row_count == 0
    with pytest.warns(DeprecationWarning, match=DEPRECATED), pytest.raises(ResourceNotFoundError):
        client.create_model_evaluation_project(name="lost", dataset_id="nobody", data_row_count=2)
    assert list(client.get_projects(where=labelbox.Project.name == "lost")) == []


def test_a_live_chat_project_takes_batches_too_as_the_sdk_allows(client: labelbox.Client) -> None:
    project = client.create_model_evaluation_project(name="live")
    dataset = client.create_dataset(name="d", iam_integration=None)
    dataset.create_data_rows([{"row_data": chat("Why?"), "global_key": "k"}]).wait_till_done()
    assert project.create_batch("first", global_keys=["k"]).size == 1


def test_a_live_chat_project_has_models_until_its_setup_is_complete(client: labelbox.Client) -> None:
    project = client.create_model_evaluation_project(name="live")
    config = client.create_model_config("small", "model-1", {"temperature": 0.5})
    project.add_model_config(config.uid)
    (added,) = project.project_model_configs()
    assert (added.model_config_id, added.project_id) == (config.uid, project.uid)
    assert project.set_project_model_setup_complete()
    assert client.get_project(project.uid).model_setup_complete
    with pytest.raises(OperationNotAllowedException, match="any more"):
        project.add_model_config(config.uid)
    other = client.create_offline_model_evaluation_project(name="offline")
    assert not other.model_setup_complete
    with pytest.raises(MalformedQueryException, match="only live chat"):
        other.add_model_config(config.uid)


def test_tools_come_back_with_ids_and_are_counted(client: labelbox.Client) -> None:
    made = client.get_ontology(chat_ontology(client).uid)
    assert [tool.tool for tool in made.tools()] == [
        Tool.Type.MESSAGE_SINGLE_SELECTION,
        Tool.Type.MESSAGE_MULTI_SELECTION,
        Tool.Type.MESSAGE_RANKING,
    ]
    assert [tool.required for tool in made.tools()] == [False, False, True]
    assert (made.object_schema_count, made.classification_schema_count) == (3, 2)
    keys = [item["featureSchemaId"] for part in ("tools", "classifications") for item in made.normalized[part]]
    assert len(set(keys)) == 5
    assert made.normalized["classifications"][1]["scope"] == "index"


def test_what_is_there_already_is_found_by_name(client: labelbox.Client) -> None:
    dataset = client.create_dataset(name="d", description="mine", iam_integration=None)
    client.create_dataset(name="other", iam_integration=None)
    project = client.create_offline_model_evaluation_project(name="p")
    ontology = chat_ontology(client)
    assert [one.uid for one in client.get_datasets(where=labelbox.Dataset.name == "d")] == [dataset.uid]
    both = (labelbox.Dataset.name == "d") & (labelbox.Dataset.description == "theirs")
    assert list(client.get_datasets(where=both)) == []
    assert [one.uid for one in client.get_projects(where=labelbox.Project.name == "p")] == [project.uid]
    assert [one.uid for one in client.get_ontologies("cha")] == [ontology.uid]
    assert len(list(client.get_datasets())) == 2


def test_a_comparison_that_is_not_imitated_is_refused(client: labelbox.Client) -> None:
    client.create_dataset(name="d", iam_integration=None)
    with pytest.raises(InvalidQueryError, match="name_not"):
        list(client.get_datasets(where=labelbox.Dataset.name != "d"))


def test_a_chat_that_contradicts_itself_is_refused_and_the_rest_goes_on(client: labelbox.Client) -> None:
    stranger, orphan = chat("a"), chat("b")
    stranger["messages"]["a"]["actorId"] = "nobody"
    orphan["messages"]["q"]["childMessageIds"] = ["lost"]
    rows = [{"row_data": document} for document in (stranger, orphan, {"type": "application/pdf"}, chat("c"))]
    task = client.create_dataset(name="d", iam_integration=None).create_data_rows(rows)
    task.wait_till_done()
    assert len(task.result) == 1
    messages = " ".join(failure["message"] for failure in task.errors)
    assert all(word in messages for word in ("no message 'lost'", "no actor 'nobody'", "'application/pdf'"))


@pytest.mark.parametrize("value", ["LLM_PROMPT_RESPONSE_CREATION", "LLM_PROMPT_CREATION", "NOTHING"])
def test_a_retired_kind_is_refused_as_a_value_that_does_not_exist(client: labelbox.Client, value: str) -> None:
    with pytest.raises(InvalidQueryError, match=f'Value "{value}" does not exist in "MediaType" enum'):
        client.execute(CREATE, {"type": value})
    assert list(client.get_projects()) == []


def test_a_retired_editor_is_refused_too(client: labelbox.Client) -> None:
    query = 'mutation C($e: EditorTaskType!) { createProject(data: {name: "old", editorTaskType: $e}) { id } }'
    with pytest.raises(InvalidQueryError, match="RESPONSE_CREATION"):
        client.execute(query, {"e": "RESPONSE_CREATION"})
    query = "mutation U($data: UpsertOntologyInput!) { upsertOntology(data: $data) { id } }"
    with pytest.raises(InvalidQueryError, match="LLM_PROMPT_CREATION"):
        client.execute(query, {"data": {"name": "o", "normalized": "{}", "mediaType": "LLM_PROMPT_CREATION"}})


@pytest.mark.parametrize("kind", [OLD_KIND, PROMPTS, RESPONSES])
def test_an_old_project_is_read_as_a_kind_that_the_sdk_does_not_know(
    sandbox: RunningSandbox, client: labelbox.Client, kind: Kind
) -> None:
    organization = sandbox.core.organization
    made = organization.create_project("old", description="", media_type=None, at=sandbox.core.now(), kind=kind)
    project = client.get_project(made.id)
    expected = MediaType.Text if kind is RESPONSES else MediaType.Unsupported
    assert (project.media_type, project.editor_task_type) == (expected, EditorTaskType.Missing)


def test_an_old_project_that_made_its_rows_takes_no_batches(sandbox: RunningSandbox, client: labelbox.Client) -> None:
    organization = sandbox.core.organization
    at = sandbox.core.now()
    made = organization.create_project("old", description="", media_type=None, at=at, kind=OLD_KIND)
    dataset = organization.create_dataset("d", description="", at=at)
    (slot,) = add_slots(
        organization, made, dataset.id, document={"type": PROMPT_RESPONSE, "version": 1}, count=1, at=at
    )
    project = client.get_project(made.id)
    with pytest.raises(ValueError, match="auto data generation"):
        project.create_batch("more", global_keys=[slot.global_key])
    query = "mutation B($p: ID!, $i: I!) { project(where: {id: $p}) { createBatchV2(input: $i) { failedDataRowIds } } }"
    with pytest.raises(OperationNotAllowedException, match="auto data generation"):
        client.execute(query, {"p": made.id, "i": {"name": "more", "globalKeys": [slot.global_key]}})
    (row,) = exported(project)
    assert row["data_row"]["row_data"] == '{"type":"application/llm.prompt-response-creation","version":1}'


def exported(project: labelbox.Project) -> list[Json]:
    task = project.export()
    task.wait_till_done()
    return [item.json for item in task.get_buffered_stream()]
