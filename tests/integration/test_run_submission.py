"""One run, one paid job: whatever goes wrong while it is being created."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.domain.errors import OutcomeUnknown, TrainerBusy, TrainerRefused, TrainerUnreachable
from service.domain.pipelines import Budget
from service.domain.runs import RunState
from service.ports import RemoteJob
from service.usecases.steer_run import RunCannot, approve_run, cancel_run
from service.usecases.steps.parts import Timing
from tests.support.workshop import EXPENSIVE, Workshop

S = RunState


@pytest.fixture
def shop(sqlite_engine: sa.Engine, tmp_path: Path) -> Workshop:
    made = Workshop(
        sqlite_engine,
        tmp_path / "files",
        budget=Budget(month_usd=1e9),
        price=EXPENSIVE,
        timing=Timing(settle=timedelta(seconds=45)),
    )
    made.fill()
    return made


@pytest.fixture
def run_id(shop: Workshop) -> str:
    """A run whose files are uploaded, so that its job is next."""
    started = shop.start()
    shop.go(started, S.UPLOADED)
    return started


def spend(shop: Workshop) -> float:
    return shop.ledger.spent_this_month("box", now=shop.clock.now)


def test_the_intent_is_written_before_the_request(shop: Workshop, run_id: str) -> None:
    seen = []

    class Nosy(type(shop.trainer)):  # type: ignore[misc] # a subclass of the fake's own class
        def create_job(self, run: object, **files: object) -> object:
            seen.append(shop.runs.get(run_id).intent_at)
            return super().create_job(run, **files)

    shop.trainer.__class__ = Nosy
    assert shop.go(run_id, S.SUBMITTED).job_id == "ftjob-1"
    assert seen == [shop.clock.now]


# Refused.


def test_a_refused_job_ends_the_run_and_leaves_nothing_behind(shop: Workshop, run_id: str) -> None:
    assert len(shop.trainer.files) == 2
    assert spend(shop) > 0
    shop.trainer.goes_wrong("create_job", TrainerRefused("403 Training not available", code="403"))
    run = shop.go(run_id)
    assert (run.state, run.fact("error")) == (S.FAILED, "TrainerRefused: 403 Training not available")
    assert (shop.trainer.files, shop.trainer.jobs, spend(shop)) == ({}, {}, 0)
    (letter,) = shop.letters.open(10)
    assert (letter["kind"], letter["subject"], letter["error"]) == ("run", run_id, "TrainerRefused")
    assert letter["remedy"]


def test_an_upload_that_cannot_be_deleted_now_is_deleted_later_and_the_run_ends_all_the_same(
    shop: Workshop, run_id: str
) -> None:
    shop.trainer.goes_wrong("create_job", TrainerRefused("403"))
    shop.trainer.goes_wrong("delete_file", TrainerUnreachable(), times=3)
    assert shop.go(run_id).state == S.FAILED
    assert len(shop.trainer.files) == 2
    shop.clear_all()
    assert shop.trainer.files == {}
    assert shop.letter_errors() == {f"run {run_id}": "TrainerRefused"}


def test_an_upload_whose_deletion_is_refused_becomes_a_dead_letter(shop: Workshop, run_id: str) -> None:
    kept = shop.runs.get(run_id).fact("training_file")
    shop.trainer.goes_wrong("create_job", TrainerRefused("403"))
    shop.trainer.goes_wrong("delete_file", TrainerRefused("not yours"))
    shop.go(run_id)
    assert list(shop.trainer.files) == [kept]
    assert shop.letter_errors() == {f"run {run_id}": "TrainerRefused", f"file {kept}": "TrainerRefused"}


# No answer.


def test_a_job_whose_creation_had_no_answer_is_found_and_adopted(shop: Workshop, run_id: str) -> None:
    shop.trainer.goes_wrong("create_job", OutcomeUnknown("timeout"), although_done=True)
    run = shop.go(run_id, S.SUBMITTED)
    assert run.job_id == "ftjob-1"
    assert (shop.trainer.create_requests, len(shop.trainer.jobs)) == (1, 1)


def test_a_job_that_the_list_shows_late_is_adopted_too(shop: Workshop, run_id: str) -> None:
    shop.trainer.goes_wrong("create_job", OutcomeUnknown("timeout"), although_done=True)
    shop.trainer.unlisted.add("ftjob-1")
    for _ in range(5):
        run = shop.advance(run_id)
        assert run is not None
        assert run.state == S.UPLOADED
    assert run is not None
    assert run.intent_at is not None
    until = run.intent_at + shop.timing.settle
    assert run.error == (
        f"OutcomeUnknown: the answer to the creation was lost; searching the trainer until {until:%H:%M} UTC"
    )
    assert str(run.remedy).startswith("Nothing yet")
    shop.trainer.unlisted.clear()
    assert shop.go(run_id, S.SUBMITTED).job_id == "ftjob-1"
    assert shop.trainer.create_requests == 1


def test_where_doubt_remains_a_person_is_asked_and_no_second_job_is_made(shop: Workshop, run_id: str) -> None:
    shop.trainer.goes_wrong("create_job", OutcomeUnknown("timeout"))
    run = shop.go(run_id)
    assert (run.state, run.fact("resume")) == (S.NEEDS_ATTENTION, "uploaded")
    assert run.fact("remedy")
    assert run.intent_at is not None
    assert run.updated_at - run.intent_at >= shop.timing.settle
    assert (shop.trainer.create_requests, shop.trainer.jobs) == (1, {})
    # It may have been created after all: neither its money nor its files are given away.
    assert spend(shop) > 0
    assert len(shop.trainer.files) == 2


def test_a_person_who_approves_lets_the_job_be_created(shop: Workshop, run_id: str) -> None:
    shop.trainer.goes_wrong("create_job", OutcomeUnknown("timeout"))
    shop.go(run_id)
    approve_run(run_id, shop.parts)
    assert shop.go(run_id, S.SUBMITTED).job_id == "ftjob-1"
    assert (shop.trainer.create_requests, len(shop.trainer.jobs)) == (2, 1)


def test_an_approval_adopts_a_job_that_came_to_light_meanwhile(shop: Workshop, run_id: str) -> None:
    shop.trainer.goes_wrong("create_job", OutcomeUnknown("timeout"), although_done=True)
    shop.trainer.unlisted.add("ftjob-1")
    assert shop.go(run_id).state == S.NEEDS_ATTENTION
    shop.trainer.unlisted.clear()
    approve_run(run_id, shop.parts)
    assert shop.go(run_id, S.SUBMITTED).job_id == "ftjob-1"
    assert (shop.trainer.create_requests, len(shop.trainer.jobs)) == (1, 1)


def test_a_trainer_that_creates_once_is_simply_asked_again(shop: Workshop, run_id: str) -> None:
    shop.trainer.creates_once = True
    shop.trainer.goes_wrong("create_job", OutcomeUnknown("timeout"))
    shop.trainer.goes_wrong("create_job", OutcomeUnknown("timeout"), although_done=True)
    shop.trainer.unlisted.add("ftjob-1")
    assert shop.go(run_id, S.SUBMITTED).job_id == "ftjob-1"
    assert (shop.trainer.create_requests, len(shop.trainer.jobs)) == (3, 1)


class Killed(BaseException):
    """What a SIGKILL looks like from inside: nothing more is done."""


@pytest.mark.parametrize("creates_once", [True, False])
def test_a_worker_killed_during_the_request_costs_no_second_job(
    shop: Workshop, run_id: str, *, creates_once: bool
) -> None:
    shop.trainer.creates_once = creates_once
    shop.trainer.goes_wrong("create_job", Killed(), although_done=True)  # type: ignore[arg-type] # no error of ours
    with pytest.raises(Killed):
        shop.advance(run_id)
    assert shop.advance(run_id) is None
    shop.clock.forward(shop.timing.lease.total_seconds() + 1)
    assert shop.go(run_id, S.SUBMITTED).job_id == "ftjob-1"
    assert (shop.trainer.create_requests, len(shop.trainer.jobs)) == (1, 1)


def test_of_several_jobs_of_one_run_the_oldest_is_adopted_and_the_others_are_stopped(
    shop: Workshop, run_id: str
) -> None:
    training_file = shop.runs.get(run_id).fact("training_file")
    shop.trainer.goes_wrong("create_job", OutcomeUnknown("timeout"), although_done=True)
    shop.advance(run_id)
    shop.trainer.add_job(run_id, training_file)
    shop.trainer.becomes(shop.trainer.add_job(run_id, training_file).job_id, "failed")
    assert shop.go(run_id, S.SUBMITTED).job_id == "ftjob-1"
    assert shop.trainer.cancelled == ["ftjob-2"]


def test_a_double_that_ended_before_it_could_be_stopped_is_no_obstacle(shop: Workshop, run_id: str) -> None:
    shop.trainer.goes_wrong("create_job", OutcomeUnknown("timeout"), although_done=True)
    shop.advance(run_id)
    shop.trainer.add_job(run_id, shop.runs.get(run_id).fact("training_file"))
    shop.trainer.goes_wrong("cancel", TrainerRefused("it has ended"))
    assert shop.go(run_id, S.SUBMITTED).job_id == "ftjob-1"


def test_jobs_of_other_runs_are_not_adopted(shop: Workshop, run_id: str) -> None:
    shop.trainer.add_job("run-of-somebody-else", shop.runs.get(run_id).fact("training_file"))
    shop.trainer.goes_wrong("create_job", OutcomeUnknown("timeout"))
    assert shop.go(run_id).state == S.NEEDS_ATTENTION
    assert shop.trainer.cancelled == []


@pytest.mark.parametrize("error", [TrainerRefused("401 key revoked"), TrainerUnreachable("refused")])
def test_a_search_that_is_not_answered_leaves_the_doubt_to_a_person(
    shop: Workshop, run_id: str, error: TrainerRefused | TrainerUnreachable
) -> None:
    """A job may be running: its files, its money and its run are not thrown away."""
    shop.trainer.goes_wrong("create_job", OutcomeUnknown("timeout"), although_done=True)
    shop.trainer.goes_wrong("find_jobs", error, times=1000)
    assert shop.go(run_id).state == S.NEEDS_ATTENTION
    assert len(shop.trainer.files) == 2
    assert spend(shop) > 0
    assert shop.trainer.create_requests == 1


# Later.


@pytest.mark.parametrize("error", [TrainerBusy("429"), TrainerUnreachable("connection refused")])
def test_a_trainer_that_created_nothing_is_asked_again_later_without_a_search(
    shop: Workshop, run_id: str, error: TrainerBusy | TrainerUnreachable
) -> None:
    shop.trainer.goes_wrong("create_job", error, times=3)
    shop.trainer.goes_wrong("find_jobs", TrainerRefused("must not be searched"))
    for _ in range(3):
        run = shop.advance(run_id)
        assert run is not None
        assert (run.state, run.intent_at) == (S.UPLOADED, None)
        assert run.due_at is not None
        assert run.due_at > shop.clock.now
    assert shop.go(run_id, S.SUBMITTED).job_id == "ftjob-1"
    assert len(shop.trainer.jobs) == 1


# A person meanwhile.


def test_a_run_whose_job_is_just_being_created_cannot_be_cancelled(shop: Workshop, run_id: str) -> None:
    shop.trainer.goes_wrong("create_job", OutcomeUnknown("timeout"))
    shop.advance(run_id)
    with pytest.raises(RunCannot):
        cancel_run(run_id, shop.parts)


def test_a_cancel_never_leaves_a_paid_job_without_its_run(shop: Workshop, run_id: str) -> None:
    """The person's command reads the run just before the worker creates the job."""
    refused = []

    class Interrupted(type(shop.trainer)):  # type: ignore[misc] # a subclass of the fake's own class
        def create_job(self, run: object, **files: object) -> object:
            job = super().create_job(run, **files)
            try:
                cancel_run(run_id, shop.parts)
            except RunCannot as error:
                refused.append(error)
            return job

    shop.trainer.__class__ = Interrupted
    shop.advance(run_id)
    run = shop.runs.get(run_id)
    assert run.state == S.SUBMITTED
    assert run.job_id == "ftjob-1"
    assert refused


