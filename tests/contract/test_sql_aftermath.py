"""What runs leave behind, on SQLite and on PostgreSQL."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.adapters.sql_aftermath import SqlAftermath
from service.adapters.sql_runs import SqlRunStore
from service.domain.runs import Run, RunState, Step
from tests.support.builders import make_run
from tests.support.fakes import NOON
from tests.support.races import at_once

S = RunState
HOUR = timedelta(hours=1)


@pytest.fixture
def runs(engine: sa.Engine) -> SqlRunStore:
    return SqlRunStore(engine)


@pytest.fixture
def aftermath(engine: sa.Engine) -> SqlAftermath:
    return SqlAftermath(engine)


def ended(runs: SqlRunStore, run_id: str = "run-1", **fields: object) -> Run:
    run = runs.claim(make_run(run_id, **{"pipeline": run_id, **fields}))
    assert run is not None
    return runs.record(run, Step(S.FAILED, "x"), now=NOON)


def test_an_installation_has_one_name_whoever_asks_first(engine: sa.Engine) -> None:
    names = at_once(6, lambda _: SqlAftermath(engine).installation())
    assert len(set(names)) == 1
    assert len(names[0]) == 16
    assert SqlAftermath(engine).installation() == names[0]


def test_a_run_is_due_once_it_has_ended_and_until_it_is_cleared(runs: SqlRunStore, aftermath: SqlAftermath) -> None:
    runs.claim(make_run("run-open", pipeline="p"))
    ended(runs)
    assert aftermath.due(now=NOON) == ["run-1"]
    assert [run.run_id for run in aftermath.standing_at("box")] == ["run-open", "run-1"]
    assert aftermath.standing_at("other") == []
    aftermath.clear("run-1", now=NOON)
    assert aftermath.due(now=NOON + HOUR) == []
    assert [run.run_id for run in aftermath.standing_at("box")] == ["run-open"]
    # Nothing of an open run is written by this.
    aftermath.clear("run-open", now=NOON)
    assert [run.run_id for run in aftermath.standing_at("box")] == ["run-open"]


def test_of_many_that_want_to_clear_a_run_one_gets_it(runs: SqlRunStore, aftermath: SqlAftermath) -> None:
    ended(runs)
    taken = at_once(6, lambda _: aftermath.take("run-1", until=NOON + HOUR, now=NOON))
    assert [run.run_id for run in taken if run is not None] == ["run-1"]
    assert aftermath.due(now=NOON + HOUR / 2) == []
    # Its worker was killed.
    assert aftermath.due(now=NOON + 2 * HOUR) == ["run-1"]
    assert aftermath.take("run-1", until=NOON + 3 * HOUR, now=NOON + 2 * HOUR) is not None


def test_how_the_job_of_an_ended_run_ended_is_added_to_its_facts(runs: SqlRunStore, aftermath: SqlAftermath) -> None:
    before = ended(runs, facts={"suffix": "s"})
    aftermath.note_end("run-1", tuned_model="ft:1", facts={"job_over": True})
    after = runs.get("run-1")
    assert (after.tuned_model, after.facts) == ("ft:1", {"suffix": "s", "job_over": True})
    assert (after.state, after.updated_at) == (before.state, before.updated_at)


def test_the_end_of_an_open_runs_job_is_its_own_step(runs: SqlRunStore, aftermath: SqlAftermath) -> None:
    run = runs.claim(make_run("run-open", facts={}))
    aftermath.note_end("run-open", tuned_model="ft:1", facts={"job_over": True})
    assert runs.get("run-open") == run


def test_an_open_run_is_never_taken_to_be_cleared(runs: SqlRunStore, aftermath: SqlAftermath) -> None:
    runs.claim(make_run("run-open"))
    assert aftermath.take("run-open", until=NOON + HOUR, now=NOON) is None


def test_a_run_that_is_put_off_comes_back_then_with_its_attempts(runs: SqlRunStore, aftermath: SqlAftermath) -> None:
    ended(runs)
    aftermath.take("run-1", until=NOON + HOUR, now=NOON)
    aftermath.postpone("run-1", due_at=NOON + 2 * HOUR, attempts=3)
    assert aftermath.take("run-1", until=NOON + 3 * HOUR, now=NOON + HOUR) is None
    again = aftermath.take("run-1", until=NOON + 3 * HOUR, now=NOON + 2 * HOUR)
    assert again is not None
    # The retention counts from the end of the run, not from these looks.
    assert (again.attempts, again.updated_at, again.state) == (3, NOON, S.FAILED)


def test_a_job_that_comes_to_light_is_given_to_an_ended_run_once(runs: SqlRunStore, aftermath: SqlAftermath) -> None:
    ended(runs)
    aftermath.clear("run-1", now=NOON)
    assert sorted(at_once(4, lambda number: aftermath.attach("run-1", f"ftjob-{number}"))) == [False] * 3 + [True]
    assert aftermath.due(now=NOON) == ["run-1"]
    (run,) = aftermath.standing_at("box")
    assert aftermath.owners([str(run.job_id), "ftjob-none"]) == {str(run.job_id): run}


def test_an_open_run_gets_no_job_this_way(runs: SqlRunStore, aftermath: SqlAftermath) -> None:
    runs.claim(make_run("run-open"))
    assert not aftermath.attach("run-open", "ftjob-1")


def test_runs_are_found_by_their_whole_ids_and_trainers_by_their_runs(
    runs: SqlRunStore, aftermath: SqlAftermath
) -> None:
    for number in range(1200):
        runs.claim(make_run(f"run-{number}", pipeline=f"p{number}", trainer=f"t{number % 2}"))
    wanted = [f"run-{number}" for number in range(0, 1200, 2)] + ["run-", "run-x"]
    assert set(aftermath.named(wanted)) == set(wanted[:-2])
    assert aftermath.named([]) == {}
    assert aftermath.owners([]) == {}
    assert aftermath.trainers() == ["t0", "t1"]


def test_turns_count_the_leases_since_a_step_ended(runs: SqlRunStore) -> None:
    runs.claim(make_run())
    for turn in (1, 2, 3):
        at = NOON + turn * HOUR
        run = runs.lease("run-1", until=at + HOUR / 2, now=at)
        assert run is not None
        assert run.turns == turn
    assert runs.record(run, Step(S.CLAIMED, "again"), now=NOON).turns == 0
