"""The inbox and the job queue on a real Valkey."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from service.adapters.redis_appender import MAX_BATCH, RedisAppender
from service.adapters.redis_clients import quick_redis, web_redis
from service.adapters.redis_inbox import RedisInbox
from service.cli.valkey import free_port
from service.domain.deliveries import Delivery
from service.domain.errors import InboxUnavailable
from service.ports import Taken
from tests.support.builders import make_delivery

T = TypeVar("T")
CLAIM_AFTER_MS = 40
LONG_MS = 600_000


def inbox_of(redis: Redis, consumer: str = "worker-1", *, claim_after_ms: int = LONG_MS) -> RedisInbox:
    return RedisInbox(redis, prefix="test", consumer=consumer, claim_after_ms=claim_after_ms)


def deliveries(number: int) -> list[Delivery]:
    return [make_delivery(b'{"number": %d}' % index) for index in range(number)]


def appending(redis_url: str, act: Callable[[RedisAppender], Awaitable[T]], *, window_s: int = 60) -> tuple[T, int]:
    """Run something with an appender; give its result and how often ``on_stored`` was called."""
    stored: list[int] = []

    async def run() -> T:
        client: AsyncRedis = web_redis(redis_url)
        try:
            appender = RedisAppender(
                client, prefix="test", dedupe_window_s=window_s, on_stored=lambda: stored.append(1)
            )
            return await act(appender)
        finally:
            await client.aclose()

    return asyncio.run(run()), len(stored)


def append_all(redis_url: str, wanted: list[Delivery], *, window_s: int = 60) -> list[BaseException | None]:
    async def act(appender: RedisAppender) -> list[BaseException | None]:
        return list(await asyncio.gather(*map(appender.append, wanted), return_exceptions=True))

    return appending(redis_url, act, window_s=window_s)[0]


def script_calls(redis: Redis) -> int:
    found = redis.info("commandstats").get("cmdstat_evalsha", {"calls": 0})
    return int(found["calls"])


# Appending.


def test_what_was_appended_is_taken_byte_for_byte(redis_url: str, redis: Redis) -> None:
    wanted = replace(make_delivery(b'\x00\xff\r\n {"a": 1}', "LABEL_ÜPDATED", pipeline="a pipeline"), key="k" * 64)
    assert append_all(redis_url, [wanted]) == [None]
    (taken,) = inbox_of(redis).take(10)
    assert (taken.delivery, taken.attempts) == (wanted, 1)


def test_many_appends_of_one_moment_share_round_trips(redis_url: str, redis: Redis) -> None:
    append_all(redis_url, deliveries(1))
    before = script_calls(redis)
    assert append_all(redis_url, deliveries(MAX_BATCH + 100)) == [None] * (MAX_BATCH + 100)
    assert script_calls(redis) - before == 2
    assert inbox_of(redis).depth() == MAX_BATCH + 100


def test_what_arrives_during_a_round_trip_is_stored_by_the_next(redis_url: str, redis: Redis) -> None:
    async def act(appender: RedisAppender) -> None:
        waiting = []
        for delivery in deliveries(50):
            waiting.append(asyncio.create_task(appender.append(delivery)))
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)

    before = script_calls(redis)
    _, rung = appending(redis_url, act)
    assert inbox_of(redis).depth() == 50
    assert 1 <= rung < 50
    assert script_calls(redis) - before < 50


def test_a_repeat_counts_as_stored_and_is_stored_once(redis_url: str, redis: Redis) -> None:
    (delivery,) = deliveries(1)
    assert append_all(redis_url, [delivery] * 5) == [None] * 5
    assert append_all(redis_url, [delivery]) == [None]
    assert inbox_of(redis).depth() == 1


def test_a_repeat_after_the_window_is_another_delivery(redis_url: str, redis: Redis) -> None:
    (delivery,) = deliveries(1)
    append_all(redis_url, [delivery])
    (seen,) = redis.keys("test:seen:*")
    assert 0 < redis.ttl(seen) <= 60
    redis.delete(seen)
    append_all(redis_url, [delivery])
    assert inbox_of(redis).depth() == 2


def test_a_delivery_that_could_not_be_stored_is_not_taken_for_a_repeat_later(redis_url: str, redis: Redis) -> None:
    redis.set("test:inbox", "something in the way")
    (delivery,) = deliveries(1)
    (failure,) = append_all(redis_url, [delivery])
    assert isinstance(failure, InboxUnavailable)
    redis.delete("test:inbox")
    assert append_all(redis_url, [delivery]) == [None]
    assert inbox_of(redis).depth() == 1


def test_a_server_that_forgot_the_script_is_given_it_again(redis_url: str, redis: Redis) -> None:
    async def act(appender: RedisAppender) -> None:
        one, other = deliveries(2)
        await appender.append(one)
        redis.script_flush()
        await appender.append(other)

    appending(redis_url, act)
    assert inbox_of(redis).depth() == 2


def test_a_client_that_goes_away_takes_no_other_delivery_with_it(redis_url: str, redis: Redis) -> None:
    async def act(appender: RedisAppender) -> list[BaseException | None]:
        tasks = [asyncio.create_task(appender.append(delivery)) for delivery in deliveries(5)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    results, _ = appending(redis_url, act)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == [None] * 4
    assert inbox_of(redis).depth() >= 4


def test_nobody_is_told_stored_while_redis_is_down() -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    results = append_all(url, deliveries(3))
    assert all(isinstance(result, InboxUnavailable) for result in results)
    assert all(result.retryable for result in results if isinstance(result, InboxUnavailable))


def test_a_server_that_does_not_answer_is_given_up_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        results = append_all(url, deliveries(3))
    assert all(isinstance(result, InboxUnavailable) for result in results)


def test_an_appender_recovers_when_redis_is_back(redis_url: str, redis: Redis) -> None:
    async def act(appender: RedisAppender) -> None:
        one, other = deliveries(2)
        await appender.append(one)
        await asyncio.to_thread(redis.client_kill_filter, _type="normal", skipme=True)
        # The broken connection may be noticed by the first attempt; the sender comes again after a 503.
        try:
            await appender.append(other)
        except InboxUnavailable:
            await appender.append(other)

    appending(redis_url, act)
    assert inbox_of(redis).depth() == 2


# Taking.


def fill(redis: Redis, number: int) -> list[Delivery]:
    wanted = deliveries(number)
    inbox = inbox_of(redis)
    for delivery in wanted:
        inbox.put_back(delivery)
    return wanted


def test_an_empty_inbox_gives_nothing(redis: Redis) -> None:
    assert inbox_of(redis).take(10) == []
    assert inbox_of(redis).depth() == 0


def test_two_workers_never_take_the_same_delivery(redis: Redis) -> None:
    wanted = fill(redis, 7)
    one, other = inbox_of(redis, "worker-1").take(4), inbox_of(redis, "worker-2").take(4)
    assert [item.delivery for item in one + other] == wanted
    assert inbox_of(redis, "worker-3").take(4) == []


def test_acknowledged_deliveries_are_forgotten_and_only_those(redis: Redis) -> None:
    fill(redis, 3)
    inbox = inbox_of(redis)
    taken = inbox.take(10)
    inbox.acknowledge(taken[:2])
    inbox.acknowledge(taken[:2])
    inbox.acknowledge([])
    assert inbox.depth() == 1
    assert redis.xpending("test:inbox", "convert")["pending"] == 1


def wait_idle(redis: Redis, ms: int) -> None:
    """Wait until everything pending has stood still for so long, by the server's own clock."""
    while min(idle_ms(redis)) < ms:
        time.sleep(0.005)


