"""The addresses that the SDK uses: GraphQL, uploads as multipart forms, files of exports."""

import hmac
import json
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.api.answers_gone_wrong import limited, unheard, wrong_answer, wrong_download
from sandbox.api.context import Context
from sandbox.api.execution import answer, refusal
from sandbox.core import Sandbox
from sandbox.errors import BadApiKey, LimitExceeded, UnknownResource, UnparsableQuery

# The SDK cuts uploads at 10 MB; the parts besides the file are small.
_MAX_FORM_PART_BYTES = 1 << 20


def routes() -> list[Route]:
    """Give the routes; some calls of the SDK go to ``/_gql`` in place of ``/graphql``."""
    return [
        Route("/graphql", _graphql, methods=["POST"]),
        Route("/_gql", _graphql, methods=["POST"]),
        Route("/files/exports/{task_id}/{offset:int}", _export_file),
        Route("/storage/{name:path}", _stored_file),
    ]


def check_key(request: Request) -> None:
    """Refuse a request without the sandbox's key; with no key set everybody may come in.

    Raises:
        BadApiKey: The bearer key is missing or another.
    """
    wanted = request.app.state.api_key
    given = request.headers.get("Authorization", "")
    if wanted and not hmac.compare_digest(f"Bearer {wanted}".encode(), given.encode()):
        raise BadApiKey("Invalid API key")


async def _graphql(request: Request) -> Response:
    sandbox: Sandbox = request.app.state.sandbox
    try:
        check_key(request)
    except BadApiKey as error:
        return JSONResponse(refusal(error))
    if wrong := wrong_answer(sandbox):
        return wrong
    base_url = str(request.base_url).rstrip("/")
    if request.headers.get("Content-Type", "").startswith("multipart/form-data"):
        return await _upload(request, sandbox, base_url)
    try:
        asked = json.loads(await request.body())
        text, variables = str(asked["query"]), asked.get("variables") or {}
    except (ValueError, KeyError, TypeError, AttributeError):
        return JSONResponse(refusal(UnparsableQuery("the body is no GraphQL request")))
    try:
        answered = await run_in_threadpool(answer, Context(sandbox, base_url), text, variables)
        return unheard(sandbox, text) or JSONResponse(answered)
    except LimitExceeded as error:
        return limited(str(error))


async def _upload(request: Request, sandbox: Sandbox, base_url: str) -> Response:
    """Keep one file of a GraphQL multipart request: parts ``operations``, ``map`` and ``1``."""
    async with request.form(max_part_size=_MAX_FORM_PART_BYTES) as form:
        part: Any = form.get("1")
        content = await part.read() if isinstance(part, UploadFile) else None
        name = part.filename if isinstance(part, UploadFile) else None
    if content is None:
        return JSONResponse(refusal(UnparsableQuery("the form has no file in part 1")))
    with sandbox.lock:
        url = f"{base_url}/files/uploads/{sandbox.organization.ids.cuid()}"
        sandbox.files[url] = content
    return JSONResponse({"data": {"uploadFile": {"url": url, "filename": name}}})


async def _export_file(request: Request) -> Response:
    """Serve a chunk, without a key, as the storage that Labelbox signs addresses for does."""
    sandbox: Sandbox = request.app.state.sandbox
    try:
        result = sandbox.tasks.get(request.path_params["task_id"]).result
    except UnknownResource as error:
        raise HTTPException(404) from error
    offset: int = request.path_params["offset"]
    chunk = result.at(offset) if result else None
    if result is None or chunk is None:
        raise HTTPException(404)
    content = result.read(chunk, offset)
    return wrong_download(sandbox, content) or Response(content, media_type="application/x-ndjson")


async def _stored_file(request: Request) -> Response:
    """Serve a row's file, without a key, to whoever has a signed address."""
    sandbox: Sandbox = request.app.state.sandbox
    try:
        content = sandbox.organization.storage.read(request.path_params["name"], request.query_params, sandbox.now())
    except UnknownResource as error:
        raise HTTPException(404) from error
    except PermissionError as error:
        raise HTTPException(403, str(error)) from error
    return Response(content, media_type="text/plain")
