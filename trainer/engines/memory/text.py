"""Texts as the engine sees them: a conversation as one prompt, a text as tokens and as words."""

import json
import re
from collections.abc import Sequence

from trainer.values import JsonObject

TOKEN = re.compile(r"\s*(?:\w+|[^\w\s])|\s+")
WORD = re.compile(r"\w+|[^\w\s]")


def tokens_of(text: str) -> list[str]:
    """Cut a text into words and signs, each with the space before it; joined they are the text again."""
    return TOKEN.findall(text)


def words_of(text: str) -> list[str]:
    """Cut a text into lower-case words and signs, without the spaces."""
    return WORD.findall(text.lower())


def content_of(message: JsonObject) -> str:
    """Give a message's text; an image counts as the word ``[image]``, a refusal as its text."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content or []
    return "\n".join(part.get("text") or part.get("refusal") or f"[{part['type']}]" for part in parts)


def answer_text(message: JsonObject) -> str:
    """Give an assistant's message as one text: its content, then its tool calls."""
    calls = [f"{name}({arguments})" for name, arguments in called_functions(message)]
    return "\n".join(filter(None, [content_of(message), *calls]))


def called_functions(message: JsonObject) -> list[tuple[str, str]]:
    """List the functions that a message calls with their arguments, the deprecated ``function_call`` among them."""
    functions = [call["function"] for call in message.get("tool_calls") or []]
    if message.get("function_call"):
        functions.append(message["function_call"])
    return [(function["name"], function["arguments"]) for function in functions]


def prompt_text(messages: Sequence[JsonObject]) -> str:
    """Give a conversation as one text. The roles are in it: a system text is not what a user said."""
    return "\n".join(f"{role_of(message)}: {answer_text(message)}" for message in messages)


def role_of(message: JsonObject) -> str:
    """Give a message's role under the name that training files use."""
    return "system" if message["role"] == "developer" else str(message["role"])


def count_tokens(messages: Sequence[JsonObject], tools: Sequence[JsonObject] = ()) -> int:
    """Count what a conversation amounts to; each role is one token, tool declarations count as their JSON."""
    declared = len(tokens_of(json.dumps(list(tools)))) if tools else 0
    return declared + sum(1 + len(tokens_of(answer_text(message))) for message in messages)