def test_a_cancel_waits_for_the_worker_that_is_about_to_create_the_job(shop: Workshop, run_id: str) -> None:
    leased = shop.runs.lease(run_id, until=shop.clock.now + shop.timing.lease, now=shop.clock.now)
    assert leased is not None
    with pytest.raises(RunCannot):
        cancel_run(run_id, shop.parts)
    assert shop.runs.get(run_id).state == S.UPLOADED


def test_money_in_doubt_stays_set_aside_when_the_run_is_cancelled(shop: Workshop, run_id: str) -> None:
    shop.trainer.goes_wrong("create_job", OutcomeUnknown("timeout"), although_done=True)
    shop.trainer.unlisted.add("ftjob-1")
    shop.go(run_id)
    assert cancel_run(run_id, shop.parts).state == S.CANCELLED
    assert spend(shop) > 0


def test_a_job_of_another_run_is_not_adopted_where_the_server_keeps_no_metadata(shop: Workshop, run_id: str) -> None:
    class Forgetful(type(shop.trainer)):  # type: ignore[misc] # a subclass of the fake's own class
        def find_jobs(self, _run_id: str, _training_file: str) -> list[RemoteJob]:
            return list(self.jobs.values())

    shop.trainer.__class__ = Forgetful
    shop.go(run_id, S.SUBMITTED)
    shop.trainer.becomes("ftjob-1", "failed", error="bad luck")
    assert shop.go(run_id).state == S.FAILED
    second = shop.start()
    shop.trainer.goes_wrong("create_job", OutcomeUnknown("timeout"), although_done=True)
    assert shop.go(second, S.SUBMITTED).job_id == "ftjob-2"
    assert shop.trainer.cancelled == []


