"""The outbox on both databases: every notice reaches every channel that wants it, in turns."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from service.adapters.sql_notices import SqlNoticeStore
from service.adapters.sql_outbox import SqlOutbox
from service.domain.notices import MAX_ATTEMPTS, Notice, Sending, pause_after
from tests.support.fakes import NOON
from tests.support.races import at_once

LEASE = timedelta(minutes=2)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def outbox(engine: sa.Engine) -> SqlOutbox:
    return SqlOutbox(engine)


@pytest.fixture
def store(engine: sa.Engine) -> SqlNoticeStore:
    return SqlNoticeStore(engine)


def fill(store: SqlNoticeStore, outbox: SqlOutbox, *keys: str, channels: Sequence[str] = ("team",)) -> None:
    """Put notices, a second after one another, and give them to channels."""
    for number, key in enumerate(keys):
        store.put(Notice("failed", key, f"title {key}", "x"), now=NOON + timedelta(seconds=number))
    outbox.route(lambda _: channels, now=NOON)


def begin(outbox: SqlOutbox, now: datetime = NOON) -> Sending | None:
    """Take the channel, and its oldest notice."""
    if not outbox.lease("team", until=now + LEASE, now=now):
        return None
    return outbox.begin("team", held_until=now + LEASE, until=now + LEASE, now=now)


def begun(outbox: SqlOutbox, now: datetime = NOON) -> Sending:
    sending = begin(outbox, now)
    assert sending is not None
    return sending


def give_back(outbox: SqlOutbox, now: datetime = NOON) -> None:
    outbox.release("team", held_until=now + LEASE)


def states(outbox: SqlOutbox, channel: str = "team") -> dict[str, str]:
    return {
        row["key"]: delivery["state"]
        for row in outbox.recent(100)
        for delivery in row["deliveries"]
        if delivery["channel"] == channel
    }


# Routing.


def test_a_notice_is_given_to_the_channels_that_want_it_and_once(store: SqlNoticeStore, outbox: SqlOutbox) -> None:
    store.put(Notice("failed", "a", "t", "x", pipeline="p", facts={"n": 1}), now=NOON)
    store.put(Notice("kept", "b", "t", "x"), now=NOON)
    seen: list[Notice] = []

    def choose(notice: Notice) -> Sequence[str]:
        seen.append(notice)
        return ["team", "ops"] if notice.kind == "failed" else []

    assert outbox.route(choose, now=NOON) == 2
    assert outbox.route(choose, now=NOON) == 0
    assert {notice.kind: notice.facts for notice in seen} == {"failed": {"n": 1}, "kept": {}}
    assert outbox.tally() == {("team", "waiting"): 1, ("ops", "waiting"): 1}
    by_kind = {row["kind"]: [delivery["channel"] for delivery in row["deliveries"]] for row in outbox.recent(9)}
    assert by_kind == {"failed": ["ops", "team"], "kept": []}


def test_of_many_that_route_at_once_each_notice_is_routed_by_one(store: SqlNoticeStore, outbox: SqlOutbox) -> None:
    for number in range(5):
        store.put(Notice("failed", str(number), "t", "x"), now=NOON)
    assert sum(at_once(4, lambda _: outbox.route(lambda _notice: ["team"], now=NOON))) == 5
    assert outbox.tally() == {("team", "waiting"): 5}


# Turns.


def test_of_many_workers_one_has_a_channel(store: SqlNoticeStore, outbox: SqlOutbox) -> None:
    fill(store, outbox, "a")
    assert sum(at_once(6, lambda _: outbox.lease("team", until=NOON + LEASE, now=NOON))) == 1
    assert outbox.due(["team"], now=NOON) == []
    assert outbox.lease("other", until=NOON + LEASE, now=NOON)
    # Its worker was killed.
    later = NOON + LEASE + MINUTE
    assert outbox.due(["team"], now=later) == ["team"]
    assert outbox.lease("team", until=later + LEASE, now=later)


def test_only_channels_of_the_configuration_with_something_due_are_due(
    store: SqlNoticeStore, outbox: SqlOutbox
) -> None:
    fill(store, outbox, "a", channels=["team", "ops", "gone"])
    assert outbox.due(["team", "ops", "idle"], now=NOON) == ["ops", "team"]
    assert outbox.due([], now=NOON) == []


def test_a_channel_gives_its_oldest_notice_first(store: SqlNoticeStore, outbox: SqlOutbox) -> None:
    fill(store, outbox, "c", "a", "b")
    order = []
    for _ in range(3):
        sending = begun(outbox)
        order.append(sending.notice.key)
        assert (sending.channel, sending.attempts) == ("team", 1)
        outbox.sent(sending, now=NOON)
        give_back(outbox)
    assert order == ["c", "a", "b"]
    assert begin(outbox) is None
    assert set(states(outbox).values()) == {"sent"}


def test_a_worker_that_lost_its_channel_begins_nothing_and_frees_nothing(
    store: SqlNoticeStore, outbox: SqlOutbox
) -> None:
    fill(store, outbox, "a")
    assert outbox.lease("team", until=NOON + LEASE, now=NOON)
    later = NOON + LEASE + MINUTE
    assert outbox.lease("team", until=later + LEASE, now=later)
    assert outbox.begin("team", held_until=NOON + LEASE, until=later + LEASE, now=later) is None
    give_back(outbox)
    assert not outbox.lease("team", until=later + LEASE, now=later)


def test_a_channel_is_left_alone_for_a_while(store: SqlNoticeStore, outbox: SqlOutbox) -> None:
    fill(store, outbox, "a", channels=["team", "ops"])
    assert outbox.lease("team", until=NOON + LEASE, now=NOON)
    outbox.release("team", held_until=NOON + LEASE, paused_until=NOON + MINUTE)
    assert outbox.due(["team", "ops"], now=NOON) == ["ops"]
    assert not outbox.lease("team", until=NOON + LEASE, now=NOON)
    assert outbox.due(["team"], now=NOON + MINUTE) == ["team"]
    assert outbox.lease("team", until=NOON + LEASE, now=NOON + MINUTE)


# Tries.


def test_a_try_is_counted_before_it_is_made_and_comes_again_after_its_pause(
    store: SqlNoticeStore, outbox: SqlOutbox
) -> None:
    fill(store, outbox, "a")
    begun(outbox)  # and the worker is killed
    (row,) = outbox.recent(1)
    assert row["deliveries"][0]["attempts"] == 1
    assert row["deliveries"][0]["due_at"] == NOON + pause_after(1)
    second = begun(outbox, NOON + LEASE + MINUTE)
    assert second.attempts == 2


def test_a_notice_that_was_refused_lets_those_after_it_pass(store: SqlNoticeStore, outbox: SqlOutbox) -> None:
    fill(store, outbox, "a", "b")
    outbox.failed(begun(outbox), "status 400", now=NOON)
    give_back(outbox)
    assert begun(outbox).notice.key == "b"


def test_after_the_last_try_a_notice_is_dead_and_comes_again_when_it_is_replayed(
    store: SqlNoticeStore, outbox: SqlOutbox
) -> None:
    fill(store, outbox, "a")
    moment = NOON
    for attempts in range(1, MAX_ATTEMPTS + 1):
        sending = begun(outbox, moment)
        assert sending.attempts == attempts
        outbox.failed(sending, "status 500\0" + "x" * 900, now=moment)
        give_back(outbox, moment)
        assert states(outbox) == {"a": "dead" if attempts == MAX_ATTEMPTS else "waiting"}
        moment += pause_after(attempts)
    notice_id = outbox.recent(1)[0]["notice_id"]
    assert outbox.due(["team"], now=moment) == []
    assert not outbox.again(notice_id, "ops", now=moment)
    assert outbox.again(notice_id, "team", now=moment)
    assert not outbox.again(notice_id, "team", now=moment)
    assert begun(outbox, moment).attempts == 1


def test_a_failure_that_comes_late_does_not_undo_what_another_worker_did(
    store: SqlNoticeStore, outbox: SqlOutbox
) -> None:
    fill(store, outbox, "a")
    slow = begun(outbox)
    later = NOON + LEASE + MINUTE
    quick = begun(outbox, later)
    outbox.sent(quick, now=later)
    outbox.failed(slow, "no answer", now=later)
    assert states(outbox) == {"a": "sent"}


# Channels that end.


def test_a_channel_that_ended_is_told_of_and_takes_nothing_until_it_is_opened(
    store: SqlNoticeStore, outbox: SqlOutbox
) -> None:
    fill(store, outbox, "a", "b")
    sending = begun(outbox)
    outbox.close(sending, "status 410", "print-1", now=NOON)
    assert outbox.closed() == {"team": "print-1"}
    assert states(outbox) == {"a": "gone", "b": "waiting"}
    assert outbox.due(["team"], now=NOON + MINUTE) == []
    assert not outbox.lease("team", until=NOON + LEASE, now=NOON + MINUTE)
    assert [row["kind"] for row in outbox.recent(9)].count("channel_gone") == 1

    outbox.reopen("team", now=NOON + MINUTE)
    assert outbox.closed() == {}
    assert states(outbox) == {"a": "waiting", "b": "waiting"}
    assert begun(outbox, NOON + MINUTE).notice.key == "a"


def test_replaying_the_notice_that_ended_a_channel_opens_it(store: SqlNoticeStore, outbox: SqlOutbox) -> None:
    fill(store, outbox, "a")
    sending = begun(outbox)
    outbox.close(sending, "status 410", "print-1", now=NOON)
    assert outbox.again(sending.notice.notice_id, "team", now=NOON + MINUTE)
    assert outbox.closed() == {}
    assert outbox.due(["team"], now=NOON + MINUTE) == ["team"]
