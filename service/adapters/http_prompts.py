"""The texts behind addresses, many at a time, with a bound on how long all of them may take together."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from service.adapters.http_fetch import Fetcher, Network
from service.domain.addresses import DEFAULT_HOSTS, Address, read_address
from service.domain.errors import UnfetchablePrompt

# With ten minutes for a call, a job of an hour ends long before it is ended.
_CALL_S = 600.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How many at a time, and when to leave the rest for later.

    Attributes:
        at_a_time: Connections open at once.
        patience: So many failures of one host in a row, and the rest of its texts are left for another call.
        seconds: After this long no other text is begun.
    """

    at_a_time: int = 8
    patience: int = 8
    seconds: float = _CALL_S


class HttpPromptTexts:
    """See ``PromptTexts``. Blocks; not to be called inside an event loop.

    Args:
        hosts: The allow-list, as ``host_name`` gives them.
        network: For tests, which have servers of their own.
        pace: How fast.
    """

    def __init__(
        self, *, hosts: Collection[str] = DEFAULT_HOSTS, network: Network | None = None, pace: Pace | None = None
    ) -> None:
        self._hosts = frozenset(hosts)
        self._network = network or Network()
        self._pace = pace or Pace()

    def texts(self, addresses: Iterable[str]) -> Mapping[str, str | UnfetchablePrompt]:
        """See ``PromptTexts``."""
        found: dict[str, str | UnfetchablePrompt] = {}
        allowed: dict[str, Address] = {}
        for text in addresses:
            try:
                allowed[text] = read_address(text, hosts=self._hosts)
            except UnfetchablePrompt as error:
                found[text] = _bare(error)
        if allowed:
            found |= asyncio.run(self._fetch(allowed))
        return found

    async def _fetch(self, addresses: Mapping[str, Address]) -> dict[str, str | UnfetchablePrompt]:
        async with aclosing(Fetcher(self._network)) as fetcher:
            batch = _Batch(fetcher, self._pace)
            waiting = iter(addresses.items())
            # Where one raises, what is still under way is cancelled with the loop.
            await asyncio.gather(*(batch.work(waiting) for _ in range(self._pace.at_a_time)))
        return batch.found


class _Batch:
    """The texts of one call."""

    def __init__(self, fetcher: Fetcher, pace: Pace) -> None:
        self._fetcher = fetcher
        self._pace = pace
        self._ends_at = time.monotonic() + pace.seconds
        self._failures: Counter[str] = Counter()
        self.found: dict[str, str | UnfetchablePrompt] = {}

    async def work(self, waiting: Iterator[tuple[str, Address]]) -> None:
        """Fetch what nobody else took yet, one after another."""
        for text, address in waiting:
            try:
                self._refuse_hopeless(address.host)
                self.found[text] = await self._fetcher.text(address)
                self._failures[address.host] = 0
            except UnfetchablePrompt as error:
                # Any other reason is an answer, so the host lives.
                is_silent = error.reason == "address_unreachable"
                self._failures[address.host] = self._failures[address.host] + 1 if is_silent else 0
                self.found[text] = _bare(error)

    def _refuse_hopeless(self, host: str) -> None:
        if self._failures[host] >= self._pace.patience:
            raise UnfetchablePrompt("address_unreachable", f"{host} failed {self._pace.patience} times in a row")
        if time.monotonic() > self._ends_at:
            raise UnfetchablePrompt("address_unreachable", f"not begun within {self._pace.seconds:g} seconds")


def _bare(error: UnfetchablePrompt) -> UnfetchablePrompt:
    # As raised it would hold on to every frame it passed through, and to what had been read there.
    return UnfetchablePrompt(error.reason, error.detail)
