"""Exported rows of every kind of project, put together from few words."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

PROJECT = "project-1"
MOMENT = "2026-11-01T10:00:00.000+00:00"


def question(kind: str, name: str, *options: Any, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Give a question of an ontology, asked by its name."""
    return {
        "type": kind,
        "featureSchemaId": f"q-{name}",
        "name": name,
        "instructions": f"{name}?",
        "options": list(options),
        **more,
    }


def option(value: str, *asks: Mapping[str, Any]) -> dict[str, Any]:
    """Give an option, with what it asks in turn."""
    return {"featureSchemaId": f"o-{value}", "value": value, "label": value.title(), "options": list(asks)}


def ontology(*questions: Mapping[str, Any], tools: Sequence[str] = ()) -> dict[str, Any]:
    """Give a normalized ontology; tools are named by their kind."""
    return {
        "tools": [{"tool": tool, "featureSchemaId": f"t-{tool}", "name": tool} for tool in tools],
        "classifications": list(questions),
    }


def written(name: str, text: object, message: str | None = None) -> dict[str, Any]:
    """Give a written answer, to one message of a chat if there is one."""
    return _answer(name, message, "text_answer", {"content": text})


def ticked(name: str, value: str, *below: Mapping[str, Any], message: str | None = None) -> dict[str, Any]:
    """Give the answer to a radio question."""
    return _answer(name, message, "radio_answer", _choice(value, below))


def listed(name: str, *values: str, message: str | None = None) -> dict[str, Any]:
    """Give the answer to a checklist."""
    return _answer(name, message, "checklist_answers", [_choice(value, ()) for value in values])


def label(
    label_id: str = "label-1",
    *answers: Mapping[str, Any],
    objects: Sequence[Mapping[str, Any]] = (),
    **more: Any,  # noqa: ANN401 - any JSON
) -> dict[str, Any]:
    """Give a label with its answers and judgements; ``performance`` and ``at`` may be given."""
    return {
        "label_kind": "Default",
        "version": "1.0.0",
        "id": label_id,
        "label_details": {
            "created_at": MOMENT,
            "updated_at": MOMENT,
            "content_last_updated_at": more.get("at", MOMENT),
        },
        "performance_details": {"skipped": False} | more.get("performance", {}),
        "annotations": {"objects": list(objects), "classifications": list(answers), "relationships": []},
    }


def exported(
    row_data: object,
    *labels: Mapping[str, Any],
    row_id: str = "row-1",
    status: str = "DONE",
    **details: Any,  # noqa: ANN401 - any JSON
) -> dict[str, Any]:
    """Give a row of an export; a document is exported as a text that holds it."""
    return {
        "data_row": {
            "id": row_id,
            "row_data": json.dumps(row_data) if isinstance(row_data, dict) else row_data,
            "details": {"last_activity_at": MOMENT},
        },
        "media_attributes": {"asset_type": "conversational" if isinstance(row_data, dict) else "text"},
        "projects": {
            PROJECT: {
                "name": "a project",
                "labels": list(labels),
                "project_details": {"workflow_status": status, **details},
            }
        },
    }


def conversation(*said: tuple[str, str], outputs: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Give a version 1 document from pairs of speaker and text; its messages are m0, m1 and so on."""
    document: dict[str, Any] = {
        "type": "application/vnd.labelbox.conversational",
        "version": 1,
        "messages": [
            {
                "messageId": f"m{number}",
                "timestampUsec": 1_700_000_000 + number,
                "content": text,
                "user": {"userId": speaker.lower(), "name": speaker},
                "align": "left" if number % 2 else "right",
                "canLabel": True,
            }
            for number, (speaker, text) in enumerate(said)
        ],
    }
    if outputs:
        document["modelOutputs"] = [
            {"title": title, "content": text, "modelConfigName": f"config {title}"} for title, text in outputs.items()
        ]
    return document


def tree(roots: Sequence[str], **messages: tuple[str, str, Sequence[str]]) -> dict[str, Any]:
    """Give a version 2 document; a message is its actor (``human`` or a model's name), its text and its children."""
    actors = {actor for actor, _, _ in messages.values()}
    return {
        "type": "application/vnd.labelbox.conversational.model-chat-evaluation",
        "version": 2,
        "rootMessageIds": list(roots),
        "actors": {
            actor: {"role": "human", "metadata": {"name": "User"}}
            if actor == "human"
            else {"role": "model", "metadata": {"modelConfigId": actor, "modelConfigName": actor}}
            for actor in actors
        },
        "messages": {
            key: {"actorId": actor, "content": [{"type": "text", "content": text}], "childMessageIds": list(children)}
            for key, (actor, text, children) in messages.items()
        },
    }


def selection(key: str, *, tool: str = "message-single-selection") -> dict[str, Any]:
    """Give the selection of one message."""
    chosen = {"message_id": key, "model_config_name": "m", "parent_message_id": "p"}
    return {"feature_schema_id": f"t-{tool}", "annotation_kind": "MessageSingleSelection", "selected_message": chosen}


def selections(*keys: str) -> dict[str, Any]:
    """Give the selection of several messages."""
    chosen = {"messages": [{"message_id": key, "model_config_name": "m"} for key in keys], "parent_message_id": "p"}
    return {
        "feature_schema_id": "t-message-multi-selection",
        "annotation_kind": "MessageMultiSelection",
        "selected_messages": chosen,
    }


def ranking(*keys: str) -> dict[str, Any]:
    """Give a ranking, the best first; exported in another order, because only ``order`` counts."""
    ranked = [{"message_id": key, "model_config_name": "m", "order": place} for place, key in enumerate(keys, start=1)]
    return {
        "feature_schema_id": "t-message-ranking",
        "annotation_kind": "MessageRanking",
        "ranked_messages": {"ranked_messages": ranked[::-1], "parent_message_id": "p"},
    }


def _answer(name: str, message: str | None, key: str, given: object) -> dict[str, Any]:
    shown = {"feature_id": f"f-{name}", "feature_schema_id": f"q-{name}", "name": f"{name}?", "value": name}
    if message is None:
        return {**shown, key: given}
    return {**shown, "message_id": message, f"conversational_{key}": given}


def _choice(value: str, below: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "feature_id": f"f-{value}",
        "feature_schema_id": f"o-{value}",
        "name": value.title(),
        "value": value,
        "classifications": list(below),
    }
