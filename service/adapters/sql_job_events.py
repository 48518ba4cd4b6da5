"""A job's events in SQL, and the steps that they tell of."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_engine import clean, storable, upsert
from service.adapters.sql_tables import job_events, training_series
from service.domain.training_series import CELLS, SeriesPoint, merge, point_of
from service.ports import JobEvent


def write_job_events(connection: sa.Connection, run_id: str, events: Sequence[JobEvent], *, whole: bool) -> None:
    """Write events inside the caller's transaction; see ``RunStore.add_job_events``.

    One that is known is never written over: what it quoted may have been forgotten since.
    """
    if not events:
        return
    start: int = connection.execute(_last_position(run_id)).scalar_one()
    rows = [_row(run_id, start + number, event) for number, event in enumerate(events, start=1)]
    connection.execute(upsert(connection, job_events).on_conflict_do_nothing(), rows)
    if whole:
        _put_in_order(connection, run_id, [event.event_id for event in events])
    told = [point for event in events if (point := point_of(event.facts, at=event.created_at)) is not None]
    write_points(connection, run_id, merge(told))


def write_points(connection: sa.Connection, run_id: str, points: Sequence[SeriesPoint]) -> None:
    """Write steps, one point each; what a point does not say is left as it is."""
    if not points:
        return
    statement = upsert(connection, training_series)
    told = {name: sa.func.coalesce(statement.excluded[name], training_series.c[name]) for name in CELLS}
    statement = statement.on_conflict_do_update(index_elements=["run_id", "step"], set_=told)
    rows = [
        {"run_id": run_id, "step": point.step, **{name: getattr(point, name) for name in CELLS}} for point in points
    ]
    connection.execute(statement, rows)


def event_of(row: sa.Row[Any]) -> JobEvent:
    """Give the event that a row of ``job_events`` holds."""
    return JobEvent(row.event_id, row.created_at, row.level, row.kind, row.message, row.facts)


def _last_position(run_id: str) -> sa.Select[Any]:
    return sa.select(sa.func.coalesce(sa.func.max(job_events.c.position), 0)).where(job_events.c.run_id == run_id)


def _row(run_id: str, position: int, event: JobEvent) -> Mapping[str, Any]:
    return {
        "run_id": run_id,
        "event_id": event.event_id,
        "created_at": event.created_at,
        "position": position,
        "level": storable(event.level),
        "kind": storable(event.kind),
        "message": storable(event.message),
        "facts": clean(event.facts),
    }


def _put_in_order(connection: sa.Connection, run_id: str, listed: Sequence[str]) -> None:
    """Number the events as the trainer lists them, after those that it no longer lists."""
    mine = sa.select(job_events.c.event_id, job_events.c.position).where(job_events.c.run_id == run_id)
    places = {row.event_id: row.position for row in connection.execute(mine.order_by(job_events.c.position))}
    order = dict.fromkeys(listed)
    wanted = [*(event_id for event_id in places if event_id not in order), *order]
    moved = [
        {"_event_id": event_id, "_position": position}
        for position, event_id in enumerate(wanted, start=1)
        if places[event_id] != position
    ]
    if moved:
        one = (job_events.c.run_id == run_id, job_events.c.event_id == sa.bindparam("_event_id"))
        connection.execute(sa.update(job_events).where(*one).values(position=sa.bindparam("_position")), moved)
