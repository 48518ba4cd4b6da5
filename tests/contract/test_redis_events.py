"""The webhooks of trainers that were taken already, in a real Valkey."""

import pytest
from redis import Redis

from service.adapters.redis_events import RedisSeenEvents
from service.cli.valkey import free_port
from service.domain.errors import InboxUnavailable


def test_an_event_is_known_once_it_was_added_and_for_a_while(redis: Redis) -> None:
    seen = RedisSeenEvents(redis, prefix="tuneloop", window_s=60)
    for event in ("box\n\nwh_1", "é" * 5000, ""):
        assert not seen.has(event)
        seen.add(event)
        seen.add(event)
        assert seen.has(event)
    assert not seen.has("other\n\nwh_1")
    keys = redis.keys("tuneloop:event:*")
    assert len(keys) == 3
    assert all(0 < redis.ttl(key) <= 60 for key in keys)


def test_without_redis_nobody_can_say() -> None:
    with Redis(port=free_port()) as down:
        seen = RedisSeenEvents(down, prefix="tuneloop", window_s=60)
        for ask in (seen.has, seen.add):
            with pytest.raises(InboxUnavailable):
                ask("wh_1")
