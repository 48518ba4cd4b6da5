"""Datasets, and the uploads that fill them."""

from collections.abc import Sequence
from typing import TypeVar

from sandbox.api.context import Arguments, Context, Resolver, fitting, page_of, where_of
from sandbox.api.views import data_row_view, dataset_view, task_view
from sandbox.errors import UnknownResource
from sandbox.imports import import_manifest
from sandbox.records import Json

_Item = TypeVar("_Item")


def _get(context: Context, arguments: Arguments) -> Json:
    organization = context.sandbox.organization
    return dataset_view(organization, organization.dataset(where_of(arguments).get("id")))


def _list(context: Context, arguments: Arguments) -> list[Json]:
    organization = context.sandbox.organization
    views = [dataset_view(organization, item) for item in organization.datasets.values()]
    return page_of(fitting(views, {"deleted": False} | where_of(arguments)), arguments)


def _create(context: Context, arguments: Arguments) -> Json:
    given = arguments["data"]
    sandbox = context.sandbox
    made = sandbox.organization.create_dataset(
        given["name"], description=given.get("description") or "", at=sandbox.now()
    )
    return dataset_view(sandbox.organization, made)


def _upsert(context: Context, arguments: Arguments) -> Json:
    """Import what a manifest names, at once; the task is complete when it is answered."""
    sandbox = context.sandbox
    at = sandbox.now()
    address = arguments["data"]["manifestUri"]
    manifest = sandbox.files.pop(address, None)
    if manifest is None:
        raise UnknownResource(f"nothing was uploaded at {address}")
    imported = import_manifest(sandbox.organization, manifest, sandbox.files, at)
    task = sandbox.tasks.finished("data row import", "adv-upsert-data-rows", at)
    task.rows, task.failures = imported.rows, imported.failures
    return task_view(task, at)


def _imported(context: Context, arguments: Arguments) -> Json:
    rows = context.sandbox.tasks.get(arguments["data"]["taskId"]).rows
    page, after = _cursor_page(rows, arguments["data"])
    return {
        "nodes": [data_row_view(context.sandbox.organization, row) for row in page],
        "after": after,
        "total": len(rows),
    }


def _refused(context: Context, arguments: Arguments) -> Json:
    failures = context.sandbox.tasks.get(arguments["data"]["taskId"]).failures
    page, after = _cursor_page(failures, arguments["data"])
    return {"results": list(page), "after": after, "total": len(failures)}


def _cursor_page(items: Sequence[_Item], asked: Arguments) -> tuple[Sequence[_Item], str | None]:
    start = int(asked.get("from") or 0)
    end = start + int(asked["first"])
    return items[start:end], str(end) if end < len(items) else None


def _processed(_: Context, __: Arguments) -> Json:
    return {"allDataRowsHaveBeenProcessed": True}


DATASETS: dict[str, Resolver] = {
    "dataset": _get,
    "datasets": _list,
    "createDataset": _create,
    "upsertDataRows": _upsert,
    "successesfulDataRowImports": _imported,
    "failedDataRowImports": _refused,
    "queryAllDataRowsHaveBeenProcessed": _processed,
}
