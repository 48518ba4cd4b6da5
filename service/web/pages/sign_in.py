"""Signing in with an admin token, and out again."""

from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from structlog import get_logger

from service.web.body import BodyTooLarge, read_body
from service.web.operations import HEADERS
from service.web.pages.attempts import Attempts
from service.web.pages.origins import is_own_form, path_of_ours
from service.web.pages.render import render
from service.web.pages.sessions import COOKIE, LASTS, Sessions

logger = get_logger()
FORM_BYTES = 8192
_MOST_FIELDS = 10


@dataclass(frozen=True, slots=True)
class SignIn:
    """The sign-in: ``is_open`` is false where no token is configured, and then nobody gets in."""

    sessions: Sessions
    is_open: bool
    attempts: Attempts = field(default_factory=lambda: Attempts(monotonic))

    async def form(self, request: Request) -> Response:
        """Show the form, or go on where somebody has signed in already."""
        wanted = path_of_ours(request.query_params.get("next", "/"))
        if self.sessions.holds(request.cookies.get(COOKIE, "")):
            return _go_to(wanted)
        if request.headers.get("sec-fetch-site") == "cross-site":
            # Who follows a link from a chat has a session perhaps: the browser keeps a strict cookie back until a page
            # of ours asks for the next.
            return render("again.html", wanted=wanted)
        return self._form(wanted) if self.is_open else render("closed.html", 401)

    async def enter(self, request: Request) -> Response:
        """Take a token; wrong ones are counted and never written anywhere."""
        if not self.is_open:
            return render("closed.html", 401)
        if not is_own_form(request.headers):
            return render("problem.html", 403, title="Not from here", message="The form was sent from another site.")
        address = request.client.host if request.client else ""
        try:
            given = await _fields(request)
        except (BodyTooLarge, TimeoutError, ClientDisconnect):
            given = {}
        wanted = path_of_ours(given.get("next", "/"))
        if wait_s := self.attempts.wait_s(address):
            return self._form(wanted, 429, problem=f"Too many wrong tokens. Try again in {wait_s} s.", wait_s=wait_s)
        cookie = self.sessions.begin(given.get("token", "").strip().encode())
        if cookie is None:
            self.attempts.missed(address)
            logger.warning("sign_in_refused", address=address)
            return self._form(wanted, 401, problem="This is none of the tokens in TUNELOOP_ADMIN_TOKEN.")
        answer = _go_to(wanted)
        answer.set_cookie(COOKIE, cookie, max_age=int(LASTS.total_seconds()), **_manners(request))
        return answer

    async def leave(self, request: Request) -> Response:
        """End the session in this browser."""
        if not is_own_form(request.headers):
            return render("problem.html", 403, title="Not from here", message="The form was sent from another site.")
        answer = _go_to("/login")
        answer.delete_cookie(COOKIE, **_manners(request))
        return answer

    def _form(self, wanted: str, status: int = 200, *, problem: str | None = None, wait_s: int = 0) -> Response:
        answer = render("login.html", status, wanted=wanted, problem=problem)
        if wait_s:
            answer.headers["Retry-After"] = str(wait_s)
        return answer


async def _fields(request: Request) -> dict[str, str]:
    body = await read_body(request.scope, request.receive, FORM_BYTES)
    try:
        found = parse_qs(body.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}


def _go_to(path: str) -> Response:
    return RedirectResponse(path, 303, headers=HEADERS)


def _manners(request: Request) -> dict[str, Any]:
    """Say how the cookie is to be kept; ``https`` also where a trusted proxy says so, see ``docs/page.md``."""
    return {"path": "/", "httponly": True, "samesite": "strict", "secure": request.url.scheme == "https"}
