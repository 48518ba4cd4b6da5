"""What runs leave behind at their trainers, in SQL."""

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_engine import chunks, reading, upsert
from service.adapters.sql_runs import RUN_COLUMNS, run_of
from service.adapters.sql_tables import installations, runs
from service.domain.runs import Run

_AT_ONCE = 100
_UNCLEARED = (sa.not_(runs.c.is_open), runs.c.cleared_at.is_(None))


class SqlAftermath:
    """See ``Aftermath``."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._installation: str | None = None

    def installation(self) -> str:
        """See ``Aftermath``; whoever comes first names it."""
        if self._installation is None:
            row = {"slot": 1, "installation_id": secrets.token_hex(8)}
            with self._engine.begin() as connection:
                connection.execute(upsert(connection, installations).values(row).on_conflict_do_nothing())
                self._installation = str(connection.execute(sa.select(installations.c.installation_id)).scalar_one())
        return self._installation

    def due(self, *, now: datetime) -> list[str]:
        """See ``Aftermath``."""
        wanted = sa.select(runs.c.run_id).where(*_UNCLEARED, *_free_and_due(now))
        with reading(self._engine) as connection:
            return list(connection.scalars(wanted.order_by(runs.c.updated_at).limit(_AT_ONCE)))

    def take(self, run_id: str, *, until: datetime, now: datetime) -> Run | None:
        """See ``Aftermath``."""
        mine = (runs.c.run_id == run_id, *_UNCLEARED, *_free_and_due(now))
        statement = sa.update(runs).where(*mine).values(leased_until=until).returning(*RUN_COLUMNS)
        with self._engine.begin() as connection:
            found = connection.execute(statement).one_or_none()
        return None if found is None else run_of(found)

    def clear(self, run_id: str, *, now: datetime) -> None:
        """See ``Aftermath``."""
        self._write(run_id, cleared_at=now, leased_until=None, due_at=None)

    def postpone(self, run_id: str, *, due_at: datetime, attempts: int) -> None:
        """See ``Aftermath``."""
        self._write(run_id, due_at=due_at, leased_until=None, attempts=attempts)

    def attach(self, run_id: str, job_id: str) -> bool:
        """See ``Aftermath``."""
        mine = (runs.c.run_id == run_id, sa.not_(runs.c.is_open), runs.c.job_id.is_(None))
        statement = sa.update(runs).where(*mine).values(job_id=job_id, cleared_at=None, due_at=None, attempts=0)
        with self._engine.begin() as connection:
            return connection.execute(statement.returning(runs.c.run_id)).one_or_none() is not None

    def note_end(self, run_id: str, *, tuned_model: str | None, facts: Mapping[str, Any]) -> None:
        """See ``Aftermath``."""
        mine = (runs.c.run_id == run_id, sa.not_(runs.c.is_open))
        with self._engine.begin() as connection:
            known = connection.execute(sa.select(runs.c.facts).where(*mine).with_for_update()).scalar() or {}
            values = {"tuned_model": tuned_model, "facts": {**known, **facts}}
            connection.execute(sa.update(runs).where(*mine).values(values))

    def trainers(self) -> list[str]:
        """See ``Aftermath``."""
        with reading(self._engine) as connection:
            return list(connection.scalars(sa.select(runs.c.trainer).distinct().order_by(runs.c.trainer)))

    def standing_at(self, trainer: str) -> list[Run]:
        """See ``Aftermath``."""
        wanted = sa.select(*RUN_COLUMNS).where(runs.c.trainer == trainer, runs.c.cleared_at.is_(None))
        return self._all(wanted.order_by(runs.c.created_at))

    def owners(self, job_ids: Collection[str]) -> dict[str, Run]:
        """See ``Aftermath``."""
        return {str(run.job_id): run for run in self._among(runs.c.job_id, job_ids)}

    def named(self, run_ids: Collection[str]) -> dict[str, Run]:
        """See ``Aftermath``."""
        return {run.run_id: run for run in self._among(runs.c.run_id, run_ids)}

    def _among(self, column: sa.Column[Any], values: Collection[str]) -> list[Run]:
        wanted = sa.select(*RUN_COLUMNS)
        return [run for chunk in chunks(sorted(values)) for run in self._all(wanted.where(column.in_(chunk)))]

    def _all(self, wanted: sa.Select[Any]) -> list[Run]:
        with reading(self._engine) as connection:
            return [run_of(row) for row in connection.execute(wanted)]

    def _write(self, run_id: str, **values: Any) -> None:  # noqa: ANN401 - columns of runs
        mine = (runs.c.run_id == run_id, sa.not_(runs.c.is_open))
        with self._engine.begin() as connection:
            connection.execute(sa.update(runs).where(*mine).values(values))


def _free_and_due(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        sa.or_(runs.c.leased_until.is_(None), runs.c.leased_until < now),
        sa.or_(runs.c.due_at.is_(None), runs.c.due_at <= now),
    )
