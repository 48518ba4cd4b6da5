"""``tuneloop status``: the drift is a dated line of it, where it was measured."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.adapters.sql_records import SqlReconcileStore
from service.cli.app import run

CONFIGURATION = '[pipelines.p]\nlabels.project = "cl1"\ntrain.model = "gpt-4.1-mini-2025-04-14"\n'
READ_AT = datetime(2026, 11, 26, 18, 5, tzinfo=UTC)
WHOLE = {"whole_at": "2026-11-26T03:00:12.345+00:00"}


@pytest.fixture
def reconciles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_url: str, sqlite_url: str, sqlite_engine: sa.Engine
) -> SqlReconcileStore:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNELOOP_CONFIG", raising=False)
    monkeypatch.setenv("TUNELOOP_REDIS_URL", redis_url)
    monkeypatch.setenv("TUNELOOP_DATABASE_URL", sqlite_url)
    (tmp_path / "tuneloop.toml").write_text(CONFIGURATION)
    return SqlReconcileStore(sqlite_engine)


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        (
            {"drift": 0, "labels_there": 812, "labels_here": 812, "left": 0, **WHOLE},
            (
                "  drift      0 rows differed when last read, 2026-11-26 18:05:00 UTC; "
                "whole project 2026-11-26 03:00 UTC: 812 accepted labels in Labelbox, 812 examples here "
                "before the mending"
            ),
        ),
        (
            {"drift": 3, "labels_there": 812, "labels_here": 811, "left": 2, **WHOLE},
            (
                "  drift      3 rows differed when last read, 2026-11-26 18:05:00 UTC, 2 could not be mended; "
                "whole project 2026-11-26 03:00 UTC: 812 accepted labels in Labelbox, 811 examples here "
                "before the mending"
            ),
        ),
        ({"drift": 3}, "  drift      3 rows differed when last read, 2026-11-26 18:05:00 UTC"),
    ],
)
def test_the_drift_is_shown_with_its_date(
    reconciles: SqlReconcileStore, capsys: pytest.CaptureFixture[str], facts: Mapping[str, Any], line: str
) -> None:
    reconciles.reconciled("p", {"healed": 0, **facts}, until=READ_AT, now=READ_AT)
    assert run(["status"]) == 0
    assert line in capsys.readouterr().out.splitlines()


def test_without_a_measured_drift_nothing_is_said_of_it(
    reconciles: SqlReconcileStore, capsys: pytest.CaptureFixture[str]
) -> None:
    for facts in (None, {"healed": 0, **WHOLE}):
        if facts is not None:
            reconciles.reconciled("p", facts, until=READ_AT, now=READ_AT)
        assert run(["status"]) == 0
        assert "drift" not in capsys.readouterr().out
        assert run(["status", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["pipelines"]["p"]["drift"] is None


def test_in_json_the_moments_are_written_as_the_api_writes_them(
    reconciles: SqlReconcileStore, capsys: pytest.CaptureFixture[str]
) -> None:
    reconciles.reconciled("p", {"healed": 1, "drift": 3, "left": 1, **WHOLE}, until=READ_AT, now=READ_AT)
    assert run(["status", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["pipelines"]["p"]
    assert found["drift"] == {
        "rows": 3,
        "labels_there": None,
        "labels_here": None,
        "left": 1,
        "at": "2026-11-26T18:05:00Z",
        "whole_at": "2026-11-26T03:00:12.345000Z",
    }
    assert found["reconciled"] == "2026-11-26 18:05:00 UTC, 1 mended"


@pytest.mark.parametrize(
    "command", ["status", "status --json", "why p", "money", "runs list", "models dying", "datasets list"]
)
def test_before_anything_has_run_a_question_says_so_in_a_sentence_and_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("TUNELOOP_CONFIG", "TUNELOOP_REDIS_URL", "TUNELOOP_DATABASE_URL", "TUNELOOP_DATA"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "tuneloop.toml").write_text('[pipelines.p]\nlabels.project = "c"\ntrain.model = "gpt-4.1-mini"\n')
    assert run(command.split()) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    first, remedy = printed.err.splitlines()
    assert first == "NotBegun: nothing has run here yet: there is no tuneloop-data/tuneloop.db"
    assert remedy.startswith("What to do: tuneloop up starts everything")
    assert [path.name for path in tmp_path.iterdir()] == ["tuneloop.toml"]


def test_a_month_without_a_run_is_said_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("TUNELOOP_CONFIG", "TUNELOOP_DATABASE_URL", "TUNELOOP_DATA"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "tuneloop.toml").write_text('[pipelines.p]\nlabels.project = "c"\ntrain.model = "gpt-4.1-mini"\n')
    assert run(["migrate"]) == 0
    capsys.readouterr()
    assert run(["money"]) == 0
    assert "No run has cost anything this month." in capsys.readouterr().out.splitlines()
