"""Posts deliveries to webhooks: concurrently, once, and never again if that fails."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx2

from sandbox.deliveries import Delivery, Signing
from sandbox.faults import Faults
from sandbox.posting import Posting, PostingPlan

# How long a delivery waits for another one to pass it before it leaves anyhow.
_HOLD_S = 0.25
_TIMEOUT_S = 10.0
_SUCCESSES = range(200, 300)


class Courier:
    """Takes deliveries from any thread and posts them from the server's event loop.

    Args:
        faults: Gives the faults in force.
        seed: Decides which delivery meets which fault.
        signing: Which signature headers a delivery has.
        concurrency: How many POSTs may be under way at once; with 1 they arrive in the order planned.
    """

    def __init__(
        self, *, faults: Callable[[], Faults], seed: int, signing: Signing = "both", concurrency: int = 8
    ) -> None:
        self._faults = faults
        self._signing = signing
        self._concurrency = concurrency
        self._plan = PostingPlan(seed)
        self._inbox: deque[Delivery] = deque()
        self._ready: asyncio.Queue[Posting] = asyncio.Queue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._made = 0
        self._waiting = 0
        self._counted = Counter[str]()
        self._by_status = Counter[str]()

    def hand_over(self, deliveries: list[Delivery]) -> None:
        """Take deliveries; before the server runs they wait for it."""
        self._inbox.extend(deliveries)
        self._made += len(deliveries)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._schedule)

    @property
    def is_idle(self) -> bool:
        """Whether every delivery was posted or lost."""
        return not (self._inbox or self._waiting or self._plan.holds_back)

    def counters(self) -> dict[str, object]:
        """Count deliveries.

        ``made`` were owed, ``sent`` POSTs were made, of which ``accepted`` were answered with success,
        ``refused`` with anything else, ``unreachable`` not at all. ``lost``, ``doubled``, ``delayed`` and
        ``reordered`` are the faults that befell them; ``waiting`` are still to go out.
        """
        names = ("sent", "accepted", "refused", "unreachable")
        faults = ("lost", "doubled", "delayed", "reordered")
        return {
            "made": self._made,
            **{name: self._counted[name] for name in names},
            **{name: self._plan.counted[name] for name in faults},
            "waiting": len(self._inbox) + self._waiting + self._plan.holds_back,
            "by_status": dict(self._by_status),
        }

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Post deliveries for as long as the context lasts; what is left then is dropped."""
        self._loop = asyncio.get_running_loop()
        async with httpx2.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
            posting = [asyncio.create_task(self._post_all(client)) for _ in range(self._concurrency)]
            self._schedule()
            try:
                yield
            finally:
                self._loop = None
                for task in posting:
                    task.cancel()
                await asyncio.gather(*posting, return_exceptions=True)

    def _schedule(self) -> None:
        while self._inbox:
            for posting in self._plan.plan(self._inbox[0], self._faults()):
                self._post_after(posting)
            # Only now, or another thread that asks in between would find nothing left to do.
            self._inbox.popleft()
        if self._plan.holds_back and self._loop:
            self._loop.call_later(_HOLD_S, self._release)

    def _release(self) -> None:
        self._waiting += 1
        for posting in self._plan.release():
            self._post_after(posting)
        self._waiting -= 1

    def _post_after(self, posting: Posting) -> None:
        self._waiting += 1
        if posting.delay_s and self._loop:
            self._loop.call_later(posting.delay_s, self._ready.put_nowait, posting)
        else:
            self._ready.put_nowait(posting)

    async def _post_all(self, client: httpx2.AsyncClient) -> None:
        while True:
            posting = await self._ready.get()
            await self._post(client, posting.delivery)
            self._waiting -= 1

    async def _post(self, client: httpx2.AsyncClient, delivery: Delivery) -> None:
        self._counted["sent"] += 1
        try:
            answer = await client.post(delivery.url, content=delivery.body, headers=delivery.headers(self._signing))
        except (httpx2.HTTPError, httpx2.InvalidURL):
            # Labelbox promises no second try, so there is none.
            self._counted["unreachable"] += 1
            return
        self._by_status[str(answer.status_code)] += 1
        self._counted["accepted" if answer.status_code in _SUCCESSES else "refused"] += 1
