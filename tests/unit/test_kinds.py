"""Every kind of project that can feed a fine-tune, from an exported row to the turns of an example."""

from typing import Any

import pytest

from service.domain.contents import Content, Form, Turn, pair
from service.domain.errors import AmbiguousOntology
from service.domain.export_rows import row_of
from service.domain.labels import RowOutcome, RowReader
from service.domain.pipelines import LabelPolicy
from tests.support.export_rows import (
    PROJECT,
    conversation,
    exported,
    label,
    listed,
    ontology,
    option,
    question,
    ranking,
    selection,
    selections,
    ticked,
    tree,
    written,
)

GRADE = question("radio", "grade", option("good"), option("bad"))
SUMMARY = question("text", "summary")
JUDGING = ontology(tools=("message-single-selection", "message-multi-selection", "message-ranking"))


def read(row: dict[str, Any], asked: dict[str, Any], *, form: Form = "chat", **policy: Any) -> RowOutcome:  # noqa: ANN401 - the fields of LabelPolicy
    return RowReader(asked, LabelPolicy(PROJECT, **policy), form=form).read(row_of(row))


def content(row: dict[str, Any], asked: dict[str, Any], **options: Any) -> Content:  # noqa: ANN401 - see read
    found = read(row, asked, **options)
    assert found.content is not None, found.reason
    return found.content


def said(row: dict[str, Any], asked: dict[str, Any], **options: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - see read
    return [(turn.role, turn.content) for turn in content(row, asked, **options)]


# Prompts written by labelers.

WRITTEN = ontology(
    question("prompt", "prompt"),
    question("response-text", "answer"),
    question("response-radio", "grade", option("good"), option("bad")),
)
EMPTY_ROW = {"type": "application/llm.prompt-response-creation", "version": 1}


def test_labelers_write_prompt_and_response() -> None:
    # In the order in which the labeler answered, which says nothing.
    row = exported(
        EMPTY_ROW, label("l", ticked("grade", "good"), written("answer", "Blue."), written("prompt", "Which?"))
    )
    assert content(row, WRITTEN) == pair("Which?", "Blue.")


def test_where_data_row_and_prompt_differ_the_written_prompt_counts() -> None:
    row = exported(
        "https://storage.labelbox.com/x?Signature=s", label("l", written("prompt", "Q"), written("answer", "A"))
    )
    assert content(row, WRITTEN) == pair("Q", "A")


def test_prompts_alone_are_a_prompt_set_and_no_training_line() -> None:
    found = read(exported(EMPTY_ROW, label("l", written("prompt", "Which?"))), ontology(question("prompt", "prompt")))
    assert (found.content, found.is_prompt, found.reason) == ((Turn("user", "Which?"),), True, None)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [([written("answer", "A")], "empty_prompt"), ([written("prompt", "Q")], "no_answer"), ([], "empty_prompt")],
)
def test_half_a_pair_is_no_example(answers: list[dict[str, Any]], reason: str) -> None:
    assert read(exported(EMPTY_ROW, label("l", *answers)), WRITTEN).reason == reason


def test_several_written_responses_are_named_or_refused() -> None:
    two = ontology(question("prompt", "prompt"), question("response-text", "short"), question("response-text", "long"))
    row = exported(EMPTY_ROW, label("l", written("prompt", "Q"), written("short", "s"), written("long", "l")))
    with pytest.raises(AmbiguousOntology, match="short"):
        read(row, two)
    assert content(row, two, response=("long",)) == pair("Q", "l")


def test_the_document_of_a_retired_kind_is_no_prompt() -> None:
    assert read(exported(EMPTY_ROW, label("l", written("summary", "x"))), ontology(SUMMARY)).reason == "prompt_not_text"


# Answers to uploaded prompts.


