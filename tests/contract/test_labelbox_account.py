"""The account that a setup works on: in memory, and the real SDK against the sandbox."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labelbox import Classification, Client, OntologyBuilder, Option, Tool
from labelbox.schema.data_row_metadata import DataRowMetadataKind

from sandbox.api.context import Arguments, Context, where_of
from sandbox.api.execution import _ROOTS
from sandbox.api.views import project_view, webhook_view
from sandbox.server import RunningSandbox, serve_in_thread
from sandbox.settings import Settings
from service.adapters.labelbox_account import LabelboxAccountOfSdk
from service.domain.errors import LabelsRefused, LabelsUnreachable
from service.domain.setup_rows import UploadRow, empty_chats
from service.domain.setup_webhooks import TOPICS
from service.domain.setups import (
    MEDIA,
    MESSAGE_TOOLS,
    AskedQuestion,
    Choice,
    HeldOntology,
    Kind,
    Setup,
    normalized,
    ontology_differences,
    project_differences,
)
from service.ports import LabelboxAccount
from tests.support.fake_account import FakeAccount

KEY = "key-of-the-sandbox"
WHY = AskedQuestion("why", "Why?", "text", required=False)
TEXT = (
    AskedQuestion("summary", "Summarise the chat.", "text", min_characters=5, max_characters=800),
    AskedQuestion("quality", "How good?", "radio", options=(Choice("good", "Good"), Choice("bad", "Bad", (WHY,)))),
    AskedQuestion("faults", "Which faults?", "checklist", required=False, options=(Choice("rude", "Rude"),)),
)
CHAT = (
    *(AskedQuestion(name, name, name) for name in MESSAGE_TOOLS),
    AskedQuestion("quality", "How good?", "radio", options=(Choice("good", "Good"),)),
)


def setup_of(kind: Kind = "text") -> Setup:
    return Setup("p", "Chats", kind, TEXT if kind == "text" else CHAT)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with serve_in_thread(Settings(api_key=KEY)) as running:
        yield running


@pytest.fixture(params=["fake", "sdk"])
def account(request: pytest.FixtureRequest) -> LabelboxAccount:
    if request.param == "fake":
        return FakeAccount()
    server: RunningSandbox = request.getfixturevalue("server")
    server.core.clear()
    return LabelboxAccountOfSdk(api_key=KEY, endpoint=server.url)


@pytest.fixture
def sdk(server: RunningSandbox) -> LabelboxAccountOfSdk:
    server.core.clear()
    return LabelboxAccountOfSdk(api_key=KEY, endpoint=server.url)


def rows_of(*texts: str) -> list[UploadRow]:
    return [UploadRow(f"key-{number}", text) for number, text in enumerate(texts)]


def filled(account: LabelboxAccount, *texts: str) -> str:
    """Make a project with these rows."""
    project_id = account.create_project("Chats", "text").project_id
    assert account.upload(account.create_dataset("Chats"), rows_of(*texts), exist=False) == {}
    account.create_batch(project_id, "Chats 1", [f"key-{n}" for n in range(len(texts))], priority=1)
    return project_id


@pytest.mark.parametrize("kind", list(MEDIA))
def test_a_project_is_found_by_its_exact_name_and_is_of_its_kind(account: LabelboxAccount, kind: Kind) -> None:
    made = account.create_project("Chats", kind)
    other = account.create_project("Chats of others", kind)
    assert account.projects_named("Chats") == [made]
    assert account.project(other.project_id) == other
    assert project_differences(setup_of(kind), made) == []
    assert all(project_differences(setup_of(another), made) for another in MEDIA if another != kind)
    assert account.connected_ontology(made.project_id) is None
    assert account.batches(made.project_id) == {}


@pytest.mark.parametrize("kind", list(MEDIA))
def test_an_ontology_comes_back_as_it_was_wanted_and_is_connected(account: LabelboxAccount, kind: Kind) -> None:
    setup = setup_of(kind)
    account.create_ontology("Chats of others", kind, normalized(setup.questions))
    made = account.create_ontology("Chats", kind, normalized(setup.questions))
    assert ontology_differences(setup, made) == []
    assert [found.ontology_id for found in account.ontologies_named("Chats")] == [made.ontology_id]
    project_id = account.create_project("Chats", kind).project_id
    account.connect_ontology(project_id, made.ontology_id)
    found = account.connected_ontology(project_id)
    assert found is not None
    assert (found.ontology_id, ontology_differences(setup, found)) == (made.ontology_id, [])


def test_two_of_one_name_are_both_found(account: LabelboxAccount) -> None:
    datasets = [account.create_dataset("Chats"), account.create_dataset("Chats")]
    account.create_dataset("chats")
    assert sorted(account.datasets_named("Chats")) == sorted(datasets)
    assert account.datasets_named("nobody's") == account.projects_named("x") == account.ontologies_named("x") == []


def test_rows_are_made_with_their_keys_and_sent_to_the_project(account: LabelboxAccount) -> None:
    project_id = filled(account, "line\nbreak ✓", "b")
    assert account.known_keys(["key-0", "key-1", "key-2"]) == {"key-0", "key-1"}
    assert account.contents_in_project(project_id, ["key-0", "key-1", "key-2"]) == {
        "key-0": "line\nbreak ✓",
        "key-1": "b",
    }
    assert account.batches(project_id) == {"Chats 1": 2}
    assert account.contents_in_project(project_id, ["key-2"]) == {}
    assert account.known_keys(["key-2"]) == set()


def test_rows_that_exist_are_given_their_content_again(account: LabelboxAccount) -> None:
    project_id = filled(account, "a", "b")
    (dataset_id,) = account.datasets_named("Chats")
    assert account.upload(dataset_id, rows_of("changed"), exist=True) == {}
    assert account.contents_in_project(project_id, ["key-0", "key-1"]) == {"key-0": "changed", "key-1": "b"}


def test_a_refused_row_is_named_and_the_others_are_made(account: LabelboxAccount) -> None:
    filled(account, "a")
    (dataset_id,) = account.datasets_named("Chats")
    refused = account.upload(dataset_id, rows_of("again", "b"), exist=False)
    assert refused == {"key-0": "Duplicate global key: 'key-0'"}
    assert account.known_keys(["key-1"]) == {"key-1"}


def test_empty_chats_are_rows_like_others(account: LabelboxAccount) -> None:
    project_id = account.create_project("Chats", "chat").project_id
    rows = empty_chats("p", 3)
    assert account.upload(account.create_dataset("Chats"), rows, exist=False) == {}
    assert account.create_batch(project_id, "Chats 1", [row.global_key for row in rows], priority=5) == 3
    held = account.contents_in_project(project_id, [row.global_key for row in rows])
    assert [json.loads(content) for content in held.values()] == [row.content for row in rows]


def test_rows_that_the_project_has_do_not_arrive_twice(account: LabelboxAccount) -> None:
    project_id = filled(account, "a")
    (dataset_id,) = account.datasets_named("Chats")
    account.upload(dataset_id, [UploadRow("more", "b")], exist=False)
    assert account.create_batch(project_id, "Chats 2", ["key-0", "more"], priority=5) == 1


def test_webhooks_are_made_with_their_scope_and_changed(account: LabelboxAccount) -> None:
    mine = account.create_project("Chats", "text").project_id
    other = account.create_project("Others", "text").project_id
    own = account.create_webhook(mine, url="http://127.0.0.1:9/webhooks/labelbox/a", topics=TOPICS[:1], secret="00ff")
    everywhere = account.create_webhook(None, url="http://127.0.0.1:9/webhooks/labelbox", topics=TOPICS, secret="00ff")
    account.create_webhook(other, url="http://127.0.0.1:9/webhooks/labelbox", topics=TOPICS, secret="00ff")
    held = {hook.webhook_id: hook for hook in account.webhooks(mine)}
    assert {uid: (hook.scope, hook.is_active) for uid, hook in held.items()} == {
        own: ("project", True),
        everywhere: ("organization", True),
    }
    assert held[own].missing_topics == TOPICS[1:]
    account.set_topics(held[own], TOPICS)
    account.switch_off(held[everywhere])
    changed = {hook.webhook_id: hook for hook in account.webhooks(mine)}
    assert (changed[own].missing_topics, changed[everywhere].status) == ((), "INACTIVE")


def test_webhooks_of_other_projects_are_not_the_organisations(
    sdk: LabelboxAccountOfSdk, server: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labelbox lists the webhooks of all projects among the organisation's; the sandbox learns it here."""
    held = server.core.organization.webhooks
    mine, other = (sdk.create_project(name, "text").project_id for name in ("Chats", "Others"))
    url = "http://127.0.0.1:9/webhooks/labelbox"
    own, _, everywhere = (
        sdk.create_webhook(owner, url=url, topics=TOPICS, secret="00ff") for owner in (mine, other, None)
    )
    former = _ROOTS["organization"]

    def organization(context: Context, arguments: Arguments) -> object:
        found: Any = former(context, arguments)
        return found | {"webhooks": lambda _: [webhook_view(hook) for hook in held.values()]}

    def webhook(context: Context, arguments: Arguments) -> object:
        project_id = held[where_of(arguments)["id"]].project_id
        project = context.sandbox.organization.project(project_id) if project_id else None
        return {"project": project_view(project) if project else None}

    monkeypatch.setitem(_ROOTS, "organization", organization)
    # As long as the server cannot say whose a webhook is, none of the others is taken for the organisation's.
    monkeypatch.delitem(_ROOTS, "webhook", raising=False)
    assert {hook.webhook_id for hook in sdk.webhooks(mine)} == {own}
    monkeypatch.setitem(_ROOTS, "webhook", webhook)
    assert {hook.webhook_id: hook.scope for hook in sdk.webhooks(mine)} == {own: "project", everywhere: "organization"}
    sdk.switch_off(next(hook for hook in sdk.webhooks(mine) if hook.webhook_id == everywhere))
    assert held[everywhere].status == "INACTIVE"


