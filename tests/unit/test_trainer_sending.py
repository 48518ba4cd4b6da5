"""When webhooks are tried again and when they are given up, with a clock that the test moves."""

import base64
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainer.store.database import Database
from trainer.store.deliveries import DeliveryStore
from trainer.work.sending import Sending

SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()
HOUR = 3600.0


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def deliveries(tmp_path: Path) -> Iterator[DeliveryStore]:
    database = Database(tmp_path / "t.sqlite3")
    yield DeliveryStore(database)
    database.close()


@pytest.fixture
def sending(deliveries: DeliveryStore, clock: Clock) -> Iterator[Sending]:
    """A sender to a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    made = Sending(deliveries, url=f"http://127.0.0.1:{port}/", secret=SECRET, retry_s=5.0, clock=clock)
    yield made
    made.close()


def test_waits_double_up_to_an_hour(deliveries: DeliveryStore, sending: Sending, clock: Clock) -> None:
    deliveries.add("fine_tuning.job.succeeded", "ftjob-1", clock.now)
    waits = []
    for _ in range(14):
        waits.append(sending.send_due())
        clock.now += waits[-1]
    assert waits[:4] == [5, 10, 20, 40]
    assert waits[-2:] == [HOUR, HOUR]


def test_nothing_is_sent_before_its_time(deliveries: DeliveryStore, sending: Sending, clock: Clock) -> None:
    deliveries.add("fine_tuning.job.succeeded", "ftjob-1", clock.now)
    sending.send_due()
    clock.now += 4.9
    sending.send_due()
    due = deliveries.due(clock.now + 1)
    assert due is not None
    assert due.attempts == 1


def test_a_webhook_is_given_up_after_72_hours(deliveries: DeliveryStore, sending: Sending, clock: Clock) -> None:
    deliveries.add("fine_tuning.job.succeeded", "ftjob-1", clock.now)
    clock.now += 71 * HOUR
    sending.send_due()
    assert deliveries.next_at() is not None
    clock.now += HOUR
    sending.send_due()
    assert deliveries.next_at() is None


def test_the_body_names_the_event_and_the_job_and_nothing_else(deliveries: DeliveryStore, clock: Clock) -> None:
    deliveries.add("fine_tuning.job.failed", "ftjob-1", clock.now)
    due = deliveries.due(clock.now)
    assert due is not None
    body = json.loads(due.body)
    assert body.pop("id").startswith("evt_")
    assert body == {
        "object": "event",
        "type": "fine_tuning.job.failed",
        "created_at": 1_000_000,
        "data": {"id": "ftjob-1"},
    }
