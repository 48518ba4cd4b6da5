"""Notices on their way: the database, the channels and the receivers are real."""

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from redis import Redis

from service.adapters.apprise_channel import AppriseChannel
from service.adapters.rq_queue import RqJobQueue
from service.adapters.sql_notices import SqlNoticeStore
from service.adapters.sql_outbox import SqlOutbox
from service.adapters.sql_records import SqlDeadLetters
from service.adapters.sql_tables import notice_deliveries
from service.adapters.webhook_channel import WebhookChannel
from service.cli.valkey import free_port
from service.domain.errors import ChannelFailed, ChannelGone
from service.domain.notices import LONGEST_SILENCE, MAX_ATTEMPTS, Interest, Notice, pause_after
from service.ports import NoticeChannel
from service.usecases.tell import LEASE, LETTER, Target, Telling, send_again
from tests.support.fakes import ManualClock, RecordingQueue
from tests.support.races import at_once
from tests.support.receiver import Received, Receiver, receiving
from tests.support.workshop import Workshop

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
SECOND = timedelta(seconds=1)


@dataclass
class Town:
    """Channels by name, and everything that tells them."""

    engine: sa.Engine
    channels: dict[str, NoticeChannel] = field(default_factory=dict)
    interests: dict[str, Interest] = field(default_factory=dict)
    fingerprints: dict[str, str] = field(default_factory=dict)
    clock: ManualClock = field(default_factory=ManualClock)
    queue: RecordingQueue = field(default_factory=RecordingQueue)

    def __post_init__(self) -> None:
        self.store = SqlNoticeStore(self.engine)
        self.outbox = SqlOutbox(self.engine)
        self.letters = SqlDeadLetters(self.engine)

    @property
    def telling(self) -> Telling:
        targets = {name: self._target(name) for name in self.channels}
        return Telling(targets, self.outbox, self.letters, self.queue, self.clock)

    def _target(self, name: str) -> Target:
        interest, fingerprint = self.interests.get(name, Interest()), self.fingerprints.get(name, "1")
        return Target(name, interest, fingerprint, lambda: self.channels[name])

    def put(self, key: str, kind: str = "failed") -> None:
        self.store.put(Notice(kind, key, f"title {key}", "x", pipeline="p"), now=self.clock.forward(1))

    def work(self) -> list[str]:
        """Do what the sweep and the workers do; give the channels that had a job."""
        self.queue.woken.clear()
        self.telling.call()
        woken = [arguments[1] for arguments in self.queue.woken]
        for name in woken:
            self.telling.send(name)
        return woken

    def state(self, key: str, channel: str) -> tuple[str, int]:
        """Give what became of a notice at a channel, and the tries."""
        (found,) = [row for row in self.outbox.recent(100) if row["key"] == key]
        (row,) = [row for row in found["deliveries"] if row["channel"] == channel]
        return row["state"], row["attempts"]


@pytest.fixture
def town(engine: sa.Engine) -> Town:
    return Town(engine)


@pytest.fixture
def sqlite_town(sqlite_engine: sa.Engine) -> Town:
    return Town(sqlite_engine)


@pytest.fixture
def receivers() -> Iterator[Callable[[], Receiver]]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(receiving())


@pytest.fixture
def receiver(receivers: Callable[[], Receiver]) -> Receiver:
    return receivers()


def hook(receiver: Receiver | None = None) -> WebhookChannel:
    """Give a webhook to a receiver, or to nobody."""
    url = receiver.url if receiver else f"http://127.0.0.1:{free_port()}/"
    return WebhookChannel(url, [SecretStr(SECRET)])


def test_a_channel_that_took_a_notice_is_free_for_the_next_at_once(town: Town, receiver: Receiver) -> None:
    town.clock.tick = timedelta(milliseconds=20)
    town.channels["ops"] = hook(receiver)
    for key in ("first", "second"):
        town.put(key)
        assert town.work() == ["ops"]
        assert town.state(key, "ops") == ("sent", 1)


def titles(receiver: Receiver) -> list[str]:
    return [word.decode() for request in receiver.requests for word in request.body.split(b'"') if b"title " in word]


def test_every_notice_reaches_every_channel_that_wants_it_in_order_and_once(town: Town, receiver: Receiver) -> None:
    town.channels = {"hook": hook(receiver), "only-kept": hook(receiver)}
    town.interests["only-kept"] = Interest(kinds=["kept"])
    for key in ("a", "b", "c"):
        town.put(key)
    assert town.work() == ["hook"]
    assert titles(receiver) == ["title a", "title b", "title c"]
    town.clock.forward(3600)
    assert town.work() == []
    assert len(set(receiver.ids)) == 3


