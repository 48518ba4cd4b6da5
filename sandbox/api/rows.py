"""Single data rows and labels."""

import json
from dataclasses import replace

from sandbox.api.context import Arguments, Context, Resolver, where_of
from sandbox.api.views import data_row_view, label_view
from sandbox.assets import read_asset
from sandbox.errors import UnknownResource
from sandbox.operations import Operation
from sandbox.records import TEXT_ATTRIBUTES, Json


def _data_row(context: Context, arguments: Arguments) -> Json:
    organization = context.sandbox.organization
    data_row = organization.data_row(where_of(arguments).get("id"))

    def labeling_activity(inner: Arguments) -> Json:
        row = organization.project(where_of(inner).get("projectId")).row(data_row.id)
        return {"selectedLabelId": row.selected_label_id}

    return data_row_view(organization, data_row) | {"labelingActivity": labeling_activity}


def _update_row(context: Context, arguments: Arguments) -> Json:
    sandbox = context.sandbox
    former = sandbox.organization.data_row(where_of(arguments).get("id"))
    given = arguments["data"]
    row_data, attributes = former.row_data, former.media_attributes
    if "rowData" in given:
        # The SDK writes a document as JSON here; a row stays what it is, a text or a document.
        is_text = attributes == TEXT_ATTRIBUTES
        row_data, attributes = read_asset(given["rowData"] if is_text else json.loads(given["rowData"]))
    changed = replace(
        former,
        row_data=row_data,
        media_attributes=attributes,
        file=None if "rowData" in given else former.file,
        external_id=given.get("externalId", former.external_id),
        global_key=given.get("globalKey", former.global_key),
        updated_at=sandbox.now(),
    )
    sandbox.organization.put_data_row(changed, sandbox.now())
    return data_row_view(sandbox.organization, changed)


def _delete_rows(context: Context, arguments: Arguments) -> list[Json]:
    ids = where_of(arguments)["dataRowIds"]
    context.sandbox.delete_data_rows(ids)
    return [{"id": key} for key in ids]


def _start_lookup(_: Context, arguments: Arguments) -> Json:
    """Answer a job whose id holds the question, so that nothing needs to be kept for it."""
    return {"jobId": "\n".join(where_of(arguments)["ids"])}


def _end_lookup(context: Context, arguments: Arguments) -> Json:
    keys = arguments["jobId"]["id"].split("\n")
    known = context.sandbox.organization.by_global_key
    found = {
        "fetchedDataRows": [{"id": known.get(key, "")} for key in keys],
        "notFoundGlobalKeys": [key for key in keys if key not in known],
        "accessDeniedGlobalKeys": [],
    }
    return {"jobStatus": "COMPLETE", "data": found}


def _label(context: Context, arguments: Arguments) -> Json:
    wanted = where_of(arguments).get("id")
    for project in context.sandbox.organization.projects.values():
        for row in project.current_rows():
            for label in row.labels:
                if label.id == wanted:
                    return label_view(label, row)
    raise UnknownResource(f"no label {wanted!r}")


def _delete_labels(context: Context, arguments: Arguments) -> list[Json]:
    wanted = set(arguments["labelIds"])
    sandbox = context.sandbox
    deleted = []
    for project in sandbox.organization.projects.values():
        for row in project.current_rows():
            for label in row.labels:
                if label.id in wanted:
                    sandbox.perform(Operation("delete_label", project.id, row.data_row.id, label_id=label.id))
                    deleted.append({"id": label.id})
    return deleted


ROWS: dict[str, Resolver] = {
    "dataRow": _data_row,
    "updateDataRow": _update_row,
    "deleteDataRows": _delete_rows,
    "dataRowsForGlobalKeys": _start_lookup,
    "dataRowsForGlobalKeysResult": _end_lookup,
    "label": _label,
    "deleteLabels": _delete_labels,
}
