"""Which form a training line has, whether it keeps that form's rules, and what of it is compared with others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.domain.contents import Content, Form, Turn, pair
from service.domain.line_messages import check_messages, images_in, text_in
from service.domain.line_reading import JsonObject
from service.domain.line_tools import calls_something, declared_names

_KEYS: Mapping[Form, frozenset[str]] = {
    "chat": frozenset({"messages", "tools", "parallel_tool_calls", "functions"}),
    "preference": frozenset({"input", "preferred_output", "non_preferred_output"}),
    "completion": frozenset({"prompt", "completion"}),
}
_INPUT_KEYS = frozenset({"messages", "tools", "parallel_tool_calls"})


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a line teaches.

    Attributes:
        asked: Everything before the answer: messages and tools, or the prompt.
        answer: The message or text that is to be learned, for preference lines the better and the worse.
        question: What the humans said of it.
        content: Its texts as an example's; whoever is not the assistant counts as a user.
    """

    asked: Any
    answer: Any
    question: str
    content: Content


def form_of(line: JsonObject) -> Form | None:
    """Give the form that a line's keys tell, None if they tell none."""
    if "messages" in line:
        return "chat"
    return next((form for form in ("preference", "completion") if _KEYS[form] & line.keys()), None)


def check_line(line: JsonObject, form: Form, codes: set[str]) -> Lesson | None:
    """Check a line against its form's rules; gives what it teaches, None where that cannot be told."""
    if line.keys() - _KEYS[form]:
        codes.add("unknown_key")
    if form == "chat":
        return _check_chat(line, codes)
    return _check_pair(line, codes) if form == "preference" else _check_completion(line, codes)


def _check_chat(line: JsonObject, codes: set[str]) -> Lesson | None:
    messages = check_messages(line.get("messages"), declared_names(line, codes), codes)
    if not messages:
        return None
    answers = [message for message in messages if message.get("role") == "assistant"]
    if not answers:
        codes.add("no_assistant")
    elif messages[-1].get("role") != "assistant":
        codes.add("last_not_assistant")
    elif all(message.get("weight") == 0 for message in answers):
        codes.add("nothing_taught")
    tools = [line.get("tools"), line.get("functions")]
    return Lesson([messages[:-1], tools], messages[-1], _question(messages), _content(messages))


def _check_pair(line: JsonObject, codes: set[str]) -> Lesson | None:
    if _KEYS["preference"] - line.keys():
        codes.add("no_pair")
    asked = line.get("input")
    if not isinstance(asked, dict):
        codes.add("no_pair")
        return None
    if asked.keys() - _INPUT_KEYS:
        codes.add("unknown_key")
    messages = check_messages(asked.get("messages"), declared_names(asked, codes), codes)
    if messages and messages[-1].get("role") == "assistant":
        codes.add("input_ends_with_assistant")
    if any(map(images_in, messages)):
        codes.add("pair_not_text")
    better, worse = (_output(line.get(side), codes) for side in ("preferred_output", "non_preferred_output"))
    if not messages or better is None or worse is None:
        return None
    if better == worse:
        codes.add("outputs_equal")
    content = (*_content(messages), Turn("assistant", better, rejected=(worse,)))
    return Lesson([messages, asked.get("tools")], [better, worse], _question(messages), content)


def _check_completion(line: JsonObject, codes: set[str]) -> Lesson | None:
    prompt, completion = line.get("prompt"), line.get("completion")
    if not isinstance(prompt, str) or not isinstance(completion, str):
        codes.add("no_completion")
        return None
    return Lesson(prompt, completion, prompt, pair(prompt, completion))


def _output(given: object, codes: set[str]) -> str | None:
    """Give the text of one side of a pair."""
    message = given[0] if isinstance(given, list) and len(given) == 1 else None
    if not isinstance(message, dict) or message.get("role") != "assistant":
        if given is not None:
            codes.add("output_not_one_answer")
        return None
    check_messages(given, (), codes)
    text = text_in(message)
    if images_in(message) or calls_something(message):
        codes.add("pair_not_text")
    return text


def _question(messages: list[JsonObject]) -> str:
    return "\n".join(text for message in messages if message.get("role") == "user" and (text := text_in(message)))


def _content(messages: list[JsonObject]) -> Content:
    turns: list[Turn] = []
    for message in messages:
        text = text_in(message)
        if message.get("role") != "assistant":
            turns.append(Turn("user", text or ""))
        elif text is not None and (text.strip() or not calls_something(message)):
            turns.append(Turn("assistant", text, weight=0 if message.get("weight") == 0 else 1))
    return tuple(turns)
