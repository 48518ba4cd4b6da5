"""Each answer of a trainer has its consequence: the table of docs/runs.md, row by row."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.adapters.sql_tables import notices
from service.domain.errors import (
    JobMissing,
    ModelNotReady,
    OutcomeUnknown,
    TrainerBusy,
    TrainerRefused,
    TrainerUnreachable,
)
from service.domain.outcomes import REFUSALS
from service.domain.pipelines import Budget
from service.domain.runs import Run, RunState
from service.ports import JobEvent
from service.usecases.advance_run import MAX_TURNS, advance_run
from service.usecases.steer_run import approve_run, cancel_run
from service.usecases.steps.endings import MAX_ATTEMPTS
from tests.support.workshop import EXPENSIVE, TUNED, Workshop, good_answer

S = RunState
DAY_S = 86_400


@pytest.fixture
def shop(sqlite_engine: sa.Engine, tmp_path: Path) -> Workshop:
    made = Workshop(sqlite_engine, tmp_path / "files", budget=Budget(month_usd=1e9), price=EXPENSIVE)
    made.fill()
    return made


@pytest.fixture
def uploaded(shop: Workshop) -> str:
    """A run whose job is next."""
    run_id = shop.start()
    shop.go(run_id, S.UPLOADED)
    return run_id


@pytest.fixture
def submitted(shop: Workshop, uploaded: str) -> str:
    """A run whose job is at the trainer."""
    shop.go(uploaded, S.SUBMITTED)
    return uploaded


def spend(shop: Workshop) -> float:
    return shop.ledger.spent_this_month("box", now=shop.clock.now)


def told(shop: Workshop, kind: str) -> list[str]:
    with shop.engine.connect() as connection:
        return list(connection.scalars(sa.select(notices.c.text).where(notices.c.kind == kind)))


def step(shop: Workshop, run_id: str) -> Run:
    run = shop.advance(run_id)
    assert run is not None
    return run


# The request is refused: no job.


def test_an_organisation_that_may_no_longer_train_is_sent_to_the_other_trainers(shop: Workshop, uploaded: str) -> None:
    for name in ("nebius", "own"):
        shop.accounts[name] = shop.accounts["box"]
    shop.trainer.goes_wrong("create_job", TrainerRefused("winding down", code="training_not_available"))
    run = shop.go(uploaded)
    assert run.state == S.FAILED
    assert "configured: nebius, own." in run.fact("remedy")
    assert f"tuneloop runs start summaries --snapshot {str(run.snapshot_id)[:16]} --trainer" in run.fact("remedy")
    assert (shop.trainer.files, spend(shop)) == ({}, 0)
    (letter,) = shop.letters.open(10)
    assert (letter["subject"], letter["error"], letter["remedy"]) == (uploaded, "TrainerRefused", run.fact("remedy"))


def test_without_another_trainer_the_remedy_says_how_to_add_one(shop: Workshop, uploaded: str) -> None:
    shop.trainer.goes_wrong("create_job", TrainerRefused("winding down", code="training_not_available"))
    assert "Add another trainer to tuneloop.toml" in shop.go(uploaded).fact("remedy")


@pytest.mark.parametrize("code", [code for code, refusal in REFUSALS.items() if refusal.asks])
def test_a_run_that_nobody_pays_for_waits_with_its_files_until_somebody_does(
    shop: Workshop, uploaded: str, code: str
) -> None:
    shop.trainer.goes_wrong("create_job", TrainerRefused("no credit", code=code))
    run = shop.go(uploaded)
    assert (run.state, run.fact("resume"), run.intent_at) == (S.NEEDS_ATTENTION, "uploaded", None)
    assert f"Add credit or raise the spending limit at the trainer, then: tuneloop runs approve {uploaded}" in run.fact(
        "remedy"
    )
    assert (len(shop.trainer.files), spend(shop) > 0, shop.letter_errors()) == (2, True, {})
    # Nothing was created, so nothing is searched for.
    shop.trainer.goes_wrong("find_jobs", TrainerRefused("must not be searched"))
    approve_run(uploaded, shop.parts)
    assert shop.go(uploaded, S.SUBMITTED).job_id == "ftjob-1"
    assert len(shop.trainer.files) == 2


def test_a_run_that_nobody_will_pay_for_is_given_up_and_leaves_nothing(shop: Workshop, uploaded: str) -> None:
    shop.trainer.goes_wrong("create_job", TrainerRefused("no credit", code="insufficient_quota"))
    shop.go(uploaded)
    cancel_run(uploaded, shop.parts)
    assert (shop.trainer.files, spend(shop)) == ({}, 0)


def test_a_run_that_was_paid_for_after_a_doubt_is_still_searched_for(shop: Workshop, uploaded: str) -> None:
    shop.trainer.goes_wrong("create_job", OutcomeUnknown("timeout"), although_done=True)
    shop.trainer.unlisted.add("ftjob-1")
    shop.go(uploaded)
    approve_run(uploaded, shop.parts)
    shop.trainer.goes_wrong("create_job", TrainerRefused("no credit", code="insufficient_quota"))
    assert shop.go(uploaded).state == S.NEEDS_ATTENTION
    shop.trainer.unlisted.clear()
    approve_run(uploaded, shop.parts)
    assert shop.go(uploaded, S.SUBMITTED).job_id == "ftjob-1"
    assert len(shop.trainer.jobs) == 1


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("invalid_training_file", "tuneloop validate"),
        ("content_policy_violation", "content policy"),
        ("something_new", "Read the trainer's message"),
    ],
)
def test_a_refused_file_ends_the_run_with_what_to_do_about_it(
    shop: Workshop, uploaded: str, code: str, remedy: str
) -> None:
    shop.trainer.goes_wrong("create_job", TrainerRefused("400", code=code))
    run = shop.go(uploaded)
    assert run.state == S.FAILED
    assert remedy in run.fact("remedy")
    assert (shop.trainer.files, spend(shop)) == ({}, 0)
    assert shop.letter_errors() == {f"run {uploaded}": "TrainerRefused"}


def test_a_trainer_that_creates_once_settles_the_doubt_by_its_refusal(shop: Workshop, uploaded: str) -> None:
    shop.trainer.creates_once = True
    shop.trainer.goes_wrong("create_job", OutcomeUnknown("timeout"))
    shop.trainer.goes_wrong("create_job", TrainerRefused("400"))
    assert shop.go(uploaded).state == S.FAILED
    assert (shop.trainer.files, spend(shop)) == ({}, 0)


# Later.


@pytest.mark.parametrize("asked_s", [None, 7200.0])
def test_a_busy_trainer_is_asked_again_when_it_wants_to_be(
    shop: Workshop, uploaded: str, asked_s: float | None
) -> None:
    shop.trainer.goes_wrong("create_job", TrainerBusy("too many active jobs", retry_after_s=asked_s))
    run = step(shop, uploaded)
    assert (run.state, run.intent_at) == (S.UPLOADED, None)
    assert run.due_at is not None
    # Also where that is longer than the 120 s after which the SDK gives up.
    assert run.due_at - shop.clock.now == timedelta(seconds=asked_s or 2)
    assert shop.go(uploaded, S.SUBMITTED).job_id == "ftjob-1"


def test_a_trainer_that_is_busy_for_days_never_ends_a_run_but_a_person_hears_of_it_once(
    shop: Workshop, uploaded: str
) -> None:
    shop.trainer.goes_wrong("create_job", TrainerBusy("429"), times=2 * MAX_ATTEMPTS)
    for _ in range(2 * MAX_ATTEMPTS):
        assert step(shop, uploaded).state == S.UPLOADED
    (text,) = told(shop, "run_slow")
    assert "Trainer box has been too busy for 24 hours" in text
    run = shop.go(uploaded, S.SUBMITTED)
    assert run.fact("busy_since") is None


def test_a_busy_trainer_does_not_end_a_run_that_has_a_job(shop: Workshop, submitted: str) -> None:
    shop.trainer.goes_wrong("job", TrainerBusy("429", retry_after_s=3600), times=MAX_ATTEMPTS + 5)
    for _ in range(MAX_ATTEMPTS + 5):
        run = step(shop, submitted)
    assert run.state == S.SUBMITTED
    shop.finish_job()
    assert shop.go(submitted).state == S.PROMOTED


def test_a_trainer_that_fails_says_when_to_come_back(shop: Workshop, submitted: str) -> None:
    shop.trainer.goes_wrong("job", TrainerUnreachable("503", retry_after_s=900))
    run = step(shop, submitted)
    assert run.due_at is not None
    assert run.due_at - shop.clock.now == timedelta(seconds=900)


@pytest.mark.parametrize("words", ["500", "timeout", "connection refused"])
def test_a_trainer_that_fails_for_a_day_leaves_a_job_to_a_person(shop: Workshop, submitted: str, words: str) -> None:
    shop.trainer.goes_wrong("job", TrainerUnreachable(words), times=10_000)
    begun_at = shop.clock.now
    run = shop.go(submitted)
    assert (run.state, run.fact("error")) == (S.NEEDS_ATTENTION, f"TrainerUnreachable: {words}")
    assert shop.clock.now - begun_at > timedelta(hours=23)
    assert shop.trainer.cancelled == []


def test_a_trainer_without_a_connection_for_a_day_ends_a_run_that_has_no_job(shop: Workshop, uploaded: str) -> None:
    shop.trainer.goes_wrong("create_job", TrainerUnreachable("connection refused"), times=10_000)
    begun_at = shop.clock.now
    assert shop.go(uploaded).state == S.FAILED
    assert shop.clock.now - begun_at > timedelta(hours=23)
    assert (shop.trainer.files, shop.trainer.jobs, spend(shop)) == ({}, {}, 0)


# The job fails, or somebody stops it.


@pytest.mark.parametrize(
    ("code", "message", "remedy"),
    [
        ("invalid_training_file", "line 7", "tuneloop validate"),
        ("invalid_n_examples", "7 example(s)", "tuneloop validate"),
        ("exceeded_quota", "no credit", "Add credit"),
        ("moderation_blocked", "hate", "content policy"),
        ("server_error", "oops", "Read the trainer's message"),
    ],
)
def test_a_job_that_fails_with_an_error_ends_the_run_with_its_remedy(
    shop: Workshop, submitted: str, code: str, message: str, remedy: str
) -> None:
    shop.trainer.becomes("ftjob-1", "failed", error=f"{code}: {message}", error_code=code)
    run = shop.go(submitted)
    assert (run.state, run.fact("error")) == (S.FAILED, f"{code}: {message}")
    assert remedy in run.fact("remedy")
    # A failed job costs nothing, and its uploads go in time.
    assert spend(shop) == 0
    shop.clear_all()
    assert shop.trainer.files == {}


def test_a_job_that_fails_without_an_error_is_explained_by_its_events(shop: Workshop, submitted: str) -> None:
    shop.trainer.reported = [
        JobEvent("e2", 2, "error", "moderation_checks", "blocked in category hate", {}),
        JobEvent("e1", 1, "info", "message", "hello", {}),
    ]
    shop.trainer.becomes("ftjob-1", "failed", error=None)
    run = shop.go(submitted)
    assert (run.state, run.fact("error")) == (S.FAILED, "blocked in category hate")
    assert "content policy" in run.fact("remedy")


def test_a_job_that_fails_without_a_word_ends_the_run_all_the_same(shop: Workshop, submitted: str) -> None:
    shop.trainer.becomes("ftjob-1", "failed", error=None)
    run = shop.go(submitted)
    assert (run.state, run.fact("error")) == (S.FAILED, "the trainer gave no reason")


def test_a_job_cancelled_from_outside_ends_the_run_and_its_tokens_are_billed(shop: Workshop, submitted: str) -> None:
    shop.trainer.becomes("ftjob-1", "cancelled", trained_tokens=70)
    assert shop.go(submitted).state == S.CANCELLED
    assert spend(shop) == pytest.approx(70)


# The job goes on.


@pytest.mark.parametrize("status", ["paused", "pausing"])
def test_a_paused_job_is_waited_for_and_after_a_while_somebody_is_told(
    shop: Workshop, submitted: str, status: str
) -> None:
    shop.trainer.becomes("ftjob-1", status)
    run = step(shop, submitted)
    assert (run.state, run.fact("job_status")) == (S.TRAINING, status)
    assert told(shop, "run_paused") == []
    for _ in range(70):
        run = step(shop, submitted)
    (text,) = told(shop, "run_paused")
    assert "Resume it there" in text
    shop.trainer.becomes("ftjob-1", "running")
    assert step(shop, submitted).fact("paused_since") is None
    # Paused again it is news.
    shop.trainer.becomes("ftjob-1", status)
    for _ in range(70):
        step(shop, submitted)
    assert len(told(shop, "run_paused")) == 2
    shop.finish_job()
    assert shop.go(submitted).state == S.PROMOTED


def test_a_status_that_nobody_knows_is_an_open_job(shop: Workshop, submitted: str) -> None:
    shop.trainer.becomes("ftjob-1", "compressing")
    assert step(shop, submitted).state == S.TRAINING
    shop.finish_job()
    assert shop.go(submitted).state == S.PROMOTED


@pytest.mark.parametrize("name", ["StoreFailed", "CommandFailed", "OverBudget"])
def test_a_jobs_failure_in_words_that_look_like_ours_is_told_without_them(
    shop: Workshop, submitted: str, name: str
) -> None:
    shop.trainer.becomes("ftjob-1", "failed", error=f"{name}: line 3 'jane@example.com'")
    run = step(shop, submitted)
    assert (run.state, run.fact("error")) == (S.FAILED, f"{name}: line 3 'jane@example.com'")
    (text,) = told(shop, "failed")
    assert "jane" not in text
    assert "The training job failed" in text


def test_a_job_that_lasts_a_day_is_told_of_once_and_not_stopped(shop: Workshop, submitted: str) -> None:
    shop.trainer.becomes("ftjob-1", "running")
    step(shop, submitted)
    shop.clock.forward(DAY_S - 3600)
    step(shop, submitted)
    assert told(shop, "run_slow") == []
    for _ in range(3):
        shop.clock.forward(DAY_S)
        assert step(shop, submitted).state == S.TRAINING
    (text,) = told(shop, "run_slow")
    assert text.startswith("The training job has been open for")
    assert shop.trainer.cancelled == []


# Not there (yet).


def test_a_job_that_is_unknown_for_some_minutes_is_found_again(shop: Workshop, submitted: str) -> None:
    shop.trainer.goes_wrong("job", JobMissing("404"), times=8)
    for _ in range(8):
        run = step(shop, submitted)
        until = datetime.fromisoformat(run.fact("missing_since")) + timedelta(minutes=15)
        assert run.state == S.SUBMITTED
        assert run.remedy == f"Nothing yet: the trainer is asked again until {until:%H:%M} UTC."
    assert step(shop, submitted).fact("missing_since") is None
    shop.finish_job()
    assert shop.go(submitted).state == S.PROMOTED


def test_a_job_that_is_gone_for_a_quarter_of_an_hour_is_left_to_a_person(shop: Workshop, submitted: str) -> None:
    begun_at = shop.clock.now
    del shop.trainer.jobs["ftjob-1"]
    run = shop.go(submitted)
    assert run.state == S.NEEDS_ATTENTION
    assert timedelta(minutes=15) <= shop.clock.now - begun_at <= timedelta(minutes=17)
    assert f"tuneloop runs cancel {submitted}" in run.fact("remedy")
    reserved = spend(shop)
    cancel_run(submitted, shop.parts)
    shop.clear_all()
    # Nobody can say what it cost: nothing would be the worst guess.
    assert spend(shop) == pytest.approx(reserved)
    assert shop.trainer.files == {}


def test_a_new_model_that_is_unknown_for_some_minutes_is_asked_until_it_answers(shop: Workshop) -> None:
    run_id = shop.train()
    shop.trainer.goes_wrong(f"answer {TUNED}", ModelNotReady("404"), times=12)
    shop.trainer.voices[TUNED] = good_answer
    run = shop.go(run_id)
    assert run.state == S.PROMOTED


# Faults of our own.


def test_a_step_that_takes_its_workers_with_it_ends_with_a_person(shop: Workshop, submitted: str) -> None:
    """Killed for its memory, it can write nothing down."""
    for _ in range(MAX_TURNS):
        shop.clock.forward(shop.timing.poll.total_seconds() + shop.timing.lease.total_seconds())
        assert shop.runs.lease(submitted, until=shop.clock.now + shop.timing.lease, now=shop.clock.now)
    shop.clock.forward(shop.timing.lease.total_seconds() + 1)
    run = advance_run(submitted, shop.parts)
    assert run is not None
    assert (run.state, run.fact("resume")) == (S.NEEDS_ATTENTION, "submitted")
    assert "20 workers began this step" in run.fact("error")
    approve_run(submitted, shop.parts)
    shop.finish_job()
    assert shop.go(submitted).state == S.PROMOTED


def test_a_step_before_the_job_that_takes_its_workers_with_it_fails_the_run(shop: Workshop) -> None:
    run_id = shop.start()
    for _ in range(MAX_TURNS):
        assert shop.runs.lease(run_id, until=shop.clock.now + shop.timing.lease, now=shop.clock.now)
        shop.clock.forward(shop.timing.lease.total_seconds() + 1)
    assert shop.go(run_id).state == S.FAILED
    assert shop.letter_errors() == {f"run {run_id}": "WorkersDie"}


# The letters of runs.


def test_a_run_that_ends_well_closes_the_letters_of_those_before_it_in_its_pipeline(
    shop: Workshop, uploaded: str
) -> None:
    shop.trainer.goes_wrong("create_job", TrainerRefused("bad file", code="invalid_training_file"))
    assert shop.go(uploaded).state == S.FAILED
    shop.letters.put("run", "run-of-another-pipeline", TrainerRefused("x"), content=None, now=shop.clock.now)
    mine, other = f"run {uploaded}", "run run-of-another-pipeline"
    assert set(shop.letter_errors()) == {mine, other}
    shop.go(shop.train(1))
    assert set(shop.letter_errors()) == {other}


def test_a_letter_of_a_run_that_was_dismissed_stays_so_while_the_run_is_cleared(shop: Workshop, uploaded: str) -> None:
    shop.trainer.goes_wrong("create_job", TrainerRefused("bad file", code="invalid_training_file"))
    shop.trainer.goes_wrong("delete_file", TrainerUnreachable("down"))
    assert shop.go(uploaded).state == S.FAILED
    letter = shop.letters.open(1)[0]
    assert letter["remedy"].endswith("start another: tuneloop runs start summaries --again.")
    shop.letters.dismiss(letter["letter_id"], reason="", now=shop.clock.now)
    shop.clear_all()
    assert shop.letters.count() == 0