def idle_ms(redis: Redis) -> list[int]:
    pending = redis.xpending_range("test:inbox", "convert", "-", "+", 1000)
    return [int(item["time_since_delivered"]) for item in pending]


def test_a_killed_workers_deliveries_are_taken_over_and_the_attempts_counted(redis: Redis) -> None:
    wanted = fill(redis, 3)
    inbox_of(redis, "killed").take(10)
    heir = inbox_of(redis, "heir", claim_after_ms=CLAIM_AFTER_MS)
    for attempts, patience_ms in ((2, CLAIM_AFTER_MS), (3, 2 * CLAIM_AFTER_MS), (4, 4 * CLAIM_AFTER_MS)):
        wait_idle(redis, patience_ms)
        taken = heir.take(10)
        assert [(item.delivery, item.attempts) for item in taken] == [(delivery, attempts) for delivery in wanted]


def test_what_was_taken_over_is_not_given_to_a_third_worker(redis: Redis) -> None:
    fill(redis, 3)
    inbox_of(redis, "killed").take(10)
    wait_idle(redis, CLAIM_AFTER_MS)
    assert len(inbox_of(redis, "heir", claim_after_ms=CLAIM_AFTER_MS).take(10)) == 3
    assert inbox_of(redis, "third", claim_after_ms=LONG_MS).take(10) == []


