from typing import Any

import pytest

from service.domain.errors import AmbiguousOntology
from service.domain.ontologies import Question, choose_response, rating_question, read_ontology


def item(kind: str, name: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {"type": kind, "featureSchemaId": f"schema-{name}", "name": name, "instructions": f"{name}?", **more}


def ontology(*items: dict[str, Any], tools: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {"tools": list(tools), "relationships": [], "classifications": list(items)}


def option(name: str, *asks: dict[str, Any]) -> dict[str, Any]:
    return {"featureSchemaId": f"option-{name}", "label": name.title(), "value": name, "options": list(asks)}


def chosen(document: dict[str, Any], *named: str, ratings: tuple[Question, ...] = ()) -> list[str]:
    return [question.name for question in choose_response(read_ontology(document), named=named, ratings=ratings)]


GRADE = item("radio", "grade", options=[option("good"), option("bad")])
SELECTION = {"tool": "message-single-selection", "featureSchemaId": "tool-best", "name": "best"}


def test_the_only_free_text_question_is_the_response() -> None:
    (found,) = choose_response(
        read_ontology(ontology(GRADE, item("text", "summary"), item("checklist", "issues"))), named=(), ratings=()
    )
    assert (found.feature_schema_id, found.name, found.answer) == ("schema-summary", "summary", "text")


def test_a_response_creation_project_is_read_alike() -> None:
    assert chosen(ontology(item("response-text", "summary"), item("response-radio", "grade"))) == ["summary"]


@pytest.mark.parametrize(("kind", "answer"), [("radio", "radio"), ("response-checklist", "checklist")])
def test_a_single_choice_question_is_the_response_where_there_is_no_text(kind: str, answer: str) -> None:
    document = ontology(item(kind, "grade", options=[option("good"), option("bad")]))
    (found,) = choose_response(read_ontology(document), named=(), ratings=())
    assert found.answer == answer
    assert [(key, one.value) for key, one in found.options.items()] == [("option-good", "good"), ("option-bad", "bad")]


def test_of_two_text_questions_none_is_guessed() -> None:
    with pytest.raises(AmbiguousOntology) as caught:
        chosen(ontology(item("text", "summary"), item("text", "comment")))
    assert "schema-summary" in str(caught.value)
    assert "schema-comment" in str(caught.value)


@pytest.mark.parametrize("named", ["comment", "schema-comment", "comment?"])
def test_the_configuration_names_one_of_several(named: str) -> None:
    assert chosen(ontology(item("text", "summary"), item("text", "comment")), named) == ["comment"]


def test_several_named_questions_make_one_answer_in_the_ontologys_order() -> None:
    document = ontology(item("text", "summary"), item("text", "comment"), GRADE)
    assert chosen(document, "grade", "summary") == ["summary", "grade"]


def test_the_configuration_may_name_a_choice_beside_a_text() -> None:
    assert chosen(ontology(item("text", "summary"), GRADE), "grade") == ["grade"]


def test_a_name_that_is_not_there_is_an_error_that_lists_what_is() -> None:
    with pytest.raises(AmbiguousOntology, match="grade"):
        chosen(ontology(GRADE), "summary")


def test_a_name_that_fits_two_questions_is_an_error() -> None:
    with pytest.raises(AmbiguousOntology, match="2 questions"):
        chosen(ontology(item("text", "a", instructions="Same?"), item("text", "b", instructions="Same?")), "Same?")


def test_an_archived_question_is_no_candidate() -> None:
    document = ontology(item("text", "old", archived=True), item("text", "new", archived=False))
    assert chosen(document) == ["new"]


def test_an_ontology_without_questions_is_an_error() -> None:
    with pytest.raises(AmbiguousOntology, match="none"):
        chosen(ontology())
    with pytest.raises(AmbiguousOntology):
        chosen({"tools": []})


def test_prompts_written_by_labelers_are_found_and_are_no_response() -> None:
    found = read_ontology(ontology(item("prompt", "prompt"), item("response-text", "answer")))
    assert found.prompt is not None
    assert found.prompt.name == "prompt"
    assert [question.name for question in found.questions] == ["answer"]


def test_a_project_of_prompts_alone_has_no_response() -> None:
    assert chosen(ontology(item("prompt", "prompt"))) == []


def test_two_prompts_are_an_error() -> None:
    with pytest.raises(AmbiguousOntology, match="two prompts"):
        read_ontology(ontology(item("prompt", "a"), item("prompt", "b")))


def test_an_archived_prompt_question_does_not_make_it_a_prompt_project() -> None:
    assert read_ontology(ontology(item("prompt", "prompt", archived=True), item("text", "answer"))).prompt is None


def test_where_labelers_judge_answers_no_question_is_the_response_unless_it_is_named() -> None:
    document = ontology(item("text", "why"), GRADE, tools=(SELECTION, {"tool": "rectangle", "name": "box"}))
    assert read_ontology(document).tools == {"tool-best": "best"}
    assert chosen(document) == []
    assert chosen(document, "why") == ["why"]


def test_a_rating_is_no_response() -> None:
    document = ontology(GRADE, item("radio", "topic", options=[option("refund")]))
    rating, _ = rating_question(read_ontology(document), "grade", ["good"])
    assert chosen(document, ratings=(rating,)) == ["topic"]
    assert chosen(ontology(GRADE), ratings=(rating,)) == []


@pytest.mark.parametrize("value", ["good", "Good", "option-good"])
def test_an_option_is_named_by_value_label_or_id(value: str) -> None:
    _, allowed = rating_question(read_ontology(ontology(GRADE)), "grade", [value])
    assert allowed == {"option-good"}


def test_a_rating_may_be_asked_of_an_option() -> None:
    nested = item("radio", "topic", options=[option("refund", GRADE), option("other")])
    question, _ = rating_question(read_ontology(ontology(nested)), "grade", ["bad"])
    assert question.feature_schema_id == "schema-grade"


@pytest.mark.parametrize(("name", "value"), [("nothing", "good"), ("grade", "excellent")])
def test_a_rating_that_is_not_there_is_an_error_that_lists_what_is(name: str, value: str) -> None:
    with pytest.raises(AmbiguousOntology, match=r"good|grade"):
        rating_question(read_ontology(ontology(GRADE)), name, [value])


def test_two_questions_of_one_name_cannot_be_written_by_name() -> None:
    refund = option("refund", item("text", "detail", featureSchemaId="one"))
    other = option("other", item("text", "detail", featureSchemaId="two"))
    with pytest.raises(AmbiguousOntology, match="detail"):
        chosen(ontology(item("checklist", "topics", options=[refund, other])))
    with pytest.raises(AmbiguousOntology, match="topic"):
        chosen(ontology(item("radio", "topic", options=[option("a", item("text", "topic", featureSchemaId="x"))])))


def test_the_same_question_may_stand_under_several_options_of_which_one_is_ticked() -> None:
    asked = [option(name, item("text", "detail", featureSchemaId=name)) for name in ("refund", "other")]
    assert chosen(ontology(item("radio", "topic", options=asked))) == ["topic"]
