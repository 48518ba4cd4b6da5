"""The trainer's events: signed by the Standard Webhooks, and only a reason to look at a job."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from standardwebhooks import Webhook

from service.bootstrap import Deps
from service.cli.valkey import free_port
from service.config import Settings
from service.web.app import create_app
from tests.support.builders import LIMIT_BYTES, TRAINER_SECRET
from tests.support.serving import request, serving


def event(kind: str = "fine_tuning.job.succeeded", job_id: object = "ftjob-1") -> bytes:
    return json.dumps({"object": "event", "id": "evt_1", "type": kind, "data": {"id": job_id}}).encode()


def signed_event(body: bytes, *, secret: str = TRAINER_SECRET, at: datetime | None = None) -> dict[str, str]:
    at = at or datetime.now(UTC)
    signature = Webhook(secret).sign("wh_1", at, body.decode())
    return {"webhook-id": "wh_1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


def poked(redis: Redis) -> list[Any]:
    queue = Queue("runs", connection=redis, serializer="json")
    return [(job.func_name, list(job.args)) for job in queue.jobs]


def test_a_signed_event_has_its_job_looked_at(port: int, redis: Redis) -> None:
    assert request(port, "POST", "/webhooks/openai", event(), signed_event(event()).items()).status == 202
    assert poked(redis) == [("workers.jobs.poke_job", ["ftjob-1", "box"])]


@pytest.mark.parametrize(
    "body",
    [
        event("response.completed"),
        event("eval.run.succeeded"),
        event(job_id=7),
        b"{}",
        b"[]",
        b"not json",
        b'{"type": 5}',
        b"[" * 4000,
    ],
)
def test_a_signed_event_about_something_else_is_accepted_and_does_nothing(port: int, redis: Redis, body: bytes) -> None:
    assert request(port, "POST", "/webhooks/openai", body, signed_event(body).items()).status == 202
    assert poked(redis) == []


def test_an_event_that_is_not_signed_right_is_refused(port: int, redis: Redis) -> None:
    body, right = event(), signed_event(event())
    other = "whsec_" + base64.b64encode(b"somebody else's secret..").decode()
    wrong = [
        {},
        signed_event(body, secret=other),
        signed_event(event("fine_tuning.job.failed")),
        signed_event(body, at=datetime(2026, 1, 1, tzinfo=UTC)),
        {**right, "webhook-timestamp": "9" * 500},
        {**right, "webhook-timestamp": "9" * 5000},
        {name: value for name, value in right.items() if name != "webhook-id"},
    ]
    for headers in wrong:
        assert request(port, "POST", "/webhooks/openai", body, headers.items()).status == 401
    doubled = [*right.items(), ("webhook-signature", right["webhook-signature"])]
    assert request(port, "POST", "/webhooks/openai", body, doubled).status == 401
    assert poked(redis) == []


def test_an_event_above_the_limit_is_refused(port: int) -> None:
    assert request(port, "POST", "/webhooks/openai", b"x" * (LIMIT_BYTES + 1)).status == 413


def test_without_a_trainer_that_signs_no_event_is_believed(settings: Settings) -> None:
    deps = Deps(replace(settings, trainers={}))
    with serving(create_app(deps)) as port:
        assert request(port, "POST", "/webhooks/openai", event(), signed_event(event()).items()).status == 401
    deps.engine.dispose()


def test_while_valkey_is_down_the_sender_is_asked_to_come_again(settings: Settings) -> None:
    deps = Deps(replace(settings, redis_url=f"redis://127.0.0.1:{free_port()}/0"))
    with serving(create_app(deps)) as port:
        reply = request(port, "POST", "/webhooks/openai", event(), signed_event(event()).items())
        assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    deps.engine.dispose()
