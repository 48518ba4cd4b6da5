"""Choices among the answers of models in a chat tree, as exports write them.

Shape: the export of a multimodal chat project that the SDK's own tests expect.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.errors import MalformedRequest
from sandbox.given import Choice
from sandbox.ids import Ids
from sandbox.records import Json, Ontology

_SINGLE, _MULTI, _RANKING = "message-single-selection", "message-multi-selection", "message-ranking"


def choose(ontology: Ontology, document: Mapping[str, Any], choices: Sequence[Choice], ids: Ids) -> tuple[Json, ...]:
    """Put choices into the shape that exports have.

    Args:
        ontology: With the tools.
        document: The chat tree.
        choices: In the order in which they were made.
        ids: For the feature ids.

    Raises:
        MalformedRequest: An unknown tool, a message that is no answer to its parent, or a required tool left out.
    """
    tools = [item for item in ontology.normalized["tools"] if not item.get("archived")]
    known = {item[key]: item for key in ("name", "featureSchemaId") for item in tools}
    used = {known[choice.tool]["name"] for choice in choices if choice.tool in known}
    if missing := [item["name"] for item in tools if item["required"] and item["name"] not in used]:
        raise MalformedRequest(f"the tool {missing[0]!r} must be used")
    return tuple(_annotation(known, document, choice, ids) for choice in choices)


def model_name(document: Mapping[str, Any], message_id: str) -> str:
    """Give the name of the model that wrote a message, or its id where it has none."""
    actor = document["actors"][document["messages"][message_id]["actorId"]]
    metadata = actor.get("metadata") or {}
    return str(metadata.get("modelConfigName") or metadata.get("name") or metadata.get("modelConfigId") or "")


def plain_choices(objects: Sequence[Json], kind: str) -> list[Json]:
    """Read choices back: tool, parent and messages, the best first where they are ranked.

    Args:
        objects: Of one label.
        kind: ``selections`` or ``rankings``.
    """
    ranked = kind == "rankings"
    return [_plain(item) for item in objects if (item["annotation_kind"] == "MessageRanking") == ranked]


def _annotation(known: Mapping[str, Json], document: Mapping[str, Any], choice: Choice, ids: Ids) -> Json:
    if choice.tool not in known:
        raise MalformedRequest(f"the ontology has no tool {choice.tool!r}")
    tool = known[choice.tool]
    _check(document, choice)
    chosen = [{"message_id": key, "model_config_name": model_name(document, key)} for key in choice.messages]
    entry = {
        "feature_id": ids.cuid(),
        "feature_schema_id": tool["featureSchemaId"],
        "name": tool["name"],
        "classifications": [],
    }
    below: Json = {"parent_message_id": choice.parent}
    if tool["tool"] == _SINGLE:
        if len(chosen) != 1:
            raise MalformedRequest(f"the tool {choice.tool!r} selects one message")
        return entry | {"annotation_kind": "MessageSingleSelection", "selected_message": chosen[0] | below}
    if tool["tool"] == _MULTI:
        return entry | {"annotation_kind": "MessageMultiSelection", "selected_messages": {"messages": chosen} | below}
    ranked = [item | {"order": order} for order, item in enumerate(chosen, start=1)]
    return entry | {"annotation_kind": "MessageRanking", "ranked_messages": {"ranked_messages": ranked} | below}


def _check(document: Mapping[str, Any], choice: Choice) -> None:
    parent = (document.get("messages") or {}).get(choice.parent)
    if parent is None:
        raise MalformedRequest(f"the chat has no message {choice.parent!r}")
    if not choice.messages or len(set(choice.messages)) != len(choice.messages):
        raise MalformedRequest("a choice names messages, each once")
    if strangers := [key for key in choice.messages if key not in parent["childMessageIds"]]:
        raise MalformedRequest(f"{strangers[0]!r} is no answer to {choice.parent!r}")


def _plain(item: Json) -> Json:
    kind = item["annotation_kind"]
    if kind == "MessageSingleSelection":
        below, chosen = item["selected_message"], [item["selected_message"]]
    elif kind == "MessageMultiSelection":
        below, chosen = item["selected_messages"], item["selected_messages"]["messages"]
    else:
        below, chosen = item["ranked_messages"], item["ranked_messages"]["ranked_messages"]
    messages = [one["message_id"] for one in chosen]
    return {"tool": item["name"], "parent": below["parent_message_id"], "messages": messages}
