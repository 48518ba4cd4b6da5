"""``tuneloop datasets held`` and ``decide``, as they are typed."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from service.adapters.sql_engine import make_engine, migrate
from service.adapters.sql_examples import SqlExampleStore
from service.cli.app import run
from service.usecases.write_examples import write_outcomes
from tests.support.appraising import appraisers
from tests.support.builders import make_outcome, make_pipeline
from tests.support.fakes import NOON, ManualClock

TABLES = "[pipelines.{0}.labels]\nproject = 'cl1'\n[pipelines.{0}.train]\nmodel = 'm'\n"
SUSPECTS = {"row-1": "Write to jane@example.com.", "row-2": "x", "row-3": "Mail joe@example.org, please."}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SqlExampleStore:
    url = f"sqlite:///{tmp_path / 'tuneloop.db'}"
    (tmp_path / "tuneloop.toml").write_text(TABLES.format("one") + TABLES.format("other"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNELOOP_DATABASE_URL", url)
    migrate(url)
    store = SqlExampleStore(make_engine(url), ManualClock())
    outcomes = [make_outcome(row_id, text) for row_id, text in SUSPECTS.items()]
    for name in ("one", "other"):
        write_outcomes(store, make_pipeline(name), outcomes, appraisers=appraisers, gone=(), observed_at=NOON)
    return store


def statuses(store: SqlExampleStore, pipeline: str) -> list[str]:
    found = store.existing(pipeline, list(SUSPECTS))
    return [found[row_id].status for row_id in SUSPECTS]


@pytest.mark.usefixtures("store")
def test_what_waits_is_listed_without_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["datasets", "held", "--pipeline", "one"]) == 0
    told = capsys.readouterr().out
    assert "row-1  one  personal_email" in told
    assert "row-2  one  one_character_answer" in told
    assert "jane" not in told
    assert run(["datasets", "held", "--text", "--reason", "personal_email"]) == 0
    told = capsys.readouterr().out
    assert "jane@example.com" in told
    assert "row-2" not in told
    assert run(["datasets", "held", "--limit", "1"]) == 0
    assert len([line for line in capsys.readouterr().out.splitlines() if line.startswith("row-")]) == 1


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_text_that_is_shown_does_not_command_the_terminal(
    store: SqlExampleStore, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    outcomes = [make_outcome("row-9", "Good\x1b]0;mine\x07 and \x9b31mred")]
    write_outcomes(store, make_pipeline("one"), outcomes, appraisers=appraisers, gone=(), observed_at=NOON)
    assert run(["datasets", "held", "--text", "--reason", "control_characters", *more]) == 0
    told = capsys.readouterr().out
    assert r"Good\u001b]0;mine\u0007 and \u009b31mred" in told
    assert "\x1b" not in told
    assert "\x9b" not in told


@pytest.mark.usefixtures("store")
def test_what_waits_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["datasets", "held", "--json", "--reason", "one_character_answer"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(item["pipeline"], item["data_row_id"], item["content"]) for item in found] == [
        ("one", "row-2", None),
        ("other", "row-2", None),
    ]


def test_keeping_and_dropping_by_name(store: SqlExampleStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["datasets", "decide", "keep", "row-1", "--pipeline", "one"]) == 0
    assert run(["datasets", "decide", "drop", "row-2", "row-3"]) == 0
    assert capsys.readouterr().out == "1 example kept.\n4 examples dropped.\n"
    assert statuses(store, "one") == ["active", "withdrawn", "withdrawn"]
    assert statuses(store, "other") == ["held", "withdrawn", "withdrawn"]


def test_what_was_decided_can_be_decided_otherwise(store: SqlExampleStore, capsys: pytest.CaptureFixture[str]) -> None:
    for verb, status in (("keep", "active"), ("drop", "withdrawn"), ("keep", "active")):
        assert run(["datasets", "decide", verb, "row-1", "--pipeline", "one"]) == 0
        assert statuses(store, "one")[0] == status
    assert run(["datasets", "decide", "keep", "row-1", "--pipeline", "one"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "0 examples kept."


def test_by_a_reason_only_what_nothing_else_was_found_in_is_decided(
    store: SqlExampleStore, capsys: pytest.CaptureFixture[str]
) -> None:
    both = make_outcome("row-3", "Mail joe@example.org or call +1 212 555 0199.", at=NOON + timedelta(hours=1))
    at = NOON + timedelta(hours=1)
    write_outcomes(store, make_pipeline("one"), [both], appraisers=appraisers, gone=(), observed_at=at)
    assert run(["datasets", "held", "--pipeline", "one", "--reason", "personal_phone"]) == 0
    assert "row-3  one  personal_email, personal_phone" in capsys.readouterr().out
    assert run(["datasets", "decide", "keep", "--pipeline", "one", "--reason", "personal_email"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "1 example kept.",
        "1 were passed over: other checks found something as well. Decide them by id.",
    ]
    assert run(["datasets", "decide", "keep", "row-3", "--pipeline", "one", "--reason", "personal_email"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "0 examples kept."
    assert statuses(store, "one") == ["active", "held", "held"]
    assert run(["datasets", "decide", "keep", "row-3", "--pipeline", "one"]) == 0
    assert statuses(store, "one") == ["active", "held", "active"]


def test_keeping_all_of_a_kind(store: SqlExampleStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["datasets", "decide", "keep", "--reason", "personal_email"]) == 0
    assert capsys.readouterr().out == "4 examples kept.\n"
    assert statuses(store, "one") == ["active", "held", "active"]
    assert run(["datasets", "decide", "keep", "--reason", "personal_email"]) == 0
    assert capsys.readouterr().out == "0 examples kept.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["decide", "keep"], 2, "Give ids, or --reason"),
        (["decide", "keep", "nobody"], 1, "nothing to decide of 'nobody'"),
        (["decide", "keep", "row-1", "nobody"], 1, "nothing to decide of 'nobody'"),
        (["decide", "mask", "row-1"], 2, "mask"),
        (["decide", "keep", "--reason", "exact_duplicate"], 2, "holds nothing back"),
        (["held", "--reason", "rudeness"], 2, "holds nothing back"),
        (["held", "--pipeline", "nobody"], 1, "There are: one, other"),
    ],
)
def test_what_is_refused_decides_nothing(
    store: SqlExampleStore, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    assert run(["datasets", *arguments]) == code
    assert words in capsys.readouterr().err
    assert statuses(store, "one") == ["held", "held", "held"]


@pytest.mark.usefixtures("store")
def test_status_and_why_say_what_waits(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["why", "one"]) == 0
    assert "3 wait for a decision" in capsys.readouterr().out
