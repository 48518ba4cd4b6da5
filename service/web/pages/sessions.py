"""Sessions of the page: a cookie that proves that whoever holds it gave a token, and until when it counts."""

import hmac
import re
from collections.abc import Sequence
from datetime import timedelta

from service.ports import Clock
from service.web.gate import place_among

COOKIE = "tuneloop_session"
LASTS = timedelta(hours=12)
_PURPOSE = b"a session of the tuneloop page, version 1"
_SHAPE = re.compile(r"([0-9]{1,12})\.([0-9a-f]{64})", re.ASCII)


class Sessions:
    """Nothing is stored: each session is signed with a key made from the token that began it.

    A token that is taken out of the configuration takes its sessions with it, in every web process.

    Args:
        tokens: Several while one is rotated.
        clock: Tells when a session is over.
    """

    def __init__(self, tokens: Sequence[bytes], clock: Clock) -> None:
        self._tokens = tuple(token for token in tokens if token)
        self._keys = tuple(hmac.digest(token, _PURPOSE, "sha256") for token in self._tokens)
        self._clock = clock

    def begin(self, token: bytes) -> str | None:
        """Give the cookie's value; None where the token is none of ours."""
        place = place_among(token, self._tokens)
        if place is None:
            return None
        until = str(int((self._clock() + LASTS).timestamp()))
        return f"{until}.{_seal(self._keys[place], until)}"

    def holds(self, cookie: str) -> bool:
        """Say whether this is the cookie of a session that is not over."""
        found = _SHAPE.fullmatch(cookie)
        if found is None:
            return False
        seals = [_seal(key, found[1]).encode() for key in self._keys]
        return place_among(found[2].encode(), seals) is not None and self._clock().timestamp() < int(found[1])


def _seal(key: bytes, until: str) -> str:
    return hmac.digest(key, until.encode(), "sha256").hex()