@pytest.mark.parametrize("kind", ["text", "response-text"])
def test_labelers_answer_uploaded_prompts(kind: str) -> None:
    assert content(exported("Hello", label("l", written("answer", "Hi"))), ontology(question(kind, "answer"))) == pair(
        "Hello", "Hi"
    )


def test_a_class_is_the_assistants_message() -> None:
    assert content(exported("Great!", label("l", ticked("grade", "good"))), ontology(GRADE)) == pair("Great!", "good")


NESTED = ontology(
    question(
        "radio",
        "topic",
        option("refund", question("checklist", "why", option("late"), option("broken")), question("text", "note")),
        option("other"),
    )
)


def test_nested_classes_are_an_object_in_the_ontologys_order() -> None:
    given = ticked("topic", "refund", written("note", "twice"), listed("why", "broken", "late"))
    assert content(exported("A chat", label("l", given)), NESTED) == pair(
        "A chat", '{"topic": "refund", "why": ["late", "broken"], "note": "twice"}'
    )


def test_an_answer_has_one_shape_whether_or_not_something_was_asked_in_turn() -> None:
    assert content(exported("A chat", label("l", ticked("topic", "other"))), NESTED) == pair(
        "A chat", '{"topic": "other"}'
    )


def test_several_named_questions_are_one_object() -> None:
    row = exported("A chat", label("l", ticked("grade", "bad"), written("summary", "Ünhöflich.")))
    asked = ontology(SUMMARY, GRADE)
    assert content(row, asked, response=("grade", "summary")) == pair(
        "A chat", '{"summary": "Ünhöflich.", "grade": "bad"}'
    )


@pytest.mark.parametrize(("value", "reason"), [("good", None), ("bad", "rating")])
def test_only_labels_rated_well_count(value: str, reason: str | None) -> None:
    row = exported("A chat", label("l", written("summary", "s"), ticked("grade", value)))
    assert read(row, ontology(SUMMARY, GRADE), where={"grade": ("good",)}).reason == reason


def test_a_label_without_the_rating_does_not_count() -> None:
    row = exported("A chat", label("l", written("summary", "s")))
    assert read(row, ontology(SUMMARY, GRADE), where={"grade": ("good", "bad")}).reason == "rating"


# Conversations.

CHAT = conversation(("Customer", "Where is it?"), ("Support bot", "On its way."), ("Customer", "Since when?"))


def test_an_answer_goes_on_with_the_conversation_and_only_it_is_taught() -> None:
    assert content(exported(CHAT, label("l", written("summary", "Since Monday."))), ontology(SUMMARY)) == (
        Turn("user", "Where is it?"),
        Turn("assistant", "On its way.", weight=0),
        Turn("user", "Since when?"),
        Turn("assistant", "Since Monday."),
    )


def test_a_class_is_said_about_the_conversation() -> None:
    assert content(exported(CHAT, label("l", ticked("grade", "bad"))), ontology(GRADE)) == pair(
        "Customer: Where is it?\nSupport bot: On its way.\nCustomer: Since when?", "bad"
    )


def test_the_configuration_says_that_a_text_is_about_the_conversation() -> None:
    row = exported(CHAT, label("l", written("summary", "A question.")))
    assert said(row, ontology(SUMMARY), conversation="transcript")[-1] == ("assistant", "A question.")
    assert len(content(row, ontology(SUMMARY), conversation="transcript")) == 2


def test_only_the_configuration_says_that_the_assistant_speaks_twice() -> None:
    row = exported(conversation(("Customer", "Hi"), ("Bot", "Hello")), label("l", written("summary", "Hello!")))
    assert read(row, ontology(SUMMARY)).reason == "ends_with_assistant"
    assert content(row, ontology(SUMMARY), conversation="turns")[-1] == Turn("assistant", "Hello!")


def test_an_answer_to_a_message_takes_its_place_and_the_chat_ends_there() -> None:
    row = exported(CHAT, label("l", written("summary", "It left on Monday.", message="m1")))
    assert content(row, ontology(SUMMARY)) == (
        Turn("user", "Where is it?"),
        Turn("assistant", "It left on Monday.", ("On its way.",)),
    )