def test_a_run_is_told_from_its_start_to_its_verdict(shop: Workshop, receiver: Receiver) -> None:
    town = Town(shop.engine, channels={"hook": hook(receiver)}, clock=shop.clock, queue=shop.queue)
    shop.clock.tick = timedelta(milliseconds=1)
    run_id = shop.train()
    model = shop.go(run_id).tuned_model
    town.work()
    types = [request.body.split(b'"type":"')[1].split(b'"')[0].decode() for request in receiver.requests]
    assert types[0] == "run.started"
    assert sorted(types[1:]) == ["champion.changed", "run.promoted"]
    everything = b"".join(request.body for request in receiver.requests)
    assert str(model).encode() in everything
    # Prompts and answers are in none of it.
    assert not [word for word in (b"jane", b"parcel", b"Chat ") if word in everything]


def test_without_channels_nothing_is_sent_and_nothing_comes_later(town: Town, receiver: Receiver) -> None:
    town.put("a")
    assert town.work() == []
    town.channels = {"hook": hook(receiver)}
    assert town.work() == []
    town.put("b")
    town.work()
    assert titles(receiver) == ["title b"]


def test_a_dead_channel_never_holds_up_another(town: Town, receiver: Receiver) -> None:
    town.channels = {"dead": hook(), "hook": hook(receiver)}
    for key in ("a", "b"):
        town.put(key)
    town.work()
    assert titles(receiver) == ["title a", "title b"]
    assert [town.state(key, "dead") for key in ("a", "b")] == [("waiting", 1), ("waiting", 0)]


def test_a_channel_that_is_back_gets_what_it_missed_in_order(town: Town, receiver: Receiver) -> None:
    receiver.statuses = [503, 503]
    town.channels = {"hook": hook(receiver)}
    for key in ("a", "b"):
        town.put(key)
    for _ in range(4):
        town.work()
        town.clock.forward(LONGEST_SILENCE.total_seconds())
    assert titles(receiver) == ["title a", "title a", "title a", "title b"]
    assert receiver.ids[0] == receiver.ids[1] == receiver.ids[2]


def test_a_notice_that_is_always_refused_lets_the_others_pass(town: Town, receiver: Receiver) -> None:
    town.channels = {"hook": hook(receiver)}
    for key in ("bad", "b", "c"):
        town.put(key)
    receiver.statuses = [400, 400]
    town.work()
    assert town.work() == []
    town.clock.forward(pause_after(1).total_seconds())
    town.work()
    town.clock.forward(LONGEST_SILENCE.total_seconds() - 1)
    assert town.work() == []
    receiver.statuses = [400]
    town.clock.forward(1)
    town.work()
    town.clock.forward(LONGEST_SILENCE.total_seconds())
    town.work()
    assert [town.state(key, "hook") for key in ("b", "c")] == [("sent", 1), ("sent", 1)]
    assert town.state("bad", "hook") == ("waiting", 3)


def test_the_tries_come_as_standard_webhooks_says_and_end_in_a_dead_letter_that_can_be_replayed(
    town: Town, receiver: Receiver
) -> None:
    town.channels = {"hook": hook(receiver)}
    receiver.statuses = [500] * MAX_ATTEMPTS
    town.put("a")
    for attempts in range(1, MAX_ATTEMPTS):
        assert town.work() == ["hook"]
        assert town.state("a", "hook") == ("waiting", attempts)
        assert town.letters.count() == 0
        town.clock.now += pause_after(attempts) - SECOND
        assert town.work() == []
        town.clock.now += SECOND
    town.work()
    assert town.state("a", "hook") == ("dead", MAX_ATTEMPTS)
    (letter,) = town.letters.open(9)
    assert (letter["kind"], letter["error"], letter["message"]) == (
        LETTER,
        "ChannelFailed",
        "the receiver answered 500",
    )
    town.clock.now += timedelta(days=9)
    assert town.work() == []

    assert send_again(letter["subject"], town.outbox, town.clock)
    town.work()
    assert town.state("a", "hook") == ("sent", 1)
    assert len(receiver.requests) == MAX_ATTEMPTS + 1
    assert len(set(receiver.ids)) == 1
    assert town.letters.count() == 0


def test_a_letter_whose_notice_was_forgotten_cannot_be_replayed(town: Town) -> None:
    assert not send_again("0123 hook", town.outbox, town.clock)


