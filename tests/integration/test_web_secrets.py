"""Whose deliveries a secret signs: one general secret, one for each pipeline, or both."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from service.bootstrap import Deps
from service.config import OwnSecrets
from service.domain.deliveries import Delivery
from service.domain.errors import ConfigurationError, InboxUnavailable
from service.domain.pipelines import LabelPolicy
from service.usecases.ring_job import Rung
from service.web.app import create_app
from service.web.keyring import Keyring
from service.web.webhooks import Doors, LabelboxWebhook
from tests.support.builders import SECRET, make_pipeline, signed_headers
from tests.support.serving import request, serving
from tests.support.web_stage import Stage, make_settings, staged

BODY = json.dumps({"id": "label-1", "project": {"id": "project-1"}, "dataRow": {"id": "row-1"}}).encode()
PIPELINES = [
    make_pipeline("open"),
    make_pipeline("one"),
    make_pipeline("two"),
    make_pipeline("far", labels=LabelPolicy("project-2")),
]
OWN = {"one": ["ours", "ours before"], "two": ["ours"], "far": ["theirs"]}


@pytest.fixture
def stage(tmp_path: Path, redis_url: str, sqlite_template: Path) -> Iterator[Stage]:
    """Serve four pipelines: one without a secret of its own, two that share one, one of another project."""
    with staged(make_settings(tmp_path, redis_url, pipelines=PIPELINES, own=OWN), database=sqlite_template) as made:
        yield made


@pytest.mark.parametrize(
    ("address", "secret", "rung"),
    [
        ("one", b"ours", ["one"]),
        ("one", b"ours before", ["one"]),
        ("two", b"ours", ["two"]),
        ("far", b"theirs", ["far"]),
        ("open", SECRET, ["open"]),
        ("nobody", SECRET, ["nobody"]),
        ("", SECRET, [""]),
        ("", b"ours before", ["one"]),
        ("", b"theirs", ["far"]),
        ("", b"ours", ["one", "two"]),
    ],
)
def test_a_secret_rings_for_whom_it_was_made(stage: Stage, address: str, secret: bytes, rung: list[str]) -> None:
    assert stage.deliver(BODY, secret=secret, pipeline=address) == 202
    assert stage.stored_for() == rung


@pytest.mark.parametrize(
    ("address", "secret"),
    [
        ("one", SECRET),
        ("one", b"theirs"),
        ("two", b"ours before"),
        ("far", SECRET),
        ("far", b"ours"),
        ("open", b"ours"),
        ("open", b"theirs"),
        ("nobody", b"ours"),
        ("", b"a stranger's"),
        ("", b""),
        ("one", b""),
    ],
)
def test_no_secret_rings_for_anybody_else(stage: Stage, address: str, secret: bytes) -> None:
    assert stage.deliver(BODY, secret=secret, pipeline=address) == 401
    assert stage.stored_for() == []


def test_the_same_delivery_at_both_addresses_is_one_delivery(stage: Stage) -> None:
    assert stage.deliver(BODY, secret=b"theirs", pipeline="far") == 202
    assert stage.deliver(BODY, secret=b"theirs") == 202
    assert stage.stored_for() == ["far"]


def test_a_repeat_of_a_shared_delivery_is_stored_for_nobody_again(stage: Stage) -> None:
    assert [stage.deliver(BODY, secret=b"ours") for _ in range(2)] == [202, 202]
    assert sorted(stage.stored_for()) == ["one", "two"]


def test_without_a_general_secret_only_the_pipelines_own_count(tmp_path: Path, redis_url: str) -> None:
    settings = make_settings(tmp_path, redis_url, pipelines=PIPELINES[1:], own=OWN, webhook_secrets=())
    with staged(settings) as stage:
        assert stage.deliver(BODY, secret=b"theirs") == 202
        assert stage.deliver(BODY, secret=b"ours", pipeline="two") == 202
        for address in ("", "one", "nobody"):
            assert stage.deliver(BODY, pipeline=address) == 401
            assert stage.deliver(BODY, secret=b"", pipeline=address) == 401
        assert stage.stored_for() == ["far", "two"]


def test_while_a_named_secret_is_not_set_the_app_is_not_even_built(tmp_path: Path, redis_url: str) -> None:
    settings = make_settings(tmp_path, redis_url)
    with pytest.raises(ConfigurationError, match="ITS_SECRET: the secret of the webhook of summaries"):
        create_app(Deps(replace(settings, own_secrets={"summaries": OwnSecrets("ITS_SECRET")})))


def test_a_delivery_that_was_stored_for_one_of_two_only_is_sent_again() -> None:
    """The sender must hear of it: what it never sends again would be missed by the second pipeline."""
    stored: list[str] = []

    async def append(delivery: Delivery) -> None:
        await asyncio.sleep(0)
        if delivery.pipeline == "two" and len(stored) == 1:
            stored.append("failed")
            raise InboxUnavailable
        stored.append(delivery.pipeline)

    async def ring(job_id: str, event_id: str, trainers: Sequence[str]) -> Rung:
        raise AssertionError((job_id, event_id, trainers))

    keyring = Keyring([], {"one": [b"ours"], "two": [b"ours"]})
    doors = Doors(keyring, trainer_secrets={}, max_body_bytes=1000, append=append, ring=ring)
    app = Starlette(routes=[Route("/webhooks/labelbox", LabelboxWebhook(doors), methods=["POST"])])
    headers = signed_headers(BODY, secret=b"ours")
    with serving(app) as port:
        codes = [request(port, "POST", "/webhooks/labelbox", BODY, headers.items()).status for _ in range(2)]
    assert codes == [503, 202]
    assert stored == ["one", "failed", "one", "two"]
    assert (doors.answered["labelbox", 503], doors.answered["labelbox", 202]) == (1, 1)
