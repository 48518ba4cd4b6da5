"""An ontology as it is sent by the SDK becomes the one that Labelbox gives back."""

from sandbox.errors import MalformedRequest, UnknownResource
from sandbox.ids import Ids
from sandbox.records import Json

# The tools of multimodal chat; what draws on images or text is not imitated.
TOOLS = ("message-single-selection", "message-multi-selection", "message-ranking")


def with_ids(normalized: Json, ids: Ids) -> Json:
    """Give every tool, question and option the ids that answers are joined on; ids already there stay.

    Raises:
        MalformedRequest: There are tools other than those that select or rank messages.
    """
    tools = [_tool(item, ids) for item in normalized.get("tools") or ()]
    asked = [_question(item, ids) for item in normalized.get("classifications") or ()]
    return {"tools": tools, "relationships": [], "classifications": asked, "realTime": False}


def archive(normalized: Json, feature: str) -> Json:
    """Archive one tool, question or option: labels that have it keep it, nobody can use it any more.

    Args:
        normalized: The ontology's document; it is left as it is.
        feature: The feature schema id, or the name of a tool or question.

    Raises:
        UnknownResource: There is no such feature.
    """
    parts = {part: _archive(normalized[part], feature) for part in ("tools", "classifications")}
    if normalized == normalized | parts:
        raise UnknownResource(f"the ontology has no feature {feature!r} to archive")
    return normalized | parts


def _archive(items: list[Json], feature: str) -> list[Json]:
    """Look for a feature at this level and below."""
    changed = []
    for item in items:
        below: Json = {key: _archive(item[key], feature) for key in ("classifications", "options") if key in item}
        if feature in {item["featureSchemaId"], item.get("name")}:
            below["archived"] = True
        changed.append(item | below)
    return changed


def _tool(item: Json, ids: Ids) -> Json:
    if item["tool"] not in TOOLS:
        raise MalformedRequest(f"tools of type {item['tool']!r} are not imitated")
    return {
        **_keys(item, ids),
        "tool": item["tool"],
        "name": item["name"],
        "required": bool(item.get("required")),
        "archived": bool(item.get("archived")),
        "color": item.get("color"),
        "classifications": [_question(nested, ids) for nested in item.get("classifications") or ()],
    }


def _question(item: Json, ids: Ids) -> Json:
    name = item.get("name") or item["instructions"]
    return {
        **{key: value for key, value in item.items() if value is not None},
        **_keys(item, ids),
        "name": name,
        "instructions": item.get("instructions") or name,
        "required": bool(item.get("required")),
        "archived": bool(item.get("archived")),
        "options": [_option(option, n, ids) for n, option in enumerate(item.get("options") or ())],
    }


def _option(item: Json, position: int, ids: Ids) -> Json:
    return {
        **_keys(item, ids),
        "label": item.get("label") or item["value"],
        "value": item["value"],
        "position": position,
        "options": [_question(nested, ids) for nested in item.get("options") or ()],
        **({"archived": True} if item.get("archived") else {}),
    }


def _keys(item: Json, ids: Ids) -> Json:
    return {
        "schemaNodeId": item.get("schemaNodeId") or ids.cuid(),
        "featureSchemaId": item.get("featureSchemaId") or ids.cuid(),
    }
