"""Labelbox's deliveries: real sockets, a real Valkey and, behind it, the conversion."""

import hashlib
import hmac
import json
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

import pytest
from redis import Redis
from rq import Queue
from structlog.testing import capture_logs

from service.bootstrap import KEY_PREFIX, Deps
from service.cli.valkey import free_port
from service.config import Settings
from service.ports import Taken
from service.web.app import create_app
from tests.support.builders import LIMIT_BYTES, SECRET, signed_headers
from tests.support.conversion import Desk
from tests.support.serving import Reply, request, request_in_chunks, send_and_hang_up, serving

BODY = json.dumps({"id": "label-1", "project": {"id": "project-1"}, "dataRow": {"id": "row-1"}}).encode()
WAIT_S = 15.0


def stored(redis: Redis) -> int:
    return int(redis.xlen(f"{KEY_PREFIX}:inbox"))


def eventually(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not found():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def post(
    port: int,
    body: bytes = BODY,
    *,
    path: str = "",
    topic: str = "LABEL_CREATED",
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Reply:
    chosen = {**signed_headers(body, topic), **headers}
    return request(port, "POST", f"/webhooks/labelbox{path}", body, chosen.items())


# Accepted.


def test_a_signed_delivery_is_stored_before_it_is_acknowledged(port: int, redis: Redis, deps: Deps) -> None:
    assert post(port).status == 202
    assert stored(redis) == 1
    (taken,) = deps.inbox.take(10)
    assert (taken.delivery.body, taken.delivery.topic, taken.delivery.pipeline) == (BODY, "LABEL_CREATED", "")
    assert taken.delivery.received_at.tzinfo == UTC


def test_a_repeat_is_acknowledged_and_stored_once(port: int, redis: Redis) -> None:
    assert [post(port).status for _ in range(3)] == [202] * 3
    assert post(port, headers={"X-Labelbox-Id": "another"}).status == 202
    assert stored(redis) == 1


def test_the_same_bytes_under_another_topic_or_for_another_pipeline_are_another_delivery(
    port: int, redis: Redis, deps: Deps
) -> None:
    assert post(port, topic="LABEL_UPDATED").status == 202
    # Two webhooks of one project, one for each of its pipelines, send the same bytes.
    for name in ("summaries", "second"):
        assert post(port, path=f"/{name}").status == 202
    assert stored(redis) == 3
    assert {item.delivery.pipeline for item in deps.inbox.take(10)} == {"", "summaries", "second"}


def test_either_secret_will_do_while_one_is_rotated(port: int, redis: Redis) -> None:
    older = signed_headers(BODY, secret=b"an older secret")
    assert request(port, "POST", "/webhooks/labelbox", BODY, older.items()).status == 202
    assert stored(redis) == 1


def test_a_sha256_signature_is_believed_and_preferred(port: int, redis: Redis) -> None:
    right = "sha256=" + hmac.new(SECRET, BODY, hashlib.sha256).hexdigest()
    alone = [("X-Labelbox-Event", "LABEL_CREATED"), ("X-Hub-Signature-256", right)]
    assert request(port, "POST", "/webhooks/labelbox", BODY, alone).status == 202
    assert post(port, BODY + b" ", headers={"X-Hub-Signature-256": right}).status == 401
    assert stored(redis) == 1


def test_a_body_in_chunks_without_a_length_is_read_whole(port: int, deps: Deps) -> None:
    chunks = [BODY[:10], BODY[10:11], BODY[11:]]
    reply = request_in_chunks(port, "/webhooks/labelbox", chunks, signed_headers(BODY).items(), end=True)
    assert reply.status == 202
    (taken,) = deps.inbox.take(10)
    assert taken.delivery.body == BODY


def test_a_stored_delivery_wakes_the_workers(port: int, redis: Redis) -> None:
    queue = Queue("labels", connection=redis, serializer="json")
    post(port)
    eventually(lambda: len(queue.job_ids) > 0)
    assert {job.func_name for job in queue.jobs} == {"workers.jobs.convert_deliveries"}


# Refused.


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("X-Hub-Signature", "sha1=" + "0" * 40)],
        [("X-Hub-Signature", "")],
        [("X-Hub-Signature", "sha1=é".encode())],
        [("X-Hub-Signature", b"sha1=\xff\xfe\x80")],
        [("X-Hub-Signature", "x" * 10_000)],
        [("X-Hub-Signature", signed_headers(BODY)["X-Hub-Signature"])] * 2,
        [("X-Hub-Signature", signed_headers(BODY)["X-Hub-Signature"]), ("X-Hub-Signature", "sha1=0")],
        [("X-Hub-Signature", signed_headers(BODY)["X-Hub-Signature"]), ("X-Hub-Signature-256", "sha256=0")],
        [("X-Hub-Signature", signed_headers(BODY + b"\n")["X-Hub-Signature"])],
        [("X-Hub-Signature", signed_headers(BODY, secret=b"a stranger's")["X-Hub-Signature"])],
    ],
    ids=[
        "none",
        "wrong",
        "empty",
        "non-ascii",
        "no-text",
        "long",
        "doubled",
        "doubled-differently",
        "wrong-256",
        "other-body",
        "other-secret",
    ],
)
def test_an_unsigned_delivery_is_refused_and_nothing_is_stored(
    port: int, redis: Redis, headers: list[tuple[str, str | bytes]]
) -> None:
    reply = request(port, "POST", "/webhooks/labelbox", BODY, [("X-Labelbox-Event", "LABEL_CREATED"), *headers])
    assert reply.status == 401
    assert b"remedy" not in reply.body
    assert stored(redis) == 0
    assert redis.keys(f"{KEY_PREFIX}:seen:*") == []


