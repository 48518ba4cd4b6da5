"""What a person gives in one label, in their own words, and how the control API reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sandbox.errors import MalformedRequest
from sandbox.records import Json

# A text, an option's value, or ``{"value", "answers"}`` where the option asks further; several of them for a checklist.
Answer: TypeAlias = "str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]]"
Answers = Mapping[str, Answer]


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen among the answers to one message of a chat.

    Attributes:
        tool: The name or feature schema id of the ontology's tool.
        parent: The message that was answered.
        messages: Those chosen, the best first where the tool ranks.
    """

    tool: str
    parent: str
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """Everything in one label.

    Attributes:
        answers: By the question's machine name, shown name or feature schema id.
        on_messages: The same for questions about single messages, by message id.
        choices: What the tools of a chat select or rank.
        chat: The conversation, where the person has written it themselves: a live chat.
    """

    answers: Answers = field(default_factory=dict)
    on_messages: Mapping[str, Answers] = field(default_factory=dict)
    choices: Sequence[Choice] = ()
    chat: Json | None = None


def read_given(body: Mapping[str, Any]) -> Given:
    """Read ``answers``, ``messages``, ``selections``, ``rankings`` and ``chat`` of a request.

    Raises:
        MalformedRequest: One of them has another form.
    """
    on_messages = _object(body, "messages")
    chat = body.get("chat")
    if chat is not None and not isinstance(chat, dict):
        raise MalformedRequest("chat is a document")
    return Given(
        answers=_answers(_object(body, "answers")),
        on_messages={key: _answers(given) for key, given in on_messages.items()},
        choices=(*_choices(body, "selections"), *_choices(body, "rankings")),
        chat=chat,
    )


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    given = body.get(name) or {}
    if not isinstance(given, dict):
        raise MalformedRequest(f"{name} is an object")
    return given


def _answers(given: object) -> Answers:
    if not isinstance(given, dict) or not all(_is_answer(value) for value in given.values()):
        raise MalformedRequest("answers are an object: by question a text, or a list of texts for a checklist")
    return given


def _is_answer(value: object) -> bool:
    return _is_one(value) or (isinstance(value, list) and all(_is_one(item) for item in value))


def _is_one(value: object) -> bool:
    if isinstance(value, dict):
        _answers(value.get("answers", {}))
        return set(value) <= {"value", "answers"} and isinstance(value.get("value"), str)
    return isinstance(value, str)


def _choices(body: Mapping[str, Any], name: str) -> list[Choice]:
    items = body.get(name) or []
    if not isinstance(items, list) or not all(_is_choice(item) for item in items):
        raise MalformedRequest(f"{name} are a list of objects with tool, parent and messages, all of them texts")
    return [Choice(item["tool"], item["parent"], tuple(item["messages"])) for item in items]


def _is_choice(item: object) -> bool:
    return (
        isinstance(item, dict)
        and set(item) == {"tool", "parent", "messages"}
        and isinstance(item["tool"], str)
        and isinstance(item["parent"], str)
        and isinstance(item["messages"], list)
        and all(isinstance(message, str) for message in item["messages"])
    )
