"""``/v1/files``."""

import time
from pathlib import Path
from typing import Literal, cast

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response

from trainer.dataset.lines import BOM
from trainer.runtime import Runtime
from trainer.store.files import FileRecord
from trainer.store.folders import move_into_place, remove
from trainer.store.ids import new_id
from trainer.store.pages import CursorUnknown
from trainer.values import JsonObject
from trainer.web.bodies import after_unknown, limit_of, list_answer
from trainer.web.errors import ApiError, invalid, json_answer, not_found
from trainer.web.multipart import Upload, read_upload

PURPOSES = ("assistants", "batch", "evals", "fine-tune", "user_data", "vision")
MOST_LISTED = 10_000
LONGEST_NAME = 255
SHORTEST_LIFE_S, LONGEST_LIFE_S = 3600, 2_592_000


async def create_file(request: Request) -> Response:
    """Take an upload. It has an id only once its bytes are safely in place."""
    runtime: Runtime = request.app.state.runtime
    file_id = new_id("file-")
    part = runtime.folders.tmp / file_id
    content_type = request.headers.get("content-type", "")
    try:
        upload = await read_upload(request.stream(), content_type, part, runtime.settings.max_upload_bytes)
        file = _file(file_id, upload, int(time.time()))
        if runtime.settings.manners.bom and file.purpose == "fine-tune":
            await run_in_threadpool(_require_bom, part)
        await run_in_threadpool(move_into_place, part, runtime.folders.file(file_id))
        await run_in_threadpool(runtime.stores.files.add, file)
    except ClientDisconnect:
        raise ApiError(400, "The upload broke off.", param="file", code="invalid_multipart") from None
    finally:
        remove(part)
    return json_answer(file_shape(file))


def list_files(request: Request) -> Response:
    """List files, newest first unless ``order=asc``."""
    runtime: Runtime = request.app.state.runtime
    query = request.query_params
    order = query.get("order", "desc")
    if order not in {"asc", "desc"}:
        raise invalid("order", 'order must be "asc" or "desc".')
    limit = limit_of(request, default=MOST_LISTED, most=MOST_LISTED)
    try:
        page = runtime.stores.files.page(
            purpose=query.get("purpose"),
            order=cast("Literal['asc', 'desc']", order),
            after=query.get("after"),
            limit=limit,
            now=time.time(),
        )
    except CursorUnknown as error:
        raise after_unknown(error) from None
    return json_answer(list_answer(page, file_shape))


def retrieve_file(request: Request) -> Response:
    """Show a file."""
    return json_answer(file_shape(_known(request)))


def delete_file(request: Request) -> Response:
    """Delete a file; jobs that use it keep their own link to its bytes."""
    runtime: Runtime = request.app.state.runtime
    file = _known(request)
    runtime.stores.files.remove(file.id)
    remove(runtime.folders.file(file.id))
    return json_answer({"id": file.id, "object": "file", "deleted": True})


def file_content(request: Request) -> Response:
    """Give a file's bytes as they were uploaded."""
    runtime: Runtime = request.app.state.runtime
    file = _known(request)
    place = runtime.folders.file(file.id)
    return FileResponse(place, media_type="application/octet-stream", filename=file.filename)


def file_shape(file: FileRecord) -> JsonObject:
    """Show a file as the API does."""
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": file.created_at,
        "expires_at": file.expires_at,
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }


def _known(request: Request) -> FileRecord:
    runtime: Runtime = request.app.state.runtime
    file_id = request.path_params["file_id"]
    file = runtime.stores.files.get(file_id, time.time())
    if file is None:
        raise not_found("file", file_id)
    return file


def _file(file_id: str, upload: Upload, now: int) -> FileRecord:
    """Check what came with an upload."""
    purpose = upload.fields.get("purpose")
    if purpose not in PURPOSES:
        raise invalid("purpose", f"purpose must be one of {', '.join(PURPOSES)}.")
    if not upload.filename:
        raise invalid("file", "There must be a file with a name, in the field 'file'.", "missing_required_parameter")
    if len(upload.filename) > LONGEST_NAME or not upload.filename.isprintable():
        raise invalid("file", f"A file's name must be printable and have at most {LONGEST_NAME} characters.")
    if purpose == "fine-tune" and not upload.filename.endswith(".jsonl"):
        raise invalid("file", "A file for fine-tuning must be named *.jsonl.", "invalid_file_format")
    if upload.size == 0:
        raise invalid("file", "The file is empty.", "empty_file")
    return FileRecord(file_id, upload.filename, upload.size, purpose, now, _expiry(upload.fields, now))


def _require_bom(part: Path) -> None:
    with part.open("rb") as content:
        if content.read(len(BOM)) != BOM:
            raise invalid("file", "The file must be UTF-8 with a byte-order mark (BOM).", "invalid_file_format")


def _expiry(fields: dict[str, str], now: int) -> int | None:
    anchor, seconds = fields.get("expires_after[anchor]"), fields.get("expires_after[seconds]")
    if anchor is None and seconds is None:
        return None
    if anchor != "created_at":
        raise invalid("expires_after[anchor]", "The anchor must be created_at.")
    if seconds is None or not seconds.isascii() or not seconds.isdigit():
        raise invalid("expires_after[seconds]", "The seconds must be a whole number.")
    if not SHORTEST_LIFE_S <= int(seconds[:9]) <= LONGEST_LIFE_S:
        raise invalid("expires_after[seconds]", f"The seconds must be {SHORTEST_LIFE_S} to {LONGEST_LIFE_S}.")
    return now + int(seconds[:9])
