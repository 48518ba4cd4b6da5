"""The web's half of the inbox: deliveries of one turn of the event loop share a round trip."""

import asyncio
from collections.abc import Callable

from redis.asyncio import Redis
from redis.exceptions import RedisError

from service.adapters.redis_inbox import APPEND_SCRIPT
from service.domain.deliveries import Delivery
from service.domain.errors import InboxUnavailable

# What one script call carries at most: it blocks the server while it runs.
MAX_BATCH = 512


class RedisAppender:
    """Appends deliveries durably, as far as the server's ``appendfsync`` makes them so.

    Args:
        redis: A client that fails fast.
        prefix: Of all our keys.
        dedupe_window_s: For how long the same delivery is stored once.
        on_stored: Called after deliveries were stored, on the event loop.
    """

    def __init__(self, redis: "Redis", *, prefix: str, dedupe_window_s: int, on_stored: Callable[[], None]) -> None:
        self._redis = redis
        self._append = redis.register_script(APPEND_SCRIPT)
        self._prefix = prefix
        self._window_s = dedupe_window_s
        self._on_stored = on_stored
        self._waiting: list[tuple[Delivery, asyncio.Future[None]]] = []
        self._flusher: asyncio.Task[None] | None = None

    async def append(self, delivery: Delivery) -> None:
        """Store a delivery; a repeat inside the window counts as stored.

        Raises:
            InboxUnavailable: Redis did not confirm it.
        """
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, stored))
        if self._flusher is None or self._flusher.done():
            # A new task begins at the next turn: everything that arrives in this one goes along.
            self._flusher = asyncio.create_task(self._flush())
        await stored

    async def close(self) -> None:
        """Give the connections back; nothing may be appended afterwards."""
        await self._redis.aclose()

    async def _flush(self) -> None:
        """Send until nothing waits: what arrives during a round trip is the next one's batch."""
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            failure: InboxUnavailable | None = InboxUnavailable("interrupted")
            try:
                await self._send([delivery for delivery, _ in batch])
                failure = None
            except (RedisError, OSError) as error:
                failure = InboxUnavailable(type(error).__name__)
            finally:
                # Whatever happened, nobody is left waiting for an answer.
                _settle([stored for _, stored in batch], failure)
            if failure is None:
                self._on_stored()

    async def _send(self, deliveries: list[Delivery]) -> None:
        keys: list[str] = [f"{self._prefix}:inbox"]
        arguments: list[str | bytes | int] = [self._window_s]
        for delivery in deliveries:
            keys.append(f"{self._prefix}:seen:{delivery.key}")
            arguments += (delivery.topic, delivery.pipeline, delivery.received_at.isoformat(), delivery.body)
        await self._append(keys=keys, args=arguments)


def _settle(waiting: list[asyncio.Future[None]], error: InboxUnavailable | None) -> None:
    for stored in waiting:
        # A client that went away has cancelled its future.
        if stored.done():
            continue
        if error is None:
            stored.set_result(None)
        else:
            stored.set_exception(error)
