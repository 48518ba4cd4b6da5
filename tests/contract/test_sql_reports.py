"""What jobs reported, on SQLite and on PostgreSQL."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.adapters.sql_reports import SqlReportStore
from service.adapters.sql_runs import SqlRunStore
from service.adapters.sql_stories import SqlStoryStore
from service.domain.runs import RunState, Step
from service.domain.training_series import SeriesPoint
from service.ports import CheckpointRecord, Gathering, JobEvent
from tests.support.builders import make_run
from tests.support.fakes import NOON
from tests.support.races import at_once

MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(engine: sa.Engine) -> SqlReportStore:
    return SqlReportStore(engine)


@pytest.fixture
def runs(engine: sa.Engine) -> SqlRunStore:
    return SqlRunStore(engine)


def event(number: int, **facts: object) -> JobEvent:
    return JobEvent(f"e{number}", 1000 + number, "info", "message", f"said {number}", facts)


def step(number: int, loss: float, *, name: str = "", **facts: object) -> JobEvent:
    return JobEvent(
        name or f"s{number}", 2000 + number, "info", "metrics", "", {"step": number, "train_loss": loss, **facts}
    )


def ids(runs: SqlRunStore) -> list[str]:
    return [found.event_id for found in runs.job_events("run-1")]


# Events.


def test_events_are_listed_newest_first_by_number_and_in_pages(runs: SqlRunStore, store: SqlReportStore) -> None:
    runs.add_job_events("run-1", [event(n) for n in range(5)])
    runs.add_job_events("run-2", [event(9)])
    assert store.event_ids("run-1") == {f"e{n}" for n in range(5)}
    assert (store.count_events("run-1"), store.count_events("run-3")) == (5, 0)
    newest = store.newest_events("run-1", limit=2)
    assert [(number, found.event_id) for number, found in newest] == [(5, "e4"), (4, "e3")]
    older = store.newest_events("run-1", limit=9, before=4)
    assert [found for _, found in older] == [event(2), event(1), event(0)]


def test_the_order_of_a_whole_list_counts_after_what_it_no_longer_holds(runs: SqlRunStore) -> None:
    runs.add_job_events("run-1", [event(0), event(1), event(3)])
    runs.add_job_events("run-1", [event(2)])
    assert ids(runs) == ["e0", "e1", "e3", "e2"]
    for _ in range(2):
        runs.add_job_events("run-1", [event(n) for n in (1, 2, 3, 4)], whole=True)
        assert ids(runs) == ["e0", "e1", "e2", "e3", "e4"]


def test_an_event_that_is_known_is_never_written_over(runs: SqlRunStore) -> None:
    runs.add_job_events("run-1", [replace(event(1), message="[forgotten]")])
    runs.add_job_events("run-1", [event(1)], whole=True)
    assert [found.message for found in runs.job_events("run-1")] == ["[forgotten]"]


def test_what_no_database_holds_is_replaced_and_no_event_is_lost(runs: SqlRunStore, store: SqlReportStore) -> None:
    odd = {
        "step": 1,
        "train_loss": math.nan,
        "valid_loss": 2.0,
        "more": [math.inf, "a\0b", {"\ud800": 1}],
        "big": 10**30,
    }
    runs.add_job_events("run-1", [replace(event(1), message="a\0\ud800", facts=odd)])
    (found,) = runs.job_events("run-1")
    assert found.message == "a\ufffd?"
    more = [None, "a\ufffdb", {"?": 1}]
    assert found.facts == {"step": 1, "train_loss": None, "valid_loss": 2.0, "more": more, "big": 10**30}
    assert store.series("run-1") == [SeriesPoint(1, valid_loss=2.0, at=1001)]


# The series.


def test_the_steps_that_events_tell_of_are_kept_with_them(runs: SqlRunStore, store: SqlReportStore) -> None:
    runs.add_job_events("run-1", [event(1), step(1, 3.0, total_steps=3), step(2, 2.0)])
    runs.add_job_events("run-1", [step(2, 1.5, name="again", valid_loss=4.0), step(3, 1.0)])
    assert store.series("run-1") == [
        SeriesPoint(1, train_loss=3.0, total_steps=3, at=2001),
        SeriesPoint(2, train_loss=1.5, valid_loss=4.0, at=2002),
        SeriesPoint(3, train_loss=1.0, at=2003),
    ]
    assert store.series("run-2") == []


def test_what_is_written_over_the_steps_leaves_what_it_does_not_say(runs: SqlRunStore, store: SqlReportStore) -> None:
    runs.add_job_events("run-1", [step(1, 3.0, total_steps=2, valid_loss=5.0)])
    for _ in range(2):
        store.write_series("run-1", [SeriesPoint(1, train_loss=3.25), SeriesPoint(2, full_valid_accuracy=1e-300)])
        assert store.series("run-1") == [
            SeriesPoint(1, train_loss=3.25, valid_loss=5.0, total_steps=2, at=2001),
            SeriesPoint(2, full_valid_accuracy=1e-300),
        ]
    store.write_series("run-1", [])


def test_a_long_training_is_kept_whole(store: SqlReportStore) -> None:
    told = [SeriesPoint(n, train_loss=1 / n) for n in range(1, 3001)]
    store.write_series("run-1", told)
    assert store.series("run-1") == told


# Checkpoints.


def checkpoint(number: int, *, metrics: dict[str, float] | None = None) -> CheckpointRecord:
    return CheckpointRecord(f"c{number}", 5, number, f"ft:x:ckpt-step-{number}", metrics or {})


def test_checkpoints_are_kept_the_latest_step_first(store: SqlReportStore) -> None:
    stepless = CheckpointRecord("c0", 0, None, None, {})
    store.write_checkpoints("run-1", [])
    store.write_checkpoints("run-1", [stepless, checkpoint(10), checkpoint(20)])
    measured = checkpoint(20, metrics={"full_valid_loss": 0.5})
    store.write_checkpoints("run-1", [measured])
    assert store.checkpoints("run-1") == [measured, checkpoint(10), stepless]
    assert store.checkpoints("run-2") == []


def test_a_run_is_found_by_a_checkpoint_and_tells_all_of_them(
    engine: sa.Engine, runs: SqlRunStore, store: SqlReportStore
) -> None:
    assert runs.claim(make_run())
    store.write_checkpoints("run-1", [checkpoint(10), checkpoint(20)])
    stories = SqlStoryStore(engine)
    for name in ("c10", "ft:x:ckpt-step-20", "run-1"):
        (found,) = stories.runs_named(name)
        assert [item["model"] for item in found.fact("checkpoints")] == ["ft:x:ckpt-step-20", "ft:x:ckpt-step-10"]
    assert stories.runs_named("c30") == []


def test_checkpoints_of_earlier_runs_are_found_in_their_facts(engine: sa.Engine, runs: SqlRunStore) -> None:
    assert runs.claim(make_run(facts={"checkpoints": [{"checkpoint_id": "old", "model": "ft:old", "step": 1}]}))
    (found,) = SqlStoryStore(engine).runs_named("ft:old")
    assert [item["checkpoint_id"] for item in found.fact("checkpoints")] == ["old"]


# Gatherings.


def test_a_gathering_is_begun_once_and_due_until_it_is_done(store: SqlReportStore) -> None:
    assert (store.gathering("run-1"), store.due(now=NOON)) == (None, [])
    assert store.take("run-1", until=NOON, now=NOON) is None
    store.begin("run-1", now=NOON)
    store.begin("run-1", now=NOON + MINUTE)
    assert store.due(now=NOON) == ["run-1"]
    taken = store.take("run-1", until=NOON + MINUTE, now=NOON)
    assert taken == Gathering("run-1", NOON, 1, NOON + MINUTE, {})
    assert store.due(now=NOON) == []
    store.put_back(replace(taken, due_at=None, facts={"files": {"f": {"sha256": "x"}}}))
    assert store.due(now=NOON + 9 * MINUTE) == []
    assert store.gathering("run-1") == Gathering("run-1", NOON, 1, None, {"files": {"f": {"sha256": "x"}}})
    store.begin("run-1", now=NOON + 9 * MINUTE)
    assert store.due(now=NOON + 9 * MINUTE) == []


def test_of_many_workers_one_gets_a_gathering_and_a_killed_one_loses_it_later(store: SqlReportStore) -> None:
    store.begin("run-1", now=NOON)
    taken = at_once(6, lambda _: store.take("run-1", until=NOON + MINUTE, now=NOON))
    assert len([one for one in taken if one is not None]) == 1
    assert store.take("run-1", until=NOON + 3 * MINUTE, now=NOON + MINUTE / 2) is None
    again = store.take("run-1", until=NOON + 3 * MINUTE, now=NOON + MINUTE)
    assert again is not None
    assert again.attempts == 2


# A webhook during a look.


def test_a_run_that_is_hurried_while_it_is_looked_at_is_due_at_once_afterwards(runs: SqlRunStore) -> None:
    assert runs.claim(make_run())
    held = runs.lease("run-1", until=NOON + MINUTE, now=NOON)
    assert held is not None
    runs.hurry("run-1")
    assert runs.lease("run-1", until=NOON + MINUTE, now=NOON) is None
    after = runs.record(held, Step(RunState.CLAIMED, "looked", due_at=NOON + 9 * MINUTE), now=NOON)
    assert after.due_at is None
    again = runs.lease("run-1", until=NOON + MINUTE, now=NOON)
    assert again is not None
    after = runs.record(again, Step(RunState.CLAIMED, "looked", due_at=NOON + 9 * MINUTE), now=NOON)
    assert after.due_at == NOON + 9 * MINUTE
