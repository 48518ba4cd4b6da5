"""Addresses in place of texts: what is one, and whether it may be fetched.

Whoever may write into a dataset may write an address there, so it is read more strictly than a browser would:
two readers that disagree about an address are how a request ends up at a server nobody allowed.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

import idna

from service.domain.errors import UnfetchablePrompt

DEFAULT_HOSTS = ("storage.labelbox.com",)
# Longer than any signed address; servers refuse longer ones.
MAX_LENGTH = 8192
_ONE_ADDRESS = re.compile(r"\s*(?:https?|gs|s3)://\S+\s*", re.IGNORECASE)
# No fragment, no backslash, no port but the one that https has anyway; of the host host_name lets nothing else pass.
_SHAPE = re.compile(r"([a-z0-9]+)://([^/?#:]+)(?::443)?(/[^?#\\]*)?(\?[^#\\]*)?", re.IGNORECASE)
# IDNA reads these as dots as well; nobody writes an address so without meaning to deceive.
_OTHER_DOTS = re.compile("[\u3002\uff0e\uff61]")
# Neither an IP address in any of its spellings nor a name of the local network.
_PUBLIC_NAME = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class Address:
    """An address that may be fetched.

    Attributes:
        host: As ``host_name`` gives it, one of the allowed ones.
        path: Percent-encoding as it came, because it may be signed.
        query: With its ``?``, or empty. A signed query is a secret, and another one in every export.
    """

    host: str
    path: str
    query: str = field(repr=False)

    def __str__(self) -> str:
        """Write it without the query: for logs, and to recognise the same text in another export."""
        return f"https://{self.host}{self.path}"


def is_address(text: str) -> bool:
    """Say whether a text is one address and nothing else, so that the text meant stands behind it.

    Source: real exports; texts uploaded as files or addresses come as https, of customers' buckets as gs or s3.
    """
    return bool(_ONE_ADDRESS.fullmatch(text))


def read_address(text: str, *, hosts: Collection[str]) -> Address:
    """Read an address that may be fetched.

    Args:
        text: The address; white space around it does not count.
        hosts: The allowed hosts, as ``host_name`` gives them; subdomains are other hosts.

    Raises:
        UnfetchablePrompt: ``address_scheme``: not https. ``address_malformed``: not read in the one way in which
            everybody would read it. ``address_host``: the host is not allowed.
    """
    address = text.strip()
    scheme = address.partition("://")[0].lower()
    if scheme != "https":
        # Only what is_address knows is repeated; anything else may be a text.
        raise UnfetchablePrompt("address_scheme", f"{scheme}://" if is_address(address) else "no address")
    found = _SHAPE.fullmatch(address)
    # Printable: no control or invisible characters, no half surrogate pairs.
    if not found or " " in address or not address.isprintable() or len(address) > MAX_LENGTH:
        raise UnfetchablePrompt("address_malformed")
    try:
        host = host_name(found[2])
    except ValueError:
        raise UnfetchablePrompt("address_malformed") from None
    if host not in hosts:
        raise UnfetchablePrompt("address_host", host)
    return Address(host, found[3] or "/", found[4] or "")


def host_name(written: str) -> str:
    """Write a host name in the one way in which it is compared: ASCII, lower case, IDNA 2008.

    Characters are not mapped to similar ones, so that what looks like an allowed host is another host.

    Raises:
        ValueError: It is no full host name: an IP address, a single word, with a port, a dot at its end.
    """
    lowered = re.sub("[A-Z]+", lambda letters: letters[0].lower(), written)
    if _OTHER_DOTS.search(lowered):
        raise ValueError("a host name is separated by plain dots")
    encoded = idna.encode(lowered).decode()  # IDNAError is a ValueError
    if not _PUBLIC_NAME.fullmatch(encoded):
        raise ValueError("not a full host name")
    return encoded