def test_an_answer_to_what_a_customer_said_is_the_reply_to_it() -> None:
    row = exported(
        CHAT, label("l", written("summary", "Monday.", message="m2"), written("summary", "Soon.", message="m0"))
    )
    assert content(row, ontology(SUMMARY)) == (
        Turn("user", "Where is it?"),
        Turn("assistant", "Soon.", ("On its way.",)),
        Turn("user", "Since when?"),
        Turn("assistant", "Monday."),
    )


def test_two_answers_for_one_place_are_refused() -> None:
    both = label("l", written("summary", "Soon.", message="m0"), written("summary", "Monday.", message="m1"))
    assert read(exported(CHAT, both), ontology(SUMMARY)).reason == "answers_contradict"
    same = label("l", written("summary", " Soon.\n", message="m0"), written("summary", " Soon.\n", message="m1"))
    assert content(exported(CHAT, same), ontology(SUMMARY))[-1].content == " Soon.\n"


def test_a_conversation_that_is_only_rated_is_the_example_as_a_whole() -> None:
    row = exported(CHAT, label("l", ticked("grade", "good")))
    assert content(row, ontology(GRADE), where={"grade": ("good",)}) == pair("Where is it?", "On its way.")


def test_who_is_the_assistant_is_named_or_refused() -> None:
    strangers = conversation(("Anna", "Hi"), ("Ben", "Hello"), ("Anna", "Bye"))
    row = exported(strangers, label("l", written("summary", "See you.")))
    assert read(row, ontology(SUMMARY)).reason == "roles_unclear"
    assert [role for role, _ in said(row, ontology(SUMMARY), assistant=("Ben",))] == [
        "user",
        "assistant",
        "user",
        "assistant",
    ]
    assert read(row, ontology(SUMMARY), assistant=("Anna", "ben")).reason == "roles_unclear"


@pytest.mark.parametrize(
    "name", ["Bot", "Chatbot 2", "AI", "AI Helper", "Support agent", "gpt-4", "My_Assistant", "Model A"]
)
def test_participants_that_are_called_so_are_the_assistant(name: str) -> None:
    row = exported(conversation(("Kim", "a"), (name, "b"), ("Kim", "c")), label("l", written("summary", "d")))
    assert [role for role, _ in said(row, ontology(SUMMARY))] == ["user", "assistant", "user", "assistant"]


@pytest.mark.parametrize("name", ["Aida", "Ai Tanaka", "Roberto", "Agenta", "Remodel"])
def test_names_that_only_sound_alike_are_nobodys(name: str) -> None:
    row = exported(conversation(("Kim", "a"), (name, "b"), ("Kim", "c")), label("l", written("summary", "d")))
    assert read(row, ontology(SUMMARY)).reason == "roles_unclear"


def test_one_person_alone_asks() -> None:
    row = exported(conversation(("Kim", "a"), ("Kim", "b")), label("l", written("summary", "c")))
    assert said(row, ontology(SUMMARY)) == [("user", "a"), ("user", "b"), ("assistant", "c")]


# Human preference.

OUTPUTS = conversation(
    ("User", "Which one?"), outputs={"Output A": "First.", "Output B": "Second.", "Output C": "Third."}
)
PREFERENCE = question("radio", "best", option("Output A"), option("Output B"), option("Output C"), option("None"))


@pytest.mark.parametrize("extra", [[], [SUMMARY], [GRADE]])
def test_the_preferred_output_is_the_answer_and_the_others_lose(extra: list[dict[str, Any]]) -> None:
    row = exported(OUTPUTS, label("l", ticked("best", "Output B"), written("summary", "clearer")))
    policy: dict[str, Any] = {"response": ("best",)} if GRADE in extra else {}
    assert content(row, ontology(PREFERENCE, *extra), **policy) == (
        Turn("user", "Which one?"),
        Turn("assistant", "Second.", ("First.", "Third.")),
    )


