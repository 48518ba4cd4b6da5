"""Which question of an ontology is the assistant's answer.

An export does not say so: prompt and response are both plain text answers, and only the ontology, joined by
feature schema id, tells them apart. Names are display only and may be edited.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from service.domain.errors import AmbiguousOntology

AnswerType = Literal["text", "radio", "checklist"]


@dataclass(frozen=True, slots=True)
class Question:
    """One classification of the ontology.

    Attributes:
        feature_schema_id: The key that answers are joined on.
        name: The machine name, for people.
        shown: The question as labelers read it.
        answer: How it is answered.
        options: Machine value by the option's feature schema id, in the ontology's order.
    """

    feature_schema_id: str
    name: str
    shown: str
    answer: AnswerType
    options: Mapping[str, str]


def response_question(normalized: Mapping[str, Any], *, named: str | None = None) -> Question:
    """Choose the question whose answer becomes the assistant's message.

    Args:
        normalized: The ontology's ``normalized`` document, with ``classifications``.
        named: A feature schema id, machine name or shown question from the configuration, where several could be meant.

    Raises:
        AmbiguousOntology: None or several fit, or the ontology belongs to a kind that is not read yet.
    """
    active = [item for item in normalized.get("classifications", ()) if not item.get("archived")]
    if any(item.get("type") == "prompt" for item in active):
        raise AmbiguousOntology(
            "labelers write this project's prompts themselves; only answers to uploaded prompts are read",
            remedy="Use a text project or a response-creation project.",
        )
    candidates = [found for item in active if (found := _question(item)) is not None]
    if named:
        chosen = [item for item in candidates if named in (item.feature_schema_id, item.name, item.shown)]
    else:
        chosen = [item for item in candidates if item.answer == "text"] or candidates
    if len(chosen) != 1:
        listed = ", ".join(f"{item.name} ({item.feature_schema_id})" for item in candidates) or "none"
        raise AmbiguousOntology(f"{len(chosen)} questions could be the response; the ontology has: {listed}")
    return chosen[0]


def _question(item: Mapping[str, Any]) -> Question | None:
    kinds: dict[str, AnswerType] = {
        "text": "text",
        "radio": "radio",
        "checklist": "checklist",
        "response-text": "text",
        "response-radio": "radio",
        "response-checklist": "checklist",
    }
    answer = kinds.get(str(item.get("type")))
    if answer is None:
        return None
    if not item.get("featureSchemaId"):
        return None
    options = {
        option["featureSchemaId"]: str(option.get("value", ""))
        for option in item.get("options") or ()
        if option.get("featureSchemaId")
    }
    name = str(item.get("name", ""))
    return Question(item["featureSchemaId"], name, str(item.get("instructions", name)), answer, options)