def test_what_is_not_there_is_a_refusal(account: LabelboxAccount) -> None:
    with pytest.raises(LabelsRefused):
        account.project("nobody")
    with pytest.raises(LabelsRefused):
        account.webhooks("nobody")


def test_a_text_that_is_the_path_of_a_file_is_uploaded_as_text(
    sdk: LabelboxAccountOfSdk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prompt").write_text("a secret of this machine")
    monkeypatch.chdir(tmp_path)
    texts = ["prompt", str(tmp_path / "prompt"), ".", "/"]
    project_id = filled(sdk, *texts)
    held = sdk.contents_in_project(project_id, [f"key-{n}" for n in range(len(texts))])
    assert list(held.values()) == texts
    sdk.upload(*sdk.datasets_named("Chats"), [UploadRow("key-0", str(tmp_path / "prompt"))], exist=True)
    assert sdk.contents_in_project(project_id, ["key-0"]) == {"key-0": str(tmp_path / "prompt")}


def test_more_rows_than_a_filter_or_a_piece_takes(sdk: LabelboxAccountOfSdk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.adapters.labelbox_account._MAX_PIECE_BYTES", 50_000)
    texts = [f"text {number}" for number in range(2_001)]
    project_id = filled(sdk, *texts)
    keys = [f"key-{number}" for number in range(2_002)]
    assert list(sdk.contents_in_project(project_id, keys).values()) == texts
    assert len(sdk.known_keys(keys)) == 2_001
    assert sdk.batches(project_id) == {"Chats 1": 2_001}


def test_metadata_that_the_account_does_not_know_is_refused_with_its_name(sdk: LabelboxAccountOfSdk) -> None:
    row = UploadRow("k", "text", {"team": "red"})
    with pytest.raises(LabelsRefused, match="team") as raised:
        sdk.upload(sdk.create_dataset("Chats"), [row], exist=False)
    assert "metadata" in raised.value.remedy


def test_metadata_is_given_by_the_name_of_its_field(server: RunningSandbox, sdk: LabelboxAccountOfSdk) -> None:
    client = Client(api_key=KEY, endpoint=server.url)
    client.get_data_row_metadata_ontology().create_schema("team", DataRowMetadataKind.string)
    row = UploadRow("k", "text", {"team": "red"})
    assert sdk.upload(sdk.create_dataset("Chats"), [row], exist=False) == {}
    (field,) = client.get_data_row_by_global_key("k").metadata_fields
    assert (field["name"], field["value"]) == ("team", "red")
    client.connection.close()


def test_the_document_of_an_ontology_is_the_one_that_the_sdk_builds() -> None:
    built = OntologyBuilder(
        tools=[Tool(tool=Tool.Type.MESSAGE_RANKING, name="best", required=True)],
        classifications=[
            Classification(
                class_type=Classification.Type.RADIO,
                name="quality",
                instructions="How good?",
                required=True,
                options=[
                    Option(value="good", label="Good", position=0),
                    Option(
                        value="bad",
                        label="Bad",
                        position=1,
                        options=[Classification(class_type=Classification.Type.TEXT, name="why", instructions="Why?")],
                    ),
                ],
            )
        ],
    ).asdict()
    ours: dict[str, Any] = normalized([AskedQuestion("best", "Rank.", "ranking"), TEXT[1]])
    built["tools"][0]["color"] = ours["tools"][0]["color"]
    assert ours == built


def test_errors_of_the_sdk_come_in_the_domains_words(server: RunningSandbox) -> None:
    stranger = LabelboxAccountOfSdk(api_key="another", endpoint=server.url)
    lost = LabelboxAccountOfSdk(api_key=KEY, endpoint="http://127.0.0.1:9/graphql")
    for account, error in ((stranger, LabelsRefused), (lost, LabelsUnreachable)):
        for ask in _every_call(account):
            with pytest.raises(error):
                ask()


def _every_call(account: LabelboxAccountOfSdk) -> Iterator[Any]:
    row = UploadRow("k", "text")
    yield lambda: account.project("p")
    yield lambda: account.projects_named("p")
    yield lambda: account.create_project("p", "text")
    yield lambda: account.connected_ontology("p")
    yield lambda: account.ontologies_named("p")
    yield lambda: account.create_ontology("p", "text", normalized(TEXT))
    yield lambda: account.connect_ontology("p", "o")
    yield lambda: account.datasets_named("p")
    yield lambda: account.create_dataset("p")
    yield lambda: account.contents_in_project("p", ["k"])
    yield lambda: account.known_keys(["k"])
    yield lambda: account.upload("d", [row], exist=False)
    yield lambda: account.batches("p")
    yield lambda: account.create_batch("p", "b", ["k"], priority=5)
    yield lambda: account.webhooks("p")
    yield lambda: account.create_webhook(None, url="http://127.0.0.1:9/", topics=TOPICS, secret="00ff")


def test_an_ontology_that_asks_nothing_is_none() -> None:
    assert HeldOntology("o", "n", "TEXT", {"tools": [], "classifications": []}).is_empty