@pytest.mark.parametrize("other", [{"created_at": 1_700_000_000}, {"suffix": "of-another"}])
def test_where_files_are_shared_and_no_metadata_is_kept_suffix_and_time_decide(
    shop: Workshop, run_id: str, other: dict[str, object]
) -> None:
    """Some servers give the same content the same id, and another installation may have trained on it."""
    shop.trainer.keeps_metadata = False
    shop.trainer.goes_wrong("create_job", OutcomeUnknown("timeout"), although_done=True)
    theirs = shop.trainer.add_job("run-of-theirs", shop.runs.get(run_id).fact("training_file"))
    shop.trainer.jobs[theirs.job_id] = replace(theirs, **other)  # type: ignore[arg-type] # fields of RemoteJob
    assert shop.go(run_id, S.SUBMITTED).job_id == "ftjob-2"
    assert shop.trainer.cancelled == []


def test_looks_that_worked_do_not_count_as_attempts_that_failed(shop: Workshop, run_id: str) -> None:
    shop.go(run_id, S.SUBMITTED)
    for _ in range(200):
        shop.advance(run_id)
    shop.trainer.goes_wrong("job", TrainerUnreachable("one glitch"))
    shop.advance(run_id)
    run = shop.runs.get(run_id)
    assert run.state in {S.SUBMITTED, S.TRAINING}
    assert run.due_at is not None
    assert run.due_at - shop.clock.now <= timedelta(seconds=5)


def test_a_trainer_that_creates_once_is_asked_for_a_day_before_a_person_is(shop: Workshop, run_id: str) -> None:
    """It may only be starting again behind its gateway, and asking it twice makes no second job."""
    shop.trainer.creates_once = True
    begun_at = shop.clock.now
    shop.trainer.goes_wrong("create_job", OutcomeUnknown("502"), times=1000)
    assert shop.go(run_id).state == S.NEEDS_ATTENTION
    assert shop.clock.now - begun_at > timedelta(hours=20)
