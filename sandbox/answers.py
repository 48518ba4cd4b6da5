"""Answers between people's words and Labelbox's two vocabularies."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.errors import MalformedRequest
from sandbox.ids import Ids
from sandbox.records import Json, Ontology

Answers = Mapping[str, str | Sequence[str]]

_KINDS = {
    "text": "text",
    "radio": "radio",
    "checklist": "checklist",
    "response-text": "text",
    "response-radio": "radio",
    "response-checklist": "checklist",
}


def questions(ontology: Ontology) -> list[Json]:
    """List the questions that a labeler is asked."""
    return [item for item in ontology.normalized["classifications"] if not item.get("archived")]


def kind_of(question: Json) -> str:
    """Tell how a question is answered: ``text``, ``radio`` or ``checklist``.

    Raises:
        MalformedRequest: It is of a kind that the sandbox does not imitate, such as ``prompt``.
    """
    kind = _KINDS.get(str(question.get("type")))
    if kind is None:
        raise MalformedRequest(f"questions of type {question.get('type')!r} are not imitated")
    return kind


def annotate(ontology: Ontology, answers: Answers, ids: Ids) -> tuple[Json, ...]:
    """Put answers into the shape that exports have, in the order in which they were given.

    Args:
        ontology: The project's questions.
        answers: By the question's machine name, shown name or feature schema id: the text, the option's value, or the
            values ticked.
        ids: For the feature ids.

    Raises:
        MalformedRequest: An unknown question or option, or a required question without an answer.
    """
    names = ("instructions", "name", "featureSchemaId")
    asked = {item[key]: item for key in names for item in questions(ontology)}
    if unknown := [key for key in answers if key not in asked]:
        raise MalformedRequest(f"the ontology has no question {unknown[0]!r}")
    answered = {asked[key]["featureSchemaId"] for key in answers}
    for item in questions(ontology):
        if item.get("required") and item["featureSchemaId"] not in answered:
            raise MalformedRequest(f"the question {item['name']!r} must be answered")
    return tuple(_classification(asked[key], given, ids) for key, given in answers.items())


def _classification(question: Json, given: str | Sequence[str], ids: Ids) -> Json:
    entry = {
        "feature_id": ids.cuid(),
        "feature_schema_id": question["featureSchemaId"],
        "name": question["instructions"],
        "value": question["name"],
    }
    kind = kind_of(question)
    if isinstance(given, str) == (kind == "checklist"):
        raise MalformedRequest(f"{question['name']!r} is a {kind} question")
    if kind == "text":
        entry["text_answer"] = {"content": given, "classifications": []}
    elif kind == "radio":
        entry["radio_answer"] = _option(question, given, ids)
    else:
        entry["checklist_answers"] = [_option(question, value, ids) for value in given]
    return entry


def _option(question: Json, value: object, ids: Ids) -> Json:
    for option in question["options"]:
        if option["value"] == value:
            return {
                "feature_id": ids.cuid(),
                "feature_schema_id": option["featureSchemaId"],
                "name": option["label"],
                "value": option["value"],
                "classifications": [],
            }
    raise MalformedRequest(f"{question['name']!r} has no option {value!r}")


def plain_answers(classifications: Sequence[Json]) -> dict[str, str | list[str]]:
    """Read answers back as people would say them, by the question's machine name."""
    found: dict[str, str | list[str]] = {}
    for item in classifications:
        if "text_answer" in item:
            found[item["value"]] = item["text_answer"]["content"]
        elif "radio_answer" in item:
            found[item["value"]] = item["radio_answer"]["value"]
        else:
            found[item["value"]] = [answer["value"] for answer in item["checklist_answers"]]
    return found


def older_vocabulary(classifications: Sequence[Json]) -> str:
    """Write answers as webhooks carry them: JSON in a string, in the words of the first export format.

    Source: the LABEL_UPDATED body that Labelbox published, and its nested classification sample.
    """
    written = [_older_entry(item) for item in classifications]
    return json.dumps({"objects": [], "classifications": written}, ensure_ascii=False, separators=(",", ":"))


def _older_entry(item: Json) -> Json:
    entry: dict[str, Any] = _older_names(item)
    if "text_answer" in item:
        entry["answer"] = item["text_answer"]["content"]
    elif "radio_answer" in item:
        entry["answer"] = _older_names(item["radio_answer"])
    else:
        entry["answers"] = [_older_names(answer) for answer in item["checklist_answers"]]
    return entry


def _older_names(item: Json) -> Json:
    return {
        "featureId": item["feature_id"],
        "schemaId": item["feature_schema_id"],
        "title": item["name"],
        "value": item["value"],
    }
