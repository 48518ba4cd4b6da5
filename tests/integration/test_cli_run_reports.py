"""``tuneloop runs show``, ``events`` and ``metrics``: what a job reported."""

import csv
import io
import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.cli.app import run
from service.domain.runs import RunState
from service.ports import JobEvent
from service.usecases.gather_reports import gather_reports
from tests.support.samples import sample_bytes
from tests.support.workshop import TUNED, Workshop

CONFIGURATION = '[pipelines.p]\nlabels.project = "cl1"\ntrain.model = "gpt-4.1-mini-2025-04-14"\n'
S = RunState


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_url: str, sqlite_engine: sa.Engine) -> Workshop:
    """Give a workshop whose database the commands read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNELOOP_CONFIG", raising=False)
    monkeypatch.setenv("TUNELOOP_DATABASE_URL", sqlite_url)
    (tmp_path / "tuneloop.toml").write_text(CONFIGURATION)
    made = Workshop(sqlite_engine, tmp_path / "files")
    made.fill()
    return made


@pytest.fixture
def run_id(shop: Workshop) -> str:
    """Give a run whose job is at step 3 of 94 and said something odd."""
    steps = [
        JobEvent(
            f"s{n}",
            1_700_000_000 + 60 * n,
            "info",
            "metrics",
            f"Step {n}/94",
            {"step": n, "total_steps": 94, "train_loss": 4.0 / n},
        )
        for n in (1, 2, 3)
    ]
    said = JobEvent("odd", 1_700_000_200, "warn", "message", "Slow \x1b[31mdown", {})
    started = shop.start()
    shop.go(started, S.SUBMITTED)
    shop.trainer.reported = [said, *steps[::-1]]
    shop.trainer.becomes("ftjob-1", "running")
    shop.advance(started)
    return started


def end(shop: Workshop, run_id: str) -> None:
    shop.trainer.files["file-result"] = sample_bytes("openai/results/drone_94_steps_as_downloaded.b64")
    shop.trainer.points = [
        {
            "checkpoint_id": f"c{n}",
            "created_at": 5,
            "step": n,
            "model": f"ft:x:{n}",
            "metrics": {"full_valid_loss": loss},
        }
        for n, loss in ((94, 0.5), (47, 0.25))
    ]
    shop.finish_job()
    shop.trainer.becomes("ftjob-1", "succeeded", result_files=("file-result", "file-gone"))
    shop.go(run_id, S.EVALUATING)
    gather_reports(run_id, shop.parts)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert run(["runs", *arguments]) == 0
    return capsys.readouterr().out


def test_show_tells_how_far_a_job_is(run_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = shown(capsys, "show", run_id)
    assert "  job          running, looked at 2026-11-02" in told
    assert "  progress     step 3 of 94, train loss 1.333, ends about 2023-11-14 23:47:20" in told
    assert "  train loss   █▃▁  4 to 1.333" in told
    assert "  tokens       estimated " in told
    assert f"the newest of 4 events, see tuneloop runs events {run_id}" in told
    assert told.rstrip().endswith("2023-11-14 22:16:40  warn  Slow \\u001b[31mdown")


def test_show_tells_what_is_left_of_a_job_after_its_end(
    shop: Workshop, run_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    end(shop, run_id)
    told = shown(capsys, "show", run_id)
    assert "  progress     step 94 of 94" in told
    assert ", billed 5,000 (" in told
    assert "  checkpoint   ft:x:94  step 94, full valid loss 0.5\n" in told
    assert "  checkpoint   ft:x:47  step 47, full valid loss 0.25  (best)\n" in told
    kept = json.loads(shown(capsys, "show", run_id, "--json"))["report"]
    assert f"  result file  file-result  2,136 bytes, 94 steps, sha256 {kept['result_files'][0]['sha256']}" in told
    assert "  missing      result file file-gone: TrainerRefused; tried again" in told
    assert (kept["tokens"]["billed"], kept["checkpoints"][1]["is_best"], kept["is_complete"]) == (5000, True, False)


def test_show_says_nothing_of_a_job_that_there_is_not(shop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    told = shown(capsys, "show", shop.start())
    assert not any(
        line.split()[0] in {"job", "progress", "tokens", "missing", "checkpoint"} for line in told.splitlines()
    )


def test_events_are_listed_the_newest_last(run_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "events", run_id[:8]).splitlines()
    assert lines[0] == "2023-11-14 22:14:20  info  Step 1/94"
    assert len(lines) == 4
    shorter = shown(capsys, "events", run_id, "--limit", "1").splitlines()
    assert shorter == ["The newest 1 of 4; --limit shows more.", lines[-1]]
    found = json.loads(shown(capsys, "events", run_id, "--json"))
    assert [event["number"] for event in found] == [1, 2, 3, 4]
    assert found[0]["facts"] == {"step": 1, "total_steps": 94, "train_loss": 4.0}


def test_metrics_are_a_short_table_or_every_step(
    shop: Workshop, run_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    end(shop, run_id)
    table = shown(capsys, "metrics", run_id).splitlines()
    assert (len(table) < 30, table[1].split()[:2], table[-1].split()[0]) == (True, ["1", "3.63265"], "94")
    rows = list(csv.DictReader(io.StringIO(shown(capsys, "metrics", run_id, "--csv"))))
    assert (len(rows), rows[29]["train_loss"], rows[29]["valid_loss"]) == (94, "6e-05", "")
    points = json.loads(shown(capsys, "metrics", run_id, "--json"))
    assert (len(points), points[0]["train_accuracy"], points[0]["total_steps"]) == (94, 0.5, 94)


def test_before_anything_was_reported_it_is_said(shop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    started = shop.start()
    assert shown(capsys, "events", started) == "No event yet.\n"
    assert shown(capsys, "metrics", started) == "Nothing was measured yet.\n"
    assert len(shown(capsys, "metrics", started, "--csv").splitlines()) == 1
    assert json.loads(shown(capsys, "metrics", started, "--json")) == []


def test_runs_from_before_the_series_was_kept_show_what_their_events_say(
    shop: Workshop, run_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with shop.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM training_series"))
        connection.execute(sa.text("DELETE FROM gatherings"))
    assert len(shown(capsys, "metrics", run_id, "--csv").splitlines()) == 4
    shop.finish_job()
    old = {"checkpoints": [{"checkpoint_id": "c1", "step": 9, "model": TUNED, "metrics": {"train_loss": 1}}]}
    shop.go(run_id, S.EVALUATING)
    with shop.engine.begin() as connection:
        facts = {**(shop.runs.get(run_id).facts or {}), **old}
        connection.execute(sa.text("UPDATE runs SET facts = :facts"), {"facts": json.dumps(facts)})
    assert f"  checkpoint   {TUNED}  step 9, train loss 1\n" in shown(capsys, "show", run_id)


@pytest.mark.parametrize("command", ["events", "metrics"])
@pytest.mark.usefixtures("shop")
def test_an_unknown_run_is_refused_with_what_to_do(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", command, "run-nobody"]) == 1
    assert "tuneloop runs list" in capsys.readouterr().err


def test_two_formats_at_once_are_refused(run_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "metrics", run_id, "--json", "--csv"]) == 2
    assert "Give one of them." in capsys.readouterr().err
