"""HTTP answers that are wrong on purpose."""

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from sandbox.core import Sandbox

_ANNOUNCED_BYTES = 1000


class CutOff(Response):
    """An answer that ends before as many bytes came as it announced; the server then closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the beginning; the server writes a line about it to its log."""
        del scope, receive  # The beginning is the same whatever was asked.
        headers = [(b"content-type", b"application/json"), (b"content-length", str(_ANNOUNCED_BYTES).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"data"', "more_body": True})


def wrong_answer(sandbox: Sandbox) -> Response | None:
    """Answer an API request wrongly, if one of the next ones is to be."""
    if sandbox.uses_up("dropped_requests"):
        return CutOff()
    if sandbox.uses_up("broken_requests"):
        return Response("upstream is away", status_code=503)
    if sandbox.uses_up("limited_requests"):
        return limited("You have exceeded your API rate limit.")
    if sandbox.uses_up("bare_limited_requests"):
        return limited("Too many requests")
    return None


def unheard(sandbox: Sandbox, text: str) -> Response | None:
    """Answer a change that was done as if it had failed, if it is to be; the SDK then asks for it once more."""
    is_change = text.lstrip().startswith("mutation") and "exportDataRows" not in text
    if is_change and sandbox.uses_up("unheard_changes"):
        return Response("internal error", status_code=500)
    return None


def wrong_download(sandbox: Sandbox, content: bytes) -> Response | None:
    """Serve the file of an export wrongly, if one of the next ones is to be."""
    if sandbox.uses_up("dropped_downloads"):
        return CutOff()
    if sandbox.uses_up("broken_downloads"):
        return Response("storage is away", status_code=503)
    if sandbox.uses_up("truncated_chunks"):
        return Response(content[: len(content) // 2], media_type="application/x-ndjson")
    return None


def limited(message: str) -> Response:
    """Say that there were too many requests, or too many exports."""
    return JSONResponse({"message": message}, status_code=429)
