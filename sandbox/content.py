"""Everything in one label, put into the shape of an export: answers, answers about messages, choices among them."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from sandbox.answers import annotate, message_questions, questions
from sandbox.assets import CHAT_TREE, read_asset
from sandbox.choices import choose
from sandbox.errors import MalformedRequest
from sandbox.given import Given
from sandbox.ids import Ids
from sandbox.project import Project
from sandbox.records import Content, DataRow, Json, Ontology


def annotate_all(ontology: Ontology, data_row: DataRow, given: Given, ids: Ids) -> Content:
    """Write a label's content.

    Raises:
        MalformedRequest: It does not fit the ontology, or names a message that the row does not have.
    """
    answers = annotate(questions(ontology), given.answers, ids)
    document = document_of(data_row)
    if unknown := sorted(set(given.on_messages) - set(_message_ids(document))):
        raise MalformedRequest(f"the row has no message {unknown[0]!r}")
    asked = message_questions(ontology)
    on_messages = [annotate(asked, said, ids, message_id=key) for key, said in given.on_messages.items()]
    return Content(
        classifications=(*answers, *chain.from_iterable(on_messages)),
        objects=choose(ontology, document, given.choices, ids),
    )


def chat_of(project: Project, data_row: DataRow, given: Given, at: datetime) -> DataRow:
    """Give the data row with the conversation that a person had with models, where they had one.

    Raises:
        MalformedRequest: The project is no live chat, or the conversation is no chat tree.
    """
    if given.chat is None:
        return data_row
    if not project.is_live_chat or given.chat.get("type") != CHAT_TREE:
        raise MalformedRequest("a conversation is written in live chat projects, as a chat tree")
    row_data, attributes = read_asset(given.chat)
    return replace(data_row, row_data=row_data, media_attributes=attributes, updated_at=at)


def document_of(data_row: DataRow) -> Json:
    """Give the document that a row shows; an empty one where it is a text."""
    if data_row.media_attributes["asset_type"] == "text":
        return {}
    document: Json = json.loads(data_row.row_data)
    return document


def _message_ids(document: Json) -> Sequence[str]:
    messages = document.get("messages") or ()
    return list(messages) if isinstance(messages, dict) else [message["messageId"] for message in messages]
