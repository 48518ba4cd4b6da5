"""Giving work to labelers: the real SDK against the sandbox, with faults; what the fake in the tests stands for."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import labelbox
import pytest
from labelbox.schema.data_row_metadata import DataRowMetadataKind

from sandbox.faults import Faults
from sandbox.operations import Operation
from sandbox.server import RunningSandbox, serve_in_thread
from sandbox.settings import Settings
from service.adapters.labelbox_account import LabelboxAccountOfSdk
from service.adapters.labelbox_queues import LabelboxQueuesOfSdk
from service.domain.errors import GapsRefused, LabelsLimited, LabelsRefused, LabelsUnreachable, ServiceError
from service.domain.setup_rows import UploadRow, empty_chats
from service.domain.setups import AskedQuestion, Kind, normalized

KEY = "key-of-the-sandbox"
QUESTION = AskedQuestion("summary", "Summarise.", "text")


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with serve_in_thread(Settings(api_key=KEY)) as running:
        yield running


@pytest.fixture
def account(server: RunningSandbox) -> LabelboxAccountOfSdk:
    server.core.clear()
    server.core.faults = Faults()
    return LabelboxAccountOfSdk(api_key=KEY, endpoint=server.url)


@pytest.fixture
def queues(server: RunningSandbox, account: LabelboxAccountOfSdk) -> LabelboxQueuesOfSdk:
    assert account
    return LabelboxQueuesOfSdk(api_key=KEY, endpoint=server.url)


@pytest.fixture
def project(account: LabelboxAccountOfSdk) -> str:
    """Make a project with six rows, of which four were sent there."""
    made = account.create_project("Chats", "text").project_id
    ontology = account.create_ontology("Chats", "text", normalized([QUESTION]))
    account.connect_ontology(made, ontology.ontology_id)
    rows = [UploadRow(f"key-{n}", f"chat number {n}") for n in range(6)]
    account.upload(account.create_dataset("Chats"), rows, exist=False)
    account.create_batch(made, "first", [f"key-{n}" for n in range(4)], priority=5)
    return made


def row_id(server: RunningSandbox, key: str) -> str:
    return server.core.organization.by_global_key[key]


def labelled(server: RunningSandbox, project: str, key: str, *, approved: bool = True) -> tuple[str, str]:
    """Have a row answered, and approved; give it and its label."""
    mine = row_id(server, key)
    done = server.core.perform(Operation("submit", project, mine, answers={"summary": "short"}))
    if approved:
        server.core.perform(Operation("approve", project, mine))
    return mine, str(done.label_id)


def test_rows_without_a_label_are_those_that_wait_and_those_that_were_never_sent(
    server: RunningSandbox, queues: LabelboxQueuesOfSdk, project: str
) -> None:
    labelled(server, project, "key-0")
    labelled(server, project, "key-1", approved=False)
    found = queues.unlabelled(project, ["Chats", "no such dataset"], most=100)
    assert {(row.prompt, row.in_project) for row in found} == {
        ("chat number 2", True),
        ("chat number 3", True),
        ("chat number 4", False),
        ("chat number 5", False),
    }
    (dataset_id,) = server.core.organization.datasets
    assert queues.unlabelled(project, [dataset_id], most=100) == found
    assert len(queues.unlabelled(project, ["Chats"], most=1)) == 2
    assert [row.in_project for row in queues.unlabelled(project, [], most=100)] == [True, True]


def test_a_row_of_another_project_can_still_be_sent(
    account: LabelboxAccountOfSdk, queues: LabelboxQueuesOfSdk, project: str
) -> None:
    other = account.create_project("Others", "text").project_id
    found = queues.unlabelled(other, ["Chats"], most=100)
    assert len(found) == 6
    queues.send_batch(other, "gaps", [found[0].data_row_id], priority=1)
    assert queues.batches(other) == {"gaps": 1}
    assert queues.batches(project) == {"first": 4}


def test_how_rows_stand_is_told_of_those_that_the_project_has(
    server: RunningSandbox, queues: LabelboxQueuesOfSdk, project: str
) -> None:
    done, label = labelled(server, project, "key-0")
    review, _ = labelled(server, project, "key-1", approved=False)
    waits, absent = row_id(server, "key-2"), row_id(server, "key-5")
    found = queues.look(project, [done, review, waits, absent, "nobody"])
    assert {key: standing.status for key, standing in found.items()} == {
        done: "DONE",
        review: "IN_REVIEW",
        waits: "TO_LABEL",
    }
    assert (found[done].label_ids, found[waits].label_ids) == ({label}, frozenset())
    assert found[done].activity_at.tzinfo is not None
    assert queues.look(project, []) == {}
    assert queues.look(project, [absent]) == {}


def test_a_batch_is_sent_with_its_priority_and_its_name_is_taken_then(
    server: RunningSandbox, queues: LabelboxQueuesOfSdk, project: str
) -> None:
    ids = [row_id(server, "key-4"), row_id(server, "key-5")]
    queues.send_batch(project, "gaps", ids, priority=1)
    assert queues.batches(project) == {"first": 4, "gaps": 2}
    held = server.core.organization.project(project)
    assert {held.row(key).priority for key in ids} == {1}
    with pytest.raises(LabelsRefused):
        queues.send_batch(project, "gaps", ids, priority=1)


def test_what_a_batch_does_not_take_is_named_and_each_row_says_by_which_batch_it_came(
    server: RunningSandbox, queues: LabelboxQueuesOfSdk, project: str
) -> None:
    ids = [row_id(server, key) for key in ("key-4", "key-5")]
    assert queues.send_batch(project, "gaps", [row_id(server, "key-0"), ids[0], "nobody"], priority=1) == {
        row_id(server, "key-0"),
        "nobody",
    }
    server.core.faults = Faults(partial_batches=1)
    assert queues.send_batch(project, "more", [ids[1]], priority=1) == {ids[1]}
    assert queues.batches(project) == {"first": 4, "gaps": 1, "more": 0}
    found = queues.look(project, [row_id(server, "key-0"), *ids])
    assert {key: standing.batch for key, standing in found.items()} == {
        row_id(server, "key-0"): "first",
        ids[0]: "gaps",
    }


def test_waiting_rows_move_to_the_front(server: RunningSandbox, queues: LabelboxQueuesOfSdk, project: str) -> None:
    mine = row_id(server, "key-3")
    for _ in range(2):
        queues.prioritise(project, [mine], priority=1)
    held = server.core.organization.project(project)
    assert (held.row(mine).priority, held.row(row_id(server, "key-2")).priority) == (1, 5)


def test_a_label_goes_to_rework_with_one_remark(
    server: RunningSandbox, queues: LabelboxQueuesOfSdk, project: str
) -> None:
    mine, label = labelled(server, project, "key-0")
    for _ in range(2):
        queues.remark(project, mine, label, "Please check this label. (g-1)")
        queues.rework(project, [mine])
    assert queues.look(project, [mine])[mine].status == "IN_REWORK"
    issues = server.core.organization.issues
    assert [(item.data_row_id, item.label_id, item.content) for item in issues] == [
        (mine, label, "Please check this label. (g-1)")
    ]
    queues.remark(project, mine, label, "Please check this label. (g-2)")
    assert len(issues) == 2


@pytest.mark.parametrize("kind", ["text", "chat", "offline-chat"])
def test_text_and_chat_projects_take_work_back(
    account: LabelboxAccountOfSdk, queues: LabelboxQueuesOfSdk, kind: Kind
) -> None:
    made = account.create_project("p", kind).project_id
    ontology = account.create_ontology("p", kind, normalized([QUESTION]))
    account.connect_ontology(made, ontology.ontology_id)
    abilities = queues.abilities(made)
    assert (abilities.is_retired, abilities.has_rework) == (False, True)


def test_empty_chats_have_no_prompt_yet(account: LabelboxAccountOfSdk, queues: LabelboxQueuesOfSdk) -> None:
    made = account.create_project("p", "chat").project_id
    account.upload(account.create_dataset("p"), empty_chats("p", 2), exist=False)
    found = queues.unlabelled(made, ["p"], most=10)
    assert [row.prompt for row in found] == [None, None]
    queues.send_batch(made, "gaps", [row.data_row_id for row in found], priority=1)
    assert [row.in_project for row in queues.unlabelled(made, ["p"], most=10)] == [True, True]


@pytest.mark.parametrize("question", ["prompt", "response-text"])
def test_retired_kinds_are_known_by_their_questions(
    server: RunningSandbox, queues: LabelboxQueuesOfSdk, project: str, question: str
) -> None:
    core = server.core
    asked = {"type": question, "name": "q", "instructions": "q", "options": []}
    document: Any = {"tools": [], "classifications": [asked]}
    core.organization.project(project).ontology = core.organization.create_ontology(
        "old", document, media_type="TEXT", at=core.now()
    )
    assert queues.abilities(project).is_retired


def test_a_workflow_without_rework_is_told_and_refused(
    server: RunningSandbox, queues: LabelboxQueuesOfSdk, project: str
) -> None:
    held = server.core.organization.project(project)
    held.queues = replace(held.queues, rework=replace(held.queues.review, name="Second review"))
    assert not queues.abilities(project).has_rework
    with pytest.raises(GapsRefused):
        queues.rework(project, [row_id(server, "key-0")])


def test_metadata_come_with_unlabelled_rows(server: RunningSandbox, queues: LabelboxQueuesOfSdk, project: str) -> None:
    client = labelbox.Client(api_key=KEY, endpoint=server.url)
    ontology = client.get_data_row_metadata_ontology()
    ontology.create_schema("channel", DataRowMetadataKind.string)
    dataset = client.create_dataset(name="tagged", iam_integration=None)
    fields = [{"name": "channel", "value": "mail"}]
    rows = [{"row_data": "tagged", "global_key": "tagged", "metadata_fields": fields}]
    dataset.create_data_rows(rows).wait_till_done()
    client.connection.close()
    (row,) = [row for row in queues.unlabelled(project, ["tagged"], most=10) if not row.in_project]
    assert row.metadata == {"channel": "mail"}


def test_a_change_that_nobody_heard_of_is_found_done(
    server: RunningSandbox, queues: LabelboxQueuesOfSdk, project: str
) -> None:
    """The SDK asks once more by itself, and for a batch meets its own."""
    mine, label = labelled(server, project, "key-0")
    server.core.faults = Faults(unheard_changes=1)
    with pytest.raises(ServiceError):
        queues.send_batch(project, "gaps", [row_id(server, "key-4")], priority=1)
    assert queues.batches(project)["gaps"] == 1
    server.core.faults = Faults(unheard_changes=1)
    queues.rework(project, [mine])
    assert queues.look(project, [mine])[mine].status == "IN_REWORK"
    queues.remark(project, mine, label, "once")
    assert len(server.core.organization.issues) == 1


def test_what_goes_wrong_comes_in_the_domains_words(
    server: RunningSandbox, queues: LabelboxQueuesOfSdk, project: str
) -> None:
    for fault, error in (
        (Faults(limited_requests=1), LabelsLimited),
        (Faults(bare_limited_requests=1), LabelsLimited),
        (Faults(dropped_requests=1), LabelsUnreachable),
    ):
        server.core.faults = fault
        with pytest.raises(error):
            queues.batches(project)
    for fault in (Faults(failed_exports=1), Faults(truncated_chunks=1), Faults(broken_downloads=1)):
        server.core.faults = fault
        with pytest.raises(ServiceError) as raised:
            queues.unlabelled(project, ["Chats"], most=10)
        assert raised.value.retryable


def test_strangers_and_lost_addresses_are_refusals(server: RunningSandbox) -> None:
    stranger = LabelboxQueuesOfSdk(api_key="another", endpoint=server.url)
    lost = LabelboxQueuesOfSdk(api_key=KEY, endpoint="http://127.0.0.1:9/graphql")
    for queues, error in ((stranger, LabelsRefused), (lost, ServiceError)):
        calls: list[Any] = [
            lambda queues=queues: queues.abilities("p"),
            lambda queues=queues: queues.unlabelled("p", ["d"], most=1),
            lambda queues=queues: queues.look("p", ["r"]),
            lambda queues=queues: queues.batches("p"),
            lambda queues=queues: queues.send_batch("p", "b", ["r"], priority=1),
            lambda queues=queues: queues.prioritise("p", ["r"], priority=1),
            lambda queues=queues: queues.remark("p", "r", "l", "t"),
            lambda queues=queues: queues.rework("p", ["r"]),
        ]
        for call in calls:
            with pytest.raises(error):
                call()
