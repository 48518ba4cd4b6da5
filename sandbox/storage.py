"""Files of data rows, behind signed addresses that expire, as Labelbox's own storage gives them out."""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from sandbox.errors import UnknownResource

_SECRET = b"known to the sandbox alone"


class Storage:
    """Keeps files and signs their addresses.

    Attributes:
        base_url: The sandbox's address without a path; may be set once it is known.
    """

    def __init__(self, base_url: str = "") -> None:
        self.base_url = base_url
        self._files: dict[str, bytes] = {}
        self._signed = 0

    def put(self, name: str, content: bytes) -> str:
        """Keep a file and give its address, which does nothing without a signature."""
        self._files[name] = content
        return f"{self.base_url}/storage/{quote(name, safe='')}"

    def text(self, name: str) -> str:
        """Give what a file says, without asking for a signature."""
        return self._files[name].decode()

    def sign(self, base_url: str, name: str, until: datetime) -> str:
        """Give an address that works until a moment, another one every time.

        Args:
            base_url: The sandbox's address as this client sees it.
            name: The file.
            until: Aware.
        """
        self._signed += 1
        expires = str(int(until.timestamp() * 1000))
        key = f"sandbox-{self._signed}"
        signature = _signature(name, expires, key)
        return f"{base_url}/storage/{quote(name, safe='')}?Expires={expires}&KeyName={key}&Signature={signature}"

    def read(self, name: str, query: Mapping[str, str], at: datetime) -> bytes:
        """Give a file to whoever has a signed address.

        Raises:
            UnknownResource: There is no such file.
            PermissionError: The address is not signed, or not any more.
        """
        if name not in self._files:
            raise UnknownResource(f"no file {name!r}")
        expires = query.get("Expires", "")
        wanted = _signature(name, expires, query.get("KeyName", ""))
        if not hmac.compare_digest(wanted.encode(), query.get("Signature", "").encode()):
            raise PermissionError("the address is not signed")
        if at >= datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(expires)):
            raise PermissionError("the address has expired")
        return self._files[name]


def _signature(name: str, expires: str, key: str) -> str:
    return hmac.digest(_SECRET, f"{name}\n{expires}\n{key}".encode(), "sha256").hex()
