"""Exports on SQLite and on PostgreSQL: whatever races, one of a project runs, and so many in the organisation."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service.adapters.sql_exports import SqlExportStore, forget_exports
from service.adapters.sql_tables import exports
from service.domain.errors import ExportMoved, NotFound
from service.domain.exports import ABANDONED_AFTER, Export, ExportState, Kind
from tests.support.fakes import NOON
from tests.support.races import at_once as together

LEASE = timedelta(seconds=30)
SOON = NOON + timedelta(seconds=1)
AFTER = NOON + LEASE + timedelta(seconds=1)


@pytest.fixture
def store(engine: sa.Engine) -> SqlExportStore:
    return SqlExportStore(engine)


def turn(
    store: SqlExportStore,
    project: str = "a",
    kind: Kind = "rows",
    *,
    at_once: int = 4,
    now: datetime = NOON,
    create: bool = True,
    **asked: Any,  # noqa: ANN401 - JSON
) -> Export | None:
    def ask(wish: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**wish, **asked}

    return store.turn(project, kind, ask, create=create, at_once=at_once, now=now, until=now + LEASE)


def begun(store: SqlExportStore, project: str = "a", kind: Kind = "rows", **options: Any) -> Export:  # noqa: ANN401
    export = turn(store, project, kind, **options)
    assert export is not None
    return export


def test_what_was_begun_comes_back_as_it_was_written(store: SqlExportStore) -> None:
    export = begun(store, ids=["row-1"], entries=["1-0"])
    assert (export.state, export.asked_at, export.task_id, export.turns) == (ExportState.RUNNING, NOON, None, 1)
    assert export.asked == {"ids": ["row-1"], "entries": ["1-0"]}
    assert store.get(export.export_id) == export
    written = store.write(replace(export, task_id="task-1", progress={"parts": 2}), now=SOON)
    assert store.get(export.export_id) == replace(written, updated_at=SOON)
    with pytest.raises(NotFound):
        store.get("exp-none")


def test_of_many_workers_at_once_one_begins_a_projects_export(store: SqlExportStore) -> None:
    found = together(6, lambda number: turn(store, "a", "rows" if number % 2 else "window"))
    assert sum(export is not None for export in found) == 1


def test_of_many_projects_at_once_so_many_run_as_are_allowed(store: SqlExportStore) -> None:
    found = together(8, lambda number: turn(store, f"project-{number}", at_once=3))
    assert sum(export is not None for export in found) == 3


def test_the_index_decides_where_somebody_did_not_pass_the_gate(engine: sa.Engine, store: SqlExportStore) -> None:
    export = begun(store)
    row = {**vars_of(export), "export_id": "exp-other"}
    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        connection.execute(sa.insert(exports).values(row))
    store.want("a", "window", {}, now=NOON)
    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        connection.execute(sa.insert(exports).values({**row, "state": "wanted", "kind": "window"}))


def vars_of(export: Export) -> dict[str, Any]:
    return {name: getattr(export, name) for name in export.__slots__}


def test_a_ticket_is_one_a_project_and_kind_and_gathers_wishes(store: SqlExportStore) -> None:
    first = store.want("a", "window", {}, now=NOON)
    again = store.want("a", "window", {"whole": True}, now=SOON)
    third = store.want("a", "window", {}, now=SOON)
    assert first.export_id == again.export_id == third.export_id
    assert (third.asked, third.wanted_at, third.updated_at) == ({"whole": True}, NOON, SOON)
    assert store.want("a", "rows", {}, now=SOON).export_id != first.export_id
    assert begun(store, "a", "window", since=None).asked == {"whole": True, "since": None}


def test_a_ticket_that_nobody_came_for_stands_at_the_end_of_the_line(store: SqlExportStore) -> None:
    store.want("a", "window", {}, now=NOON)
    later = NOON + timedelta(hours=1)
    assert store.want("a", "window", {}, now=later).wanted_at == later


def test_nothing_begins_that_nobody_wanted_before_unless_it_may_be_created(store: SqlExportStore) -> None:
    assert turn(store, create=False) is None
    store.want("a", "rows", {}, now=NOON)
    assert turn(store, create=False) is not None


def test_deliveries_and_reconciles_take_turns(store: SqlExportStore) -> None:
    export = begun(store)
    assert turn(store, "a", "window", now=SOON) is None
    assert turn(store, "a", "rows", now=SOON + timedelta(seconds=1)) is None
    store.write(replace(export, state=ExportState.READ), now=SOON)
    now = SOON + timedelta(seconds=2)
    assert turn(store, "a", "rows", now=now) is None
    assert turn(store, "a", "window", now=now) is not None


def test_a_lease_is_taken_over_when_it_ends_and_the_former_holder_has_lost_it(store: SqlExportStore) -> None:
    export = begun(store)
    assert store.lease(export, now=SOON, until=SOON + LEASE) is None
    heir = store.lease(export, now=AFTER, until=AFTER + LEASE)
    assert heir is not None
    assert (heir.turns, heir.asked_at, heir.leased_until) == (2, NOON, AFTER + LEASE)
    store.keep(export, until=AFTER + 9 * LEASE)
    assert store.get(export.export_id).leased_until == AFTER + LEASE
    with pytest.raises(ExportMoved):
        store.write(replace(export, state=ExportState.READ), now=AFTER)
    assert store.get(export.export_id).state is ExportState.RUNNING
    store.write(replace(heir, state=ExportState.READ), now=AFTER)


def test_of_many_workers_at_once_one_takes_a_lease_over(store: SqlExportStore) -> None:
    export = begun(store)
    found = together(6, lambda _: store.lease(export, now=AFTER, until=AFTER + LEASE))
    assert sum(taken is not None for taken in found) == 1


def test_a_lease_that_is_kept_is_not_taken_over(store: SqlExportStore) -> None:
    export = begun(store)
    store.keep(export, until=AFTER + LEASE)
    assert store.due(now=AFTER) == []
    assert store.lease(export, now=AFTER, until=AFTER + LEASE) is None


def test_due_is_what_nobody_has_and_whose_time_has_come(store: SqlExportStore) -> None:
    left = begun(store, "left")
    store.write(replace(left, leased_until=None, due_at=SOON), now=NOON)
    begun(store, "held")
    store.want("wanted", "window", {}, now=NOON)
    store.want("only in the inbox", "rows", {}, now=NOON)
    assert [export.project for export in store.due(now=NOON)] == ["wanted"]
    assert {export.project for export in store.due(now=SOON)} == {"wanted", "left"}
    assert {export.project for export in store.due(now=AFTER)} == {"wanted", "left", "held"}


def fail(store: SqlExportStore, export: Export, *, due_at: datetime) -> Export:
    failed = replace(
        export, state=ExportState.WANTED, attempts=export.attempts + 1, due_at=due_at, leased_until=None, task_id=None
    )
    return store.write(failed, now=NOON)


def test_what_failed_keeps_its_rows_for_the_next_try_and_waits_for_it(store: SqlExportStore) -> None:
    export = begun(store, ids=["row-1"])
    fail(store, export, due_at=SOON)
    assert turn(store, ids=["row-2"]) is None
    again = begun(store, ids=["row-2"], now=SOON)
    assert (again.export_id, again.asked, again.attempts, again.asked_at) == (
        export.export_id,
        {"ids": ["row-1"]},
        1,
        SOON,
    )


def test_what_failed_takes_the_place_of_a_ticket_that_came_meanwhile_and_its_wish(store: SqlExportStore) -> None:
    export = begun(store, "a", "window")
    store.want("a", "window", {"whole": True}, now=NOON)
    fail(store, export, due_at=SOON)
    assert begun(store, "a", "window", now=SOON, create=False).export_id == export.export_id
    assert store.get(export.export_id).asked["whole"]


def test_a_person_who_asks_does_not_wait_for_the_next_try(store: SqlExportStore) -> None:
    export = begun(store, "a", "window")
    fail(store, replace(export, error="no"), due_at=NOON + timedelta(minutes=10))
    wanted = store.want("a", "window", {"whole": True}, now=SOON)
    assert (wanted.export_id, wanted.due_at, wanted.error) == (export.export_id, SOON, None)


def test_a_pause_is_for_the_whole_organisation_and_the_longest_counts(store: SqlExportStore) -> None:
    left = begun(store, "left")
    store.write(replace(left, leased_until=None, due_at=NOON), now=NOON)
    assert not store.is_paused(now=NOON)
    store.pause(AFTER)
    store.pause(SOON)
    assert store.is_paused(now=SOON)
    assert turn(store, "b", now=SOON) is None
    assert store.due(now=SOON) == []
    assert not store.is_paused(now=AFTER)
    assert turn(store, "b", now=AFTER) is not None
    assert [export.project for export in store.due(now=AFTER)] == ["left"]


def test_an_export_whose_workers_are_all_gone_blocks_nobody_for_ever(store: SqlExportStore) -> None:
    export = begun(store, at_once=1)
    almost = NOON + LEASE + ABANDONED_AFTER - timedelta(seconds=1)
    assert turn(store, "b", at_once=1, now=almost) is None
    assert turn(store, "b", at_once=1, now=almost + timedelta(seconds=1)) is not None
    assert store.get(export.export_id).state is ExportState.FAILED
    with pytest.raises(ExportMoved):
        store.write(export, now=almost)


def test_what_ended_long_ago_is_forgotten_and_what_runs_is_not(engine: sa.Engine, store: SqlExportStore) -> None:
    ended, runs = begun(store, "ended"), begun(store, "runs")
    store.write(replace(ended, state=ExportState.READ), now=NOON)
    store.want("nobody", "rows", {}, now=NOON)
    fresh = store.want("b", "window", {}, now=AFTER)
    assert forget_exports(engine, before=NOON) == 0
    assert forget_exports(engine, before=SOON) == 2
    assert store.get(runs.export_id)
    assert store.get(fresh.export_id)


@pytest.mark.parametrize("odd", ["a \x00 byte", "half \ud83d an emoji"])
def test_no_error_is_too_odd_to_be_written(store: SqlExportStore, odd: str) -> None:
    export = begun(store)
    store.write(replace(export, error=odd), now=NOON)
    assert store.get(export.export_id).error is not None
