"""The trainer's events: signed by the Standard Webhooks, and only a reason to look at a job."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis import Redis
from rq import Queue
from standardwebhooks import Webhook

from service.bootstrap import Deps
from service.cli.valkey import free_port
from service.config import Settings, TrainerSettings
from service.domain.errors import SignatureMismatch
from service.domain.standard_webhooks import SignedHeaders, verify_standard_webhook
from service.web.app import create_app
from tests.support.builders import LIMIT_BYTES, TRAINER_SECRET
from tests.support.samples import sample
from tests.support.serving import request, serving
from tests.support.web_stage import Stage, make_settings, staged


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
        event(job_id=""),
        event(job_id="a\0b"),
        event(job_id="\ud800"),
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


# Whose event it is, and whether it rang before.


def test_the_published_vectors_are_taken_or_refused_as_they_say() -> None:
    for vector in sample("openai/webhooks/signing_vectors"):
        given = {name: [value.encode()] for name, value in vector["headers"].items()}
        headers = SignedHeaders(*(given.get(f"webhook-{name}", []) for name in ("id", "timestamp", "signature")))
        arguments = {"secrets": [vector["secret"]], "now_s": vector["now"]}
        if vector["valid"]:
            found = verify_standard_webhook(vector["body"].encode(), headers, **arguments)
            assert found == vector["headers"]["webhook-id"]
        else:
            with pytest.raises(SignatureMismatch):
                verify_standard_webhook(vector["body"].encode(), headers, **arguments)


def test_a_repeat_is_accepted_and_does_nothing(port: int, redis: Redis) -> None:
    body = event()
    for at in (datetime.now(UTC), datetime.now(UTC) - timedelta(minutes=4)):
        # A retry is signed anew, with the time it is sent at.
        assert request(port, "POST", "/webhooks/openai", body, signed_event(body, at=at).items()).status == 202
        assert len(poked(redis)) == 1


@pytest.mark.parametrize(
    "headers", [{"webhook-signature": "v1,é"}, {"webhook-id": "é"}, {"webhook-timestamp": "\u0661"}]
)
def test_headers_that_are_not_ascii_are_refused_and_no_fault(port: int, headers: dict[str, str]) -> None:
    odd = [(name, value.encode()) for name, value in {**signed_event(event()), **headers}.items()]
    assert request(port, "POST", "/webhooks/openai", event(), odd).status == 401


def test_a_signed_body_that_is_not_utf8_is_accepted_and_does_nothing(port: int, redis: Redis) -> None:
    body, at = b'{"type": "fine_tuning.job.succeeded", "data": {"id": "\xff"}}', str(int(datetime.now(UTC).timestamp()))
    key = base64.b64decode(TRAINER_SECRET.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.new(key, b"wh_1." + at.encode() + b"." + body, hashlib.sha256).digest())
    headers = {"webhook-id": "wh_1", "webhook-timestamp": at, "webhook-signature": f"v1,{signature.decode()}"}
    assert request(port, "POST", "/webhooks/openai", body, headers.items()).status == 202
    assert poked(redis) == []


OLD, NEW, SHARED = ("whsec_" + base64.b64encode(bytes([n]) * 24).decode() for n in range(3))


@pytest.fixture
def stage(tmp_path: Path, redis_url: str, sqlite_template: Path) -> Iterator[Stage]:
    """Serve two trainers with secrets of their own, one of them rotating, and two that share one."""
    secrets = {"first": [OLD, NEW], "second": [TRAINER_SECRET], "third": [SHARED], "fourth": [SHARED]}
    trainers = {
        name: TrainerSettings(name, "generic", "http://127.0.0.1:9/v1", webhook_secrets=tuple(map(SecretStr, mine)))
        for name, mine in secrets.items()
    }
    with staged(make_settings(tmp_path, redis_url, trainers=trainers), database=sqlite_template) as made:
        yield made


@pytest.mark.parametrize(
    ("secret", "trainers"),
    [(OLD, ["first"]), (NEW, ["first"]), (TRAINER_SECRET, ["second"]), (SHARED, ["third", "fourth"])],
)
def test_the_secret_that_signed_it_tells_whose_job_it_is(
    stage: Stage, redis: Redis, secret: str, trainers: list[str]
) -> None:
    headers = signed_event(event(), secret=secret)
    assert request(stage.port, "POST", "/webhooks/openai", event(), headers.items()).status == 202
    assert poked(redis) == [("workers.jobs.poke_job", ["ftjob-1", *trainers])]


def test_events_of_two_trainers_with_one_id_are_two(stage: Stage, redis: Redis) -> None:
    for secret in (OLD, TRAINER_SECRET, NEW):
        headers = signed_event(event(), secret=secret)
        assert request(stage.port, "POST", "/webhooks/openai", event(), headers.items()).status == 202
    assert [arguments for _, arguments in poked(redis)] == [["ftjob-1", "first"], ["ftjob-1", "second"]]


def test_what_became_of_events_is_counted_by_trainer(stage: Stage) -> None:
    for body, secret in ((event(), OLD), (event(), OLD), (event("response.completed"), OLD), (event(), "whsec_eHh4")):
        request(stage.port, "POST", "/webhooks/openai", body, signed_event(body, secret=secret).items())
    page = stage.get("/metrics").body.decode()
    for outcome, number in (("poked", 1), ("repeated", 1), ("other", 1)):
        assert f'tuneloop_trainer_events_total{{outcome="{outcome}",trainer="first"}} {number}.0' in page
    assert 'tuneloop_trainer_events_total{outcome="poked",trainer="second"} 0.0' in page
    assert 'tuneloop_webhook_answers_total{code="401",sender="trainer"} 1.0' in page
