"""The rules for the messages of a line."""

from collections.abc import Collection, Sequence
from typing import Any

from trainer.dataset.faults import as_list, as_object, only_keys, require
from trainer.dataset.tools import check_called_function, check_tool_calls
from trainer.values import JsonObject

KEYS = {
    "system": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "weight", "tool_calls", "function_call", "refusal"},
    "tool": {"role", "content", "tool_call_id", "name"},
    "function": {"role", "content", "name"},
}
PARTS = {"system": {"text"}, "user": {"text", "image_url"}, "assistant": {"text", "refusal"}, "tool": {"text"}}
MOST_IMAGES = 10


def check_messages(messages: Any, where: str, tools: Collection[str], functions: Collection[str]) -> list[JsonObject]:  # noqa: ANN401 - JSON
    """Check a conversation, each message for itself and tool answers against the calls before them."""
    checked = [as_object(one, f"{where}[{place}]") for place, one in enumerate(as_list(messages, where))]
    called: set[str] = set()
    for place, message in enumerate(checked):
        here = f"{where}[{place}]"
        _check_message(message, here)
        if message["role"] == "assistant":
            called |= _check_calls(message, here, tools, functions)
        if message["role"] == "tool":
            require(message.get("tool_call_id") in called, f"{here}.tool_call_id answers no call before it")
    images = sum(_images(message) for message in checked)
    require(images <= MOST_IMAGES, f"{where} holds {images} images, {MOST_IMAGES} are allowed")
    return checked


def _check_message(message: JsonObject, where: str) -> None:
    role = message.get("role")
    require(isinstance(role, str) and role in KEYS, f"{where}.role is {role!r}, not one of {', '.join(KEYS)}")
    only_keys(message, KEYS[str(role)], where)
    require(isinstance(message.get("name", ""), str), f"{where}.name must be a string")
    weight = message.get("weight", 1)
    # True equals 1 in Python, and 1.0 too; in the file they are not the integer.
    require(type(weight) is int and weight in (0, 1), f"{where}.weight must be 0 or 1")
    content = message.get("content")
    calls = message.get("tool_calls") or message.get("function_call")
    if role == "assistant" and content is None:
        require(calls, f"{where}.content may be absent only where the message calls a tool")
    elif not isinstance(content, str):
        _check_parts(
            as_list(content, f"{where}.content, unless a string,"), f"{where}.content", PARTS.get(str(role), {})
        )


def _check_parts(parts: Sequence[Any], where: str, allowed: Collection[str]) -> None:
    for place, given in enumerate(parts):
        here = f"{where}[{place}]"
        part = as_object(given, here)
        kind = part.get("type")
        require(isinstance(kind, str) and kind in allowed, f"{here}.type is {kind!r}, which is not allowed here")
        if kind == "image_url":
            image = as_object(part.get("image_url"), f"{here}.image_url")
            require(isinstance(image.get("url"), str), f"{here}.image_url.url must be a string")
        else:
            require(isinstance(part.get(str(kind)), str), f"{here}.{kind} must be a string")


def _check_calls(message: JsonObject, where: str, tools: Collection[str], functions: Collection[str]) -> set[str]:
    if message.get("function_call") is not None:
        check_called_function(message["function_call"], f"{where}.function_call", functions)
    if message.get("tool_calls") is None:
        return set()
    return check_tool_calls(message["tool_calls"], where, tools)


def _images(message: JsonObject) -> int:
    content = message.get("content")
    return sum(part.get("type") == "image_url" for part in content) if isinstance(content, list) else 0