def test_no_output_preferred_is_no_example() -> None:
    assert (
        read(exported(OUTPUTS, label("l", ticked("best", "None"))), ontology(PREFERENCE)).reason == "no_output_chosen"
    )
    assert read(exported(OUTPUTS, label("l")), ontology(PREFERENCE)).reason == "no_answer"


def test_outputs_that_no_option_names_are_no_class_of_the_prompt() -> None:
    asked = ontology(question("radio", "best", option("a"), option("b")))
    assert read(exported(OUTPUTS, label("l", ticked("best", "a"))), asked).reason == "no_output_chosen"


def test_two_questions_that_could_be_the_preference_are_refused_until_one_is_named() -> None:
    other = question("radio", "kindest", option("Output A"), option("Output B"))
    row = exported(
        OUTPUTS, label("l", ticked("best", "Output B"), ticked("kindest", "Output A"), written("summary", "x"))
    )
    asked = ontology(PREFERENCE, other, SUMMARY)
    assert read(row, asked).reason == "several_preferences"
    assert content(row, asked, response=("kindest",))[-1].content == "First."


def test_the_configuration_says_that_outputs_are_only_looked_at() -> None:
    row = exported(OUTPUTS, label("l", ticked("best", "Output B"), written("summary", "My own.")))
    assert content(row, ontology(PREFERENCE, SUMMARY), kind="conversation") == pair("Which one?", "My own.")


def test_preference_training_wants_a_loser() -> None:
    assert (
        read(exported("Hello", label("l", written("summary", "Hi"))), ontology(SUMMARY), form="preference").reason
        == "no_loser"
    )
    assert read(
        exported(OUTPUTS, label("l", ticked("best", "Output B"))), ontology(PREFERENCE), form="preference"
    ).content


# Multimodal chats.

TREE = tree(
    ["u1"],
    u1=("human", "Hello", ["a1", "b1"]),
    a1=("one", "Hi.", ["u2"]),
    b1=("two", "What?", ["u2"]),
    u2=("human", "Help me", ["a2", "b2", "c2"]),
    a2=("one", "No.", []),
    b2=("two", "Sure.", []),
    c2=("three", "Maybe.", []),
)


def test_a_chat_goes_along_the_selected_answers() -> None:
    row = exported(TREE, label("l", objects=[selection("b2"), selection("a1")]))
    assert content(row, JUDGING) == (
        Turn("user", "Hello"),
        Turn("assistant", "Hi.", ("What?",)),
        Turn("user", "Help me"),
        Turn("assistant", "Sure.", ("No.", "Maybe.")),
    )


def test_a_chat_goes_along_the_best_ranked_answers_and_keeps_the_order_of_the_losers() -> None:
    row = exported(TREE, label("l", objects=[ranking("c2", "b2", "a2"), ranking("b1", "a1")]))
    assert content(row, JUDGING) == (
        Turn("user", "Hello"),
        Turn("assistant", "What?", ("Hi.",)),
        Turn("user", "Help me"),
        Turn("assistant", "Maybe.", ("Sure.", "No.")),
    )


def test_of_several_selected_answers_none_has_lost_to_another() -> None:
    row = exported(TREE, label("l", objects=[selection("a1"), selections("c2", "b2")]))
    assert content(row, JUDGING)[-1] == Turn("assistant", "Sure.", ("No.",))


def test_of_several_tools_the_one_that_says_most_decides() -> None:
    usable, best = selections("b2", "c2"), selection("c2")
    row = exported(TREE, label("l", objects=[selection("a1"), usable, best]))
    assert content(row, JUDGING)[-1] == Turn("assistant", "Maybe.", ("No.", "Sure."))
    row = exported(TREE, label("l", objects=[selection("a1"), usable, best, ranking("c2", "a2", "b2")]))
    assert content(row, JUDGING)[-1] == Turn("assistant", "Maybe.", ("No.", "Sure."))
    row = exported(TREE, label("l", objects=[selection("a1"), usable, selection("a2")]))
    assert read(row, JUDGING).reason == "judgements_contradict"


