"""``tuneloop notify``, ``check`` and the replay of notices, as they are typed."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from standardwebhooks import Webhook

from service.bootstrap import Deps, now
from service.cli.app import run
from service.config import load
from service.domain.errors import ChannelFailed
from service.domain.notices import MAX_ATTEMPTS, Notice
from tests.support.receiver import Receiver, receiving

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
CONFIGURATION = """
[pipelines.p]
labels.project = "cl1"
train.model = "gpt-4.1-mini-2025-04-14"
"""
CHANNELS = """
[notify.ops]
webhook = "{url}"
secret_env = "OPS_SECRET"
kinds = ["failed"]
[notify.team]
apprise_env = "TEAM_URL"
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def environ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_url: str, sqlite_url: str, receiver: Receiver
) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    own = {
        "TUNELOOP_CONFIG": str(tmp_path / "tuneloop.toml"),
        "TUNELOOP_REDIS_URL": redis_url,
        "TUNELOOP_DATABASE_URL": sqlite_url,
        "OPS_SECRET": SECRET,
        "TEAM_URL": f"json://127.0.0.1:{receiver.port}/a json://127.0.0.1:{receiver.port}/b",
    }
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "tuneloop.toml").write_text(CONFIGURATION + CHANNELS.format(url=receiver.url))
    return own


@pytest.fixture
def deps(environ: dict[str, str], sqlite_engine: sa.Engine) -> Iterator[Deps]:
    assert sqlite_engine
    made = Deps(load(environ))
    yield made
    made.engine.dispose()


