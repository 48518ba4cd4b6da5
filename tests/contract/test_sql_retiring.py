"""Champions on both databases: no model serves that was taken down, and none that serves is taken down."""

import pytest
import sqlalchemy as sa

from service.adapters.sql_evaluations import SqlEvaluationStore
from service.adapters.sql_runs import SqlRunStore
from service.domain.errors import ChampionMoved, RunMoved
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


def test_who_lost_against_a_champion_of_before_is_not_taken_down(engine: sa.Engine) -> None:
    store, run, other = SqlEvaluationStore(engine), judged(engine, 1), judged(engine, 2)
    assert store.promote(other, "by hand", now=NOON)
    with pytest.raises(ChampionMoved):
        store.retire(run, over=None)
    assert SqlRunStore(engine).get("run-1").fact("taken_down") is None
    champion = store.champion("summaries")
    assert champion is not None
    assert store.retire(run, over=champion["position"])


@pytest.mark.parametrize("ends_as", [RunState.PROMOTED, RunState.KEPT])
def test_a_verdict_that_does_not_know_that_its_model_was_taken_down_is_not_written(
    engine: sa.Engine, ends_as: RunState
) -> None:
    store, runs = SqlEvaluationStore(engine), SqlRunStore(engine)
    run = runs.claim(make_run("run-1", tuned_model="ft:1"))
    assert run is not None
    for state in (RunState.SNAPSHOTTED, RunState.UPLOADED, RunState.SUBMITTED, RunState.EVALUATING):
        run = runs.record(run, Step(state, "x"), now=NOON)
    assert store.retire(run)
    evaluation = {"outcome": "better", "sentence": "It is better.", "held_out": 9, "incumbent": "base"}
    with pytest.raises(RunMoved):
        store.conclude(run, Step(ends_as, "x"), evaluation, now=NOON)
    assert (runs.get("run-1").state, store.champion("summaries")) == (RunState.EVALUATING, None)
    ended = store.conclude(runs.get("run-1"), Step(RunState.KEPT, "x"), evaluation, now=NOON)
    assert (ended.state, ended.fact("taken_down")) == (RunState.KEPT, True)


def test_of_crowning_and_taking_down_at_once_one_wins(engine: sa.Engine) -> None:
    store = SqlEvaluationStore(engine)
    for number in range(1, 6):
        run = judged(engine, number)

        def act(index: int, run: Run = run) -> bool:
            return store.retire(run) if index % 2 else store.promote(run, "by hand", now=NOON)

        done = at_once(4, act)
        crowned, retired = done[::2], done[1::2]
        assert any(crowned) != any(retired)
