"""The gate before every page and API: a bearer token, or nothing."""

import hmac
from collections.abc import Sequence

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

# The same whether the token is missing or wrong, and whether what was asked for exists.
CLOSED = JSONResponse({"error": "unauthorized"}, 401, headers={"WWW-Authenticate": "Bearer"})
SCHEME = b"bearer "


class Gate:
    """Lets a request through that carries one of the tokens (RFC 6750, "Authorization Request Header Field").

    Attributes:
        app: What is behind the gate.

    Args:
        app: The same.
        tokens: Several while one is rotated; with none nobody gets through.
    """

    def __init__(self, app: ASGIApp, tokens: Sequence[bytes]) -> None:
        self.app = app
        self._tokens = tuple(token for token in tokens if token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or refuse it."""
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        app = self.app if opens(given, self._tokens) else CLOSED
        await app(scope, receive, send)


def opens(given: Sequence[bytes], tokens: Sequence[bytes]) -> bool:
    """Say whether these ``Authorization`` headers carry one of the tokens."""
    # Two headers could be read differently by a proxy and by us.
    if len(given) != 1 or not given[0].lower().startswith(SCHEME):
        return False
    return place_among(given[0][len(SCHEME) :].strip(), tokens) is not None


def place_among(given: bytes, known: Sequence[bytes]) -> int | None:
    """Give the place of a secret among the known ones, None if it is none of them."""
    found = None
    for place, secret in enumerate(known):
        # Every one is compared, so that the time says nothing about which of them it is.
        if hmac.compare_digest(given, secret):
            found = place
    return found
