"""Following a job at the trainer until it ends."""

from dataclasses import replace

import pytest

from service.domain.errors import TrainerRefused, TrainerUnreachable
from service.domain.polling import JITTER
from service.domain.runs import RunState
from service.ports import JobEvent
from tests.support.workshop import EXPENSIVE, Workshop

S = RunState


def test_a_job_is_looked_at_until_it_ends_and_its_events_are_kept_once(shop: Workshop) -> None:
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    events = [JobEvent(f"e{n}", n, "info", "metrics", f"step {n}", {"step": n}) for n in range(6)]
    for seen, status in enumerate(["validating_files", "queued", "running", "a status of the future", "paused"], 1):
        shop.trainer.becomes("ftjob-1", status)
        shop.trainer.reported = events[:seen][::-1]
        run = shop.advance(run_id)
        assert run is not None
        assert run.state == (S.SUBMITTED if seen <= 2 else S.TRAINING)
        assert run.due_at is not None
        assert abs(run.due_at - shop.clock.now - shop.timing.poll) <= shop.timing.poll * JITTER
        assert run.fact("job_status") == status
    assert shop.runs.job_events(run_id) == events[:5]


def test_a_job_that_succeeded_is_settled_by_its_own_count_of_tokens(shop: Workshop) -> None:
    shop.accounts["box"] = replace(shop.accounts["box"], prices={"base-model": replace(EXPENSIVE)})
    shop.train()
    assert shop.ledger.spent_this_month("box", now=shop.clock.now) == pytest.approx(5000)


@pytest.mark.parametrize(
    ("error", "events", "reason"),
    [
        ("the file has 3 lines", [], "the file has 3 lines"),
        (None, [("info", "hello"), ("error", "out of memory"), ("info", "bye")], "out of memory"),
        (None, [], "the trainer gave no reason"),
    ],
)
def test_a_failed_job_ends_the_run_with_its_reason(
    shop: Workshop, error: str | None, events: list[tuple[str, str]], reason: str
) -> None:
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    shop.trainer.becomes("ftjob-1", "failed", error=error, trained_tokens=None)
    shop.trainer.reported = [
        JobEvent(f"e{n}", n, level, "message", text, {}) for n, (level, text) in enumerate(events)
    ][::-1]
    run = shop.go(run_id)
    assert (run.state, run.fact("error")) == (S.FAILED, reason)
    assert run.fact("remedy")
    assert shop.evaluations.evaluation(run_id) is None


def test_a_job_that_somebody_cancelled_at_the_trainer_cancels_the_run(shop: Workshop) -> None:
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    shop.trainer.becomes("ftjob-1", "cancelled")
    assert shop.go(run_id).state == S.CANCELLED


def test_a_trainer_that_does_not_answer_is_asked_again_after_growing_pauses(shop: Workshop) -> None:
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    shop.trainer.goes_wrong("job", TrainerUnreachable("connection refused"), times=3)
    pauses = []
    for _ in range(3):
        run = shop.advance(run_id)
        assert run is not None
        assert run.due_at is not None
        pauses.append(run.due_at - shop.clock.now)
        assert run.fact("error") == "TrainerUnreachable: connection refused"
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[-1]
    shop.finish_job()
    assert shop.go(run_id).state == S.PROMOTED


@pytest.mark.parametrize("request_name", ["events", "checkpoints"])
def test_a_trainer_that_has_no_events_or_checkpoints_is_good_enough(shop: Workshop, request_name: str) -> None:
    shop.trainer.goes_wrong(request_name, TrainerRefused("404 no such path"), times=100)
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    shop.trainer.becomes("ftjob-1", "running")
    shop.go(run_id, S.TRAINING)
    shop.finish_job()
    assert shop.go(run_id).state == S.PROMOTED


def test_an_upload_that_fails_halfway_is_not_done_twice(shop: Workshop) -> None:
    run_id = shop.start()
    shop.go(run_id, S.SNAPSHOTTED)
    shop.trainer.goes_wrong("upload", TrainerUnreachable())
    shop.advance(run_id)
    shop.go(run_id, S.UPLOADED)
    assert len(shop.trainer.files) == 2