def test_a_chat_ends_before_the_first_fork_that_nobody_decided() -> None:
    row = exported(TREE, label("l", objects=[selection("a1")]))
    assert said(row, JUDGING) == [("user", "Hello"), ("assistant", "Hi.")]
    assert read(exported(TREE, label("l", objects=[selection("a2")])), JUDGING).reason == "no_selection"


def test_an_answer_without_rivals_needs_no_judgement() -> None:
    row = exported(tree(["u"], u=("human", "Hi", ["a"]), a=("one", "Hello", [])), label("l"))
    assert content(row, JUDGING) == pair("Hi", "Hello")


def test_judgements_that_contradict_each_other_decide_nothing() -> None:
    row = exported(TREE, label("l", objects=[selection("a1"), ranking("b1", "a1")]))
    assert read(row, JUDGING).reason == "judgements_contradict"
    assert (
        read(exported(TREE, label("l", objects=[selection("a1"), selection("b1")])), JUDGING).reason
        == "judgements_contradict"
    )


def test_a_ranking_without_its_order_decides_nothing() -> None:
    ranked = ranking("a1", "b1")
    del ranked["ranked_messages"]["ranked_messages"][0]["order"]
    assert read(exported(TREE, label("l", objects=[ranked])), JUDGING).reason == "judgements_contradict"


def test_a_ranking_may_count_from_zero_and_needs_a_first() -> None:
    counted = ranking("b1", "a1")
    for item in counted["ranked_messages"]["ranked_messages"]:
        item["order"] -= 1
    assert content(exported(TREE, label("l", objects=[counted])), JUDGING)[1].content == "What?"
    for item in counted["ranked_messages"]["ranked_messages"]:
        item["order"] += 2
    assert read(exported(TREE, label("l", objects=[counted])), JUDGING).reason == "judgements_contradict"


def test_an_empty_answer_is_not_taught_and_has_not_lost() -> None:
    document = tree(["u"], u=("human", "Hi", ["a", "b"]), a=("one", " ", []), b=("two", "Hello", []))
    assert read(exported(document, label("l", objects=[selection("a")])), JUDGING).reason == "no_answer"
    assert content(exported(document, label("l", objects=[selection("b")])), JUDGING) == pair("Hi", "Hello")


def test_the_configuration_names_the_tool_that_decides() -> None:
    row = exported(TREE, label("l", objects=[selection("a1"), ranking("b1", "a1")]))
    assert content(row, JUDGING, response=("message-ranking",))[1].content == "What?"


def test_a_named_question_corrects_an_answer_of_the_chat() -> None:
    asked = JUDGING | {"classifications": [question("text", "better")]}
    row = exported(TREE, label("l", written("better", "Hi!", message="a1"), objects=[selection("a1")]))
    assert content(row, asked, response=("better",))[1] == Turn("assistant", "Hi!", ("Hi.", "What?"))


def test_a_rating_of_a_message_off_the_path_does_not_count() -> None:
    asked = JUDGING | {"classifications": [GRADE]}
    judged = [selection("a1"), selection("b2")]
    policy = {"where": {"grade": ("good",)}}
    fine = label("l", ticked("grade", "good", message="b2"), ticked("grade", "bad", message="a2"), objects=judged)
    assert content(exported(TREE, fine), asked, **policy)
    bad = label("l", ticked("grade", "good", message="b2"), ticked("grade", "bad", message="a1"), objects=judged)
    assert read(exported(TREE, bad), asked, **policy).reason == "rating"


