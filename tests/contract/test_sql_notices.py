"""Notices on both databases: put once, and with the transitions of runs."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.adapters.sql_engine import make_engine, migrate
from service.adapters.sql_evaluations import SqlEvaluationStore
from service.adapters.sql_notices import SqlNoticeStore, forget_notices
from service.adapters.sql_outbox import SqlOutbox
from service.adapters.sql_runs import SqlRunStore
from service.adapters.sql_tables import notice_deliveries, notices
from service.domain.errors import RunMoved
from service.domain.notices import Notice
from service.domain.runs import RunState, Step
from tests.support.builders import make_run
from tests.support.fakes import NOON
from tests.support.races import at_once

S = RunState


def told(engine: sa.Engine) -> list[str]:
    """Give the kinds of all notices, in the order in which they were written where the moments tell it."""
    with engine.connect() as connection:
        return sorted(connection.scalars(sa.select(notices.c.kind)))


def test_a_notice_is_put_once(engine: sa.Engine) -> None:
    store = SqlNoticeStore(engine)
    near = Notice("budget_near", "all 2026-11", "Budget nearly spent", "160 of 200 USD.", facts={"usd": 160})
    assert store.put(near, now=NOON)
    assert not store.put(near, now=NOON)
    assert store.put(Notice("budget_near", "all 2026-12", "Budget nearly spent", "170 of 200 USD."), now=NOON)


def test_of_many_that_put_the_same_notice_one_does(engine: sa.Engine) -> None:
    near = Notice("budget_near", "all 2026-11", "t", "x\0\ud800")
    assert sum(at_once(6, lambda _: SqlNoticeStore(engine).put(near, now=NOON))) == 1


def test_a_runs_transitions_are_told_with_the_history_and_only_where_people_care(engine: sa.Engine) -> None:
    store = SqlRunStore(engine)
    run = store.claim(make_run(facts={"new_examples": 52}))
    assert run is not None
    assert told(engine) == ["started"]
    assert store.claim(make_run("run-2")) is None
    for step in (Step(S.CLAIMED, "again"), Step(S.SNAPSHOTTED, "x"), Step(S.AWAITING_APPROVAL, "6 USD is above 5")):
        run = store.record(run, step, now=NOON)
    assert told(engine) == ["awaiting_approval", "started"]
    store.record(run, Step(S.CANCELLED, "cancelled by hand"), now=NOON)
    assert told(engine) == ["awaiting_approval", "cancelled", "started"]


def test_a_state_reached_twice_is_told_twice(engine: sa.Engine) -> None:
    store = SqlRunStore(engine)
    run = store.claim(make_run())
    assert run is not None
    for state in (S.SNAPSHOTTED, S.AWAITING_APPROVAL, S.SNAPSHOTTED, S.AWAITING_APPROVAL):
        run = store.record(run, Step(state, "x"), now=NOON)
    assert told(engine) == ["awaiting_approval", "awaiting_approval", "started"]


def test_of_two_workers_that_end_a_run_at_once_one_is_told_of(engine: sa.Engine) -> None:
    store = SqlRunStore(engine)
    run = store.claim(make_run())
    assert run is not None

    def end(index: int) -> bool:
        try:
            store.record(run, Step((S.FAILED, S.CANCELLED)[index % 2], "x"), now=NOON)
        except RunMoved:
            return False
        return True

    assert sum(at_once(4, end)) == 1
    assert len(told(engine)) == 2


def test_a_transition_that_is_rolled_back_is_not_told(engine: sa.Engine) -> None:
    runs = SqlRunStore(engine)
    run = runs.claim(make_run())
    assert run is not None
    for state in (S.SNAPSHOTTED, S.UPLOADED, S.SUBMITTED, S.EVALUATING):
        run = runs.record(run, Step(state, "x"), now=NOON)
    # A tuned model is missing, so that the champion cannot be written after the run's end was.
    with pytest.raises(sa.exc.IntegrityError):
        SqlEvaluationStore(engine).conclude(run, Step(S.PROMOTED, "x"), {"outcome": "better"}, now=NOON)
    assert runs.get("run-1").state == S.EVALUATING
    assert told(engine) == ["started"]


def test_a_promotion_tells_the_runs_end_and_another_champion(engine: sa.Engine) -> None:
    runs, evaluations = SqlRunStore(engine), SqlEvaluationStore(engine)
    run = runs.claim(make_run(tuned_model="ft:1"))
    assert run is not None
    for state in (S.SNAPSHOTTED, S.UPLOADED, S.SUBMITTED, S.EVALUATING):
        run = runs.record(run, Step(state, "x"), now=NOON)
    run = evaluations.conclude(run, Step(S.PROMOTED, "better."), {"outcome": "better"}, now=NOON)
    assert told(engine) == ["champion_changed", "promoted", "started"]
    # Promoted by hand though it serves already: nothing changed.
    evaluations.promote(run, "by hand", now=NOON)
    assert told(engine) == ["champion_changed", "promoted", "started"]


def test_a_deployed_champion_that_is_promoted_once_more_is_not_told_again(engine: sa.Engine) -> None:
    evaluations = SqlEvaluationStore(engine)
    run = make_run(state=S.KEPT, tuned_model="base.ft-1", facts={"inference_model": "tuneloop-1"})
    evaluations.promote(run, "by hand", now=NOON)
    evaluations.promote(run, "by hand", now=NOON)
    assert told(engine) == ["champion_changed"]


def test_every_way_back_to_an_earlier_champion_is_told(engine: sa.Engine) -> None:
    evaluations = SqlEvaluationStore(engine)
    for number in (1, 2, 1):
        run = make_run(f"run-{number}", ordinal=number, state=S.KEPT, tuned_model=f"ft:{number}")
        evaluations.promote(run, "by hand", now=NOON)
    found = SqlOutbox(engine).recent(10)
    assert {row["kind"] for row in found} == {"champion_changed"}
    changes = {(row["facts"]["before"], row["facts"]["tuned_model"]) for row in found}
    assert changes == {(None, "ft:1"), ("ft:1", "ft:2"), ("ft:2", "ft:1")}


def test_old_notices_are_forgotten_with_what_became_of_them(engine: sa.Engine) -> None:
    store, outbox = SqlNoticeStore(engine), SqlOutbox(engine)
    for days in (1, 3):
        store.put(Notice("failed", f"{days}", "t", "x"), now=NOON - timedelta(days=days))
    outbox.route(lambda _: ["team"], now=NOON)
    assert forget_notices(engine, before=NOON - timedelta(days=2)) == 1
    with engine.connect() as connection:
        kept = [connection.scalars(sa.select(table.c.at)).all() for table in (notices, notice_deliveries)]
    assert kept == [[NOON - timedelta(days=1)]] * 2


def test_what_was_noted_before_there_were_channels_is_told_to_nobody(bare_database_url: str) -> None:
    migrate(bare_database_url, "0005")
    engine = make_engine(bare_database_url)
    old = {"notice_id": "n", "kind": "failed", "key": "k", "title": "t", "text": "x", "facts": {}, "at": NOON}
    with engine.begin() as connection:
        connection.execute(sa.insert(notices).values(old))
    migrate(bare_database_url)
    outbox = SqlOutbox(engine)
    assert outbox.route(lambda _: ["team"], now=NOON) == 0
    assert [row["notice_id"] for row in outbox.recent(9)] == ["n"]
    engine.dispose()
