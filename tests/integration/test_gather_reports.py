"""Fetching what a job reported, beside the run: nothing of it fails the run, and nothing is lost that can be had."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from service.domain.errors import ServiceError, TrainerBusy, TrainerRefused, TrainerUnreachable
from service.domain.runs import RunState
from service.domain.training_series import SeriesPoint
from service.ports import Gathering, JobEvent
from service.usecases.gather_reports import HELD, LATE, MOST_ATTEMPTS, MOST_REFUSALS, gather_reports
from service.usecases.report_run import report_run
from tests.support.samples import sample, sample_bytes
from tests.support.workshop import Workshop

S = RunState
PLAIN = sample_bytes("openai/results/drone_94_steps.csv")
AS_BASE64 = sample_bytes("openai/results/drone_94_steps_as_downloaded.b64")
CHECKPOINTS = [
    {
        "checkpoint_id": item["id"],
        "created_at": item["created_at"],
        "step": item["step_number"],
        "model": item["fine_tuned_model_checkpoint"],
        "metrics": item["metrics"],
    }
    for item in sample("openai/checkpoints/spec_list")["data"]
]


def step_event(number: int, *, total: int = 94) -> JobEvent:
    facts = {"step": number, "total_steps": total, "train_loss": 9.0, "train_mean_token_accuracy": 0.25}
    return JobEvent(f"s{number}", 1_700_000_000 + number, "info", "metrics", f"Step {number}", facts)


def ended(shop: Workshop, *, result: bytes | None = PLAIN, status: str = "succeeded") -> str:
    """Bring a run to the end of its job, whose result file is this; give its id."""
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    shop.trainer.reported = [step_event(2), step_event(1)]
    shop.trainer.points = list(CHECKPOINTS)
    if result is not None:
        shop.trainer.files["file-result"] = result
    shop.finish_job()
    shop.trainer.becomes("ftjob-1", status, result_files=("file-result",))
    shop.go(run_id, S.EVALUATING, S.FAILED, S.CANCELLED)
    return run_id


def gather(shop: Workshop, run_id: str) -> Gathering:
    """Do the next attempt as soon as it is due."""
    waiting = shop.reports.gathering(run_id)
    assert waiting is not None
    assert waiting.due_at is not None
    shop.clock.now = max(shop.clock.now, waiting.due_at)
    assert shop.reports.due(now=shop.clock.now) == [run_id]
    done = gather_reports(run_id, shop.parts)
    assert done is not None
    assert done == shop.reports.gathering(run_id)
    return done


def gather_all(shop: Workshop, run_id: str) -> list[Gathering]:
    done = [gather(shop, run_id)]
    while done[-1].due_at is not None:
        done.append(gather(shop, run_id))
    return done


@pytest.mark.parametrize("content", [PLAIN, AS_BASE64], ids=["plain", "base64"])
def test_the_result_file_is_kept_as_it_was_sent_and_its_steps_over_those_of_the_events(
    shop: Workshop, content: bytes
) -> None:
    run_id = ended(shop, result=content)
    assert shop.reports.series(run_id)[0].train_loss == 9.0
    assert gather(shop, run_id).facts["missing"] == {}
    told = shop.reports.series(run_id)
    assert len(told) == 94
    assert told[0] == SeriesPoint(1, train_loss=3.63265, train_accuracy=0.5, total_steps=94, at=1_700_000_001)
    assert told[29] == SeriesPoint(30, train_loss=6e-05, train_accuracy=1.0)
    (file,) = report_run(shop.runs.get(run_id), shop).result_files
    assert (file.file_id, file.size_bytes, file.steps, file.note) == ("file-result", len(content), 94, None)
    with shop.files.open(str(file.sha256)) as kept:
        assert kept.read() == content


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (b"step,train_loss\n1,0.5\n2,what a customer said\n", "cells that are no numbers: 1"),
        (b'{"messages": [], "customer": 1}\n', "no table"),
        (b"<html></html>", "neither CSV nor base64"),
        (b"", "no table"),
    ],
)
def test_a_file_that_holds_anything_but_numbers_is_noted_and_never_kept(
    shop: Workshop, content: bytes, note: str
) -> None:
    run_id = ended(shop, result=content)
    before = {path for path in shop.folder.rglob("*") if path.is_file()}
    assert gather_all(shop, run_id)[-1].facts["missing"] == {}
    (file,) = report_run(shop.runs.get(run_id), shop).result_files
    assert file.sha256 is None
    assert file.note is not None
    assert note in file.note
    assert "customer" not in file.note
    assert {path for path in shop.folder.rglob("*") if path.is_file()} == before
    assert [point.step for point in shop.reports.series(run_id)] == [1, 2]
    assert shop.go(run_id).state == S.PROMOTED


def test_the_checkpoints_are_kept_with_what_they_measured_and_the_best_is_told(shop: Workshop) -> None:
    run_id = ended(shop)
    gather(shop, run_id)
    latest, earlier = report_run(shop.runs.get(run_id), shop).checkpoints
    assert (latest.checkpoint_id, latest.step, latest.is_best) == (CHECKPOINTS[0]["checkpoint_id"], 2000, True)
    assert latest.metrics == {"full_valid_loss": 0.134, "full_valid_accuracy": 0.874}
    assert (earlier.step, earlier.is_best) == (1000, False)


def test_events_that_come_after_the_end_are_fetched_by_a_late_look_and_in_the_lists_order(shop: Workshop) -> None:
    run_id = ended(shop)
    first = gather(shop, run_id)
    assert first.due_at == first.ended_at + LATE
    done = JobEvent("done", 1_700_000_100, "info", "message", "The job has successfully completed", {})
    late = JobEvent("late", 1_700_000_001, "info", "message", "Shown late, between the others", {})
    shop.trainer.reported = [done, step_event(2), late, step_event(1)]
    assert gather(shop, run_id).due_at is None
    assert [event.event_id for event in shop.runs.job_events(run_id)] == ["s1", "late", "s2", "done"]
    assert gather_reports(run_id, shop.parts) is None
    assert report_run(shop.runs.get(run_id), shop).is_complete


@pytest.mark.parametrize("request_name", ["events", "checkpoints", "file_content", "job"])
@pytest.mark.parametrize(
    "error", [TrainerUnreachable(), TrainerBusy(), TrainerRefused("no", code="x")], ids=["down", "busy", "refused"]
)
def test_what_fails_is_tried_again_and_the_run_goes_on_meanwhile(
    shop: Workshop, request_name: str, error: ServiceError
) -> None:
    run_id = ended(shop)
    shop.trainer.goes_wrong(request_name, error, times=2)
    failed = gather(shop, run_id)
    assert failed.due_at is not None
    (name,) = failed.facts["missing"]
    assert name.startswith(request_name.partition("_")[0] if request_name != "file_content" else "result file")
    assert shop.go(run_id).state == S.PROMOTED
    told = report_run(shop.runs.get(run_id), shop)
    assert (list(told.missing.values()), told.is_complete) == ([type(error).__name__], False)
    assert gather_all(shop, run_id)[-1].facts["missing"] == {}
    assert len(shop.reports.series(run_id)) == 94
    assert len(shop.reports.checkpoints(run_id)) == 2


@pytest.mark.parametrize(
    ("error", "most"), [(TrainerUnreachable(), MOST_ATTEMPTS), (TrainerRefused("404"), MOST_REFUSALS)]
)
def test_what_fails_again_and_again_is_noted_at_last(shop: Workshop, error: ServiceError, most: int) -> None:
    run_id = ended(shop)
    shop.trainer.goes_wrong("checkpoints", error, times=100)
    attempts = gather_all(shop, run_id)
    assert most <= len(attempts) <= MOST_ATTEMPTS
    assert attempts[-1].facts["missing"] == {"checkpoints": type(error).__name__}
    told = report_run(shop.runs.get(run_id), shop)
    assert (dict(told.missing), told.is_complete) == ({"checkpoints": type(error).__name__}, True)
    # All the rest is there.
    assert len(shop.reports.series(run_id)) == 94
    assert shop.go(run_id).state == S.PROMOTED


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_the_reports_of_a_job_that_came_to_nothing_are_fetched_too(shop: Workshop, status: str) -> None:
    run_id = ended(shop, status=status)
    gather_all(shop, run_id)
    assert len(shop.reports.series(run_id)) == 94
    assert shop.runs.get(run_id).state == status


def test_a_trainer_that_left_the_configuration_is_noted(shop: Workshop) -> None:
    run_id = ended(shop)
    shop.accounts = {}
    assert gather_all(shop, run_id)[-1].facts["missing"] == {"job": "NotFound"}


def test_a_worker_that_is_killed_leaves_it_to_the_next_and_not_for_ever(shop: Workshop) -> None:
    run_id = ended(shop)

    class Killed(BaseException):
        """The worker is no more."""

    def killed() -> None:
        raise Killed

    box, shop.accounts["box"] = shop.accounts["box"], replace(shop.accounts["box"], connect=killed)  # type: ignore[arg-type]
    with pytest.raises(Killed):
        gather_reports(run_id, shop.parts)
    assert gather_reports(run_id, shop.parts) is None
    shop.clock.forward(HELD.total_seconds())
    for _ in range(MOST_ATTEMPTS - 1):
        with pytest.raises(Killed):
            gather_reports(run_id, shop.parts)
        shop.clock.forward(HELD.total_seconds())
    given_up = gather_reports(run_id, shop.parts)
    assert given_up is not None
    assert given_up.due_at is None
    assert given_up.facts["missing"] == {"all": "NeverFinished"}
    shop.accounts["box"] = box


def test_a_kept_file_is_not_fetched_again_unless_it_was_lost(shop: Workshop) -> None:
    run_id = ended(shop)
    facts: Mapping[str, Any] = gather(shop, run_id).facts
    shop.trainer.files["file-result"] = b"something else"
    assert gather(shop, run_id).facts["files"] == facts["files"]
    assert len(shop.reports.series(run_id)) == 94


def test_a_list_of_events_that_breaks_off_holds_the_run_up_no_longer(shop: Workshop) -> None:
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    shop.trainer.becomes("ftjob-1", "running")
    shop.trainer.goes_wrong("events", TrainerUnreachable(), times=100)
    run = shop.advance(run_id)
    assert run is not None
    assert (run.state, run.attempts, run.fact("events_missed")) == (S.TRAINING, 0, "TrainerUnreachable")
    shop.finish_job()
    assert shop.go(run_id).state == S.PROMOTED


def test_progress_and_tokens_are_told_while_the_job_runs_and_after_it(shop: Workshop) -> None:
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    assert report_run(shop.runs.get(run_id), shop).progress is None
    shop.trainer.reported = [step_event(n) for n in (3, 2, 1)]
    shop.trainer.becomes("ftjob-1", "running")
    shop.advance(run_id)
    told = report_run(shop.runs.get(run_id), shop)
    assert told.progress is not None
    assert (told.progress.step, told.progress.total_steps, told.job_status) == (3, 94, "running")
    assert told.progress.finish_at is not None
    assert told.progress.finish_at.timestamp() == 1_700_000_000 + 94
    shop.trainer.becomes("ftjob-1", "running", estimated_finish=1_700_009_999)
    shop.advance(run_id)
    told = report_run(shop.runs.get(run_id), shop)
    assert told.progress is not None
    assert told.progress.finish_at is not None
    assert told.progress.finish_at.timestamp() == 1_700_009_999
    estimate = shop.runs.get(run_id).fact("estimate")
    expected = estimate["tokens"] * estimate["epochs"]
    assert (told.tokens.estimated, told.tokens.billed) == (expected, None)
    shop.finish_job(tokens=expected * 2)
    shop.go(run_id, S.EVALUATING)
    after = report_run(shop.runs.get(run_id), shop)
    assert (after.tokens.billed, after.tokens.difference_percent) == (expected * 2, 100.0)
    assert after.progress is not None
    assert after.progress.finish_at is None
    assert after.looked_at is not None
    assert abs(after.looked_at - shop.clock.now) < timedelta(minutes=1)
