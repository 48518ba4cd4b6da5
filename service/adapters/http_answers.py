"""What is asked of a server that holds a text, and which of its answers is one."""

import httpx2

from service.domain.addresses import Address
from service.domain.errors import UnfetchablePrompt

Endpoint = tuple[str, int]
_CONNECT_S = 5.0
# It asks us to come back; the address itself is right.
_LATER = frozenset({408, 425, 429})


def ask(address: Address, endpoint: Endpoint, left_s: float) -> httpx2.Request:
    """Give the request for a text, to one IP address and port of its host, with this many seconds left."""
    ip, port = endpoint
    return httpx2.Request(
        "GET",
        # The IP address is what is connected to; the name is what the server and its certificate are asked for.
        httpx2.URL(f"https://{address.host}{address.path}{address.query}").copy_with(host=ip, port=port),
        headers={
            "Host": address.host,
            "User-Agent": "tuneloop",
            "Accept": "*/*",
            # A few compressed bytes could be any number of them.
            "Accept-Encoding": "identity",
            # A connection is known by its IP address, which two hosts may share, and what one answer left over would
            # be the beginning of the next.
            "Connection": "close",
        },
        extensions={
            "sni_hostname": address.host,
            # Half, so that connecting ends by itself: the library would leave a handshake that is cancelled open.
            "timeout": {"connect": min(_CONNECT_S, left_s / 2), "read": left_s, "write": left_s, "pool": left_s},
        },
    )


def refuse_status(status: int) -> None:
    """Raise UnfetchablePrompt for every status but 200."""
    if httpx2.codes.is_redirect(status):
        # Where to stays unsaid: that address may be signed as well.
        raise UnfetchablePrompt("address_redirect", f"status {status}")
    if httpx2.codes.is_client_error(status) and status not in _LATER:
        raise UnfetchablePrompt("address_gone", f"status {status}")
    if status != httpx2.codes.OK:
        raise UnfetchablePrompt("address_unreachable", f"status {status}")


def refuse_headers(headers: httpx2.Headers, max_bytes: int) -> None:
    """Raise UnfetchablePrompt for what is compressed or announced as too large."""
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnfetchablePrompt("address_not_text", "compressed")
    # The library has checked that it is a number; what it announces is counted all the same.
    refuse_size(int(headers.get("content-length", "0")), max_bytes)


def refuse_size(size: int, max_bytes: int) -> None:
    """Raise UnfetchablePrompt for more bytes than a text may have."""
    if size > max_bytes:
        raise UnfetchablePrompt("address_too_large", f"more than {max_bytes} bytes")


def decoded(content: bytes) -> str:
    """Give the text, without a byte-order mark; UnfetchablePrompt for what is none."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Not chained: that error carries the content.
        raise UnfetchablePrompt("address_not_text", "not UTF-8") from None
    if "\0" in text:
        raise UnfetchablePrompt("address_not_text", "holds a NUL")
    return text
