"""Whether a form was sent from our own page, and where an address may lead to."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

# A path of this server: one slash, then nothing that a browser would read as another host or throw away.
_OURS = re.compile(r"/(?![/\\])[!-\[\]-~]{0,2000}", re.ASCII)


def is_own_form(headers: Mapping[str, str]) -> bool:
    """Say whether a POST comes from a page of this server, or from no browser at all.

    Args:
        headers: The request's, in lower case.

    Source: Fetch Metadata Request Headers (W3C), ``Sec-Fetch-Site``; a browser that sends none, over plain http for
        instance, sends ``Origin`` with every POST.
    """
    if site := headers.get("sec-fetch-site"):
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc == headers.get("host", "")
    except ValueError:
        return False


def path_of_ours(text: str) -> str:
    """Give an address where it is a path of this server, otherwise the first page."""
    return text if _OURS.fullmatch(text) else "/"
