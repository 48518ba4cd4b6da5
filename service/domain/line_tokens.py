"""What a training line is billed for, estimated."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from service.domain.budgets import TOKENS_PER_MESSAGE, TOKENS_PER_REPLY
from service.domain.contents import Form
from service.domain.line_messages import text_in
from service.domain.line_reading import JsonObject

# The longest tokens have 128 bytes: a text of more bytes than this for each token allowed has too many for sure.
MOST_TOKEN_BYTES = 128
_TYPICAL_TOKEN_BYTES = 4


def tokens_of(line: JsonObject, form: Form, *, limit: int, count: Callable[[str], int]) -> int:
    """Estimate the tokens of a line that ``form_of`` gave this form, images left out.

    Args:
        line: The line.
        form: Its form.
        limit: A line of certainly more tokens is not counted but guessed, which takes no time.
        count: Counts a text's tokens.

    Source: OpenAI cookbook, "How to count tokens with tiktoken"; what declared tools cost is not published.
    """
    messages = list(_messages(line, form))
    texts = [text for message in messages for text in _texts(message)]
    if form == "completion":
        texts = [text for text in (line.get("prompt"), line.get("completion")) if isinstance(text, str)]
    around = line.get("input") if form == "preference" else line
    texts += [_written(around[key]) for key in ("tools", "functions") if isinstance(around, dict) and around.get(key)]
    characters = sum(map(len, texts))
    if characters > limit * MOST_TOKEN_BYTES:
        return characters // _TYPICAL_TOKEN_BYTES
    # The role counts as a token of its own.
    return sum(map(count, texts)) + (TOKENS_PER_MESSAGE + 1) * len(messages) + TOKENS_PER_REPLY


def _messages(line: JsonObject, form: Form) -> Iterator[JsonObject]:
    asked = line.get("input")
    lists = [line.get("messages")] if form == "chat" else []
    if form == "preference":
        lists = [asked.get("messages") if isinstance(asked, dict) else None]
        lists += [line.get("preferred_output"), line.get("non_preferred_output")]
    for given in lists:
        yield from (message for message in given or () if isinstance(message, dict)) if isinstance(given, list) else ()


def _texts(message: JsonObject) -> Iterable[str]:
    for text in (text_in(message), message.get("name")):
        if isinstance(text, str):
            yield text
    yield from (_written(message[key]) for key in ("tool_calls", "function_call") if message.get(key))


def _written(value: Any) -> str:  # noqa: ANN401 - JSON can be anything
    return json.dumps(value, ensure_ascii=False)
