"""Wrong tokens are counted by address: guessing becomes slow, and nobody has to be told."""

import math
from collections import deque
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

MOST = 5
WINDOW_S = 60.0
# What is remembered stays small, whoever sends from however many addresses.
MOST_ADDRESSES = 10_000
# A household or a server holds a network of this size, and all the addresses in it.
_IPV6_PREFIX = 64


class Attempts:
    """The wrong tokens of the last minute, in this process; to be used from one thread.

    Args:
        clock: Gives seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._missed: dict[str, deque[float]] = {}

    def wait_s(self, address: str) -> int:
        """Give the seconds until this address may try again, 0 if it may now."""
        missed = self._missed.get(_network(address))
        if missed is None or len(missed) < MOST:
            return 0
        return max(0, math.ceil(missed[0] + WINDOW_S - self._clock()))

    def missed(self, address: str) -> None:
        """Remember a wrong token."""
        network = _network(address)
        moments = self._missed.pop(network, deque(maxlen=MOST))
        moments.append(self._clock())
        # Put last, so that whoever has been silent for the longest is the first to be forgotten.
        self._missed[network] = moments
        if len(self._missed) > MOST_ADDRESSES:
            del self._missed[next(iter(self._missed))]


def _network(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        # A Unix socket has none.
        return address
    return str(ip_network((int(found), _IPV6_PREFIX), strict=False)) if isinstance(found, IPv6Address) else address