def checks(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    capsys.readouterr()
    run(["check", "--json"])
    return {item["name"]: item for item in json.loads(capsys.readouterr().out)["checks"]}


# The test notice.


def test_a_test_reaches_every_channel_whatever_it_wants_to_hear(
    deps: Deps, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deps
    assert run(["notify", "test"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == ["ok       ops: taken", "ok       team: taken", "ok       team/2: taken"]
    (event,) = [request for request in receiver.requests if request.path == "/hook"]
    Webhook(SECRET).verify(event.body, event.headers)
    assert json.loads(event.body)["type"] == "test"
    assert sorted(request.path for request in receiver.requests) == ["/a", "/b", "/hook"]


def test_a_test_of_one_channel_leaves_the_others_alone(
    deps: Deps, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deps
    assert run(["notify", "test", "team"]) == 0
    assert [request.path for request in receiver.requests] == ["/a", "/b"]
    assert run(["notify", "test", "team/2"]) == 0
    assert [request.path for request in receiver.requests[2:]] == ["/b"]
    capsys.readouterr()
    assert run(["notify", "test", "tea"]) == 1
    assert "There are: ops, team, team/2" in capsys.readouterr().err


def test_a_test_that_was_not_taken_says_by_whom_and_what_to_do(
    deps: Deps, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deps
    receiver.statuses = [500]
    assert run(["notify", "test", "ops"]) == 1
    told = capsys.readouterr()
    assert told.err.startswith("WRONG    ops: the receiver answered 500. What to do: ")
    assert "/hook" not in told.err


def test_a_test_without_any_channel_says_how_to_make_one(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path(environ["TUNELOOP_CONFIG"]).write_text(CONFIGURATION)
    assert run(["notify", "test"]) == 2
    assert "Add a [notify.NAME] table" in capsys.readouterr().err


def test_channels_can_be_tried_before_there_is_a_database(
    environ: dict[str, str], receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert environ
    monkeypatch.setenv("TUNELOOP_DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    assert run(["notify", "test", "ops"]) == 0
    assert len(receiver.requests) == 1


def test_a_channel_that_ended_is_opened_by_a_test_that_is_taken(deps: Deps, receiver: Receiver) -> None:
    deps.notices.put(Notice("failed", "a", "title a", "x"), now=now())
    receiver.statuses = [410]
    deps.telling.call()
    deps.telling.send("ops")
    assert list(deps.outbox.closed()) == ["ops"]
    receiver.statuses = [410]
    assert run(["notify", "test", "ops"]) == 1
    assert list(deps.outbox.closed()) == ["ops"]
    assert run(["notify", "test", "ops"]) == 0
    assert deps.outbox.closed() == {}
    deps.telling.send("ops")
    assert b"title a" in receiver.requests[-1].body


# The list.


def test_the_list_tells_what_became_of_each_notice_at_each_channel(
    deps: Deps, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["notify", "list"]) == 0
    assert capsys.readouterr().out == "Nothing to tell yet.\n"
    deps.notices.put(Notice("failed", "a", "p: run 1 failed\x1b[31m", "x", "p"), now=now() - timedelta(minutes=1))
    deps.notices.put(Notice("kept", "b", "p: run 2 finished", "x", "p"), now=now())
    run(["notify", "list"])
    assert capsys.readouterr().out.count("not given to the channels yet") == 2
    deps.telling.call()
    receiver.statuses = [503]
    deps.telling.send("ops")
    deps.telling.send("team")
    run(["notify", "list", "--limit", "5"])
    lines = capsys.readouterr().out.splitlines()
    assert "kept" in lines[0]
    assert "p: run 2 finished" in lines[0]
    assert lines[1] == "    team: sent after 1 try"
    assert lines[2].startswith("    team/2: waiting, next at ")
    assert "run 1 failed\\u001b[31m" in lines[3]
    assert lines[4].startswith("    ops: waiting after 1 try: the receiver answered 503, next at ")
    run(["notify", "list", "--json"])
    (kept, failed) = json.loads(capsys.readouterr().out)
    assert {row["channel"]: row["state"] for row in failed["deliveries"]} == {
        "ops": "waiting",
        "team": "sent",
        "team/2": "waiting",
    }
    assert kept["title"] == "p: run 2 finished"


def test_a_notice_that_nobody_wants_is_listed_as_such(
    environ: dict[str, str], deps: Deps, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(environ["TUNELOOP_CONFIG"]).write_text(CONFIGURATION)
    deps.notices.put(Notice("kept", "b", "t", "x"), now=now())
    Deps(load(environ)).telling.call()
    run(["notify", "list"])
    assert "no channel wants it" in capsys.readouterr().out


# Dead letters.


@pytest.mark.parametrize("arguments", [["--all"], []])
def test_a_notice_that_was_given_up_is_replayed_from_the_dead_letters(
    deps: Deps, receiver: Receiver, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    deps.notices.put(Notice("failed", "a", "title a", "x"), now=now())
    deps.telling.call()
    moment = now() + timedelta(days=9)
    for _ in range(MAX_ATTEMPTS):
        assert deps.outbox.lease("ops", until=moment, now=moment)
        sending = deps.outbox.begin("ops", held_until=moment, until=moment, now=moment)
        assert sending is not None
        deps.outbox.failed(sending, "the receiver answered 500", now=moment)
        deps.outbox.release("ops", held_until=moment)
        moment += timedelta(days=2)
    subject = f"{sending.notice.notice_id} ops"
    deps.letters.put("notice", subject, ChannelFailed("the receiver answered 500"), content=None, now=now())
    (letter,) = deps.letters.open(9)

    run(["dead-letters", "list"])
    assert "the receiver answered 500" in capsys.readouterr().out
    assert run(["dead-letters", "replay", *(arguments or [letter["letter_id"]])]) == 0
    assert "Put back 1 of 1." in capsys.readouterr().out
    assert deps.letters.count() == 0
    deps.telling.send("ops")
    assert [b"title a" in request.body for request in receiver.requests] == [True]


def test_a_letter_whose_notice_is_forgotten_is_not_replayed(deps: Deps, capsys: pytest.CaptureFixture[str]) -> None:
    deps.letters.put("notice", "0123 ops", ChannelFailed("x"), content=None, now=now())
    (letter,) = deps.letters.open(9)
    assert run(["dead-letters", "replay", letter["letter_id"]]) == 1
    assert "holds no delivery and no notice" in capsys.readouterr().err
    assert deps.letters.count() == 1


# The check.


def test_check_says_what_each_channel_is_and_sends_nothing(
    deps: Deps, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deps
    found = checks(capsys)
    assert all(found[f"notify {name}"]["ok"] for name in ("ops", "team", "team/2"))
    assert "webhook to 127.0.0.1, 1 signature" in found["notify ops"]["text"]
    assert found["notify team"]["text"] == "apprise, JSON"
    assert receiver.requests == []


def test_check_says_which_channel_cannot_be_used(
    deps: Deps, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deps
    monkeypatch.setenv("OPS_SECRET", "")
    monkeypatch.setenv("TEAM_URL", "json://127.0.0.1/ nonsense://hidden")
    found = checks(capsys)
    assert (found["notify ops"]["ok"], found["notify ops"]["text"]) == (
        False,
        "the variable that secret_env names is not set",
    )
    assert found["notify team"]["ok"]
    assert (found["notify team/2"]["ok"], found["notify team/2"]["text"]) == (False, "apprise cannot read the address")
    assert "hidden" not in json.dumps(found)
    assert all(found[name]["remedy"] for name in ("notify ops", "notify team/2"))
