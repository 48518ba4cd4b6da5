"""Ontologies."""

import json

from sandbox.api.context import Arguments, Context, Resolver, where_of
from sandbox.api.views import ontology_view
from sandbox.kinds import check_editor_task_type, check_media_type
from sandbox.records import Json


def _get(context: Context, arguments: Arguments) -> Json:
    return ontology_view(context.sandbox.organization.ontology(where_of(arguments).get("id")))


def _search(context: Context, arguments: Arguments) -> Json:
    text = str((arguments.get("where") or {}).get("search") or "").lower()
    held = context.sandbox.organization.ontologies.values()
    return {"nodes": [ontology_view(item) for item in held if text in item.name.lower()], "nextCursor": None}


def _create(context: Context, arguments: Arguments) -> Json:
    given = arguments["data"]
    sandbox = context.sandbox
    check_editor_task_type(given.get("editorTaskType"))
    media_type = check_media_type(given.get("mediaType"))
    made = sandbox.organization.create_ontology(
        given["name"], json.loads(given["normalized"]), media_type=media_type, at=sandbox.now()
    )
    return ontology_view(made)


ONTOLOGIES: dict[str, Resolver] = {"ontology": _get, "ontologies": _search, "upsertOntology": _create}
