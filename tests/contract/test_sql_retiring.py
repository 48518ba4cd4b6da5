"""Champions on both databases: no model serves that was taken down, and none that serves is taken down."""

import sqlalchemy as sa

from service.adapters.sql_evaluations import SqlEvaluationStore
from service.adapters.sql_runs import SqlRunStore
from service.domain.runs import Run, RunState, Step
from tests.support.builders import make_run
from tests.support.fakes import NOON
from tests.support.races import at_once


def judged(engine: sa.Engine, number: int) -> Run:
    """Give a run that ended, with its model and with facts of its own."""
    runs = SqlRunStore(engine)
    run = runs.claim(make_run(f"run-{number}", ordinal=number, tuned_model=f"ft:{number}", facts={"suffix": "mine"}))
    assert run is not None
    return runs.record(run, Step(RunState.CANCELLED, "x"), now=NOON)


def test_what_was_taken_down_is_not_crowned_and_keeps_its_other_facts(engine: sa.Engine) -> None:
    store, run = SqlEvaluationStore(engine), judged(engine, 1)
    assert store.retire(run)
    assert not store.promote(run, "by hand", now=NOON)
    assert store.champion("summaries") is None
    assert SqlRunStore(engine).get("run-1").facts == {"suffix": "mine", "taken_down": True}


def test_who_serves_is_not_taken_down(engine: sa.Engine) -> None:
    store, run = SqlEvaluationStore(engine), judged(engine, 1)
    assert store.promote(run, "by hand", now=NOON)
    assert not store.retire(run)
    assert SqlRunStore(engine).get("run-1").fact("taken_down") is None


def test_of_crowning_and_taking_down_at_once_one_wins(engine: sa.Engine) -> None:
    store = SqlEvaluationStore(engine)
    for number in range(1, 6):
        run = judged(engine, number)

        def act(index: int, run: Run = run) -> bool:
            return store.retire(run) if index % 2 else store.promote(run, "by hand", now=NOON)

        done = at_once(4, act)
        crowned, retired = done[::2], done[1::2]
        assert any(crowned) != any(retired)
