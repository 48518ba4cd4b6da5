"""Reading a request's body, with a cap that holds while reading."""

import asyncio

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

BODY_S = 30.0


class BodyTooLarge(Exception):
    """The body is larger than allowed; the rest of it was not read."""


async def read_body(scope: Scope, receive: Receive, limit_bytes: int, *, timeout_s: float = BODY_S) -> bytes:
    """Read the whole body, in a time that a slow sender can keep and a stalled one cannot.

    Args:
        scope: The request's ASGI scope.
        receive: The request's ASGI receive.
        limit_bytes: What a declared length is refused above at once, and a chunked one as soon as it is passed.
        timeout_s: How long the whole body may take, in seconds.

    Raises:
        BodyTooLarge: The limit is passed.
        ClientDisconnect: The client went away.
        TimeoutError: The body did not arrive in time.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or int(value) > limit_bytes):
            raise BodyTooLarge
    async with asyncio.timeout(timeout_s):
        return await _read(receive, limit_bytes)


async def _read(receive: Receive, limit_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit_bytes:
            raise BodyTooLarge
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)
