"""What a project should be, and how one that is there differs: rules without Labelbox."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.setup_rows import (
    MAX_KEY_CHARACTERS,
    RowPlan,
    UploadRow,
    derived_key,
    empty_chats,
    free_batch_name,
    plan_rows,
)
from service.domain.setups import (
    MESSAGE_TOOLS,
    AskedQuestion,
    Choice,
    HeldOntology,
    HeldProject,
    Setup,
    normalized,
    ontology_differences,
    project_differences,
)

words = st.text(min_size=1, max_size=8)
limits = st.none() | st.integers(1, 1000)


def choices(nested: st.SearchStrategy[tuple[AskedQuestion, ...]]) -> st.SearchStrategy[tuple[Choice, ...]]:
    one = st.builds(Choice, words, words, nested)
    return st.lists(one, min_size=1, max_size=3, unique_by=lambda choice: choice.value).map(tuple)


def questions(types: tuple[str, ...], depth: int) -> st.SearchStrategy[tuple[AskedQuestion, ...]]:
    nested = questions(("text", "radio", "checklist"), depth - 1) if depth else st.just(())
    text = st.builds(AskedQuestion, words, words, st.just("text"), st.booleans(), limits, limits)
    chosen = st.builds(
        AskedQuestion, words, words, st.sampled_from(["radio", "checklist"]), st.booleans(), options=choices(nested)
    )
    tools = st.builds(AskedQuestion, words, words, st.sampled_from(types), st.booleans())
    one = text | chosen | tools if set(types) & set(MESSAGE_TOOLS) else text | chosen
    return st.lists(one, min_size=1, max_size=3, unique_by=lambda question: question.name).map(tuple)


def held(document: Any, media_type: str = "CONVERSATIONAL") -> HeldOntology:  # noqa: ANN401 - JSON
    return HeldOntology("o", "Chats", media_type, json.loads(json.dumps(document)))


@given(questions(tuple(MESSAGE_TOOLS), 2))
def test_an_ontology_made_from_the_questions_does_not_differ_from_them(asked: tuple[AskedQuestion, ...]) -> None:
    setup = Setup("p", "Chats", "chat", asked)
    assert ontology_differences(setup, held(normalized(asked))) == []


@given(questions(tuple(MESSAGE_TOOLS), 1), st.data())
def test_every_question_left_out_or_added_is_a_difference(
    asked: tuple[AskedQuestion, ...], data: st.DataObject
) -> None:
    gone = data.draw(st.sampled_from(asked))
    fewer = tuple(question for question in asked if question is not gone)
    setup = Setup("p", "Chats", "chat", asked)
    assert ontology_differences(setup, held(normalized(fewer))) == [f"question {gone.name!r} is missing"]
    assert ontology_differences(replace(setup, questions=fewer), held(normalized(asked))) == [
        f"question {gone.name!r} is not in the table"
    ]


WHY = AskedQuestion("why", "Why?", "text", required=False)
SUMMARY = AskedQuestion("summary", "Summarise.", "text", min_characters=5, max_characters=800)
QUALITY = AskedQuestion("quality", "How good?", "radio", options=(Choice("good", "Good"), Choice("bad", "Bad", (WHY,))))
SETUP = Setup("p", "Chats", "text", (SUMMARY, QUALITY))


@pytest.mark.parametrize(
    ("question", "changed", "words"),
    [
        (0, {"min_characters": 6}, "question 'summary' has min_characters 6, not 5"),
        (0, {"max_characters": None}, "question 'summary' has max_characters none, not 800"),
        (0, {"required": False}, "question 'summary' is not required"),
        (0, {"ask": "Sum up."}, "question 'summary' is asked in other words"),
        (0, {"type": "radio", "options": (Choice("a", "A"),)}, "question 'summary' is of type radio, not text"),
        (1, {"options": QUALITY.options[:1]}, "question 'quality' lacks the option 'bad'"),
        (
            1,
            {"options": (*QUALITY.options, Choice("x", "X"))},
            "question 'quality' has the option 'x', which is not in the table",
        ),
        (
            1,
            {"options": (Choice("good", "Fine"), QUALITY.options[1])},
            "question 'quality' shows the option 'good' as another label",
        ),
        (1, {"options": (QUALITY.options[0], Choice("bad", "Bad"))}, "question 'why' below 'bad' is missing"),
        (
            1,
            {"options": (QUALITY.options[0], Choice("bad", "Bad", (replace(WHY, required=True),)))},
            "question 'why' below 'bad' is required",
        ),
    ],
)
def test_each_difference_of_a_question_is_told_in_words(question: int, changed: dict[str, Any], words: str) -> None:
    asked = list(SETUP.questions)
    asked[question] = replace(asked[question], **changed)
    assert ontology_differences(SETUP, held(normalized(asked), "TEXT")) == [words]


def test_an_archived_question_is_none_and_an_old_response_question_is_the_same() -> None:
    document = normalized(SETUP.questions)
    document["classifications"][0]["type"] = "response-text"
    document["classifications"].append(document["classifications"][1] | {"name": "old", "archived": True})
    assert ontology_differences(SETUP, held(document, "TEXT")) == []
    document["classifications"][1]["archived"] = True
    assert ontology_differences(SETUP, held(document, "TEXT")) == ["question 'quality' is missing"]


def test_an_ontology_and_a_project_of_another_medium_differ() -> None:
    document = normalized(SETUP.questions)
    assert ontology_differences(SETUP, held(document, "UNKNOWN")) == []
    assert ontology_differences(SETUP, held(document, "IMAGE")) == ["its media type is IMAGE, not TEXT"]
    retired = HeldProject("cl1", "Chats", "UNSUPPORTED", None)
    assert project_differences(SETUP, retired) == ["its media type is UNSUPPORTED, kind 'text' needs TEXT"]
    live = HeldProject("cl1", "Chats", "CONVERSATIONAL", "MODEL_CHAT_EVALUATION")
    (words,) = project_differences(replace(SETUP, kind="offline-chat"), live)
    assert words == "its editor is MODEL_CHAT_EVALUATION, kind 'offline-chat' needs OFFLINE_MODEL_CHAT_EVALUATION"


@given(st.text(max_size=50), st.text(max_size=50))
def test_a_derived_key_is_that_of_its_content_and_pipeline(one: str, other: str) -> None:
    name = "p" * 63
    assert (derived_key(name, one) == derived_key(name, other)) == (one == other)
    assert derived_key(name, one) != derived_key("q", one)
    assert len(derived_key(name, one)) <= MAX_KEY_CHARACTERS


def test_a_conversation_has_the_same_key_however_its_keys_are_ordered() -> None:
    assert derived_key("p", {"a": 1, "b": "ü"}) == derived_key("p", {"b": "ü", "a": 1})


row_lists = st.lists(
    st.builds(UploadRow, st.sampled_from("abcdef"), st.sampled_from(["one", "two"]), key_is_derived=st.booleans()),
    unique_by=lambda row: row.global_key,
)


@given(
    row_lists,
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["one", "two"])),
    st.sets(st.sampled_from("abcdef")),
)
def test_after_a_plan_was_done_the_next_one_is_empty(
    rows: list[UploadRow], in_project: dict[str, str], outside: set[str]
) -> None:
    known = in_project.keys() | outside
    plan = plan_rows(rows, in_project=in_project, known=known)
    assert {row.global_key for row in plan.make} == {row.global_key for row in rows} - known
    assert set(plan.join) == {row.global_key for row in rows} - in_project.keys()
    held_then = in_project | {row.global_key: str(row.content) for row in (*plan.make, *plan.change)}
    held_then |= {row.global_key: str(row.content) for row in rows if row.key_is_derived}
    assert plan_rows(rows, in_project=held_then, known=held_then.keys()) == RowPlan(len(rows), (), (), ())


def test_a_row_that_labelbox_shows_by_an_address_only_is_given_again() -> None:
    rows = [UploadRow("k", {"type": "x"}), UploadRow("t", "text")]
    plan = plan_rows(
        rows, in_project={"k": "https://storage.example.com/1", "t": "https://storage.example.com/2"}, known=()
    )
    assert (plan.there, plan.change) == (0, tuple(rows))
    assert plan_rows(rows, in_project={"k": '{"type": "x"}', "t": "text"}, known=()).there == 2


def test_empty_chats_have_keys_that_stay_when_more_are_wanted() -> None:
    three, five = empty_chats("p", 3), empty_chats("p", 5)
    assert five[:3] == three
    assert len({row.global_key for row in five}) == 5
    assert empty_chats("p", 0) == []


@given(st.sets(st.sampled_from(["Chats 1", "Chats 2", "Chats 3", "other"])))
def test_a_batch_name_is_free(taken: set[str]) -> None:
    assert free_batch_name("Chats", taken) not in taken