def test_an_image_in_a_chat_is_no_text() -> None:
    document = tree(["u"], u=("human", "Hi", ["a"]), a=("one", "Hello", []))
    document["messages"]["a"]["content"] = [{"type": "image", "content": "https://example.com/a.png"}]
    assert read(exported(document, label("l")), JUDGING).reason == "message_not_text"


def test_a_chat_that_leads_into_itself_ends() -> None:
    document = tree(["u"], u=("human", "Hi", ["a"]), a=("one", "Hello", ["u"]))
    assert said(exported(document, label("l")), JUDGING) == [("user", "Hi"), ("assistant", "Hello")]


@pytest.mark.parametrize("broken", [{"messages": 7}, {"actors": {}}, {"rootMessageIds": None}])
def test_a_chat_of_unexpected_shape_is_refused_and_breaks_nothing(broken: dict[str, Any]) -> None:
    assert read(exported(TREE | broken, label("l", objects=[selection("a1")])), JUDGING).reason in {
        "unreadable_document",
        "roles_unclear",
    }


# Which label counts, in every kind.


def scored(
    label_id: str, score: float | None, *, benchmark: bool = False, at: str = "2026-11-01T10:00:00+00:00"
) -> Any:  # noqa: ANN401 - any JSON
    name = "benchmark_score" if benchmark else "consensus_score"
    return label(label_id, written("summary", label_id), performance={} if score is None else {name: score}, at=at)


@pytest.mark.parametrize("benchmark", [True, False])
def test_without_a_selection_the_best_score_counts(*, benchmark: bool) -> None:
    labels = [scored("a", 0.4, benchmark=benchmark), scored("b", 0.9, benchmark=benchmark), scored("c", None)]
    found = read(exported("x", *labels), ontology(SUMMARY))
    assert (found.label_id, found.choice) == ("b", "highest_score")


def test_a_selection_outweighs_every_score() -> None:
    found = read(exported("x", scored("a", 0.4), scored("b", 0.9), selected_label_id="a"), ontology(SUMMARY))
    assert (found.label_id, found.choice) == ("a", "selected")


def test_where_a_skip_was_approved_no_other_label_speaks_for_the_row() -> None:
    skipped = label("a", performance={"skipped": True})
    assert read(exported("x", skipped, scored("b", 0.9), selected_label_id="a"), ontology(SUMMARY)).reason == "skipped"
    assert read(exported("x", skipped, scored("b", 0.9)), ontology(SUMMARY)).label_id == "b"


def test_among_equal_scores_the_newest_content_counts() -> None:
    old, new = scored("a", 0.5, at="2026-11-01T09:00:00Z"), scored("b", 0.5, at="2026-11-01T11:00:00Z")
    found = read(exported("x", new, old), ontology(SUMMARY))
    assert (found.label_id, found.choice) == ("b", "newest")


def test_a_consensus_that_waits_for_labels_is_not_decided_before_them() -> None:
    row = exported("x", scored("a", None), status="TO_LABEL", consensus_expected_label_count=2)
    assert read(row, ontology(SUMMARY), accept="submitted").reason == "consensus_incomplete"
    row = exported("x", scored("a", None), scored("b", None), status="IN_REVIEW", consensus_expected_label_count=2)
    assert read(row, ontology(SUMMARY), accept="submitted").content


# What becomes the answer, in words.


@pytest.mark.parametrize(
    ("asked", "policy", "words"),
    [
        (ontology(SUMMARY), {}, "text question 'summary'"),
        (JUDGING, {}, "judge best"),
        (ontology(question("prompt", "prompt")), {}, "prompt set"),
        (ontology(GRADE), {"where": {"grade": ("good",)}}, "passes the ratings"),
    ],
)
def test_a_reader_says_what_it_reads(asked: dict[str, Any], policy: dict[str, Any], words: str) -> None:
    assert words in RowReader(asked, LabelPolicy(PROJECT, **policy)).describe()
