"""An ontology as it is sent by the SDK becomes the one that Labelbox gives back."""

from sandbox.errors import MalformedRequest
from sandbox.ids import Ids
from sandbox.records import Json


def with_ids(normalized: Json, ids: Ids) -> Json:
    """Give every question and option the ids that answers are joined on; ids already there stay.

    Raises:
        MalformedRequest: There are tools; only questions are imitated.
    """
    if normalized.get("tools"):
        raise MalformedRequest("only questions are imitated, no annotation tools")
    asked = [_question(item, ids) for item in normalized.get("classifications") or ()]
    return {"tools": [], "relationships": [], "classifications": asked, "realTime": False}


def _question(item: Json, ids: Ids) -> Json:
    name = item.get("name") or item["instructions"]
    return {
        **{key: value for key, value in item.items() if value is not None},
        **_keys(item, ids),
        "name": name,
        "instructions": item.get("instructions") or name,
        "required": bool(item.get("required")),
        "archived": False,
        "options": [_option(option, n, ids) for n, option in enumerate(item.get("options") or ())],
    }


def _option(item: Json, position: int, ids: Ids) -> Json:
    return {
        **_keys(item, ids),
        "label": item.get("label") or item["value"],
        "value": item["value"],
        "position": position,
        "options": [_question(nested, ids) for nested in item.get("options") or ()],
    }


def _keys(item: Json, ids: Ids) -> Json:
    return {
        "schemaNodeId": item.get("schemaNodeId") or ids.cuid(),
        "featureSchemaId": item.get("featureSchemaId") or ids.cuid(),
    }
