"""What a training line is billed for, estimated."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from service.domain.checks import MAX_LINE_TOKENS
from service.domain.contents import Content, Form, lines_of
from service.domain.line_messages import text_in
from service.domain.line_reading import JsonObject

# Per message and per reply, by OpenAI's cookbook; an estimate, good to a few per cent without tools. The role of a
# message counts as a token of its own.
_TOKENS_PER_MESSAGE = 3 + 1
_TOKENS_PER_REPLY = 3
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
    return sum(map(count, texts)) + _TOKENS_PER_MESSAGE * len(messages) + _TOKENS_PER_REPLY


def counted_by(encoding: str, form: Form) -> str:
    """Name what the tokens of contents are counted by."""
    return f"{encoding}-{form}"


@dataclass(frozen=True)
class LineCounter:
    """Counts the lines that a content gives, before they are written.

    Attributes:
        form: The lines' form.
        system: The system text that opens them.
        count: Counts a text's tokens.
        opening: The tokens of a line that are the system text's own; 0 where it is part of the prompt, because then
            the tokens of the two cannot be told apart.
    """

    form: Form
    system: str | None
    count: Callable[[str], int]
    opening: int = field(init=False)

    def __post_init__(self) -> None:
        """Count the system text once, not with every content."""
        system = self.system if self.form != "completion" else None
        object.__setattr__(self, "opening", self.count(system) + _TOKENS_PER_MESSAGE if system else 0)

    def lines(self, content: Content) -> list[int]:
        """Give the tokens of each line of ``lines_of``, as ``tokens_of`` counts it where it is read."""
        system = self.system if self.form == "completion" else None
        # The pairs of one question repeat it.
        count = cache(self.count)
        written = map(json.loads, lines_of(content, system=system, form=self.form))
        return [self.opening + tokens_of(line, self.form, limit=MAX_LINE_TOKENS, count=count) for line in written]


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
