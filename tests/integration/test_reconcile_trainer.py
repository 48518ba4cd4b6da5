"""Jobs and files of ours at a trainer that no run knows: adopted, stopped, deleted, told of; others' are left alone."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.adapters.sql_tables import notices
from service.domain.errors import OutcomeUnknown, TrainerRefused, TrainerUnreachable
from service.domain.orphans import Orphan, Standing
from service.domain.pipelines import Budget
from service.domain.runs import RunState
from service.domain.upload_names import upload_name
from service.ports import RemoteJob
from service.usecases.reconcile_trainer import FILE_AGE, reconcile_trainer
from service.usecases.steer_run import cancel_run
from tests.support.fakes import FakeTrainer
from tests.support.workshop import EXPENSIVE, Workshop

S = RunState
SHA = "ab" * 32


@pytest.fixture
def shop(sqlite_engine: sa.Engine, tmp_path: Path) -> Workshop:
    made = Workshop(sqlite_engine, tmp_path / "files", budget=Budget(month_usd=1e9), price=EXPENSIVE)
    made.fill()
    return made


def compare(shop: Workshop, *, act: bool = True) -> list[tuple[str, str, str]]:
    done = reconcile_trainer("box", shop.parts, act=act)
    assert done.errors == []
    return [(orphan.thing_id, orphan.standing.value, orphan.done) for orphan in done.orphans]


def in_doubt(shop: Workshop) -> str:
    """Bring a run to a job that was created, and nobody knows of it."""
    run_id = shop.start()
    shop.go(run_id, S.UPLOADED)
    shop.trainer.goes_wrong("create_job", OutcomeUnknown("timeout"), although_done=True)
    shop.advance(run_id)
    return run_id


def told(shop: Workshop) -> list[str]:
    with shop.engine.connect() as connection:
        return sorted(connection.scalars(sa.select(notices.c.title).where(notices.c.kind == "orphan_found")))


def add_job(shop: Workshop, run_id: str, *, installation: str | None = "", file: str | None = None) -> RemoteJob:
    """Let a job be there, of this installation unless another is named."""
    named = shop.aftermath.installation() if installation == "" else installation
    return shop.trainer.add_job(run_id, file, installation=named)


# Jobs.


def test_where_all_is_known_nothing_is_found(shop: Workshop) -> None:
    shop.go(shop.train())
    running = shop.start()
    shop.go(running, S.SUBMITTED)
    assert compare(shop) == []
    shop.clock.forward(timedelta(days=30).total_seconds())
    assert compare(shop) == []
    assert shop.trainer.cancelled == []


@pytest.mark.parametrize("created_at", [0, 1_793_600_000_000, -1])
def test_a_server_whose_moments_are_none_is_compared_as_well(shop: Workshop, created_at: int) -> None:
    in_doubt(shop)
    shop.trainer.becomes("ftjob-1", "running", created_at=created_at)
    assert compare(shop) == [("ftjob-1", "adoptable", "adopted")]


def test_a_job_of_a_run_that_waits_for_it_is_adopted(shop: Workshop) -> None:
    run_id = in_doubt(shop)
    assert compare(shop, act=False) == [("ftjob-1", "adoptable", "adopted")]
    assert shop.runs.get(run_id).state == S.UPLOADED
    assert compare(shop) == [("ftjob-1", "adoptable", "adopted")]
    run = shop.runs.get(run_id)
    assert (run.state, run.job_id) == (S.SUBMITTED, "ftjob-1")
    assert shop.queue.woken[-1] == ("advance_run", run_id)
    assert compare(shop) == []
    assert told(shop) == ["job ftjob-1 at trainer box: adopted"]


def test_a_job_that_came_to_light_after_a_person_was_asked_is_adopted_without_one(shop: Workshop) -> None:
    run_id = in_doubt(shop)
    shop.trainer.unlisted.add("ftjob-1")
    assert shop.go(run_id).state == S.NEEDS_ATTENTION
    shop.trainer.unlisted.clear()
    compare(shop)
    shop.finish_job()
    assert shop.go(run_id).state == S.PROMOTED
    assert len(shop.trainer.jobs) == 1


def test_a_job_without_metadata_is_found_by_its_file(shop: Workshop) -> None:
    shop.trainer.keeps_metadata = False
    run_id = in_doubt(shop)
    assert compare(shop) == [("ftjob-1", "adoptable", "adopted")]
    assert shop.runs.get(run_id).job_id == "ftjob-1"


def test_a_run_that_a_worker_has_in_hand_is_left_to_it(shop: Workshop) -> None:
    run_id = in_doubt(shop)
    shop.runs.hurry(run_id)
    assert shop.runs.lease(run_id, until=shop.clock.now + shop.timing.lease, now=shop.clock.now)
    assert compare(shop) == []
    assert shop.runs.get(run_id).job_id is None


def test_of_several_the_oldest_is_adopted_and_the_open_ones_are_stopped(shop: Workshop) -> None:
    run_id = in_doubt(shop)
    add_job(shop, run_id)
    ended = add_job(shop, run_id)
    shop.trainer.becomes(ended.job_id, "succeeded")
    assert compare(shop) == [
        ("ftjob-1", "adoptable", "adopted"),
        ("ftjob-2", "double", "cancelled"),
        ("ftjob-3", "double", "told"),
    ]
    assert shop.trainer.cancelled == ["ftjob-2"]
    # What it cost stands nowhere: a person is to know, once.
    assert shop.letter_errors() == {"orphan ftjob-3": "OrphanFound"}
    assert len(told(shop)) == 3
    compare(shop)
    assert len(told(shop)) == 4  # the second is stopped by now
    compare(shop)
    assert len(told(shop)) == 4


def test_a_double_of_a_run_that_goes_on_is_stopped(shop: Workshop) -> None:
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    add_job(shop, run_id)
    assert compare(shop) == [("ftjob-2", "double", "cancelled")]
    assert shop.trainer.cancelled == ["ftjob-2"]
    shop.finish_job()
    assert shop.go(run_id).state == S.PROMOTED


def test_a_job_of_a_run_that_was_given_up_is_stopped_and_its_bill_is_written(shop: Workshop) -> None:
    run_id = in_doubt(shop)
    shop.trainer.unlisted.add("ftjob-1")
    shop.go(run_id)
    cancel_run(run_id, shop.parts)
    reserved = shop.ledger.spent_this_month("box", now=shop.clock.now)
    shop.trainer.unlisted.clear()
    shop.trainer.becomes("ftjob-1", "running", trained_tokens=70)
    assert compare(shop) == [("ftjob-1", "ended", "cancelled")]
    assert shop.trainer.cancelled == ["ftjob-1"]
    shop.clear_all()
    assert reserved > 70
    assert shop.ledger.spent_this_month("box", now=shop.clock.now) == pytest.approx(70)
    assert shop.runs.get(run_id).job_id == "ftjob-1"
    assert shop.trainer.files == {}


def test_a_job_that_ended_by_itself_after_its_run_was_given_up_is_billed(shop: Workshop) -> None:
    run_id = in_doubt(shop)
    shop.trainer.unlisted.add("ftjob-1")
    shop.go(run_id)
    cancel_run(run_id, shop.parts)
    shop.trainer.unlisted.clear()
    shop.finish_job(tokens=80)
    assert compare(shop) == [("ftjob-1", "ended", "billed")]
    shop.clear_all()
    assert shop.ledger.spent_this_month("box", now=shop.clock.now) == pytest.approx(80)
    assert compare(shop) == []


def test_a_run_that_was_given_up_in_doubt_gives_its_money_back_after_a_day_of_searching(shop: Workshop) -> None:
    run_id = shop.start()
    shop.go(run_id, S.UPLOADED)
    shop.trainer.goes_wrong("create_job", OutcomeUnknown("timeout"))
    shop.go(run_id)
    cancel_run(run_id, shop.parts)
    cancelled_at = shop.clock.now
    assert shop.ledger.spent_this_month("box", now=shop.clock.now) > 0
    assert len(shop.trainer.files) == 2
    shop.clear_all()
    assert shop.clock.now - cancelled_at == timedelta(days=1)
    assert shop.ledger.spent_this_month("box", now=shop.clock.now) == 0
    assert shop.trainer.files == {}


def test_what_cannot_be_cleared_at_all_becomes_a_dead_letter_and_counts_as_spent(shop: Workshop) -> None:
    run_id = in_doubt(shop)
    shop.trainer.unlisted.add("ftjob-1")
    shop.go(run_id)
    reserved = shop.ledger.spent_this_month("box", now=shop.clock.now)
    shop.trainer.goes_wrong("find_jobs", TrainerRefused("401 key revoked"))
    cancel_run(run_id, shop.parts)
    assert shop.aftermath.standing_at("box") == []
    assert shop.letter_errors() == {f"aftermath {run_id}": "TrainerRefused"}
    assert shop.ledger.spent_this_month("box", now=shop.clock.now) == pytest.approx(reserved)


def test_a_job_of_another_installation_is_nobodys_business_here(shop: Workshop) -> None:
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    add_job(shop, run_id, installation="another0another0")
    add_job(shop, "run-of-theirs", installation="another0another0")
    add_job(shop, "run-of-nobody", installation=None)
    assert compare(shop) == []
    assert shop.trainer.cancelled == []


def test_a_job_that_does_not_say_whose_it_is_is_told_of_and_not_stopped(shop: Workshop) -> None:
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    add_job(shop, run_id, installation=None)
    assert compare(shop) == [("ftjob-2", "double", "told")]
    assert shop.trainer.cancelled == []
    assert shop.letter_errors() == {"orphan ftjob-2": "OrphanFound"}


def test_a_job_of_ours_for_a_run_that_the_database_does_not_know_is_told_of_and_not_stopped(shop: Workshop) -> None:
    """The database may come from a backup, or be a copy beside the one that knows it."""
    shop.go(shop.start(), S.SUBMITTED)
    add_job(shop, "run-after-the-backup")
    assert compare(shop) == [("ftjob-2", "unknown", "told")]
    early = shop.runs.recent(None, 1)[0].run_id
    assert early
    assert shop.trainer.cancelled == []


def test_a_job_for_a_run_that_has_not_come_so_far_is_told_of(shop: Workshop) -> None:
    run_id = shop.start()
    add_job(shop, run_id)
    assert compare(shop) == [("ftjob-1", "unknown", "told")]
    assert shop.runs.get(run_id).state == S.CLAIMED


def test_two_names_for_one_account_do_not_take_each_others_jobs_for_orphans(shop: Workshop) -> None:
    shop.accounts["same account"] = shop.accounts["box"]
    run_id = in_doubt(shop)
    assert reconcile_trainer("same account", shop.parts).orphans == []
    assert shop.runs.get(run_id).state == S.UPLOADED


def other_account(shop: Workshop) -> FakeTrainer:
    """Let there be a second trainer, of another account."""
    other = FakeTrainer(clock=shop.clock)
    shop.accounts["other"] = replace(shop.accounts["box"], name="other", connect=lambda: other)
    return other


def test_a_job_here_that_names_a_run_of_another_account_is_told_of(shop: Workshop) -> None:
    other = other_account(shop)
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    # Its own account calls the job of another run so.
    shop.trainer.add_job("run-else", None, installation="elsewhere")
    other.add_job("run-before", None, installation="elsewhere")
    job = other.add_job(run_id, None, installation=shop.aftermath.installation())
    (orphan,) = reconcile_trainer("other", shop.parts).orphans
    assert (orphan.thing_id, orphan.run_id) == (job.job_id, run_id)
    assert (orphan.standing, orphan.done) == (Standing.UNKNOWN, "told")
    assert (other.cancelled, shop.trainer.cancelled) == ([], [])


def test_a_job_here_that_names_a_run_of_another_account_waits_for_that_account_to_answer(shop: Workshop) -> None:
    other = other_account(shop)
    run_id = shop.start()
    other.add_job(run_id, None, installation=shop.aftermath.installation())
    shop.trainer.goes_wrong("job", TrainerUnreachable())
    assert reconcile_trainer("other", shop.parts).orphans == []
    assert len(reconcile_trainer("other", shop.parts).orphans) == 1


def test_what_only_a_person_can_settle_says_how_wherever_it_is_told(shop: Workshop) -> None:
    add_job(shop, "run-never-heard-of")
    (orphan,) = reconcile_trainer("box", shop.parts).orphans
    assert "cancel it in the console of trainer box" in orphan.remedy
    assert "tuneloop dead-letters dismiss" in orphan.remedy
    (letter,) = shop.letters.open(10)
    assert letter["remedy"] == orphan.remedy
    with shop.engine.connect() as connection:
        text = connection.scalars(sa.select(notices.c.text).where(notices.c.kind == "orphan_found")).one()
    assert text == f"{orphan.what}. {orphan.remedy}"


# Files.


def add_file(shop: Workshop, run_id: str, *, installation: str | None = None) -> str:
    named = installation or shop.aftermath.installation()
    return shop.trainer.add_file(upload_name("train", SHA, installation=named, run_id=run_id))


def test_an_old_file_that_no_open_run_needs_is_deleted_and_told_of(shop: Workshop) -> None:
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    double, unknown = add_file(shop, run_id), add_file(shop, "run-never-heard-of")
    shop.clock.forward(FILE_AGE.total_seconds() + 60)
    # Its run is open: it may be about to be written down.
    assert compare(shop) == [(unknown, "unknown", "deleted")]
    shop.finish_job()
    shop.go(run_id)
    assert compare(shop, act=False) == [(double, "ended", "deleted")]
    assert double in shop.trainer.files
    assert compare(shop) == [(double, "ended", "deleted")]
    # The run's own are kept for a while.
    assert len(shop.trainer.files) == 2
    shop.clear_all()
    assert shop.trainer.files == {}
    assert len(told(shop)) == 2


def test_a_file_whose_deletion_is_refused_keeps_no_other_from_being_deleted(shop: Workshop) -> None:
    kept, gone = add_file(shop, "run-x"), add_file(shop, "run-y")
    shop.clock.forward(FILE_AGE.total_seconds() + 60)
    shop.trainer.goes_wrong("delete_file", TrainerRefused("not yours"))
    assert compare(shop) == [(gone, "unknown", "told"), (kept, "unknown", "deleted")]
    assert shop.letter_errors() == {f"orphan {gone}": "OrphanFound"}
    assert list(shop.trainer.files) == [gone]


def test_young_files_and_those_of_others_stay(shop: Workshop) -> None:
    theirs = add_file(shop, "run-of-theirs", installation="another0")
    nameless = shop.trainer.add_file("train-abababababababab.jsonl")
    timeless = add_file(shop, "run-x")
    shop.trainer.file_times[timeless] = 0
    shop.clock.forward(FILE_AGE.total_seconds() - 60)
    young = add_file(shop, "run-y")
    shop.clock.forward(120)
    assert compare(shop) == []
    assert list(shop.trainer.files) == [theirs, nameless, timeless, young]


def test_a_file_that_an_open_run_shares_stays(shop: Workshop) -> None:
    """Some servers give the same content the same id."""
    run_id = shop.start()
    run = shop.go(run_id, S.UPLOADED)
    shared = run.fact("training_file")
    shop.trainer.file_names[shared] = upload_name(
        "train", SHA, installation=shop.aftermath.installation(), run_id="run-before"
    )
    shop.clock.forward(FILE_AGE.total_seconds() + 60)
    assert compare(shop) == []
    assert shared in shop.trainer.files


# What cannot be listed.


def test_a_list_that_is_not_answered_is_said_and_the_other_one_is_gone_through(shop: Workshop) -> None:
    lost = add_file(shop, "run-x")
    shop.clock.forward(FILE_AGE.total_seconds() + 60)
    shop.trainer.goes_wrong("list_jobs", TrainerRefused("404 no such path"))
    done = reconcile_trainer("box", shop.parts)
    assert done.errors == [f"TrainerRefused: 404 no such path. What to do: {TrainerRefused.remedy}"]
    assert [orphan.thing_id for orphan in done.orphans] == [lost]
    shop.trainer.goes_wrong("list_files", TrainerUnreachable("reset"))
    remedy = TrainerUnreachable.remedy
    assert reconcile_trainer("box", shop.parts).errors == [f"TrainerUnreachable: reset. What to do: {remedy}"]


def test_a_trainer_that_is_away_is_told_of_once_with_what_to_do(shop: Workshop) -> None:
    for request in ("list_jobs", "list_files"):
        shop.trainer.goes_wrong(request, TrainerUnreachable("no connection"))
    (error,) = reconcile_trainer("box", shop.parts).errors
    assert error == f"TrainerUnreachable: no connection. What to do: {TrainerUnreachable.remedy}"


def test_an_orphan_says_what_it_is_in_words(shop: Workshop) -> None:
    add_job(shop, "run-x")
    (orphan,) = reconcile_trainer("box", shop.parts, act=False).orphans
    assert isinstance(orphan, Orphan)
    assert orphan.what == (
        "job ftjob-1 of 2027-01-15 08:00, validating_files, was created by this installation for run run-x, which does "
        "not know of it"
    )


def test_the_files_of_a_run_at_another_table_of_the_same_account_are_left_to_that(shop: Workshop) -> None:
    """They stay for ``keep_files`` after its end, whichever name of the account is compared."""
    run_id = shop.train()
    shop.go(run_id)
    files = dict(shop.trainer.files)
    assert files
    shop.accounts["twin"] = shop.accounts["box"]
    shop.clock.forward((FILE_AGE + timedelta(hours=1)).total_seconds())
    assert reconcile_trainer("twin", shop.parts).orphans == []
    assert shop.trainer.files == files


def test_the_files_of_a_run_that_was_cleared_are_deleted_by_its_own_table_alone(shop: Workshop) -> None:
    run_id = shop.train()
    shop.go(run_id)
    shop.accounts["twin"] = shop.accounts["box"]
    shop.aftermath.clear(run_id, now=shop.clock.now)
    shop.clock.forward((FILE_AGE + timedelta(hours=1)).total_seconds())
    assert reconcile_trainer("twin", shop.parts).orphans == []
    assert {orphan.done for orphan in reconcile_trainer("box", shop.parts).orphans} == {"deleted"}
