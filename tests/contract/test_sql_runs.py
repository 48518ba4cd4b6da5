"""Runs, their history and their jobs on SQLite and on PostgreSQL."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from service.adapters.sql_runs import SqlRunStore
from service.domain.errors import NotFound, RunMoved
from service.domain.runs import Run, RunState, Step
from service.ports import JobEvent
from tests.support.builders import make_run
from tests.support.fakes import NOON
from tests.support.races import at_once

S = RunState
MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(engine: sa.Engine) -> SqlRunStore:
    return SqlRunStore(engine)


def claim(store: SqlRunStore, run_id: str = "run-1", **fields: object) -> Run:
    claimed = store.claim(make_run(run_id, **fields))
    assert claimed is not None
    return claimed


def test_a_claimed_run_comes_back_in_every_field(store: SqlRunStore) -> None:
    run = make_run(facts={"hyperparameters": {"n_epochs": 3}, "suffix": None}, watermark=2**40, cause="by hand")
    assert store.claim(run) == run
    assert store.get("run-1") == replace(run, facts={"hyperparameters": {"n_epochs": 3}, "suffix": None})
    (first,) = store.history("run-1")
    assert (first["before"], first["after"], first["cause"], first["at"]) == ("", "claimed", "by hand", NOON)


def test_only_the_first_claim_of_a_crossing_wins(store: SqlRunStore) -> None:
    claims = at_once(8, lambda index: store.claim(make_run(f"run-{index}")))
    (winner,) = [run for run in claims if run is not None]
    assert [run.run_id for run in store.recent(None, 10)] == [winner.run_id]
    assert len(store.history(winner.run_id)) == 1


def test_claiming_the_same_crossing_later_gives_nothing(store: SqlRunStore) -> None:
    run = claim(store)
    store.record(run, Step(S.FAILED, "x"), now=NOON)
    assert store.claim(make_run("run-2", ordinal=1)) is None


def test_a_pipeline_has_one_open_run(store: SqlRunStore) -> None:
    run = claim(store)
    assert store.claim(make_run("run-2", ordinal=2)) is None
    assert store.claim(make_run("run-3", pipeline="other", ordinal=2)) is not None
    store.record(run, Step(S.CANCELLED, "x"), now=NOON)
    assert store.claim(make_run("run-2", ordinal=2)) is not None


def test_runs_that_wait_for_a_person_are_open_too(store: SqlRunStore) -> None:
    run = store.record(claim(store), Step(S.SNAPSHOTTED, "x"), now=NOON)
    store.record(run, Step(S.AWAITING_APPROVAL, "x"), now=NOON)
    assert store.claim(make_run("run-2", ordinal=2)) is None


def test_the_beginning_of_an_id_is_enough_where_it_is_the_only_one(store: SqlRunStore) -> None:
    claim(store, "run-abc")
    claim(store, "run-abd", pipeline="other")
    assert store.get("run-abc").run_id == "run-abc"
    for unknown in ("run-ab", "run-x", "run_abc", "%"):
        with pytest.raises(NotFound):
            store.get(unknown)


# Leases.


def test_a_lease_keeps_others_away_until_it_ends(store: SqlRunStore) -> None:
    claim(store)
    assert store.lease("run-1", until=NOON + MINUTE, now=NOON) is not None
    assert store.lease("run-1", until=NOON + 2 * MINUTE, now=NOON + MINUTE / 2) is None
    assert store.standing(now=NOON + MINUTE / 2) == []
    assert [run.run_id for run in store.standing(now=NOON + 2 * MINUTE)] == ["run-1"]
    assert store.lease("run-1", until=NOON + 9 * MINUTE, now=NOON + 2 * MINUTE) is not None


def lease(store: SqlRunStore, *, until: datetime, now: datetime) -> Run:
    """Take the run, which is free."""
    found = store.lease("run-1", until=until, now=now)
    assert found is not None
    return found


def test_of_many_workers_one_gets_the_lease(store: SqlRunStore) -> None:
    claim(store)
    leases = at_once(8, lambda _: store.lease("run-1", until=NOON + MINUTE, now=NOON))
    assert len([run for run in leases if run is not None]) == 1


def test_an_extended_lease_ends_later(store: SqlRunStore) -> None:
    claim(store)
    store.extend(lease(store, until=NOON + MINUTE, now=NOON), until=NOON + 3 * MINUTE)
    assert store.lease("run-1", until=NOON + 9 * MINUTE, now=NOON + 2 * MINUTE) is None


def test_who_lost_the_lease_can_neither_extend_nor_record(store: SqlRunStore) -> None:
    claim(store)
    first = lease(store, until=NOON + MINUTE, now=NOON)
    second = lease(store, until=NOON + 9 * MINUTE, now=NOON + 2 * MINUTE)
    for too_late in (
        lambda: store.extend(first, until=NOON + 99 * MINUTE),
        lambda: store.record(first, Step(S.FAILED, "late"), now=NOON + 3 * MINUTE),
        lambda: store.note_intent(first, now=NOON + 3 * MINUTE),
    ):
        with pytest.raises(RunMoved):
            too_late()
    store.extend(second, until=NOON + 20 * MINUTE)
    assert store.lease("run-1", until=NOON + 99 * MINUTE, now=NOON + 15 * MINUTE) is None
    after = store.record(second, Step(S.SNAPSHOTTED, "in time"), now=NOON + 15 * MINUTE)
    assert (after.state, store.get("run-1").state) == (S.SNAPSHOTTED, S.SNAPSHOTTED)


def test_a_lease_is_not_taken_for_an_earlier_one_of_the_same_state(store: SqlRunStore) -> None:
    claim(store)
    first = lease(store, until=NOON + MINUTE, now=NOON)
    second = lease(store, until=NOON + 3 * MINUTE, now=NOON + 2 * MINUTE)
    store.record(second, Step(S.CLAIMED, "not yet"), now=NOON + 3 * MINUTE)
    # The turns begin anew with every step.
    third = lease(store, until=NOON + 9 * MINUTE, now=NOON + 4 * MINUTE)
    assert third.turns == first.turns
    with pytest.raises(RunMoved):
        store.record(first, Step(S.SNAPSHOTTED, "late"), now=NOON + 5 * MINUTE)
    assert store.record(third, Step(S.SNAPSHOTTED, "in time"), now=NOON + 5 * MINUTE).state == S.SNAPSHOTTED


def test_what_went_wrong_is_told_until_a_step_works(store: SqlRunStore) -> None:
    failed = Step(S.CLAIMED, "down", facts={"error": "TrainerBusy: 429", "remedy": "Wait.", "busy_since": "noon"})
    run = store.record(claim(store), failed, now=NOON)
    assert (run.error, run.remedy) == ("TrainerBusy: 429", "Wait.")
    run = store.record(run, Step(S.SNAPSHOTTED, "done"), now=NOON)
    assert store.get("run-1").facts == run.facts == {"busy_since": "noon"}


def test_recording_a_step_ends_the_lease_and_counts_attempts_in_one_state(store: SqlRunStore) -> None:
    run = claim(store)
    for attempts in (1, 2):
        run = lease(store, until=NOON + MINUTE, now=NOON)
        run = store.record(run, Step(S.CLAIMED, "again", facts={f"try {attempts}": True}), now=NOON)
        assert run.attempts == attempts
    run = store.record(run, Step(S.SNAPSHOTTED, "done", changes={"snapshot_id": "s"}), now=NOON + MINUTE)
    assert (run.state, run.attempts, run.snapshot_id, run.updated_at) == (S.SNAPSHOTTED, 0, "s", NOON + MINUTE)
    assert run.facts == {"try 1": True, "try 2": True}
    assert [row["after"] for row in store.history("run-1")] == ["claimed", "snapshotted"]
    assert store.get("run-1") == run


def test_a_run_that_is_not_due_is_left_alone_until_it_is_or_is_hurried(store: SqlRunStore) -> None:
    store.record(claim(store), Step(S.CLAIMED, "later", due_at=NOON + MINUTE), now=NOON)
    assert store.lease("run-1", until=NOON + 9 * MINUTE, now=NOON) is None
    assert store.standing(now=NOON) == []
    assert [run.run_id for run in store.standing(now=NOON + MINUTE)] == ["run-1"]
    store.hurry("run-1")
    assert store.lease("run-1", until=NOON + 9 * MINUTE, now=NOON) is not None


def test_a_run_that_is_held_up_rests_after_the_step_under_way_until_it_is_hurried(store: SqlRunStore) -> None:
    claim(store)
    # Nobody has it: there is nothing to wait for.
    store.hold_up("run-1", until=NOON + 9 * MINUTE)
    run = lease(store, until=NOON + MINUTE, now=NOON)
    store.hold_up("run-1", until=NOON + 9 * MINUTE)
    store.extend(run, until=NOON + 2 * MINUTE)
    run = store.record(run, Step(S.SNAPSHOTTED, "x"), now=NOON + MINUTE)
    assert run.due_at == NOON + 9 * MINUTE
    assert store.lease("run-1", until=NOON + 3 * MINUTE, now=NOON + 2 * MINUTE) is None
    store.hurry("run-1")
    run = lease(store, until=NOON + 3 * MINUTE, now=NOON + 2 * MINUTE)
    # It was for one step, and what ends is cleared at once.
    run = store.record(run, Step(S.SNAPSHOTTED, "x"), now=NOON + 2 * MINUTE)
    assert run.due_at is None
    run = lease(store, until=NOON + 3 * MINUTE, now=NOON + 2 * MINUTE)
    store.hold_up("run-1", until=NOON + 9 * MINUTE)
    assert store.record(run, Step(S.FAILED, "x"), now=NOON + 2 * MINUTE).due_at is None


@pytest.mark.parametrize("end", [S.FAILED, S.CANCELLED])
def test_a_run_that_ended_is_never_leased_again(store: SqlRunStore, end: RunState) -> None:
    store.record(claim(store), Step(end, "over"), now=NOON)
    store.hurry("run-1")
    assert store.lease("run-1", until=NOON + MINUTE, now=NOON) is None
    assert store.standing(now=NOON + MINUTE) == []


def test_a_run_that_waits_for_a_person_is_not_leased(store: SqlRunStore) -> None:
    run = store.record(claim(store), Step(S.SNAPSHOTTED, "x"), now=NOON)
    store.record(run, Step(S.AWAITING_APPROVAL, "x"), now=NOON)
    assert store.lease("run-1", until=NOON + MINUTE, now=NOON) is None
    assert store.standing(now=NOON) == []


# Steps that meet.


def test_a_step_from_where_the_run_no_longer_is_changes_nothing(store: SqlRunStore) -> None:
    stale = claim(store)
    moved = store.record(stale, Step(S.SNAPSHOTTED, "x"), now=NOON)
    with pytest.raises(RunMoved):
        store.record(stale, Step(S.FAILED, "late"), now=NOON)
    assert store.get("run-1") == moved
    assert len(store.history("run-1")) == 2


def test_a_step_that_the_states_do_not_allow_changes_nothing(store: SqlRunStore) -> None:
    run = claim(store)
    with pytest.raises(RunMoved):
        store.record(run, Step(S.PROMOTED, "why not"), now=NOON)
    assert store.get("run-1").state == S.CLAIMED


def test_of_two_workers_that_finish_a_step_at_once_one_counts(store: SqlRunStore) -> None:
    run = claim(store)

    def finish(index: int) -> bool:
        try:
            store.record(run, Step((S.SNAPSHOTTED, S.FAILED)[index % 2], f"worker {index}"), now=NOON)
        except RunMoved:
            return False
        return True

    assert sum(at_once(4, finish)) == 1
    assert len(store.history("run-1")) == 2


def test_an_intent_is_noted_once_however_many_try(store: SqlRunStore) -> None:
    run = store.record(claim(store), Step(S.SNAPSHOTTED, "x"), now=NOON)
    run = store.record(run, Step(S.UPLOADED, "x"), now=NOON)

    def note(_index: int) -> bool:
        try:
            store.note_intent(run, now=NOON + MINUTE)
        except RunMoved:
            return False
        return True

    assert sum(at_once(4, note)) == 1
    assert store.get("run-1").intent_at == NOON + MINUTE


def test_an_intent_of_a_run_that_moved_is_refused(store: SqlRunStore) -> None:
    run = store.record(claim(store), Step(S.SNAPSHOTTED, "x"), now=NOON)
    run = store.record(run, Step(S.UPLOADED, "x"), now=NOON)
    store.record(run, Step(S.CANCELLED, "x"), now=NOON)
    with pytest.raises(RunMoved):
        store.note_intent(run, now=NOON)
    assert store.get("run-1").intent_at is None


# Jobs.


def test_a_run_is_found_by_its_job(store: SqlRunStore) -> None:
    run = claim(store)
    for state in (S.SNAPSHOTTED, S.UPLOADED):
        run = store.record(run, Step(state, "x"), now=NOON)
    store.record(run, Step(S.SUBMITTED, "x", changes={"job_id": "ftjob-1"}), now=NOON)
    found = store.by_job("ftjob-1", "box")
    assert found is not None
    assert found.run_id == "run-1"
    assert store.by_job("ftjob-2", "box") is None
    assert store.by_job("ftjob-1", "another trainer") is None


def test_what_a_job_reported_is_kept_once_and_in_order(store: SqlRunStore) -> None:
    claim(store)
    events = [JobEvent(f"event-{n}", 1000 + n, "info", "message", f"step {n}", {"step": n}) for n in range(4)]
    store.add_job_events("run-1", [])
    store.add_job_events("run-1", events[:2])
    store.add_job_events("run-1", events)
    assert store.job_events("run-1") == events
    assert store.job_events("run-2") == []


def test_the_newest_runs_come_first(store: SqlRunStore) -> None:
    for number in range(3):
        claim(store, f"run-{number}", pipeline=f"p{number % 2}-{number}", created_at=NOON + number * MINUTE)
    assert [run.run_id for run in store.recent(None, 2)] == ["run-2", "run-1"]
    assert [run.run_id for run in store.recent("p0-0", 9)] == ["run-0"]


def test_the_runs_that_wait_for_a_person_come_with_the_longest_wait_first(store: SqlRunStore) -> None:
    for number, (state, minutes) in enumerate([(S.NEEDS_ATTENTION, 3), (S.TRAINING, 0), (S.AWAITING_APPROVAL, 1)]):
        claim(store, f"run-{number}", pipeline=f"pipeline-{number}", state=state, updated_at=NOON + minutes * MINUTE)
    over = claim(store, "run-9", state=S.AWAITING_APPROVAL)
    store.record(over, Step(S.CANCELLED, "x"), now=NOON)
    assert [run.run_id for run in store.waiting()] == ["run-2", "run-0"]


def test_the_runs_of_a_snapshot_are_given_oldest_first(store: SqlRunStore) -> None:
    for number in range(3):
        snapshot = "a" * 64 if number else "b" * 64
        fields = {"snapshot_id": snapshot, "created_at": NOON + number * MINUTE}
        claim(store, f"run-{number}", pipeline=f"p{number}", **fields)
    assert [run.run_id for run in store.of_snapshot("a" * 64)] == ["run-1", "run-2"]
    assert store.of_snapshot("c" * 64) == []