def test_a_receiver_that_is_gone_ends_its_channel_which_others_are_told(
    town: Town, receivers: Callable[[], Receiver]
) -> None:
    gone, other = receivers(), receivers()
    town.channels = {"gone": hook(gone), "other": hook(other)}
    gone.statuses = [410]
    for key in ("a", "b"):
        town.put(key)
    town.work()
    town.clock.forward(3600)
    assert town.work() == ["other"]
    assert len(gone.requests) == 1
    assert b'"channel.gone"' in other.requests[-1].body
    assert [town.state(key, "gone") for key in ("a", "b")] == [("gone", 1), ("waiting", 0)]
    (letter,) = town.letters.open(9)
    assert letter["error"] == "ChannelGone"

    # Replayed, once the receiver is back: all of it comes.
    assert send_again(letter["subject"], town.outbox, town.clock)
    town.work()
    assert titles(gone) == ["title a", "title a", "title b"]
    assert town.letters.count() == 0


def test_a_channel_that_ended_begins_anew_under_another_address(town: Town, receivers: Callable[[], Receiver]) -> None:
    old, new = receivers(), receivers()
    town.channels = {"hook": hook(old)}
    old.statuses = [410]
    town.put("a")
    town.work()
    assert town.work() == []
    town.channels, town.fingerprints = {"hook": hook(new)}, {"hook": "2"}
    assert town.work() == ["hook"]
    assert titles(new)[0] == "title a"
    assert town.letters.count() == 0


def test_a_channel_that_left_the_configuration_is_left_alone(town: Town, receiver: Receiver) -> None:
    town.channels = {"dead": hook()}
    town.put("a")
    town.work()
    town.channels = {}
    town.clock.forward(3600)
    assert town.work() == []
    assert town.telling.send("dead").sent == 0
    town.channels = {"dead": hook(receiver)}
    town.work()
    assert titles(receiver) == ["title a"]


def test_many_workers_at_one_channel_send_each_notice_once(town: Town, receiver: Receiver) -> None:
    town.channels = {"hook": hook(receiver)}
    for number in range(5):
        town.put(str(number))
    town.telling.call()
    told = at_once(4, lambda _: town.telling.send("hook").sent)
    assert sum(told) == 5
    assert titles(receiver) == [f"title {number}" for number in range(5)]


def test_a_long_queue_makes_room_for_others_and_goes_on(town: Town, receiver: Receiver) -> None:
    town.channels = {"hook": hook(receiver)}
    for number in range(8):
        town.put(str(number))
    town.telling.call()
    town.clock.tick = timedelta(seconds=2)
    sent = town.telling.send("hook").sent
    assert 0 < sent < 8
    assert town.queue.woken[-1] == ("send_notices", "hook")
    town.clock.tick = timedelta(0)
    assert town.telling.send("hook").sent == 8 - sent


class Deadly:
    """A channel whose every try ends with its worker."""

    def send(self, notice: Notice, *, message_id: str, at: datetime, now: datetime) -> None:
        raise KeyboardInterrupt(notice.key, message_id, at, now)

    def describe(self) -> str:
        return "deadly"


def test_what_kills_every_worker_is_given_up_at_last(sqlite_town: Town) -> None:
    town = sqlite_town
    town.channels = {"deadly": Deadly()}
    town.put("a")
    for attempts in range(1, MAX_ATTEMPTS + 1):
        with pytest.raises(KeyboardInterrupt):
            town.work()
        assert town.state("a", "deadly") == ("waiting", attempts)
        town.clock.now += pause_after(attempts) + LEASE + SECOND
    town.work()
    assert town.state("a", "deadly")[0] == "dead"
    assert [letter["kind"] for letter in town.letters.open(9)] == [LETTER]


def test_of_several_apprise_addresses_none_waits_for_another(town: Town, receiver: Receiver) -> None:
    dead = AppriseChannel(SecretStr(f"json://127.0.0.1:{free_port()}/"))
    town.channels = {"team": dead, "team/2": AppriseChannel(SecretStr(f"json://127.0.0.1:{receiver.port}/"))}
    town.put("a")
    for _ in range(3):
        town.work()
        town.clock.forward(3600)
    assert len(receiver.requests) == 1
    assert town.state("a", "team") == ("waiting", 3)


def test_failures_are_given_back_for_the_log(town: Town, receiver: Receiver) -> None:
    town.channels = {"hook": hook(receiver), "gone": hook(receiver)}
    receiver.statuses = [500, 410]
    town.put("a")
    town.telling.call()
    assert isinstance(town.telling.send("hook").failure, ChannelFailed)
    assert isinstance(town.telling.send("gone").failure, ChannelGone)


# Killed: a real process, ended by SIGKILL when its request is there and not yet answered or written down.

