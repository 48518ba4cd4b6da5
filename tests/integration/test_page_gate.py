"""The door of the page: nobody sees anything without a token, and signing in gives a session and nothing else."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlencode

import pytest
import structlog
from pydantic import SecretStr

from service.web.pages.attempts import MOST
from service.web.pages.routes import PAGES
from service.web.pages.sessions import COOKIE
from service.web.pages.sign_in import FORM_BYTES
from tests.support.serving import Reply, request
from tests.support.web_stage import GATE_KEY, TOKEN, Stage, make_settings, staged

OLDER = "an older admin token"
PATHS = [path.format(name="summaries", run_id="run-1", snapshot_id="a1") for path in PAGES]
NO_HEADERS: Mapping[str, str] = {}


@pytest.fixture
def stage(tmp_path: Path, redis_url: str, sqlite_template: Path) -> Iterator[Stage]:
    tokens = (SecretStr(TOKEN), SecretStr(OLDER))
    with staged(make_settings(tmp_path, redis_url, admin_tokens=tokens), database=sqlite_template) as made:
        yield made


def post(stage: Stage, path: str, headers: Mapping[str, str] = NO_HEADERS, **fields: str) -> Reply:
    return request(stage.port, "POST", path, urlencode(fields).encode(), headers.items())


def sign_in(stage: Stage, token: str = TOKEN, headers: Mapping[str, str] = NO_HEADERS) -> str:
    """Give the cookie as the browser sends it back."""
    reply = post(stage, "/login", headers, token=token)
    assert (reply.status, reply.headers["location"]) == (303, "/")
    return reply.headers["set-cookie"].partition(";")[0]


def look(stage: Stage, cookie: str, path: str = "/") -> int:
    return stage.get(path, headers={"Cookie": cookie}).status


# Without a credential.


@pytest.mark.parametrize("path", [*PATHS, "/runs/none", "/pipelines/none", "/datasets/none"])
def test_whoever_has_not_signed_in_is_sent_to_the_form_and_learns_nothing(stage: Stage, path: str) -> None:
    for method in ("GET", "HEAD"):
        reply = stage.get(path, method=method, headers={})
        assert (reply.status, reply.body, reply.headers["cache-control"]) == (303, b"", "no-store")
        assert reply.headers["location"] == "/login?next=" + path.replace("/", "%2F")
    for method in ("POST", "DELETE", "OPTIONS"):
        assert stage.get(path, method=method, headers={}).status == 401


@pytest.mark.parametrize("value", [f"Bearer {TOKEN}x", "Bearer", f"bearer {TOKEN}, {TOKEN}"])
def test_a_wrong_bearer_token_is_refused_and_not_sent_anywhere(stage: Stage, value: str) -> None:
    cookie = sign_in(stage)
    reply = stage.get("/", headers={"Authorization": value, "Cookie": cookie})
    assert (reply.status, json.loads(reply.body)) == (401, {"error": "unauthorized"})


def test_the_password_of_a_proxy_before_us_opens_nothing_and_closes_nothing(stage: Stage) -> None:
    headers = {"Authorization": "Basic dXNlcjpwYXNz"}
    assert stage.get("/", headers=headers).status == 303
    assert stage.get("/", headers={**headers, "Cookie": sign_in(stage)}).status == 200


@pytest.mark.parametrize("cookie", ["", "1.2", "9999999999." + "0" * 64, TOKEN.replace(" ", "")])
def test_a_made_up_cookie_is_no_session(stage: Stage, cookie: str) -> None:
    assert look(stage, f"{COOKIE}={cookie}") == 303


def test_where_no_token_is_configured_the_page_says_how_to_open_it(tmp_path: Path, redis_url: str) -> None:
    with staged(make_settings(tmp_path, redis_url, admin_tokens=())) as closed:
        assert closed.get("/", headers={}).headers["location"].startswith("/login")
        for reply in (closed.get("/login", headers={}), post(closed, "/login", token="")):
            assert reply.status == 401
            assert b"TUNELOOP_ADMIN_TOKEN=$(openssl rand -hex 32)" in reply.body
        assert closed.get("/", headers=GATE_KEY).status == 401


# With one.


@pytest.mark.parametrize("token", [TOKEN, OLDER, f"  {TOKEN}\n"])
def test_a_token_opens_every_page_for_a_session(stage: Stage, token: str) -> None:
    assert look(stage, sign_in(stage, token)) == 200


def test_a_bearer_token_opens_every_page_as_well(stage: Stage) -> None:
    assert stage.get("/", headers=GATE_KEY).status == 200
    assert stage.get("/runs", method="HEAD", headers=GATE_KEY).body == b""


def test_the_cookie_is_for_this_server_alone_and_no_script_reads_it(stage: Stage) -> None:
    given = post(stage, "/login", token=TOKEN).headers["set-cookie"]
    assert {part.strip().lower() for part in given.split(";")[1:]} == {
        "httponly",
        "max-age=43200",
        "path=/",
        "samesite=strict",
    }
    assert TOKEN not in given


def test_over_https_the_cookie_is_secure(stage: Stage) -> None:
    # As a reverse proxy on this machine says it, which uvicorn trusts.
    given = post(stage, "/login", {"X-Forwarded-Proto": "https"}, token=TOKEN).headers["set-cookie"]
    assert "secure" in {part.strip().lower() for part in given.split(";")}


def test_a_session_opens_no_api_and_no_metrics(stage: Stage) -> None:
    cookie = sign_in(stage)
    assert [look(stage, cookie, path) for path in ("/api/v1/status", "/metrics")] == [401, 401]


def test_taking_a_token_out_of_the_configuration_ends_its_sessions(
    stage: Stage, tmp_path_factory: pytest.TempPathFactory, redis_url: str, sqlite_template: Path
) -> None:
    newer, older = sign_in(stage), sign_in(stage, OLDER)
    with staged(make_settings(tmp_path_factory.mktemp("later"), redis_url), database=sqlite_template) as later:
        assert (look(later, newer), look(later, older)) == (200, 303)


def test_signing_in_goes_on_to_what_was_asked_for(stage: Stage) -> None:
    wanted = stage.get("/runs?pipeline=summaries", headers={}).headers["location"]
    assert b'name="next" value="/runs?pipeline=summaries"' in stage.get(wanted, headers={}).body
    reply = post(stage, "/login", token=TOKEN, next="/runs?pipeline=summaries")
    assert (reply.status, reply.headers["location"]) == (303, "/runs?pipeline=summaries")
    cookie = reply.headers["set-cookie"].partition(";")[0]
    assert stage.get(wanted, headers={"Cookie": cookie}).headers["location"] == "/runs?pipeline=summaries"


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example"])
def test_signing_in_never_leads_to_another_site(stage: Stage, elsewhere: str) -> None:
    assert post(stage, "/login", token=TOKEN, next=elsewhere).headers["location"] == "/"


def test_what_the_address_says_is_escaped_in_the_form(stage: Stage) -> None:
    body = stage.get("/login?next=/%22%3E%3Cscript%3E", headers={}).body
    assert b"<script" not in body
    assert b"&lt;script&gt;" in body


def test_a_link_from_another_site_does_not_ask_again_for_a_token(stage: Stage) -> None:
    """The browser keeps a strict cookie back until a page of ours asks."""
    body = stage.get("/login?next=%2Fruns", headers={"Sec-Fetch-Site": "cross-site"}).body
    assert b'http-equiv="refresh" content="0; url=/login?next=/runs"' in body


# Refusals.


def test_a_wrong_token_is_refused_without_a_word_of_it_anywhere(stage: Stage) -> None:
    with structlog.testing.capture_logs() as logs:
        reply = post(stage, "/login", token="a wrong token that nobody should read")
    assert (reply.status, "set-cookie" in reply.headers) == (401, False)
    assert b"none of the tokens" in reply.body
    assert b"nobody should read" not in reply.body
    assert [(entry["event"], entry["address"]) for entry in logs] == [("sign_in_refused", "127.0.0.1")]
    assert "nobody should read" not in str(logs)


def test_after_some_wrong_tokens_the_right_one_has_to_wait_too(stage: Stage) -> None:
    for _ in range(MOST):
        assert post(stage, "/login", token="wrong").status == 401
    reply = post(stage, "/login", token=TOKEN)
    assert (reply.status, "set-cookie" in reply.headers) == (429, False)
    assert 0 < int(reply.headers["retry-after"]) <= 60
    # Whoever comes through a trusted proxy from elsewhere is not held up by it.
    sign_in(stage, headers={"X-Forwarded-For": "192.0.2.7"})


@pytest.mark.parametrize(
    "body", [b"", b"token", b"token=" + b"x" * FORM_BYTES, b"&".join([b"a=b"] * 20), b"token=%ff%fe", b"\xff\x00"]
)
def test_a_form_that_cannot_be_read_is_a_wrong_token(stage: Stage, body: bytes) -> None:
    assert request(stage.port, "POST", "/login", body).status == 401


@pytest.mark.parametrize("path", ["/login", "/logout"])
@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_a_form_of_another_site_does_nothing(stage: Stage, path: str, headers: dict[str, str]) -> None:
    reply = post(stage, path, {**headers, "Host": "tuneloop.example"}, token=TOKEN)
    assert (reply.status, "set-cookie" in reply.headers) == (403, False)


def test_signing_out_takes_the_cookie_away(stage: Stage) -> None:
    cookie = sign_in(stage)
    reply = post(stage, "/logout", {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"})
    assert (reply.status, reply.headers["location"]) == (303, "/login")
    assert f'{COOKIE}=""' in reply.headers["set-cookie"]
    assert "max-age=0" in reply.headers["set-cookie"].lower()
    assert stage.get("/logout", headers=GATE_KEY).status == 405


# What every answer carries.


@pytest.mark.parametrize("path", ["/login", "/", "/runs/none"])
def test_nothing_may_run_or_be_loaded_but_what_is_served_from_here(stage: Stage, path: str) -> None:
    reply = stage.get(path)
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert (reply.headers["x-content-type-options"], reply.headers["cache-control"]) == ("nosniff", "no-store")
    assert reply.headers["referrer-policy"] == "same-origin"


def test_the_stylesheet_is_open_and_kept_for_good(stage: Stage) -> None:
    address = stage.get("/login", headers={}).body.partition(b'rel="stylesheet" href="')[2].partition(b'"')[0].decode()
    reply = stage.get(address, headers={})
    assert (reply.status, reply.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in reply.headers["cache-control"]


@pytest.mark.parametrize("name", ["none.css", "routes.py", "..%2Froutes.py", "%2e%2e%2froutes.py"])
def test_nothing_else_is_served_beside_it(stage: Stage, name: str) -> None:
    assert stage.get(f"/assets/1/{name}", headers={}).status == 404
