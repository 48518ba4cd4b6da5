"""Exports and the files in which they are read."""

from sandbox.api.context import Arguments, Context, Resolver, where_of
from sandbox.dataset_exports import start_dataset_export
from sandbox.exports import Started, start_export
from sandbox.records import Json


def _start(context: Context, arguments: Arguments) -> Json:
    return _started(context, start_export(context.sandbox, arguments["input"], base_url=context.base_url))


def _start_in_catalog(context: Context, arguments: Arguments) -> Json:
    return _started(context, start_dataset_export(context.sandbox, arguments["input"], base_url=context.base_url))


def _started(context: Context, started: Started) -> Json:
    context.afterwards.append(started.write)
    return {"taskId": started.task.id, "isStreamable": True}


def _task(context: Context, arguments: Arguments) -> Json:
    task = context.sandbox.tasks.get(where_of(arguments).get("id"))

    def header(inner: Arguments) -> Json | None:
        if inner["streamType"] != "RESULT" or task.result is None:
            return None
        return {"totalSize": task.result.total_bytes, "totalLines": task.result.total_lines}

    def file(inner: Arguments) -> Json | None:
        offset = int(inner["offset"])
        chunk = task.result.at(offset) if task.result and inner["streamType"] == "RESULT" else None
        if chunk is None:
            return None
        return {
            "offsets": {"start": offset, "end": chunk.end},
            "lines": {"start": chunk.first_line, "end": chunk.last_line},
            "file": f"{context.base_url}/files/exports/{task.id}/{offset}",
        }

    return {"exportMetadataHeader": header, "exportFileFromOffset": file}


EXPORTS: dict[str, Resolver] = {
    "exportDataRowsInProject": _start,
    "exportDataRowsInCatalog": _start_in_catalog,
    "task": _task,
}