CONFIGURATION = """
[pipelines.p.labels]
project = "cl1"
[pipelines.p.train]
model = "gpt-4.1-mini-2025-04-14"
[notify.hook]
webhook = "{url}"
secret_env = "HOOK_SECRET"
"""


PROGRAM = """
from service.logs import configure_logging
configure_logging("worker")
from workers.jobs import send_notices
send_notices("hook")
"""


@dataclass
class Worker:
    """Starts real processes that do the job ``send_notices`` once."""

    environ: dict[str, str]

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM], env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )


@pytest.fixture
def worker(database_url: str, redis_url: str, receiver: Receiver, tmp_path: Path) -> Worker:
    (tmp_path / "tuneloop.toml").write_text(CONFIGURATION.format(url=receiver.url))
    own = {
        "TUNELOOP_CONFIG": str(tmp_path / "tuneloop.toml"),
        "TUNELOOP_DATA": str(tmp_path),
        "TUNELOOP_DATABASE_URL": database_url,
        "TUNELOOP_REDIS_URL": redis_url,
        "HOOK_SECRET": SECRET,
    }
    return Worker({**os.environ, **own})


def begin_today(town: Town, receiver: Receiver, *keys: str) -> None:
    """Put notices that a process with a real clock finds."""
    town.channels, town.clock.now = {"hook": hook(receiver)}, datetime.now(UTC) - LEASE
    for key in keys:
        town.put(key)
    town.telling.call()


def require_one_repeat(town: Town, receiver: Receiver) -> None:
    """Check that the notice comes once more, once the killed worker's lease has ended."""
    receiver.on_request = lambda _: None
    town.clock.now = datetime.now(UTC)
    assert town.work() == []
    town.clock.now += LEASE + SECOND
    assert town.work() == ["hook"]
    assert len(receiver.requests) == 2
    assert len(set(receiver.ids)) == 1
    assert receiver.requests[0].body == receiver.requests[1].body
    assert town.state("a", "hook") == ("sent", 2)
    town.clock.forward(3600)
    assert town.work() == []


def test_a_worker_killed_while_it_sends_means_one_repeat_under_the_same_id(
    town: Town, worker: Worker, receiver: Receiver
) -> None:
    begin_today(town, receiver, "a")
    victims: list[int] = []
    receiver.on_request = lambda _: os.kill(victims[0], signal.SIGKILL)
    with worker.start() as process:
        victims.append(process.pid)
        assert process.wait(60) == -signal.SIGKILL
    require_one_repeat(town, receiver)


def test_a_worker_killed_between_sending_and_writing_means_one_repeat_under_the_same_id(
    town: Town, worker: Worker, receiver: Receiver
) -> None:
    """Its notice was taken; a lock keeps it from writing that down."""
    begin_today(town, receiver, "a")
    arrived, locked = Event(), Event()

    def answer_when_locked(_request: Received) -> None:
        arrived.set()
        locked.wait(60)

    receiver.on_request = answer_when_locked
    with worker.start() as process:
        assert arrived.wait(60)
        with town.engine.begin() as connection:
            connection.execute(sa.update(notice_deliveries).values(error="locked"))
            locked.set()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1)
            process.kill()
            process.wait(60)
            connection.rollback()
    require_one_repeat(town, receiver)


def test_the_job_sends_by_the_configuration_and_logs_nothing_secret(
    town: Town, worker: Worker, receiver: Receiver
) -> None:
    receiver.statuses = [204, 500]
    begin_today(town, receiver, "a", "b")
    with worker.start() as process:
        printed = "".join(process.communicate(timeout=60))
    assert process.returncode == 0
    assert [town.state(key, "hook")[0] for key in ("a", "b")] == ["sent", "waiting"]
    assert '"event": "notices_sent"' in printed
    assert '"message": "the receiver answered 500"' in printed
    assert not [word for word in ("/hook", "whsec_", "title a") if word in printed]


def test_a_real_worker_process_tells_what_the_sweep_called_for(
    town: Town, worker: Worker, redis: Redis, receiver: Receiver, tmp_path: Path
) -> None:
    begin_today(town, receiver, "a")
    environ = {**worker.environ, "LABELBOX_API_KEY": "unused", "OPENAI_API_KEY": "unused"}
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen([sys.executable, "-m", "service.cli", "work"], env=environ, stdout=log, stderr=log) as process,
    ):
        try:
            replace(town.telling, queue=RqJobQueue(redis)).call()
            end_s = time.monotonic() + 60
            while town.state("a", "hook")[0] != "sent":
                assert time.monotonic() < end_s, (tmp_path / "log").read_text()
                time.sleep(0.1)
        finally:
            process.terminate()
    assert titles(receiver) == ["title a"]
