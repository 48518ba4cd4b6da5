"""The gate: no page and no API without a token, and nothing to learn from being refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from tests.support.serving import request
from tests.support.web_stage import GATE_KEY, TOKEN, Stage, make_settings, staged

GATED = ["/metrics", "/api/v1", "/api/v1/", "/api/v1/status", "/api/v1/openapi.json", "/api/v1/nothing/at/all"]
OLDER = "an older admin token"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, valkey_url: str, sqlite_template: Path) -> Iterator[Stage]:
    tokens = (SecretStr(TOKEN), SecretStr(OLDER))
    settings = make_settings(tmp_path_factory.mktemp("gate"), valkey_url, admin_tokens=tokens)
    with staged(settings, database=sqlite_template) as made:
        yield made


@pytest.mark.parametrize("path", GATED)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS"])
def test_without_a_token_there_is_one_answer_whatever_was_asked(stage: Stage, path: str, method: str) -> None:
    reply = stage.get(path, method=method, headers={})
    assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer")
    assert reply.body == (b"" if method == "HEAD" else b'{"error":"unauthorized"}')


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", TOKEN)],
        [("Authorization", f"Basic {TOKEN}")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer ")],
        [("Authorization", f"Bearer {TOKEN[:-1]}")],
        [("Authorization", f"Bearer {TOKEN}x")],
        [("Authorization", f"Bearer {TOKEN.upper()}")],
        [("Authorization", f"Bearer {TOKEN}, {OLDER}")],
        [("Authorization", b"Bearer \xff\xfe\x80")],
        [("Authorization", f"Bearer {'x' * 10_000}")],
        [("Authorization", f"Bearer {TOKEN}")] * 2,
        [("X-Authorization", f"Bearer {TOKEN}")],
        [("Cookie", f"token={TOKEN}")],
    ],
)
def test_a_wrong_token_is_refused_like_none(stage: Stage, headers: list[tuple[str, str | bytes]]) -> None:
    for path in ("/metrics", "/api/v1/status"):
        reply = request(stage.port, "GET", path, headers=headers)
        assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer")
        assert reply.body == b'{"error":"unauthorized"}'


def test_a_token_in_the_address_opens_nothing(stage: Stage) -> None:
    assert stage.get(f"/api/v1/status?access_token={quote(TOKEN)}", headers={}).status == 401


@pytest.mark.parametrize("value", [f"Bearer {TOKEN}", f"Bearer {OLDER}", f"bearer {TOKEN}", f"BEARER  {TOKEN} "])
def test_either_token_opens_the_gate_while_one_is_rotated(stage: Stage, value: str) -> None:
    for path in ("/metrics", "/api/v1/status"):
        reply = stage.get(path, headers={"Authorization": value})
        assert (reply.status, reply.headers["cache-control"]) == (200, "no-store")


def test_where_no_token_is_configured_nobody_gets_through(tmp_path: Path, redis_url: str) -> None:
    with staged(make_settings(tmp_path, redis_url, admin_tokens=())) as closed:
        for value in (GATE_KEY["Authorization"], "Bearer ", "Bearer", "Bearer None"):
            for path in ("/metrics", "/api/v1/status"):
                assert closed.get(path, headers={"Authorization": value}).status == 401
        assert closed.get("/healthz", headers={}).status == 200


def test_health_and_webhooks_ask_for_no_token(stage: Stage) -> None:
    assert stage.get("/healthz", headers={}).status == 200
    assert stage.get("/readyz", headers={}).status == 200
    assert stage.deliver(b"{}") == 202


@pytest.mark.parametrize(
    ("path", "method", "status", "error"),
    [
        ("/nothing", "GET", 404, "not_found"),
        ("/healthz", "POST", 405, "method_not_allowed"),
        ("/webhooks/labelbox", "GET", 405, "method_not_allowed"),
    ],
)
def test_outside_the_gate_a_mistake_is_answered_in_the_same_shape(
    stage: Stage, path: str, method: str, status: int, error: str
) -> None:
    reply = stage.get(path, method=method, headers={})
    assert (reply.status, json.loads(reply.body)) == (status, {"error": error})
