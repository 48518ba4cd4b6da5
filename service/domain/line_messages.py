"""The rules for the messages of a training line."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from service.domain.line_reading import JsonObject
from service.domain.line_rules import MOST_IMAGES
from service.domain.line_tools import calls_something, check_calls

_KEYS: Mapping[str, frozenset[str]] = {
    "system": frozenset({"role", "content", "name"}),
    "user": frozenset({"role", "content", "name"}),
    "assistant": frozenset({"role", "content", "name", "weight", "tool_calls", "function_call", "refusal"}),
    "tool": frozenset({"role", "content", "tool_call_id", "name"}),
    "function": frozenset({"role", "content", "name"}),
}
_EVERY_KEY = frozenset().union(*_KEYS.values())
# Parts that are texts; each says it under its own name.
_TEXTS = ("text", "refusal")


def check_messages(given: object, declared: Collection[str], codes: set[str]) -> list[JsonObject]:
    """Check a list of messages, each for itself and tools' answers against the calls before them; give its objects."""
    if not isinstance(given, list) or not given:
        codes.add("no_messages")
        return []
    messages = [message for message in given if isinstance(message, dict)]
    if len(messages) < len(given):
        codes.add("message_not_object")
    called: set[str] = set()
    for message in messages:
        codes.update(_faults_of(message))
        if message.get("role") == "assistant":
            called |= check_calls(message, declared, codes)
        elif message.get("role") == "tool":
            answered = message.get("tool_call_id")
            if not isinstance(answered, str) or answered not in called:
                codes.add("tool_without_call")
    if sum(map(images_in, messages)) > MOST_IMAGES:
        codes.add("too_many_images")
    return messages


def text_in(message: JsonObject) -> str | None:
    """Give what a message says, its parts joined; None where it says nothing."""
    content = message.get("content")
    if not isinstance(content, list):
        return content if isinstance(content, str) else None
    parts = [part[key] for part in content if isinstance(part, dict) and (key := _text_key(part))]
    return "\n".join(parts) if parts else None


def images_in(message: JsonObject) -> int:
    """Count the images of a message."""
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    return sum(isinstance(part, dict) and part.get("type") == "image_url" for part in parts)


def _faults_of(message: JsonObject) -> Iterator[str]:
    role = message.get("role")
    known = isinstance(role, str) and role in _KEYS
    if not known:
        yield "developer_role" if role == "developer" else "unknown_role"
    if message.keys() - (_KEYS[str(role)] | {"weight"} if known else _EVERY_KEY):
        yield "unknown_key"
    if not isinstance(message.get("name", ""), str):
        yield "name_not_text"
    yield from _faults_of_weight(message)
    yield from _faults_of_content(message)


def _faults_of_weight(message: JsonObject) -> Iterator[str]:
    weight = message.get("weight", 1)
    # True equals 1 in Python, and 1.0 too; in the file they are not the integer.
    if type(weight) is not int or weight not in {0, 1}:
        yield "bad_weight"
    if "weight" in message and message.get("role") != "assistant":
        yield "weight_not_assistant"


def _faults_of_content(message: JsonObject) -> Iterator[str]:
    content, role = message.get("content"), message.get("role")
    if content is None:
        if not (role == "assistant" and (calls_something(message) or isinstance(message.get("refusal"), str))):
            yield "content_missing"
    elif isinstance(content, list):
        if not content or not all(_is_part(part) for part in content):
            yield "content_not_text"
        if role != "user" and images_in(message):
            yield "image_in_answer"
    elif not isinstance(content, str):
        yield "content_not_text"


def _is_part(part: Any) -> bool:  # noqa: ANN401 - JSON can be anything
    if not isinstance(part, dict):
        return False
    image = part.get("image_url")
    is_image = part.get("type") == "image_url" and isinstance(image, dict) and isinstance(image.get("url"), str)
    return is_image or _text_key(part) is not None


def _text_key(part: JsonObject) -> str | None:
    kind = part.get("type")
    return kind if isinstance(kind, str) and kind in _TEXTS and isinstance(part.get(kind), str) else None
