"""Metadata of data rows: the fields that an account knows, and a row's values in Labelbox's three ways of writing them.

The export of a field with options was in none of the real exports that we saw; ours lists the option.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.errors import MalformedRequest
from sandbox.ids import Ids
from sandbox.records import Json

ENUM, OPTION = "CustomMetadataEnum", "CustomMetadataEnumOption"
KINDS = frozenset(("CustomMetadataString", "CustomMetadataNumber", "CustomMetadataDateTime", ENUM))


@dataclass(frozen=True, slots=True)
class Schema:
    """One field, or one option of a field."""

    id: str
    name: str
    kind: str
    reserved: bool = False
    options: tuple["Schema", ...] = ()

    def view(self) -> Json:
        """Show it to the SDK."""
        shown = {"id": self.id, "name": self.name, "kind": self.kind, "reserved": self.reserved}
        return shown | {"options": [option.view() for option in self.options]}


# Every account has these; their ids are the same everywhere, as at Labelbox, but not Labelbox's.
_SPLITS = tuple(
    Schema(f"cmsandboxreserved0split{n:02}", name, OPTION, reserved=True)
    for n, name in enumerate(("train", "valid", "test"))
)
RESERVED = (
    Schema("cmsandboxreserved00tag000", "tag", "CustomMetadataString", reserved=True),
    Schema("cmsandboxreserved0split99", "split", ENUM, reserved=True, options=_SPLITS),
)


class MetadataSchemas:
    """The fields that an account knows.

    Args:
        ids: Where their ids come from.
    """

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._schemas = {schema.id: schema for schema in RESERVED}

    def all(self) -> list[Schema]:
        """List the fields."""
        return list(self._schemas.values())

    def by_id(self) -> dict[str, Schema]:
        """Give fields and options by their ids."""
        options = [option for schema in self._schemas.values() for option in schema.options]
        return {schema.id: schema for schema in (*self._schemas.values(), *options)}

    def put(self, given: Mapping[str, Any]) -> Schema:
        """Make a field, or change the one whose id is given.

        Raises:
            MalformedRequest: The kind is not imitated, the name is taken, or a field with options has none.
        """
        if given["kind"] not in KINDS:
            raise MalformedRequest(f"metadata of kind {given['kind']!r} is not imitated")
        options = tuple(
            Schema(option.get("id") or self._ids.cuid(), option["name"], OPTION)
            for option in given.get("options") or ()
        )
        if (given["kind"] == ENUM) != bool(options):
            raise MalformedRequest("a metadata field has options if it is an enum, and only then")
        schema = Schema(given.get("id") or self._ids.cuid(), given["name"], given["kind"], options=options)
        if any(one.name == schema.name and one.id != schema.id for one in self._schemas.values()):
            raise MalformedRequest(f"there is a metadata field {schema.name!r} already")
        self._schemas[schema.id] = schema
        return schema

    def read(self, fields: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Read the values of an upload, by the id of the field; of a field with options it is the option's id.

        Args:
            fields: ``{"schemaId", "value"}``; the SDK names a field with options and then, the same way, the option.

        Raises:
            MalformedRequest: A field or option is unknown.
        """
        known = self.by_id()
        parents = {option.id: schema for schema in self._schemas.values() for option in schema.options}
        values: dict[str, Any] = {}
        for field in fields:
            schema = known.get(field["schemaId"])
            if schema is None:
                raise MalformedRequest(f"there is no metadata field {field['schemaId']!r}")
            if schema.kind == OPTION:
                values[parents[schema.id].id] = schema.id
            elif schema.kind != ENUM:
                values[schema.id] = field["value"]
        return values


def exported(values: Mapping[str, Any], known: Mapping[str, Schema]) -> list[Json]:
    """Write a row's values as export rows do."""
    return [
        {
            "schema_id": key,
            "schema_name": known[key].name,
            "schema_kind": known[key].kind,
            "value": _chosen(known[value]) if known[key].kind == ENUM else value,
        }
        for key, value in values.items()
    ]


def shown(values: Mapping[str, Any], known: Mapping[str, Schema]) -> list[Json]:
    """Write a row's values as GraphQL answers do."""
    fields: list[Json] = []
    for key, value in values.items():
        schema = known[key]
        is_enum = schema.kind == ENUM
        fields.append({"schemaId": key, "name": schema.name, "kind": schema.kind, "value": {} if is_enum else value})
        if is_enum:
            option = known[value]
            fields.append({"schemaId": option.id, "name": option.name, "kind": option.kind, "value": {}})
    return fields


def _chosen(option: Schema) -> list[Json]:
    return [{"schema_id": option.id, "schema_name": option.name}]
