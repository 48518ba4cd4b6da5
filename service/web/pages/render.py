"""Templates to answers: everything is escaped, and nothing may run or be loaded but what is served from here."""

from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from service.bootstrap import now
from service.web.operations import HEADERS
from service.web.pages import words

_HERE = Path(__file__).parent
ASSETS = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SAFE = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    # With "no-referrer" a browser would send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
}


def render(template: str, status: int = 200, /, **context: object) -> Response:
    """Fill in a template; a name that it wants and nobody gave is an error."""
    return HTMLResponse(filled(template, **context), status, headers={**HEADERS, **SAFE})


def filled(template: str, /, **context: object) -> str:
    """Fill in a template, as text; everything that is no markup of ours is escaped."""
    return _environment().get_template(template).render(now=now(), **context)


def asset(name: str) -> Response:
    """Give the answer with one of ``ASSETS``; its address changes with its content, so it may be kept for good."""
    headers = {**SAFE, "Cache-Control": "public, max-age=31536000, immutable"}
    return Response(asset_bytes(name), media_type=ASSETS[name], headers=headers)


def asset_path(name: str) -> str:
    """Give the address of one of ``ASSETS``."""
    return f"/assets/{sha256(asset_bytes(name)).hexdigest()[:16]}/{name}"


@cache
def asset_bytes(name: str) -> bytes:
    """Give what is in the folder of assets; what is not in ``ASSETS`` is only ever written into a document."""
    return (_HERE / "assets" / name).read_bytes()


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(words.FILTERS)
    made.globals.update(asset_path=asset_path)
    return made
