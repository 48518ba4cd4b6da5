"""The door before every page: a session, a bearer token, or the way to the sign-in."""

from collections.abc import Sequence
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from service.web.gate import CLOSED, SCHEME, opens
from service.web.operations import HEADERS
from service.web.pages.sessions import COOKIE, Sessions


class Guard:
    """Lets through who has signed in; what is asked for plays no part in a refusal.

    Attributes:
        app: What is behind the door.

    Args:
        app: The same.
        tokens: What opens it as ``Authorization: Bearer``, as for the API.
        sessions: Of those who signed in.
    """

    def __init__(self, app: ASGIApp, tokens: Sequence[bytes], sessions: Sessions) -> None:
        self.app = app
        self._tokens = tuple(token for token in tokens if token)
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or refuse it."""
        app = self._refusal(Request(scope)) or self.app
        await app(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        given = [value for name, value in request.scope["headers"] if name == b"authorization"]
        # Another scheme is meant for a proxy before us, which may well pass it on.
        if any(value.lower().startswith(SCHEME.strip()) for value in given):
            return None if opens(given, self._tokens) else CLOSED
        if self._sessions.holds(request.cookies.get(COOKIE, "")):
            return None
        if request.method not in {"GET", "HEAD"}:
            return CLOSED
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(wanted, safe='')}", 303, headers=HEADERS)
