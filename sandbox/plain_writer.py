"""Somebody who labels any row of any project, the same every time."""

from collections.abc import Iterable, Sequence
from zlib import crc32

from sandbox.answers import kind_of, message_questions, options, questions
from sandbox.chat_trees import forks, tree
from sandbox.content import document_of
from sandbox.given import Answer, Answers, Choice, Given
from sandbox.people import Care, half_of
from sandbox.records import DataRow, Json, Ontology


class PlainWriter:
    """Answers any question about anything; careless people repeat the text, which a reviewer would not accept."""

    def write(self, data_row: DataRow, ontology: Ontology, care: Care) -> Given:
        """See ``Writer``."""
        document = document_of(data_row)
        chat = None
        if document.get("draft") and not document.get("messages"):
            chat = document = tree(["Hello, can you help me?"], [("Yes, gladly.", "No.")])
        text = data_row.row_data if not document else " ".join(_texts(document))
        asked = message_questions(ontology)
        key = f"{data_row.id} {care}"
        return Given(
            answers=_answers(questions(ontology), text, key, care),
            on_messages={one: _answers(asked, text, f"{key} {one}", care) for one in _talked_about(document) if asked},
            choices=_choices(ontology, document, key),
            chat=chat,
        )


def _answers(asked: Iterable[Json], text: str, key: str, care: Care) -> Answers:
    return {item["name"]: _answer(item, text, f"{key} {item['name']}", care) for item in asked}


def _answer(question: Json, text: str, key: str, care: Care) -> Answer:
    kind = kind_of(question)
    if kind == "text":
        return _text(text, care)
    chosen = crc32(key.encode())
    known = options(question)
    if kind == "radio":
        return _option(known[chosen % len(known)], text, key, care)
    return [_option(one, text, key, care) for n, one in enumerate(known) if not chosen >> n & 1] or [
        _option(known[0], text, key, care)
    ]


def _option(option: Json, text: str, key: str, care: Care) -> str | Json:
    further = [item for item in option["options"] if not item.get("archived")]
    if not further:
        return str(option["value"])
    return {"value": option["value"], "answers": _answers(further, text, f"{key} {option['value']}", care)}


def _choices(ontology: Ontology, document: Json, key: str) -> list[Choice]:
    tools = [item for item in ontology.normalized["tools"] if not item.get("archived")]
    return [
        Choice(tool["name"], parent, _chosen(tool["tool"], children, crc32(f"{key} {parent}".encode())))
        for tool in tools
        for parent, children in forks(document)
    ]


def _chosen(tool: str, children: Sequence[str], chance: int) -> tuple[str, ...]:
    first = chance % len(children)
    ranked = (*children[first:], *children[:first])
    return ranked if tool == "message-ranking" else ranked[:1]


def _talked_about(document: Json) -> list[str]:
    """Name the first message that questions may be about."""
    messages = document.get("messages") or ()
    return list(messages)[:1] if isinstance(messages, dict) else [one["messageId"] for one in messages[:1]]


def _texts(document: Json) -> list[str]:
    messages = document.get("messages") or ()
    if isinstance(messages, dict):
        return [part["content"] for one in messages.values() for part in one["content"] if part["type"] == "text"]
    return [one["content"] for one in messages] or ["nothing"]


def _text(text: str, care: Care) -> str:
    # Somebody may have uploaded a row with nothing in it.
    words = " ".join(text.split())[:200] or "nothing"
    final = f"This is about: {words}"
    return {"final": final, "draft": half_of(final), "careless": text or words}[care]
