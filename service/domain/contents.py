"""What an example says: the turns of a chat, whatever kind of project it was labelled in.

A prompt with its answer is a chat of two turns. An answer that a human placed above others carries those, so one
content gives the chat line of supervised training and the pairs of preference training.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from json.encoder import encode_basestring_ascii
from typing import Any, Literal

import msgspec

# A message as servers of OpenAI's shape take it: role, content and, in training files, weight.
Message = dict[str, Any]


class Turn(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message of a chat.

    Attributes:
        content: The text.
        rejected: Answers to the same question that the labeler placed below this one, best first.
        weight: 0 for an answer that stands in the chat but that no human judged: it is shown to the model that
            learns, and not taught.
    """

    role: Literal["user", "assistant"]
    content: str
    rejected: tuple[str, ...] = ()
    weight: Literal[0, 1] = 1


Content = tuple[Turn, ...]
Form = Literal["chat", "preference", "completion"]

_DECODER = msgspec.json.Decoder(Content)
_ENCODER = msgspec.json.Encoder()
_PAIR = ["user", "assistant"]
# json's own, in C.
_quoted = encode_basestring_ascii


def pair(prompt: str, response: str) -> Content:
    """Give the content of a prompt and its answer."""
    return (Turn("user", prompt), Turn("assistant", response))


def encode_content(content: Content) -> str:
    """Write a content as it is stored."""
    return _ENCODER.encode(content).decode()


def decode_content(text: str) -> Content:
    """Read a stored content; an empty text is none."""
    return _DECODER.decode(text) if text else ()


def content_hash_of(content: Content) -> str:
    """Hash the texts, never the exported row: two exports of an unchanged row differ."""
    said: list[object] = [turn.content for turn in content]
    if not _is_pair(content):
        said = [[turn.role, turn.content, turn.rejected, turn.weight] for turn in content]
    return hashlib.sha256(json.dumps(said, ensure_ascii=True).encode()).hexdigest()


def question_of(content: Content) -> str:
    """Give what the humans said before the last answer; near enough the same makes two examples one group."""
    if [turn.role for turn in content] == _PAIR:
        # What nearly every content is.
        return content[0].content
    return "\n".join(turn.content for turn in content if turn.role == "user")


def messages_of(content: Content, *, system: str | None) -> list[Message]:
    """Give the chat that a trainer learns from: optional system, then the turns."""
    head: list[Message] = [{"role": "system", "content": system}] if system else []
    return head + [_message(turn) for turn in content]


def has_lines(content: Content, form: Form) -> bool:
    """Say whether a content gives a line of this form.

    Preference wants an answer with a loser, a completion is one question and its answer.
    """
    if form == "completion":
        return [(turn.role, turn.weight) for turn in content] == [("user", 1), ("assistant", 1)]
    return form == "chat" or any(turn.rejected for turn in content)


def lines_of(content: Content, *, system: str | None, form: Form) -> Iterator[bytes]:
    """Give an example's training lines, newline included: the same bytes on every machine.

    Args:
        content: The turns, the last one the assistant's.
        system: The system text that opens every chat.
        form: ``chat`` gives one line; ``preference`` one for each pair of a winner and a loser; ``completion`` one
            for a single question with its answer, none for longer chats.
    """
    if form == "chat":
        yield chat_line(content, system)
    elif form == "preference":
        yield from _pairs(content, system)
    elif has_lines(content, form):
        question, answer = content
        yield _line({"prompt": prompt_of(question.content, system=system), "completion": answer.content})


def prompt_of(question: str, *, system: str | None) -> str:
    """Give what a model of completions is asked: the system text, a blank line, and the question."""
    return f"{system}\n\n{question}" if system else question


def _pairs(content: Content, system: str | None) -> Iterator[bytes]:
    for number, turn in enumerate(content):
        asked = [Turn(before.role, before.content) for before in content[:number]]
        for loser in turn.rejected:
            yield _line(
                {
                    "input": {"messages": messages_of(tuple(asked), system=system)},
                    "preferred_output": [{"role": "assistant", "content": turn.content}],
                    "non_preferred_output": [{"role": "assistant", "content": loser}],
                }
            )


def chat_line(content: Content, system: str | None) -> bytes:
    """Give an example's one line of the form ``chat``, see ``lines_of``."""
    if _is_pair(content):
        # What nearly every line is, and a dataset has a million: put together without building the chat first.
        head = f'{{"role":"system","content":{_quoted(system)}}},' if system else ""
        question, answer = _quoted(content[0].content), _quoted(content[1].content)
        return (
            f'{{"messages":[{head}{{"role":"user","content":{question}}},{{"role":"assistant","content":{answer}}}]}}\n'
        ).encode()
    return _line({"messages": messages_of(content, system=system)})


def _line(value: object) -> bytes:
    # ASCII only: a line separator inside a text must not look like a line end to any reader.
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


def _message(turn: Turn) -> Message:
    message: Message = {"role": turn.role, "content": turn.content}
    return message if turn.weight else message | {"weight": 0}


def _is_pair(content: Sequence[Turn]) -> bool:
    return (
        len(content) == 2  # noqa: PLR2004 - a pair
        and content[0].role == "user"
        and content[1].role == "assistant"
        and not content[1].rejected
        and content[1].weight == 1
    )
