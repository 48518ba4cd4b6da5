"""Everything that a label can hold, in the shape of an export: nested answers, answers about messages, choices."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.answers import annotate, plain_answers, plain_message_answers, prompt_name, questions
from sandbox.assets import CONVERSATION, read_asset
from sandbox.chat_trees import forks, tree
from sandbox.choices import plain_choices
from sandbox.content import annotate_all
from sandbox.errors import MalformedRequest
from sandbox.given import Choice, Given, read_given
from sandbox.ids import Ids
from sandbox.older_vocabulary import older_vocabulary
from sandbox.ontologies import with_ids
from sandbox.plain_writer import PlainWriter
from sandbox.records import Content, DataRow, Json, Label, Ontology

START = datetime(2026, 11, 20, 10, tzinfo=UTC)
TOPIC: Json = {
    "type": "radio",
    "name": "topic",
    "instructions": "What is it about?",
    "options": [
        {
            "value": "parcels",
            "label": "Parcels",
            "options": [
                {"type": "radio", "name": "problem", "options": [{"value": "late"}, {"value": "lost"}]},
                {"type": "text", "name": "why", "required": True},
            ],
        },
        {"value": "bills"},
        {"value": "gifts", "archived": True},
    ],
}
FOUND: Json = {
    "type": "checklist",
    "name": "found",
    "options": [{"value": "name", "options": [{"type": "text", "name": "which"}]}, {"value": "phone"}],
}
ON_MESSAGES: list[Json] = [
    {"type": "radio", "name": "intent", "scope": "index", "options": [{"value": "ask"}, {"value": "thank"}]},
    {"type": "checklist", "name": "traits", "scope": "index", "options": [{"value": "polite"}, {"value": "long"}]},
    {"type": "text", "name": "note", "instructions": "Note:", "scope": "index", "required": True},
]
TOOLS: list[Json] = [
    {"tool": "message-single-selection", "name": "better"},
    {"tool": "message-multi-selection", "name": "usable"},
    {"tool": "message-ranking", "name": "order"},
]
TALK: Json = {
    "type": CONVERSATION,
    "version": 1,
    "messages": [
        {"messageId": "one", "content": "Where is it?", "user": {"userId": "c", "name": "Customer"}, "canLabel": True},
        {"messageId": "two", "content": "Here.", "user": {"userId": "a", "name": "Agent"}, "canLabel": False},
    ],
}
CHAT = tree(["Hello", "And now?"], [("Yes", "No"), ("Soon", "Never", "Later")])


def ontology(*asked: Json, tools: list[Json] | None = None) -> Ontology:
    normalized = with_ids({"tools": tools or [], "classifications": list(asked)}, Ids(0))
    return Ontology("o", "o", None, normalized, START, START)


def row(shown: str | Json) -> DataRow:
    row_data, attributes = read_asset(shown)
    return DataRow("row", "dataset", row_data, "key", None, START, START, attributes)


def label(content: Content, *, skipped: bool = False) -> Label:
    return Label(
        "l", START, START, START, "by", content.classifications, skipped=skipped, seconds_to_label=1,
        objects=content.objects,
    )  # fmt: skip


def without_ids(node: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(node, list | tuple):
        return [without_ids(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: without_ids(item) for key, item in node.items() if key not in {"feature_id", "feature_schema_id"}}


def every_dict(node: Any) -> list[Json]:  # noqa: ANN401 - JSON
    if isinstance(node, list | tuple):
        return [one for item in node for one in every_dict(item)]
    return [node, *(one for item in node.values() for one in every_dict(item))] if isinstance(node, dict) else []


def test_nested_answers_stand_below_the_option_that_asks_for_them() -> None:
    answers = {
        "topic": {"value": "parcels", "answers": {"why": "It is late.", "problem": "late"}},
        "found": [{"value": "name", "answers": {"which": "Ada"}}, "phone"],
    }
    written = annotate(questions(ontology(TOPIC, FOUND)), answers, Ids(1))
    assert plain_answers(written) == answers
    assert without_ids(written)[0] == {
        "name": "What is it about?",
        "value": "topic",
        "radio_answer": {
            "name": "Parcels",
            "value": "parcels",
            "classifications": [
                {"name": "why", "value": "why", "text_answer": {"content": "It is late.", "classifications": []}},
                {
                    "name": "problem",
                    "value": "problem",
                    "radio_answer": {"name": "late", "value": "late", "classifications": []},
                },
            ],
        },
    }
    named = [item for item in every_dict(written) if "value" in item]
    assert len({item["feature_schema_id"] for item in named}) == len(named) == 9


@pytest.mark.parametrize(
    "answers",
    [
        {"topic": "parcels"},
        {"topic": {"value": "parcels", "answers": {"why": "x", "nothing": "x"}}},
        {"topic": {"value": "parcels", "answers": {"why": ["x"]}}},
        {"topic": {"value": "bills", "answers": {"why": "x"}}},
        {"topic": "gifts"},
        {"found": "name"},
        {"found": [{"value": "name", "answers": {"who": "Ada"}}]},
    ],
)
def test_nested_answers_that_do_not_fit_are_refused(answers: Json) -> None:
    with pytest.raises(MalformedRequest):
        annotate(questions(ontology(TOPIC, FOUND)), answers, Ids(1))


def test_archived_questions_are_not_asked_any_more() -> None:
    made = ontology({**FOUND, "archived": True}, TOPIC)
    assert [item["name"] for item in questions(made)] == ["topic"]
    with pytest.raises(MalformedRequest, match="found"):
        annotate(questions(made), {"found": ["phone"]}, Ids(1))


def test_a_prompt_is_answered_as_a_text_and_found_by_the_type_of_its_question() -> None:
    made = ontology(
        {"type": "response-text", "name": "reply"}, {"type": "prompt", "name": "task", "instructions": "Prompt"}
    )
    (entry,) = annotate(questions(made), {"task": "Say why."}, Ids(1))
    assert (entry["name"], entry["value"], entry["text_answer"]["content"]) == ("Prompt", "task", "Say why.")
    assert (prompt_name(made), prompt_name(ontology(TOPIC)), prompt_name(None)) == ("task", None, None)


def test_answers_about_messages_name_the_message_and_have_keys_of_their_own() -> None:
    given = Given(on_messages={"one": {"intent": "ask", "note": "n", "traits": ["long"]}})
    content = annotate_all(ontology(TOPIC, *ON_MESSAGES), row(TALK), given, Ids(1))
    assert without_ids(content.classifications) == [
        {
            "name": "intent",
            "value": "intent",
            "message_id": "one",
            "conversational_radio_answer": {"name": "ask", "value": "ask", "classifications": []},
        },
        {"name": "Note:", "value": "note", "message_id": "one", "conversational_text_answer": {"content": "n"}},
        {
            "name": "traits",
            "value": "traits",
            "message_id": "one",
            "conversational_checklist_answers": [{"name": "long", "value": "long", "classifications": []}],
        },
    ]
    assert plain_message_answers(content.classifications) == given.on_messages
    assert plain_answers(content.classifications) == {}


def test_choices_have_the_shapes_of_a_multimodal_chat_export() -> None:
    given = Given(
        choices=[
            Choice("better", "m-0", ("m-0-1",)),
            Choice("usable", "m-0", ("m-0-0", "m-0-1")),
            Choice("order", "m-1", ("m-1-2", "m-1-0", "m-1-1")),
        ]
    )
    content = annotate_all(ontology(tools=TOOLS), row(CHAT), given, Ids(1))
    small, large, mini = "northwind-small", "northwind-large", "harbour-mini"
    assert without_ids(content.objects) == [
        {
            "name": "better",
            "annotation_kind": "MessageSingleSelection",
            "classifications": [],
            "selected_message": {"message_id": "m-0-1", "model_config_name": large, "parent_message_id": "m-0"},
        },
        {
            "name": "usable",
            "annotation_kind": "MessageMultiSelection",
            "classifications": [],
            "selected_messages": {
                "messages": [
                    {"message_id": "m-0-0", "model_config_name": small},
                    {"message_id": "m-0-1", "model_config_name": large},
                ],
                "parent_message_id": "m-0",
            },
        },
        {
            "name": "order",
            "annotation_kind": "MessageRanking",
            "classifications": [],
            "ranked_messages": {
                "ranked_messages": [
                    {"message_id": "m-1-2", "model_config_name": mini, "order": 1},
                    {"message_id": "m-1-0", "model_config_name": small, "order": 2},
                    {"message_id": "m-1-1", "model_config_name": large, "order": 3},
                ],
                "parent_message_id": "m-1",
            },
        },
    ]
    assert all(item["feature_schema_id"] and item["feature_id"] for item in content.objects)
    assert plain_choices(content.objects, "rankings") == [
        {"tool": "order", "parent": "m-1", "messages": ["m-1-2", "m-1-0", "m-1-1"]}
    ]
    assert [item["tool"] for item in plain_choices(content.objects, "selections")] == ["better", "usable"]


def test_all_answers_to_one_message_lead_to_the_same_next_one() -> None:
    assert forks(CHAT) == [("m-0", ["m-0-0", "m-0-1"]), ("m-1", ["m-1-0", "m-1-1", "m-1-2"])]
    assert {tuple(CHAT["messages"][key]["childMessageIds"]) for key in ("m-0-0", "m-0-1")} == {("m-1",)}


@pytest.mark.parametrize(
    "choice",
    [
        Choice("nothing", "m-0", ("m-0-0",)),
        Choice("better", "lost", ("m-0-0",)),
        Choice("better", "m-0", ("m-1-0",)),
        Choice("better", "m-0", ("m-0-0", "m-0-1")),
        Choice("order", "m-0", ()),
        Choice("order", "m-0", ("m-0-0", "m-0-0")),
    ],
)
def test_choices_that_do_not_fit_the_chat_are_refused(choice: Choice) -> None:
    with pytest.raises(MalformedRequest):
        annotate_all(ontology(tools=TOOLS), row(CHAT), Given(choices=[choice]), Ids(1))


def test_a_required_tool_must_be_used_and_a_message_must_be_there() -> None:
    with pytest.raises(MalformedRequest, match="order"):
        annotate_all(ontology(tools=[{**TOOLS[2], "required": True}]), row(CHAT), Given(), Ids(1))
    with pytest.raises(MalformedRequest, match="lost"):
        annotate_all(ontology(*ON_MESSAGES), row(TALK), Given(on_messages={"lost": {"intent": "ask"}}), Ids(1))


def test_the_older_vocabulary_has_messages_and_what_is_nested() -> None:
    given = Given({"topic": {"value": "parcels", "answers": {"why": "w"}}}, {"one": {"intent": "ask"}})
    content = annotate_all(ontology(TOPIC, ON_MESSAGES[0]), row(TALK), given, Ids(1))
    topic, intent = json.loads(older_vocabulary(label(content)))["classifications"]
    assert topic["answer"]["classifications"][0]["answer"] == "w"
    assert (intent["messageId"], intent["answer"]["value"]) == ("one", "ask")
    chosen = annotate_all(
        ontology(tools=TOOLS), row(CHAT), Given(choices=[Choice("better", "m-0", ("m-0-0",))]), Ids(1)
    )
    assert [item["title"] for item in json.loads(older_vocabulary(label(chosen)))["objects"]] == ["better"]
    assert older_vocabulary(label(content, skipped=True)) == "{}"


@pytest.mark.parametrize("shown", ["A text", "", TALK, CHAT])
@pytest.mark.parametrize("care", ["final", "draft", "careless"])
def test_anybody_can_label_a_row_of_any_kind(shown: str | Json, care: Any) -> None:  # noqa: ANN401 - a Care
    made = ontology(TOPIC, FOUND, *ON_MESSAGES[:2], tools=TOOLS if shown is CHAT else None)
    content = annotate_all(made, row(shown), PlainWriter().write(row(shown), made, care), Ids(1))
    assert plain_answers(content.classifications).keys() == {"topic", "found"}
    assert bool(plain_message_answers(content.classifications)) == isinstance(shown, dict)
    assert len(content.objects) == (6 if shown is CHAT else 0)


@pytest.mark.parametrize(
    "body",
    [
        {"answers": ["x"]},
        {"answers": {"topic": {"answers": {}}}},
        {"answers": {"topic": {"value": "x", "more": 1}}},
        {"answers": {"topic": {"value": "x", "answers": {"why": 3}}}},
        {"messages": {"one": "x"}},
        {"selections": {"tool": "better"}},
        {"selections": [{"tool": "better", "parent": "m-0"}]},
        {"rankings": [{"tool": "order", "parent": "m-0", "messages": [1]}]},
        {"chat": "Hello"},
    ],
)
def test_what_the_control_api_cannot_read_is_refused(body: Json) -> None:
    with pytest.raises(MalformedRequest):
        read_given(body)


def test_the_control_api_reads_everything_that_a_label_can_hold() -> None:
    body = {
        "answers": {"topic": {"value": "parcels", "answers": {"why": "w"}}, "found": ["phone", {"value": "name"}]},
        "messages": {"one": {"intent": "ask"}},
        "selections": [{"tool": "better", "parent": "m-0", "messages": ["m-0-0"]}],
        "rankings": [{"tool": "order", "parent": "m-0", "messages": ["m-0-1", "m-0-0"]}],
        "chat": CHAT,
    }
    choices = (Choice("better", "m-0", ("m-0-0",)), Choice("order", "m-0", ("m-0-1", "m-0-0")))
    assert read_given(body) == Given(body["answers"], body["messages"], choices, CHAT)