def test_old_and_new_deliveries_are_taken_together_up_to_the_limit(redis: Redis) -> None:
    wanted = fill(redis, 2)
    inbox_of(redis, "killed").take(10)
    wait_idle(redis, CLAIM_AFTER_MS)
    for delivery in (new := deliveries(5)[2:]):
        inbox_of(redis).put_back(delivery)
    taken = inbox_of(redis, "heir", claim_after_ms=CLAIM_AFTER_MS).take(4)
    assert [item.delivery for item in taken] == [*wanted, *new[:2]]
    assert [item.attempts for item in taken] == [2, 2, 1, 1]


def test_touching_keeps_others_away_and_counts_as_no_attempt(redis: Redis) -> None:
    fill(redis, 2)
    inbox = inbox_of(redis, "slow")
    taken = inbox.take(10)
    wait_idle(redis, CLAIM_AFTER_MS)
    touched_s = time.monotonic()
    inbox.touch(taken)
    inbox.touch([])
    # Idle since the touch, not since it was taken; the server's clock is cut to milliseconds.
    assert max(idle_ms(redis)) <= (time.monotonic() - touched_s) * 1000 + 1
    pending = redis.xpending_range("test:inbox", "convert", "-", "+", 10)
    assert [item["times_delivered"] for item in pending] == [1, 1]


def test_touching_what_another_worker_finished_brings_nothing_back(redis: Redis) -> None:
    fill(redis, 1)
    slow = inbox_of(redis, "slow")
    taken = slow.take(10)
    inbox_of(redis, "other").acknowledge(taken)
    slow.touch(taken)
    assert slow.depth() == 0
    assert redis.xpending("test:inbox", "convert")["pending"] == 0


def times_delivered(redis: Redis) -> list[int]:
    return [item["times_delivered"] for item in redis.xpending_range("test:inbox", "convert", "-", "+", 1000)]


def test_what_is_given_back_comes_at_once_and_counts_as_no_attempt(redis: Redis) -> None:
    wanted = fill(redis, 3)
    inbox = inbox_of(redis, "one")
    for _ in range(3):
        taken = inbox.take(10)
        assert [(item.delivery, item.attempts) for item in taken] == [(delivery, 1) for delivery in wanted]
        inbox.give_back(taken)
    inbox.give_back([])
    assert times_delivered(redis) == [0, 0, 0]


def test_what_is_given_back_with_a_pause_comes_after_it(redis: Redis) -> None:
    fill(redis, 1)
    inbox = inbox_of(redis)
    given_s = time.monotonic()
    inbox.give_back(inbox.take(10), pause=timedelta(milliseconds=200))
    assert inbox.take(10) == []
    while not (taken := inbox.take(10)):
        time.sleep(0.005)
    assert time.monotonic() - given_s >= 0.2 - 0.01
    assert taken[0].attempts == 1


