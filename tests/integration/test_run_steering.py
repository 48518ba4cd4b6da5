"""What a person does to a run: approve, cancel."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from service.domain.errors import JobMissing, NotFound, RunMoved, TrainerRefused, TrainerUnreachable
from service.domain.pipelines import Budget
from service.domain.runs import RunState
from service.usecases.clear_run import STOP_ATTEMPTS, clear_run
from service.usecases.steer_run import RunCannot, approve_run, cancel_run
from service.usecases.steps.follow import follow
from tests.support.builders import make_run
from tests.support.dying import Fate, Killed, Mode, watched
from tests.support.purses import estimate_of
from tests.support.workshop import EXPENSIVE, Workshop

S = RunState


@pytest.fixture
def dear(sqlite_engine: sa.Engine, tmp_path: Path) -> Workshop:
    """A workshop whose runs a person has to approve."""
    made = Workshop(sqlite_engine, tmp_path / "files", budget=Budget(approve_above_usd=1.0), price=EXPENSIVE)
    made.fill()
    return made


def spend(shop: Workshop) -> float:
    return shop.ledger.spent_this_month("box", now=shop.clock.now)


# Approving.


def test_a_dear_run_waits_with_its_estimate_and_has_sent_nothing(dear: Workshop) -> None:
    run = dear.go(dear.start())
    assert run.state == S.AWAITING_APPROVAL
    assert run.fact("estimate")["usd"] > 1
    assert (dear.trainer.files, spend(dear)) == ({}, 0)
    dear.queue.woken.clear()
    assert dear.advance(run.run_id) is None


def test_an_approved_run_goes_on_to_its_end(dear: Workshop) -> None:
    run_id = dear.go(dear.start()).run_id
    assert approve_run(run_id, dear.parts).state == S.SNAPSHOTTED
    assert dear.queue.woken[-1] == ("advance_run", run_id)
    dear.go(run_id, S.SUBMITTED)
    assert spend(dear) > 1
    dear.finish_job()
    assert dear.go(run_id).state == S.PROMOTED
    assert dear.states(run_id)[:4] == ["claimed", "snapshotted", "awaiting_approval", "snapshotted"]


def test_an_approval_does_not_lift_the_limits(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = Workshop(sqlite_engine, tmp_path, budget=Budget(approve_above_usd=1.0, month_usd=1e9), price=EXPENSIVE)
    shop.fill()
    run_id = shop.go(shop.start()).run_id
    shop.ledger.reserve(make_run("run-other", pipeline="other"), estimate_of(1e9), (), now=shop.clock.now)
    approve_run(run_id, shop.parts)
    assert shop.go(run_id).state == S.FAILED
    assert shop.letter_errors() == {f"run {run_id}": "OverBudget"}


def test_a_run_without_a_price_waits_for_a_person_where_there_is_a_budget(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    shop = Workshop(sqlite_engine, tmp_path, budget=Budget(month_usd=100))
    shop.fill()
    run_id = shop.go(shop.start()).run_id
    assert shop.runs.get(run_id).state == S.AWAITING_APPROVAL
    approve_run(run_id, shop.parts)
    assert shop.go(run_id, S.SUBMITTED).state == S.SUBMITTED


def test_only_a_run_that_waits_can_be_approved(shop: Workshop) -> None:
    run_id = shop.start()
    with pytest.raises(RunCannot, match="claimed"):
        approve_run(run_id, shop.parts)
    cancel_run(run_id, shop.parts)
    with pytest.raises(RunCannot, match="cancelled"):
        approve_run(run_id, shop.parts)
    with pytest.raises(NotFound):
        approve_run("run-that-never-was", shop.parts)


def test_a_run_that_needed_attention_goes_on_where_it_stood(shop: Workshop) -> None:
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    shop.trainer.goes_wrong("job", TrainerRefused("401 key revoked"))
    run = shop.go(run_id)
    assert (run.state, run.fact("resume"), run.job_id) == (S.NEEDS_ATTENTION, "submitted", "ftjob-1")
    assert run.fact("error") == "TrainerRefused: 401 key revoked"
    shop.finish_job()
    assert approve_run(run_id, shop.parts).state == S.SUBMITTED
    assert shop.go(run_id).state == S.PROMOTED
    assert shop.trainer.create_requests == 1


# Cancelling.


@pytest.mark.parametrize("state", [S.CLAIMED, S.SNAPSHOTTED, S.UPLOADED])
def test_a_run_without_a_job_ends_at_once_and_its_money_and_uploads_are_given_back(
    shop: Workshop, state: RunState
) -> None:
    run_id = shop.start()
    shop.go(run_id, state)
    assert cancel_run(run_id, shop.parts).state == S.CANCELLED
    assert (shop.trainer.files, spend(shop)) == ({}, 0)
    assert shop.advance(run_id) is None


def test_a_run_that_waits_for_approval_can_be_cancelled(dear: Workshop) -> None:
    run_id = dear.go(dear.start()).run_id
    assert cancel_run(run_id, dear.parts).state == S.CANCELLED
    with pytest.raises(RunCannot):
        cancel_run(run_id, dear.parts)


@pytest.mark.parametrize("status", ["queued", "running"])
def test_a_training_job_is_stopped_and_what_it_cost_is_written_down(
    sqlite_engine: sa.Engine, tmp_path: Path, status: str
) -> None:
    shop = Workshop(sqlite_engine, tmp_path, price=EXPENSIVE)
    shop.fill()
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    shop.trainer.becomes("ftjob-1", status, trained_tokens=70)
    shop.advance(run_id)
    assert cancel_run(run_id, shop.parts).state == S.CANCELLED
    assert shop.trainer.cancelled == ["ftjob-1"]
    clear_again(shop, run_id)
    assert spend(shop) == pytest.approx(70)


def test_a_run_that_needs_attention_is_cancelled_together_with_its_job(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    shop = Workshop(sqlite_engine, tmp_path, price=EXPENSIVE)
    shop.fill()
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    shop.trainer.goes_wrong("job", TrainerRefused("401 key revoked"))
    shop.go(run_id)
    reserved = spend(shop)
    assert cancel_run(run_id, shop.parts).state == S.CANCELLED
    assert shop.trainer.cancelled == ["ftjob-1"]
    # Nobody knows what it cost until then; nothing would be a lie.
    assert spend(shop) == pytest.approx(reserved)
    assert reserved > 0


def test_a_job_that_is_gone_does_not_keep_its_run_open_for_ever(shop: Workshop) -> None:
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    del shop.trainer.jobs["ftjob-1"]
    assert shop.go(run_id).state == S.NEEDS_ATTENTION
    shop.trainer.goes_wrong("cancel", TrainerRefused("no such job", code="not_found"))
    assert cancel_run(run_id, shop.parts).state == S.CANCELLED


def test_an_evaluation_can_be_cancelled(shop: Workshop) -> None:
    run_id = shop.train()
    assert cancel_run(run_id, shop.parts).state == S.CANCELLED
    assert shop.evaluations.champion("summaries") is None


# The history says who.


def test_a_job_that_a_person_stops_is_told_as_stopped_by_hand(shop: Workshop) -> None:
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    cancel_run(run_id, shop.parts)
    clear_again(shop, run_id)
    assert shop.runs.history(run_id)[-1]["cause"] == "cancelled by hand"


def test_a_job_that_is_stopped_at_the_trainer_is_told_as_such(shop: Workshop) -> None:
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    shop.trainer.becomes("ftjob-1", "cancelled")
    shop.go(run_id)
    assert shop.runs.history(run_id)[-1]["cause"] == "job was cancelled at trainer box, not from here"


def test_an_error_that_was_got_over_is_not_a_cancelled_runs(shop: Workshop) -> None:
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    shop.trainer.goes_wrong("job", TrainerRefused("401 key revoked"))
    stopped = shop.go(run_id)
    assert (stopped.state, stopped.error) == (S.NEEDS_ATTENTION, "TrainerRefused: 401 key revoked")
    assert f"tuneloop runs approve {run_id}" in str(stopped.remedy)
    assert approve_run(run_id, shop.parts).error is None
    ended = cancel_run(run_id, shop.parts)
    assert (ended.state, ended.error, ended.remedy) == (S.CANCELLED, None, None)
    assert "401 key revoked" in [row["cause"] for row in shop.runs.history(run_id)]


# A job that goes on.


def test_a_job_that_goes_on_whatever_it_is_told_is_a_letter_until_it_ends(shop: Workshop) -> None:
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    shop.trainer.goes_wrong("job", TrainerRefused("401 key revoked"))
    shop.go(run_id)
    shop.trainer.goes_wrong("cancel", TrainerRefused("no"), times=10 * STOP_ATTEMPTS)
    cancel_run(run_id, shop.parts)
    looks = 1
    while not shop.letter_errors():
        clear_again(shop, run_id)
        looks += 1
    assert looks == STOP_ATTEMPTS
    assert shop.letter_errors() == {f"aftermath {run_id}": "JobNotStopped"}
    letter = shop.letters.open(1)[0]
    assert ("ftjob-1" in letter["message"], "box" in letter["message"]) == (True, True)
    # Who dismisses it is not told again, and the job is still followed.
    shop.letters.dismiss(letter["letter_id"], reason="it may run", now=shop.clock.now)
    clear_again(shop, run_id)
    assert shop.letters.count() == 0
    shop.trainer.becomes("ftjob-1", "failed")
    shop.clear_all()
    assert shop.letters.count() == 0


def test_a_letter_about_a_job_is_settled_once_it_has_ended(shop: Workshop) -> None:
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    shop.trainer.goes_wrong("job", TrainerRefused("401 key revoked"))
    shop.go(run_id)
    shop.trainer.goes_wrong("cancel", TrainerRefused("no"), times=STOP_ATTEMPTS)
    cancel_run(run_id, shop.parts)
    while not shop.letter_errors():
        clear_again(shop, run_id)
    shop.trainer.becomes("ftjob-1", "cancelled")
    clear_again(shop, run_id)
    assert shop.letters.count() == 0


def clear_again(shop: Workshop, run_id: str) -> None:
    """Let the sweep come once more."""
    shop.clock.forward(shop.timing.poll.total_seconds())
    clear_run(run_id, shop.parts)


def test_a_job_that_came_to_light_and_is_gone_costs_what_was_given_back(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    shop = Workshop(sqlite_engine, tmp_path, price=EXPENSIVE)
    shop.fill()
    run_id = shop.start()
    shop.go(run_id, S.UPLOADED)
    cancel_run(run_id, shop.parts)
    assert [entry.kind for entry in shop.ledger.entries_of(run_id)] == ["reserved", "released"]
    assert shop.aftermath.attach(run_id, "ftjob-gone")
    shop.clear_all()
    assert [entry.kind for entry in shop.ledger.entries_of(run_id)] == ["reserved", "released", "billed"]


# A job that cannot be stopped at once.


@pytest.fixture
def priced(engine: sa.Engine, tmp_path: Path) -> Workshop:
    """A workshop on either database, whose jobs cost a dollar a token."""
    made = Workshop(engine, tmp_path / "files", price=EXPENSIVE)
    made.fill()
    return made


def training(shop: Workshop) -> str:
    """Start a run and bring it to where its job runs; give its id."""
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    shop.trainer.becomes("ftjob-1", "running")
    shop.go(run_id, S.TRAINING)
    return run_id


def require_given_up(shop: Workshop, run_id: str, *, model: str | None, usd: float) -> None:
    """Hold that a run ended as cancelled, billed once and never judged, whatever came later."""
    shop.clear_all()
    run = shop.go(run_id)
    assert (run.state, run.tuned_model, run.error) == (S.CANCELLED, model, None)
    assert [entry.usd for entry in shop.ledger.entries_of(run_id) if entry.kind == "billed"] == [usd]
    assert shop.states(run_id)[-2:] == ["training", "cancelled"]
    assert shop.evaluations.evaluation(run_id) is None
    assert shop.evaluations.champion("summaries") is None
    assert shop.letter_errors() == {}
    with pytest.raises(RunCannot, match="is cancelled and waits for nobody"):
        approve_run(run_id, shop.parts)


def test_a_job_that_had_succeeded_before_it_was_cancelled_is_billed_and_its_model_only_named(priced: Workshop) -> None:
    run_id = training(priced)
    model = priced.finish_job(tokens=70)
    assert cancel_run(run_id, priced.parts).tuned_model == model
    require_given_up(priced, run_id, model=model, usd=70)
    assert priced.trainer.cancelled == []


def test_a_job_that_succeeds_while_it_is_cancelled_is_billed_and_its_model_only_named(priced: Workshop) -> None:
    run_id = training(priced)
    priced.trainer.goes_wrong("cancel", TrainerRefused("400 its status is succeeded"))
    assert cancel_run(run_id, priced.parts).tuned_model is None
    model = priced.finish_job(tokens=70)
    require_given_up(priced, run_id, model=model, usd=70)


def test_a_trainer_that_fails_to_cancel_is_asked_again_until_it_does(priced: Workshop) -> None:
    run_id = training(priced)
    priced.trainer.becomes("ftjob-1", "running", trained_tokens=30)
    priced.trainer.goes_wrong("cancel", TrainerUnreachable("500 boom"), times=3)
    assert cancel_run(run_id, priced.parts).state == S.CANCELLED
    assert priced.trainer.cancelled == []
    require_given_up(priced, run_id, model=None, usd=30)
    assert priced.trainer.cancelled == ["ftjob-1"]


def test_a_trainer_that_is_away_is_asked_to_stop_the_job_once_it_is_back(priced: Workshop) -> None:
    run_id = training(priced)
    priced.trainer.becomes("ftjob-1", "running", trained_tokens=30)
    priced.trainer.goes_wrong("job", TrainerUnreachable("no connection"), times=3)
    cancel_run(run_id, priced.parts)
    require_given_up(priced, run_id, model=None, usd=30)
    assert priced.trainer.cancelled == ["ftjob-1"]


def test_a_job_that_the_trainer_does_not_show_is_stopped_all_the_same(priced: Workshop) -> None:
    run_id = training(priced)
    priced.trainer.becomes("ftjob-1", "running", trained_tokens=30)
    priced.trainer.goes_wrong("job", JobMissing("404"))
    cancel_run(run_id, priced.parts)
    assert priced.trainer.cancelled == ["ftjob-1"]
    require_given_up(priced, run_id, model=None, usd=30)


def test_a_job_that_succeeds_while_the_trainer_does_not_show_it_is_not_judged(priced: Workshop) -> None:
    run_id = training(priced)
    priced.trainer.goes_wrong("job", JobMissing("404"), times=3)
    priced.trainer.goes_wrong("cancel", JobMissing("404"), times=3)
    cancel_run(run_id, priced.parts)
    model = priced.finish_job(tokens=70)
    require_given_up(priced, run_id, model=model, usd=70)


@pytest.mark.parametrize("mode", ["before", "after"])
@pytest.mark.parametrize("name", ["runs.record", "aftermath.take", "trainer.job", "trainer.cancel"])
def test_a_command_that_is_killed_once_the_end_is_written_stops_the_job_all_the_same(
    priced: Workshop, name: str, mode: Mode
) -> None:
    run_id = training(priced)
    priced.trainer.becomes("ftjob-1", "running", trained_tokens=30)
    with pytest.raises(Killed):
        cancel_run(run_id, watched(priced.parts, Fate(name, mode)))
    if (name, mode) == ("runs.record", "before"):
        # Nothing was done, and nothing said.
        assert priced.runs.get(run_id).state == S.TRAINING
        cancel_run(run_id, priced.parts)
    priced.clock.forward(priced.timing.lease.total_seconds() + 1)
    require_given_up(priced, run_id, model=None, usd=30)
    assert priced.trainer.cancelled == ["ftjob-1"]


def test_a_worker_that_looks_at_the_job_meanwhile_does_not_bring_the_run_back(priced: Workshop) -> None:
    run_id = training(priced)
    model = priced.finish_job(tokens=70)
    now = priced.clock.forward(priced.timing.poll.total_seconds() * 2)
    held = priced.runs.lease(run_id, until=now + priced.timing.lease, now=now)
    assert held is not None
    cancel_run(run_id, priced.parts)
    with pytest.raises(RunMoved):
        priced.runs.record(held, follow(held, priced.parts), now=now)
    require_given_up(priced, run_id, model=model, usd=70)


# Two at once.


def test_a_run_that_a_worker_moves_meanwhile_is_not_cancelled_behind_its_back(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = shop.train()
    stale = shop.runs.get(run_id)
    assert shop.runs.lease(run_id, until=shop.clock.now, now=shop.clock.now) is not None
    monkeypatch.setattr(shop.runs, "get", lambda _run_id: stale)
    with pytest.raises(RunCannot) as refused:
        cancel_run(run_id, shop.parts)
    assert refused.value.remedy == "Try again in a minute."