def test_a_declared_length_above_the_limit_is_refused_without_reading_on(port: int, redis: Redis) -> None:
    headers = [("X-Hub-Signature", "sha1=0"), ("X-Labelbox-Event", "LABEL_CREATED")]
    large = b"x" * (LIMIT_BYTES + 1)
    assert request(port, "POST", "/webhooks/labelbox", large, headers).status == 413
    assert stored(redis) == 0


def test_a_length_is_refused_before_any_of_the_body_came(port: int) -> None:
    head = b"POST /webhooks/labelbox HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as connection:
        connection.sendall(head)
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("end", [True, False])
def test_a_chunked_body_above_the_limit_is_refused_as_soon_as_it_is(port: int, redis: Redis, end: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    large = b"x" * (LIMIT_BYTES + 1)
    headers = signed_headers(large).items()
    chunks = [large[start : start + 500] for start in range(0, len(large), 500)]
    assert request_in_chunks(port, "/webhooks/labelbox", chunks, headers, end=end).status == 413
    assert stored(redis) == 0


def test_a_body_exactly_as_large_as_the_limit_is_accepted(port: int) -> None:
    assert post(port, b"x" * LIMIT_BYTES).status == 202


@pytest.mark.parametrize("path", ["/webhooks/labelbox", "/webhooks/openai"])
def test_a_sender_that_goes_away_in_the_middle_leaves_nothing(port: int, redis: Redis, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n".encode()
    send_and_hang_up(port, head + b"half of it")
    assert post(port).status == 202
    assert stored(redis) == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_posts_are_deliveries(port: int, redis: Redis, method: str) -> None:
    assert request(port, method, "/webhooks/labelbox", BODY, signed_headers(BODY).items()).status == 405
    assert stored(redis) == 0


def test_while_valkey_is_down_the_sender_is_asked_to_come_again(settings: Settings) -> None:
    deps = Deps(replace(settings, redis_url=f"redis://127.0.0.1:{free_port()}/0"))
    with serving(create_app(deps)) as port:
        reply = post(port)
        assert (reply.status, reply.headers["retry-after"]) == (503, "5")
        ready = request(port, "GET", "/readyz")
        assert (ready.status, json.loads(ready.body)["redis"]) == (503, False)
        assert request(port, "GET", "/healthz").status == 200
    deps.engine.dispose()


@pytest.mark.parametrize("secret", [b"", SECRET], ids=["with an empty one", "with ours of yesterday"])
def test_without_a_webhook_secret_it_serves_and_believes_nobody(
    settings: Settings, redis: Redis, secret: bytes
) -> None:
    deps = Deps(replace(settings, webhook_secrets=()))
    with capture_logs() as logs, serving(create_app(deps)) as port:
        answer = request(port, "POST", "/webhooks/labelbox", BODY, signed_headers(BODY, secret=secret).items())
        assert (answer.status, stored(redis)) == (401, 0)
        assert request(port, "POST", "/webhooks/labelbox", BODY).status == 401
        assert request(port, "GET", "/readyz").status == 200
    assert [log["event"] for log in logs if log["log_level"] == "warning"] == ["webhooks_refused"]
    deps.engine.dispose()


def test_a_healthy_service_says_so(port: int) -> None:
    assert request(port, "GET", "/healthz").status == 200
    ready = request(port, "GET", "/readyz")
    assert (ready.status, json.loads(ready.body)) == (200, {"ready": True, "redis": True, "database": True})


# What is signed but cannot be used.


def convert(deps: Deps) -> None:
    desk = Desk(deps.engine, Redis.from_url(deps.settings.redis_url or ""), pipelines=dict(deps.settings.pipelines))
    desk.clock.now = datetime.now(UTC)
    desk.convert(deps.inbox)
    desk.redis.close()


UNKNOWN_PROJECT = json.dumps({"project": {"id": "project-9"}, "dataRow": {"id": "row-1"}}).encode()


@pytest.mark.parametrize(
    ("useless", "error"),
    [
        ((b"not json", "LABEL_CREATED", ""), "UnreadableDelivery"),
        ((b"[1, 2]", "LABEL_CREATED", ""), "UnreadableDelivery"),
        ((b"[" * 4000, "LABEL_CREATED", ""), "UnreadableDelivery"),
        ((b"", "LABEL_CREATED", ""), "UnreadableDelivery"),
        ((BODY, "SOMETHING_NEW", ""), "UnknownTopic"),
        ((BODY, "", ""), "UnknownTopic"),
        ((BODY, "é", ""), "UnknownTopic"),
        ((UNKNOWN_PROJECT, "LABEL_CREATED", ""), "UnknownProject"),
        ((UNKNOWN_PROJECT, "LABEL_CREATED", "/summaries"), "UnknownProject"),
        ((BODY, "LABEL_CREATED", "/nobody"), "UnknownProject"),
        ((BODY, "LABEL_CREATED", "/a%00b"), "UnknownProject"),
        ((b"{}", "LABEL_CREATED", ""), "UnknownProject"),
    ],
)
def test_what_is_signed_but_cannot_be_used_is_stored_and_becomes_a_dead_letter(
    port: int, deps: Deps, useless: tuple[bytes, str, str], error: str
) -> None:
    body, topic, path = useless
    assert post(port, body, topic=topic, path=path).status == 202
    convert(deps)
    (letter,) = deps.letters.open(10)
    assert (letter["error"], letter["kind"]) == (error, "delivery")
    assert letter["remedy"]
    delivery = deps.letters.take(letter["letter_id"])
    assert delivery is not None
    assert delivery.body == body
    assert deps.inbox.depth() == 0


def test_one_useless_delivery_spoils_no_other(port: int, deps: Deps) -> None:
    for body in (b"not json", BODY, UNKNOWN_PROJECT):
        assert post(port, body).status == 202
    convert(deps)
    assert len(deps.letters.open(10)) == 2
    # The usable one waits: its row is not in the export yet.
    assert deps.inbox.depth() == 1


def test_a_service_that_starts_looks_for_what_was_left_behind(settings: Settings, redis: Redis) -> None:
    """Deliveries stored just before a crash have nobody else who rings for them."""
    deps = Deps(settings)
    with serving(create_app(deps)):
        queue = Queue("labels", connection=redis, serializer="json")
        eventually(lambda: len(queue.job_ids) > 0)
    deps.engine.dispose()


def test_taken_deliveries_are_what_was_posted(port: int, deps: Deps) -> None:
    bodies = {b'{"number": %d}' % number for number in range(20)}
    assert {post(port, body).status for body in bodies} == {202}
    taken: list[Taken] = deps.inbox.take(100)
    assert {item.delivery.body for item in taken} == bodies
