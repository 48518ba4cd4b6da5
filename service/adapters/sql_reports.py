"""What jobs reported, in SQL: events, steps, checkpoints, and what is still to be fetched."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_engine import clean, reading, upsert
from service.adapters.sql_job_events import event_of, write_points
from service.adapters.sql_tables import gatherings, job_checkpoints, job_events, training_series
from service.domain.training_series import CELLS, SeriesPoint
from service.ports import CheckpointRecord, Gathering, JobEvent

_CHECKPOINT_COLUMNS = [column for column in job_checkpoints.c if column.name != "run_id"]


class SqlReportStore:
    """See ``ReportStore``."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def event_ids(self, run_id: str) -> set[str]:
        """See ``ReportStore``."""
        with reading(self._engine) as connection:
            return set(connection.scalars(sa.select(job_events.c.event_id).where(job_events.c.run_id == run_id)))

    def count_events(self, run_id: str) -> int:
        """See ``ReportStore``."""
        wanted = sa.select(sa.func.count()).select_from(job_events).where(job_events.c.run_id == run_id)
        with reading(self._engine) as connection:
            return connection.scalar(wanted) or 0

    def newest_events(self, run_id: str, *, limit: int, before: int | None = None) -> list[tuple[int, JobEvent]]:
        """See ``ReportStore``."""
        wanted = sa.select(job_events).where(job_events.c.run_id == run_id)
        if before is not None:
            wanted = wanted.where(job_events.c.position < before)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(job_events.c.position.desc()).limit(limit))
            return [(row.position, event_of(row)) for row in rows]

    def series(self, run_id: str) -> list[SeriesPoint]:
        """See ``ReportStore``."""
        columns = (training_series.c.step, *(training_series.c[name] for name in CELLS))
        wanted = sa.select(*columns).where(training_series.c.run_id == run_id).order_by(training_series.c.step)
        with reading(self._engine) as connection:
            return [SeriesPoint(*row) for row in connection.execute(wanted)]

    def write_series(self, run_id: str, points: Sequence[SeriesPoint]) -> None:
        """See ``ReportStore``."""
        with self._engine.begin() as connection:
            write_points(connection, run_id, points)

    def checkpoints(self, run_id: str) -> list[CheckpointRecord]:
        """See ``ReportStore``."""
        with reading(self._engine) as connection:
            return checkpoints_of(connection, run_id)

    def write_checkpoints(self, run_id: str, found: Sequence[CheckpointRecord]) -> None:
        """See ``ReportStore``."""
        if not found:
            return
        rows = [{"run_id": run_id, **clean(asdict(item))} for item in found]
        with self._engine.begin() as connection:
            statement = upsert(connection, job_checkpoints)
            new = {column.name: statement.excluded[column.name] for column in _CHECKPOINT_COLUMNS}
            connection.execute(
                statement.on_conflict_do_update(index_elements=["run_id", "checkpoint_id"], set_=new), rows
            )

    def begin(self, run_id: str, *, now: datetime) -> None:
        """See ``ReportStore``."""
        row = {"run_id": run_id, "ended_at": now, "attempts": 0, "due_at": now, "facts": {}}
        with self._engine.begin() as connection:
            connection.execute(upsert(connection, gatherings).values(row).on_conflict_do_nothing())

    def take(self, run_id: str, *, until: datetime, now: datetime) -> Gathering | None:
        """See ``ReportStore``; whoever is killed with it has it due again ``until`` then."""
        statement = (
            sa.update(gatherings)
            .where(gatherings.c.run_id == run_id, gatherings.c.due_at <= now)
            .values(due_at=until, attempts=gatherings.c.attempts + 1)
            .returning(gatherings)
        )
        with self._engine.begin() as connection:
            return _gathering(connection.execute(statement).one_or_none())

    def put_back(self, gathering: Gathering) -> None:
        """See ``ReportStore``."""
        values = {"due_at": gathering.due_at, "facts": dict(gathering.facts)}
        with self._engine.begin() as connection:
            connection.execute(sa.update(gatherings).where(gatherings.c.run_id == gathering.run_id).values(values))

    def gathering(self, run_id: str) -> Gathering | None:
        """See ``ReportStore``."""
        with reading(self._engine) as connection:
            wanted = sa.select(gatherings).where(gatherings.c.run_id == run_id)
            return _gathering(connection.execute(wanted).one_or_none())

    def due(self, *, now: datetime) -> list[str]:
        """See ``ReportStore``."""
        wanted = sa.select(gatherings.c.run_id).where(gatherings.c.due_at <= now).order_by(gatherings.c.due_at)
        with reading(self._engine) as connection:
            return list(connection.scalars(wanted))


def checkpoints_of(connection: sa.Connection, run_id: str) -> list[CheckpointRecord]:
    """Give a run's checkpoints inside the caller's transaction, the latest step first."""
    latest = (sa.func.coalesce(job_checkpoints.c.step, -1).desc(), job_checkpoints.c.checkpoint_id)
    wanted = sa.select(*_CHECKPOINT_COLUMNS).where(job_checkpoints.c.run_id == run_id).order_by(*latest)
    return [CheckpointRecord(**row) for row in connection.execute(wanted).mappings()]


def _gathering(row: sa.Row[Any] | None) -> Gathering | None:
    return None if row is None else Gathering(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
