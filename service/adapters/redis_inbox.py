"""The inbox: a Redis stream that the web process appends to and the workers take from.

Web and workers each use their own half. Appending and the check for repeats are one script, so that a delivery
is never taken for a repeat of one that was not stored.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import random
from typing import Any, cast

from redis import Redis
from redis.exceptions import ResponseError

from service.adapters.redis_clients import translated
from service.adapters.redis_disk import rewrite_disk
from service.adapters.redis_rewrite import rewrite_stream
from service.domain.deliveries import Delivery
from service.ports import Taken

GROUP = "convert"
MAX_IDLE_MS = 600_000
# Below what one command may reasonably carry.
IDS_A_COMMAND = 1000
# Each may have some hundred kilobytes.
ENTRIES_AT_ONCE = 100

# KEYS: stream, then one dedupe key a delivery. ARGV: window in seconds, then per delivery topic, pipeline,
# received_at and body. Gives the number stored. The digest is the tail of the dedupe key, which is written last:
# nothing takes back what a script did before it failed.
APPEND_SCRIPT = """
local stored = 0
for i = 2, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 0 then
    local at = (i - 2) * 4 + 1
    redis.call('XADD', KEYS[1], '*', 'key', string.sub(KEYS[i], -64), 'topic', ARGV[at + 1],
      'pipeline', ARGV[at + 2], 'received_at', ARGV[at + 3], 'body', ARGV[at + 4])
    redis.call('SET', KEYS[i], '', 'EX', ARGV[1])
    stored = stored + 1
  end
