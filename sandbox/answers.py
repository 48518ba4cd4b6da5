"""Answers to questions, from people's words into the shape that exports have, and back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sandbox.errors import MalformedRequest
from sandbox.given import Answer, Answers
from sandbox.ids import Ids
from sandbox.records import Json, Ontology

_KINDS = {
    "text": "text",
    "radio": "radio",
    "checklist": "checklist",
    "prompt": "text",
    "response-text": "text",
    "response-radio": "radio",
    "response-checklist": "checklist",
}
# Where an answer stands in a label: the same key, with a prefix where it is about one message.
_KEYS = {"text": "text_answer", "radio": "radio_answer", "checklist": "checklist_answers"}


def questions(ontology: Ontology) -> list[Json]:
    """List the questions that a labeler is asked about the row as a whole."""
    return [item for item in _open(ontology.normalized["classifications"]) if item.get("scope") != "index"]


def message_questions(ontology: Ontology) -> list[Json]:
    """List the questions that are asked about single messages."""
    return [item for item in _open(ontology.normalized["classifications"]) if item.get("scope") == "index"]


def prompt_name(ontology: Ontology | None) -> str | None:
    """Give the machine name of the question that asks for a prompt, where there is one."""
    asked = questions(ontology) if ontology else []
    return next((item["name"] for item in asked if item["type"] == "prompt"), None)


def options(question: Json) -> list[Json]:
    """List the options that can still be chosen."""
    return _open(question["options"])


def kind_of(question: Json) -> str:
    """Tell how a question is answered: ``text``, ``radio`` or ``checklist``.

    Raises:
        MalformedRequest: It is of a kind that the sandbox does not imitate.
    """
    kind = _KINDS.get(str(question.get("type")))
    if kind is None:
        raise MalformedRequest(f"questions of type {question.get('type')!r} are not imitated")
    return kind


def annotate(asked: Sequence[Json], answers: Answers, ids: Ids, *, message_id: str | None = None) -> tuple[Json, ...]:
    """Put answers into the shape that exports have, in the order in which they were given.

    Args:
        asked: The questions.
        answers: By the question's machine name, shown name or feature schema id.
        ids: For the feature ids.
        message_id: The message that they are about, if one.

    Raises:
        MalformedRequest: An unknown question or option, or a required question without an answer.
    """
    names = ("instructions", "name", "featureSchemaId")
    known = {item[key]: item for key in names for item in asked}
    if unknown := [key for key in answers if key not in known]:
        raise MalformedRequest(f"the ontology has no question {unknown[0]!r}")
    answered = {known[key]["featureSchemaId"] for key in answers}
    for item in asked:
        if message_id is None and item.get("required") and item["featureSchemaId"] not in answered:
            raise MalformedRequest(f"the question {item['name']!r} must be answered")
    return tuple(_classification(known[key], given, ids, message_id) for key, given in answers.items())


def _open(items: Iterable[Json]) -> list[Json]:
    return [item for item in items if not item.get("archived")]


def _classification(question: Json, given: Answer, ids: Ids, message_id: str | None) -> Json:
    entry = {
        "feature_id": ids.cuid(),
        "feature_schema_id": question["featureSchemaId"],
        "name": question["instructions"],
        "value": question["name"],
    }
    kind = kind_of(question)
    key = _KEYS[kind]
    if message_id is not None:
        entry["message_id"] = message_id
        key = f"conversational_{key}"
    if kind == "checklist" and not isinstance(given, str | Mapping):
        entry[key] = [_option(question, value, ids) for value in given]
    elif kind == "radio" and isinstance(given, str | Mapping):
        entry[key] = _option(question, given, ids)
    elif kind == "text" and isinstance(given, str):
        # What is about a message has no further questions in the exports that were published.
        entry[key] = {"content": given} if message_id else {"content": given, "classifications": []}
    else:
        raise MalformedRequest(f"{question['name']!r} is a {kind} question")
    return entry


def _option(question: Json, given: str | Mapping[str, Any], ids: Ids) -> Json:
    value, further = (given, {}) if isinstance(given, str) else (given["value"], given.get("answers", {}))
    for option in options(question):
        if option["value"] == value:
            return {
                "feature_id": ids.cuid(),
                "feature_schema_id": option["featureSchemaId"],
                "name": option["label"],
                "value": option["value"],
                "classifications": list(annotate(_open(option["options"]), further, ids)),
            }
    raise MalformedRequest(f"{question['name']!r} has no option {value!r}")


def plain_answers(classifications: Sequence[Json]) -> dict[str, Any]:
    """Read answers back as people would say them, by the question's machine name; none of those about messages."""
    return {item["value"]: _plain(item) for item in classifications if "message_id" not in item}


def plain_message_answers(classifications: Sequence[Json]) -> dict[str, dict[str, Any]]:
    """Read the answers about messages back, by message id and the question's machine name."""
    found: dict[str, dict[str, Any]] = {}
    for item in classifications:
        if "message_id" in item:
            found.setdefault(item["message_id"], {})[item["value"]] = _plain(item)
    return found


def _plain(item: Json) -> str | Json | list[str | Json]:
    kind, answer = answer_of(item)
    if kind == "text":
        return str(answer["content"])
    return _plain_option(answer) if kind == "radio" else [_plain_option(one) for one in answer]


def answer_of(item: Json) -> tuple[str, Any]:
    """Tell how a question was answered, and give what stands there."""
    for kind, key in _KEYS.items():
        for name in (key, f"conversational_{key}"):
            if name in item:
                return kind, item[name]
    raise MalformedRequest("an answer without a text, a radio or a checklist")


def _plain_option(option: Json) -> str | Json:
    further = plain_answers(option["classifications"])
    return {"value": option["value"], "answers": further} if further else str(option["value"])
