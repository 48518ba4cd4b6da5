"""The webhooks of trainers that were taken already, in Redis."""

import hashlib

from redis import Redis

from service.adapters.redis_clients import translated


class RedisSeenEvents:
    """See ``SeenEvents``.

    Args:
        redis: A client that fails fast.
        prefix: Of all our keys.
        window_s: For how long an event is known again.
    """

    def __init__(self, redis: "Redis", *, prefix: str, window_s: int) -> None:
        self._redis = redis
        self._prefix = prefix
        self._window_s = window_s

    def has(self, event: str) -> bool:
        """See ``SeenEvents``; InboxUnavailable where Redis does not answer."""
        with translated():
            return bool(self._redis.exists(self._key(event)))

    def add(self, event: str) -> None:
        """See ``SeenEvents``; InboxUnavailable where Redis does not answer."""
        with translated():
            self._redis.set(self._key(event), b"", ex=self._window_s, nx=True)

    def _key(self, event: str) -> str:
        # Hashed, because ids may be of any length.
        return f"{self._prefix}:event:{hashlib.sha256(event.encode()).hexdigest()}"