end
return stored
"""


class RedisInbox:
    """See ``Inbox``: a consumer group, whose pending list is what keeps a killed worker's deliveries.

    Args:
        redis: A client without ``decode_responses``: bodies are bytes.
        prefix: Of all our keys.
        consumer: The name that takes; Redis keeps every name it has seen.
        claim_after_ms: A delivery that another worker took is taken over after this long, and after twice as
            long for each further attempt, at most ten minutes; one that an export did not show yet likewise.
    """

    def __init__(self, redis: "Redis", *, prefix: str, consumer: str, claim_after_ms: int) -> None:
        self._redis = redis
        self._stream = f"{prefix}:inbox"
        # How many exports did not show what a delivery announced, by entry.
        self._looks = f"{prefix}:inbox:looks"
        self._consumer = consumer
        self._claim_after_ms = claim_after_ms

    def take(self, limit: int) -> list[Taken]:
        """See ``Inbox``."""
        with translated():
            return self._take(limit)

    def _take(self, limit: int) -> list[Taken]:
        self._ensure_group()
        taken = self._take_over(limit)
        if len(taken) < limit:
            answer = self._redis.xreadgroup(GROUP, self._consumer, {self._stream: ">"}, count=limit - len(taken))
            for _, entries in _pairs(answer):
                taken.extend(_taken(entry, attempts=1) for entry in entries if entry[1])
        return taken

    def claim(self, entry_ids: Sequence[str]) -> list[Taken]:
        """See ``Inbox``."""
        with translated():
            self._ensure_group()
            with self._redis.pipeline(transaction=False) as pipeline:
                for entry_id in entry_ids:
                    pipeline.xpending_range(self._stream, GROUP, min=entry_id, max=entry_id, count=1)
                pending = [item for found in pipeline.execute() for item in found]
            return self._claimed({item["message_id"]: item["times_delivered"] + 1 for item in pending}, idle_ms=0)

    def touch(self, taken: Sequence[Taken]) -> None:
        """See ``Inbox``."""
        with translated(), self._redis.pipeline(transaction=False) as pipeline:
            for ids in _pieces(item.entry_id for item in taken):
                pipeline.xclaim(self._stream, GROUP, self._consumer, min_idle_time=0, message_ids=ids, justid=True)
            pipeline.execute()

    def hold(self, taken: Sequence[Taken]) -> None:
        """See ``Inbox``."""
        self._count(taken, lambda item: item.attempts - 1, lambda _: 0)

    def begin(self, taken: Sequence[Taken]) -> None:
        """See ``Inbox``."""
        self._count(taken, lambda item: item.attempts, lambda _: 0)

    def give_back(self, taken: Sequence[Taken], *, pause: timedelta = timedelta(0)) -> None:
        """See ``Inbox``."""
        pause_ms = int(pause.total_seconds() * 1000)
        self._count(
            taken,
            lambda item: item.attempts - 1,
            lambda item: max(0, self._patience_ms(item.attempts - 1, item.looks) - pause_ms),
        )

    def look_again(self, taken: Sequence[Taken]) -> None:
        """See ``Inbox``; jittered, so that what lagged together does not come back as one crowd."""
        if not taken:
            return
        with translated(), self._redis.pipeline(transaction=True) as pipeline:
            for item in taken:
                pipeline.hset(self._looks, item.entry_id, str(item.looks + 1))
            pipeline.execute()
        early = random() / 4  # noqa: S311 - jitter is no secret
        self._count(
            taken,
            lambda item: item.attempts - 1,
            lambda item: int(self._patience_ms(item.attempts - 1, item.looks + 1) * early),
        )

    def acknowledge(self, taken: Sequence[Taken]) -> None:
        """See ``Inbox``; also deletes, because a stream keeps what was acknowledged."""
        if taken:
            ids = [item.entry_id for item in taken]
            with translated(), self._redis.pipeline(transaction=True) as pipeline:
                pipeline.xack(self._stream, GROUP, *ids)
                pipeline.xdel(self._stream, *ids)
                pipeline.hdel(self._looks, *ids)
                pipeline.execute()

    def put_back(self, delivery: Delivery) -> None:
        """See ``Inbox``."""
        with translated():
            self._redis.xadd(self._stream, _fields(delivery))  # type: ignore[arg-type]  # the client's own alias is invariant

    def rewrite(self, change: Callable[[Delivery], Delivery]) -> int:
        """See ``Inbox``."""
        changed: dict[str, Delivery] = {}
        begin = "-"
        with translated():
            while page := cast("list[Any]", self._redis.xrange(self._stream, min=begin, count=ENTRIES_AT_ONCE)):
                for item in (_taken(entry, attempts=1) for entry in page):
                    if (new := change(item.delivery)) != item.delivery:
                        changed[item.entry_id] = new
                begin = f"({page[-1][0].decode()}"
            return rewrite_stream(self._redis, self._stream, changed)

    def compact(self) -> bool:
        """See ``Inbox``; waits until it is done."""
        with translated():
            return rewrite_disk(self._redis)

    def depth(self) -> int:
        """See ``Inbox``."""
        with translated():
            return int(self._redis.xlen(self._stream))

    def _take_over(self, limit: int) -> list[Taken]:
        attempts: dict[bytes, int] = {}
        begin = "-"
        looks = self._all_looks()
        # All of them page by page: many that must still wait do not hide those behind them.
        while page := self._pending(begin, limit):
            for item in page:
                entry_id, times = item["message_id"], item["times_delivered"]
                if item["time_since_delivered"] >= self._patience_ms(times, looks.get(entry_id, 0)):
                    attempts[entry_id] = times + 1
            begin = f"({page[-1]['message_id'].decode()}"
            if len(attempts) >= limit or len(page) < limit:
                break
        return self._claimed(dict(list(attempts.items())[:limit]), idle_ms=self._claim_after_ms)

    def _claimed(self, attempts: Mapping[bytes, int], *, idle_ms: int) -> list[Taken]:
        """Take these, if nobody took them in this time; each is counted as tried once more."""
        if not attempts:
            return []
        looks = self._all_looks()
        ids: list[int | bytes | str | memoryview] = [*attempts]
        claimed = self._redis.xclaim(self._stream, GROUP, self._consumer, min_idle_time=idle_ms, message_ids=ids)
        return [
            _taken(entry, attempts=attempts[entry[0]], looks=looks.get(entry[0], 0))
            for entry in cast("list[Any]", claimed)
            if entry[1]
        ]

    def _all_looks(self) -> dict[bytes, int]:
        found = cast("dict[bytes, bytes]", self._redis.hgetall(self._looks))
        return {entry_id: int(number) for entry_id, number in found.items()}

    def _count(self, taken: Sequence[Taken], times: Callable[[Taken], int], idle_ms: Callable[[Taken], int]) -> None:
        """Write how often each was tried and how long it has stood still, which decides when it may be taken."""
        alike = defaultdict(list)
        for item in taken:
            alike[max(0, times(item)), idle_ms(item)].append(item.entry_id)
        with translated(), self._redis.pipeline(transaction=False) as pipeline:
            for (number, idle), entry_ids in alike.items():
                for ids in _pieces(entry_ids):
                    pipeline.xclaim(
                        self._stream, GROUP, self._consumer, 0, ids, idle=idle, retrycount=number, justid=True
                    )
            pipeline.execute()

    def _pending(self, begin: str, count: int) -> list[dict[str, Any]]:
        return cast(
            "list[dict[str, Any]]",
            self._redis.xpending_range(self._stream, GROUP, min=begin, max="+", count=count, idle=self._claim_after_ms),
        )

    def _patience_ms(self, times_delivered: int, looks: int) -> int:
        doubled = max(0, times_delivered - 1) + max(0, looks - 1)
        longest = max(MAX_IDLE_MS, self._claim_after_ms)
        return int(min(self._claim_after_ms * 2 ** min(doubled, 30), longest))

    def _ensure_group(self) -> None:
        try:
            self._redis.xgroup_create(self._stream, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise


def _pairs(answer: object) -> list[tuple[bytes, list[Any]]]:
    """Give stream and entries, whichever of its two shapes the client answers with."""
    if isinstance(answer, Mapping):
        # The newer protocol nests one list more.
        return [(name, [entry for group in groups for entry in group]) for name, groups in answer.items()]
    return list(cast("list[tuple[bytes, list[Any]]]", answer or []))


def _pieces(entry_ids: Iterable[str]) -> Iterable[list[Any]]:
    ids = list(entry_ids)
    return (ids[start : start + IDS_A_COMMAND] for start in range(0, len(ids), IDS_A_COMMAND))


def _fields(delivery: Delivery) -> dict[str | bytes, str | bytes]:
    return {
        "key": delivery.key,
        "topic": delivery.topic,
        "pipeline": delivery.pipeline,
        "received_at": delivery.received_at.isoformat(),
        "body": delivery.body,
    }


def _taken(entry: tuple[bytes, Mapping[bytes, bytes]], *, attempts: int, looks: int = 0) -> Taken:
    entry_id, fields = entry
    delivery = Delivery(
        key=fields[b"key"].decode(),
        topic=fields[b"topic"].decode("utf-8", "replace"),
        pipeline=fields[b"pipeline"].decode("utf-8", "replace"),
        body=fields[b"body"],
        received_at=_moment(fields[b"received_at"]),
    )
    return Taken(entry_id.decode(), delivery, attempts, looks)


def _moment(text: bytes) -> datetime:
    return datetime.fromisoformat(text.decode()).astimezone(UTC)
