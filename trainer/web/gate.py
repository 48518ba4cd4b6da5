"""What every request passes first: it gets an id, is logged, and must show the key."""

import hmac
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trainer.store.ids import new_id
from trainer.web.errors import ApiError, error_answer

logger = structlog.get_logger()
OPEN_PATHS = frozenset({"/healthz"})


class Gate:
    """The outermost layer, so that nothing behind it answers without an id or a key."""

    def __init__(self, app: ASGIApp, api_key: str) -> None:
        self._app = app
        self._expected = f"Bearer {api_key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, started, status, answered = new_id("req_"), time.monotonic(), 0, False

        async def tell(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)
            answered = message["type"] == "http.response.body" and not message.get("more_body")

        try:
            app = self._app if self._may_pass(scope) else error_answer(_refusal(scope))
            await app(scope, receive, tell)
        except ClientDisconnect:
            # Nobody is left to tell.
            status = 499
        except Exception:
            # The edge of a request. Raised further, it would make the server close a connection whose client
            # has had a whole answer and may be sending its next request on it.
            logger.exception("request_crashed", id=request_id, path=scope["path"])
            if not answered:
                raise
        finally:
            duration_ms = round((time.monotonic() - started) * 1000, 1)
            method, path = scope["method"], scope["path"]
            logger.info("request", id=request_id, method=method, path=path, status=status, duration_ms=duration_ms)

    def _may_pass(self, scope: Scope) -> bool:
        # Compared as bytes: a header may hold what is not ASCII, on which comparing texts fails.
        given = dict(scope["headers"]).get(b"authorization", b"")
        return scope["path"] in OPEN_PATHS or hmac.compare_digest(given, self._expected)


def _refusal(scope: Scope) -> ApiError:
    if "authorization" not in Headers(scope=scope):
        message = "There is no API key; send it in the header Authorization as: Bearer KEY."
        return ApiError(401, message, code="missing_api_key", headers={"www-authenticate": "Bearer"})
    message = "The API key is wrong."
    return ApiError(401, message, code="invalid_api_key", headers={"www-authenticate": "Bearer"})
