"""The unmodified SDK uploads rows with metadata and as files, and batches that several people label."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import labelbox
import pytest
from labelbox.schema.data_row_metadata import DataRowMetadataField, DataRowMetadataKind
from labelbox.schema.identifiable import GlobalKey
from lbox.exceptions import MalformedQueryException

from sandbox.assets import CONVERSATION
from sandbox.operations import Operation
from sandbox.records import Json
from sandbox.server import RunningSandbox, serve_in_thread

START = datetime(2026, 11, 20, 10, tzinfo=UTC)
PARAMS = {"metadata_fields": True, "project_details": True, "performance_details": True, "label_details": True}
QUESTIONS: Json = {"classifications": [{"type": "text", "name": "summary"}]}


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


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
    return server


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[labelbox.Client]:
    client = labelbox.Client(api_key="any", endpoint=sandbox.url)
    yield client
    client.connection.close()


def project_with(client: labelbox.Client, rows: list[Json], **batch: object) -> labelbox.Project:
    dataset = client.create_dataset(name="d", iam_integration=None)
    task = dataset.upsert_data_rows([{"key": GlobalKey(row["global_key"]), **row} for row in rows])
    task.wait_till_done()
    assert task.errors is None
    project = client.create_project(name="p", media_type=labelbox.MediaType.Text)
    ontology = client.create_ontology("o", QUESTIONS, media_type=labelbox.MediaType.Text)
    project.connect_ontology(ontology)
    project.create_batch("first", global_keys=[row["global_key"] for row in rows], **batch)
    return project


def exported(project: labelbox.Project, **filters: object) -> list[Json]:
    task = project.export(filters=filters, params=PARAMS)
    task.wait_till_done()
    return [item.json for item in task.get_buffered_stream()]


def test_metadata_is_uploaded_by_name_or_by_schema_id_and_exported(client: labelbox.Client) -> None:
    ontology = client.get_data_row_metadata_ontology()
    words = ontology.create_schema("words", DataRowMetadataKind.number)
    ontology.create_schema("channel", DataRowMetadataKind.enum, ["chat", "phone"])
    rows = [
        {
            "global_key": "k",
            "row_data": "text",
            "metadata_fields": [
                DataRowMetadataField(schema_id=words.uid, value=26),
                {"name": "tag", "value": "ours"},
                {"name": "channel", "value": "phone"},
                {"name": "split", "value": "train"},
            ],
        },
        {"global_key": "plain", "row_data": "text"},
    ]
    project = project_with(client, rows)
    (row,) = exported(project, global_keys=["k"])
    found = {field["schema_name"]: (field["schema_kind"], field["value"]) for field in row["metadata_fields"]}
    assert found["words"] == ("CustomMetadataNumber", 26.0)
    assert found["tag"] == ("CustomMetadataString", "ours")
    assert found["channel"][0] == "CustomMetadataEnum"
    assert [option["schema_name"] for option in found["channel"][1]] == ["phone"]
    assert [option["schema_name"] for option in found["split"][1]] == ["train"]
    assert all(len(field["schema_id"]) == 25 for field in row["metadata_fields"])
    (plain,) = exported(project, global_keys=["plain"])
    assert plain["metadata_fields"] == []


def test_a_row_shows_its_metadata_and_an_upsert_changes_one_field(client: labelbox.Client) -> None:
    client.get_data_row_metadata_ontology().create_schema("topic", DataRowMetadataKind.string)
    fields = [{"name": "tag", "value": "ours"}, {"name": "topic", "value": "bills"}]
    project = project_with(client, [{"global_key": "k", "row_data": "text", "metadata_fields": fields}])
    dataset = next(iter(client.get_datasets()))
    changed = {"key": GlobalKey("k"), "metadata_fields": [{"name": "topic", "value": "gifts"}]}
    dataset.upsert_data_rows([changed]).wait_till_done()
    row = client.get_data_row_by_global_key("k")
    assert {field["name"]: field["value"] for field in row.metadata_fields} == {"tag": "ours", "topic": "gifts"}
    (line,) = exported(project)
    assert [field["value"] for field in line["metadata_fields"]] == ["ours", "gifts"]


def test_metadata_that_cannot_be_is_refused(client: labelbox.Client) -> None:
    ontology = client.get_data_row_metadata_ontology()
    with pytest.raises(MalformedQueryException, match="already"):
        ontology.create_schema("tag", DataRowMetadataKind.string)
    with pytest.raises(MalformedQueryException, match="Embedding"):
        ontology.create_schema("vector", DataRowMetadataKind.embedding)
    with pytest.raises(KeyError):
        client.create_dataset(name="d", iam_integration=None).create_data_rows(
            [{"row_data": "text", "metadata_fields": [{"name": "nothing", "value": "x"}]}]
        )


def test_a_file_is_exported_as_an_address_that_is_signed_anew_and_expires(
    sandbox: RunningSandbox, client: labelbox.Client, clock: Clock, tmp_path: Path
) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear all ✓\n", encoding="utf-8")
    project = project_with(client, [{"global_key": "k", "row_data": str(path)}])
    addresses = [exported(project)[0]["data_row"]["row_data"] for _ in range(2)]
    assert addresses[0] != addresses[1]
    address = urlsplit(addresses[0])
    assert address.path.startswith("/storage/")
    assert address.path.endswith("-letter.txt")
    assert sorted(parse_qs(address.query)) == ["Expires", "KeyName", "Signature"]
    for one in addresses:
        answer = httpx2.get(one, trust_env=False)
        assert (answer.status_code, answer.text) == (200, "Dear all ✓\n")
    assert httpx2.get(addresses[0].partition("?")[0], trust_env=False).status_code == 403
    assert httpx2.get(addresses[0].replace("Expires=1", "Expires=2"), trust_env=False).status_code == 403
    assert httpx2.get(f"{sandbox.base_url}/storage/nothing", trust_env=False).status_code == 404
    clock.at += timedelta(hours=1)
    assert httpx2.get(addresses[0], trust_env=False).status_code == 403
    assert httpx2.get(exported(project)[0]["data_row"]["row_data"], trust_env=False).status_code == 200


def test_a_text_that_is_an_address_elsewhere_is_left_alone(client: labelbox.Client) -> None:
    project = project_with(client, [{"global_key": "k", "row_data": "https://example.com/a.txt"}])
    assert exported(project)[0]["data_row"]["row_data"] == "https://example.com/a.txt"


def test_a_conversation_is_exported_as_a_string_with_its_media_attributes(client: labelbox.Client) -> None:
    messages = [
        {"messageId": f"m{n}", "timestampUsec": n, "content": f"text {n} ✓", "user": {"userId": "u", "name": "U"},
         "align": "left", "canLabel": n != 1}
        for n in range(3)
    ]  # fmt: skip
    talk = {"type": CONVERSATION, "version": 1, "messages": messages}
    (row,) = exported(project_with(client, [{"global_key": "k", "row_data": talk}]))
    assert json.loads(row["data_row"]["row_data"]) == talk
    assert row["media_attributes"] == {
        "asset_type": "conversational",
        "mime_type": CONVERSATION,
        "labelable_ids": ["m0", "m2"],
        "message_count": 3,
    }
    updated = client.get_data_row_by_global_key("k")
    updated.update(row_data={**talk, "messages": messages[:1]})
    assert json.loads(client.get_data_row(updated.uid).row_data)["messages"] == messages[:1]


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([], "1 to 250"),
        ([{"messageId": "m", "content": "x"}] * 251, "1 to 250"),
        ([{"messageId": "m", "content": "x" * 10_000}], "fewer than"),
        ([{"content": "x"}], "messageId"),
    ],
)
def test_a_conversation_beyond_labelboxs_limits_is_refused(
    client: labelbox.Client, messages: list[Json], reason: str
) -> None:
    dataset = client.create_dataset(name="d", iam_integration=None)
    task = dataset.create_data_rows([{"row_data": {"type": CONVERSATION, "version": 1, "messages": messages}}])
    task.wait_till_done()
    assert reason in task.errors[0]["message"]


def test_a_batch_asks_for_several_labels_of_the_rows_that_it_covers(client: labelbox.Client) -> None:
    rows = [{"global_key": f"k{n}", "row_data": "text"} for n in range(40)]
    settings = {"number_of_labels": 3, "coverage_percentage": 0.5}
    project = project_with(client, rows, consensus_settings=settings)
    (batch,) = project.batches()
    assert batch.consensus_settings == {"numberOfLabels": 3, "coveragePercentage": 0.5}
    details = [row["projects"][project.uid]["project_details"] for row in exported(project)]
    wanted = [item.get("consensus_expected_label_count") for item in details]
    assert set(wanted) == {None, 3}
    assert 10 <= wanted.count(3) <= 30


def test_consensus_is_exported_as_in_real_rows(sandbox: RunningSandbox, client: labelbox.Client, clock: Clock) -> None:
    settings = {"number_of_labels": 2, "coverage_percentage": 1.0}
    project = project_with(client, [{"global_key": "k", "row_data": "text"}], consensus_settings=settings)
    row = client.get_data_row_by_global_key("k")

    def submit(by: str) -> str | None:
        given = Operation("submit", project.uid, row.uid, by=by, answers={"summary": "s"})
        return sandbox.core.perform(given).label_id

    first = submit("a@example.com")
    assert part(project)["project_details"]["workflow_status"] == "TO_LABEL"
    clock.at += timedelta(minutes=1)
    second = submit("b@example.com")
    found = part(project)
    assert [label["id"] for label in found["labels"]] == [first, second]
    stamps = [label["label_details"] for label in found["labels"]]
    assert stamps[0]["updated_at"] == stamps[1]["updated_at"] > stamps[0]["created_at"]
    assert stamps[0]["content_last_updated_at"] < stamps[1]["content_last_updated_at"]
    assert ["consensus_score" in label["performance_details"] for label in found["labels"]] == [False, False]
    clock.at += timedelta(minutes=1)
    for label in part(project)["labels"]:
        assert label["performance_details"]["consensus_score"] == 1.0
        assert label["performance_details_v2"]["consensus_score"] == 1.0
    chosen = Operation("approve", project.uid, row.uid, label_id=second)
    sandbox.core.perform(chosen)
    details = part(project)["project_details"]
    assert (details["workflow_status"], details["selected_label_id"]) == ("DONE", second)
    assert row.get_winning_label_id(project.uid) == second


def test_a_label_is_deleted_and_the_other_one_stays(sandbox: RunningSandbox, client: labelbox.Client) -> None:
    settings = {"number_of_labels": 2, "coverage_percentage": 1.0}
    project = project_with(client, [{"global_key": "k", "row_data": "text"}], consensus_settings=settings)
    row = client.get_data_row_by_global_key("k")
    for by in ("a@example.com", "b@example.com"):
        sandbox.core.perform(Operation("submit", project.uid, row.uid, by=by, answers={"summary": by}))
    first, second = project.labels()
    second.delete()
    assert [label.uid for label in project.labels()] == [first.uid]
    assert part(project)["project_details"]["workflow_status"] == "TO_LABEL"


def test_a_benchmark_scores_the_labels_that_follow(
    sandbox: RunningSandbox, client: labelbox.Client, clock: Clock
) -> None:
    project = project_with(client, [{"global_key": "k", "row_data": "text"}])
    row = client.get_data_row_by_global_key("k")
    for name, by in (("submit", "a"), ("approve", None), ("benchmark", None), ("submit", "b"), ("submit", "c")):
        answers = {"summary": "same" if by != "c" else "other"} if by else None
        sandbox.core.perform(Operation(name, project.uid, row.uid, by=by, answers=answers))
    clock.at += timedelta(minutes=1)
    found = part(project)
    scores = [label["performance_details"].get("benchmark_score") for label in found["labels"]]
    assert scores == [None, 1.0, 0.0]
    assert all("benchmark_score" not in label["performance_details_v2"] for label in found["labels"])
    assert "consensus_expected_label_count" not in found["project_details"]
    assert [label.is_benchmark_reference for label in project.labels()] == [True, False, False]


def part(project: labelbox.Project) -> Json:
    (row,) = exported(project)
    found: Json = row["projects"][project.uid]
    return found