def test_only_what_was_begun_counts_as_tried_when_its_worker_dies(redis: Redis) -> None:
    fill(redis, 2)
    held, begun = inbox_of(redis, "killed", claim_after_ms=CLAIM_AFTER_MS).take(10)
    inbox_of(redis, "killed").hold([held, begun])
    inbox_of(redis, "killed").begin([begun])
    wait_idle(redis, 2 * CLAIM_AFTER_MS)
    assert [item.attempts for item in inbox_of(redis, "heir", claim_after_ms=CLAIM_AFTER_MS).take(10)] == [1, 2]


def test_what_is_held_is_nobody_elses(redis: Redis) -> None:
    fill(redis, 1)
    taken = inbox_of(redis, "one").take(10)
    inbox_of(redis, "one").hold(taken)
    assert inbox_of(redis, "two").take(10) == []
    inbox_of(redis, "one").begin(taken)
    assert inbox_of(redis, "two").take(10) == []


def test_named_deliveries_are_taken_from_whoever_has_them(redis: Redis) -> None:
    wanted = fill(redis, 4)
    former = inbox_of(redis, "former")
    taken = former.take(3)
    former.acknowledge(taken[:1])
    heir = inbox_of(redis, "heir")
    claimed = heir.claim([item.entry_id for item in taken])
    assert [(item.delivery, item.attempts) for item in claimed] == [(wanted[1], 2), (wanted[2], 2)]
    assert heir.claim([]) == []
    # What nobody has taken yet is not pending, and so not claimed.
    assert [item.delivery for item in inbox_of(redis, "third").take(10)] == [wanted[3]]


def test_what_an_export_did_not_show_comes_later_each_time_and_counts_its_looks(redis: Redis) -> None:
    fill(redis, 1)
    inbox = inbox_of(redis, claim_after_ms=CLAIM_AFTER_MS)
    taken = inbox.take(10)
    for looks in range(1, 4):
        looked_s = time.monotonic()
        inbox.look_again(taken)
        assert inbox.take(10) == []
        while not (taken := inbox.take(10)):
            time.sleep(0.002)
        waited_ms = (time.monotonic() - looked_s) * 1000
        # Up to a quarter earlier, so that not all come in one crowd; the server's clock is cut to milliseconds.
        assert waited_ms >= 0.75 * CLAIM_AFTER_MS * 2 ** (looks - 1) - 2
        assert [(item.looks, item.attempts) for item in taken] == [(looks, 1)]
    inbox.acknowledge(taken)
    inbox.look_again([])
    assert redis.hlen("test:inbox:looks") == 0


def test_a_replayed_delivery_is_a_new_one_even_within_the_dedupe_window(redis_url: str, redis: Redis) -> None:
    (delivery,) = deliveries(1)
    append_all(redis_url, [delivery])
    inbox = inbox_of(redis)
    inbox.acknowledge(inbox.take(10))
    inbox.put_back(delivery)
    (again,) = inbox.take(10)
    assert (again.delivery, again.attempts) == (delivery, 1)


def test_a_body_as_large_as_allowed_goes_through(redis_url: str, redis: Redis) -> None:
    large = make_delivery(b"x" * 10 * 1024 * 1024)
    assert append_all(redis_url, [large]) == [None]
    (taken,) = inbox_of(redis).take(1)
    assert taken.delivery.body == large.body


def test_what_stands_in_the_inbox_survives_its_readers(redis_url: str) -> None:
    """A delivery is found by whoever asks next, whether or not a group existed when it came."""
    append_all(redis_url, deliveries(2))
    taken: list[Taken] = []
    for consumer in ("one", "other"):
        with quick_redis(redis_url) as client:
            taken += inbox_of(client, consumer).take(1)
    assert [item.delivery for item in taken] == deliveries(2)


