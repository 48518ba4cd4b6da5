"""What labelers would read of a data row that nobody has labelled yet."""

import json
from typing import Any

from service.domain.addresses import is_address
from service.domain.row_contents import OTHER_MEDIA, is_broken

_CONVERSATIONS = "application/vnd.labelbox.conversational"


def shown_prompt(row_data: object, asset_type: str | None) -> str | None:
    """Give what a row asks: its text, or what the people say in its conversation.

    Returns:
        None where there is nothing to read: an empty chat, an address, another medium, a document of another type.
    """
    document = row_data if isinstance(row_data, dict) else _document(row_data)
    if document is not None:
        text = "\n".join(_said(document)) if str(document.get("type")).startswith(_CONVERSATIONS) else ""
    elif isinstance(row_data, str) and asset_type not in OTHER_MEDIA and not is_address(row_data):
        text = row_data
    else:
        return None
    return text if text.strip() and not is_broken(text) else None


def _document(row_data: object) -> dict[str, Any] | None:
    if not isinstance(row_data, str) or '"application/' not in row_data or row_data.lstrip()[:1] != "{":
        return None
    try:
        found = json.loads(row_data)
    except (ValueError, RecursionError):
        return None  # some other text that begins like one
    return found if isinstance(found, dict) else None


def _said(document: dict[str, Any]) -> list[str]:
    messages = document.get("messages")
    if isinstance(messages, list):
        return [str(item["content"]) for item in messages if isinstance(item, dict) and "content" in item]
    if not isinstance(messages, dict):
        return []
    actors = document.get("actors") or {}
    return [
        str(part.get("content"))
        for message in messages.values()
        if (actors.get(message.get("actorId")) or {}).get("role") == "human"
        for part in message.get("content") or ()
        if part.get("type") == "text"
    ]
