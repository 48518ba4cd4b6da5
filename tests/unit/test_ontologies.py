from typing import Any

import pytest

from service.domain.errors import AmbiguousOntology
from service.domain.ontologies import response_question


def item(kind: str, name: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {"type": kind, "featureSchemaId": f"schema-{name}", "name": name, "instructions": f"{name}?", **more}


def ontology(*items: dict[str, Any]) -> dict[str, Any]:
    return {"tools": [], "relationships": [], "classifications": list(items)}


def option(name: str) -> dict[str, Any]:
    return {"featureSchemaId": f"option-{name}", "label": name.title(), "value": name, "options": []}


GRADE = item("radio", "grade", options=[option("good"), option("bad")])


def test_the_only_free_text_question_is_the_response() -> None:
    question = response_question(ontology(GRADE, item("text", "summary"), item("checklist", "issues")))
    assert (question.feature_schema_id, question.name, question.answer) == ("schema-summary", "summary", "text")


def test_a_response_creation_project_is_read_alike() -> None:
    question = response_question(ontology(item("response-text", "summary"), item("response-radio", "grade")))
    assert (question.feature_schema_id, question.answer) == ("schema-summary", "text")


@pytest.mark.parametrize(("kind", "answer"), [("radio", "radio"), ("response-checklist", "checklist")])
def test_a_single_choice_question_is_the_response_where_there_is_no_text(kind: str, answer: str) -> None:
    question = response_question(ontology(item(kind, "grade", options=[option("good"), option("bad")])))
    assert question.answer == answer
    assert list(question.options.items()) == [("option-good", "good"), ("option-bad", "bad")]


def test_of_two_text_questions_none_is_guessed() -> None:
    with pytest.raises(AmbiguousOntology) as caught:
        response_question(ontology(item("text", "summary"), item("text", "comment")))
    assert "schema-summary" in str(caught.value)
    assert "schema-comment" in str(caught.value)


@pytest.mark.parametrize("named", ["comment", "schema-comment"])
def test_the_configuration_names_one_of_several(named: str) -> None:
    found = response_question(ontology(item("text", "summary"), item("text", "comment")), named=named)
    assert found.name == "comment"


def test_the_configuration_may_name_a_choice_beside_a_text() -> None:
    assert response_question(ontology(item("text", "summary"), GRADE), named="grade").answer == "radio"


def test_a_name_that_is_not_there_is_an_error_that_lists_what_is() -> None:
    with pytest.raises(AmbiguousOntology, match="grade"):
        response_question(ontology(GRADE), named="summary")


def test_an_archived_question_is_no_candidate() -> None:
    found = response_question(ontology(item("text", "old", archived=True), item("text", "new", archived=False)))
    assert found.name == "new"


def test_an_ontology_without_questions_is_an_error() -> None:
    with pytest.raises(AmbiguousOntology, match="none"):
        response_question(ontology())
    with pytest.raises(AmbiguousOntology):
        response_question({"tools": []})


def test_prompts_written_by_labelers_are_refused_with_words() -> None:
    with pytest.raises(AmbiguousOntology, match="prompts") as caught:
        response_question(ontology(item("prompt", "prompt"), item("response-text", "answer")))
    assert "text project" in caught.value.remedy


def test_an_archived_prompt_question_does_not_make_it_a_prompt_project() -> None:
    found = response_question(ontology(item("prompt", "prompt", archived=True), item("response-text", "answer")))
    assert found.name == "answer"