# Rewriting what waits.


def emptied(delivery: Delivery) -> Delivery:
    return replace(delivery, body=b"{}") if b"7}" in delivery.body else delivery


def test_a_rewritten_delivery_takes_the_place_of_the_old_one(redis: Redis) -> None:
    inbox = inbox_of(redis)
    wanted = deliveries(2500)
    for delivery in wanted:
        inbox.put_back(delivery)
    assert inbox.rewrite(emptied) == 250
    assert inbox.rewrite(emptied) == 0
    assert [item.delivery for item in inbox.take(3000)] == [emptied(delivery) for delivery in wanted]


def test_who_has_what_and_how_often_it_was_tried_stays(redis: Redis) -> None:
    inbox, other = inbox_of(redis, claim_after_ms=CLAIM_AFTER_MS), inbox_of(redis, "worker-2")
    for delivery in deliveries(9):
        inbox.put_back(delivery)
    taken = inbox.take(8)
    inbox.look_again(taken[:1])
    other.claim([item.entry_id for item in taken[:3]])
    before = redis.xpending_range("test:inbox", "convert", "-", "+", 99)
    assert other.rewrite(emptied) == 1
    after = redis.xpending_range("test:inbox", "convert", "-", "+", 99)
    names = ("message_id", "consumer", "times_delivered")
    assert [[item[name] for name in names] for item in after] == [[item[name] for name in names] for item in before]
    assert all(
        now["time_since_delivered"] >= then["time_since_delivered"] for now, then in zip(after, before, strict=True)
    )
    assert [item.looks for item in other.claim([taken[0].entry_id])] == [1]
    inbox.acknowledge(taken)
    (last,) = other.take(9)
    assert last.delivery == deliveries(9)[8]
    inbox.put_back(make_delivery(b"later"))
    assert [item.delivery.body for item in other.take(9)] == [b"later"]


def test_rewriting_an_inbox_that_is_empty_or_was_never_there_changes_nothing(redis: Redis) -> None:
    inbox = inbox_of(redis)
    assert inbox.rewrite(emptied) == 0
    assert redis.keys() == []
    inbox.put_back(make_delivery(b"first"))
    (first,) = inbox.take(9)
    inbox.acknowledge([first])
    assert inbox.rewrite(emptied) == 0
    inbox.put_back(make_delivery(b"second"))
    (second,) = inbox.take(9)
    # Ids go on where they were: none comes a second time.
    assert second.entry_id > first.entry_id


def test_a_rewritten_and_compacted_server_keeps_only_what_there_is(redis: Redis) -> None:
    """A stream keeps what was deleted beside what is still there, in memory and in its dump."""
    inbox = inbox_of(redis)
    for word in (b"needle", b"haystack"):
        inbox.put_back(make_delivery(word))
    inbox.acknowledge(inbox.take(1))
    folder = Path(str(redis.config_get("dir")["dir"]))
    assert b"needle" in on_disk(folder)
    assert b"needle" in redis.dump("test:inbox")
    inbox.rewrite(emptied)
    assert inbox.compact()
    assert b"needle" not in redis.dump("test:inbox")
    assert b"needle" not in on_disk(folder)
    assert b"haystack" in on_disk(folder)


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in (folder / "appendonlydir").iterdir())


def test_a_server_that_keeps_its_disk_to_itself_is_told_of(redis: Redis, redis_url: str) -> None:
    """Hosted servers refuse these commands; here a user may not give them."""
    redis.acl_setuser("guest", enabled=True, passwords=["+guest"], commands=["+@all", "-bgrewriteaof"])
    try:
        with Redis.from_url(f"redis://guest:guest@{redis_url.partition('@')[2]}") as guest:
            assert not inbox_of(guest).compact()
    finally:
        redis.acl_deluser("guest")
