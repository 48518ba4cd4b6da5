"""What a data row shows: a text, or one of Labelbox's JSON documents, and what an export says about it.

Documents: conversations (``version`` 1), chat trees (``version`` 2), and the two tiny ones that stand for an empty
slot in the retired projects where people write the prompt themselves.
"""

import json
from collections.abc import Mapping
from typing import Any

from sandbox.errors import MalformedRequest
from sandbox.records import TEXT_ATTRIBUTES, Json

CONVERSATION = "application/vnd.labelbox.conversational"
CHAT_TREE = "application/vnd.labelbox.conversational.model-chat-evaluation"
PROMPT_RESPONSE = "application/llm.prompt-response-creation"
PROMPT = "application/llm.prompt-creation"

_MAX_MESSAGES = 250
_MAX_MESSAGE_CHARACTERS = 10_000
# What exports call the two empty slots was never published; nothing should be read from it.
_SLOT_KINDS = {PROMPT_RESPONSE: "llm_prompt_response_creation", PROMPT: "llm_prompt_creation"}


def read_asset(given: object) -> tuple[str, Json]:
    """Give a row's ``row_data`` as Labelbox keeps it, always a string, and its ``media_attributes``.

    Raises:
        MalformedRequest: It is no text and no document that is imitated, or a document that contradicts itself.
    """
    if isinstance(given, str):
        return given, TEXT_ATTRIBUTES
    if not isinstance(given, Mapping):
        raise MalformedRequest("row data is a text or a JSON document")
    kind = given.get("type")
    if kind in _SLOT_KINDS:
        attributes: Json = {"asset_type": _SLOT_KINDS[kind], "mime_type": kind}
    elif kind == CONVERSATION:
        attributes = _conversation(given)
    elif kind == CHAT_TREE:
        attributes = _chat_tree(given)
    else:
        raise MalformedRequest(f"row data of type {kind!r} is not imitated")
    return json.dumps(given, ensure_ascii=False, separators=(",", ":")), attributes


def empty_chat() -> Json:
    """Give the document of a live chat that nobody has begun, as the SDK's own template has it."""
    return {"type": CHAT_TREE, "draft": True, "rootMessageIds": [], "actors": {}, "version": 2, "messages": {}}


def _conversation(document: Mapping[str, Any]) -> Json:
    messages = document.get("messages") or []
    if not 0 < len(messages) <= _MAX_MESSAGES:
        raise MalformedRequest(f"a conversation has 1 to {_MAX_MESSAGES} messages")
    for message in messages:
        if not isinstance(message.get("messageId"), str) or not isinstance(message.get("content"), str):
            raise MalformedRequest("every message of a conversation has a messageId and a content")
        if len(message["content"]) >= _MAX_MESSAGE_CHARACTERS:
            raise MalformedRequest(f"a message has fewer than {_MAX_MESSAGE_CHARACTERS} characters")
    return {
        "asset_type": "conversational",
        "mime_type": CONVERSATION,
        "labelable_ids": [message["messageId"] for message in messages if message.get("canLabel", True)],
        "message_count": len(messages),
    }


def _chat_tree(document: Mapping[str, Any]) -> Json:
    messages, actors = document.get("messages") or {}, document.get("actors") or {}
    named = [*document.get("rootMessageIds", ()), *(key for one in messages.values() for key in _children(one))]
    if unknown := [key for key in named if messages and key not in messages]:
        raise MalformedRequest(f"the chat has no message {unknown[0]!r}")
    if strangers := [one["actorId"] for one in messages.values() if one.get("actorId") not in actors]:
        raise MalformedRequest(f"the chat has no actor {strangers[0]!r}")
    return {"asset_type": "conversational", "mime_type": CHAT_TREE, "message_count": len(messages)}


def _children(message: Mapping[str, Any]) -> list[str]:
    return list(message.get("childMessageIds") or [])
