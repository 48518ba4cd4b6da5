"""Runs in SQL. The unique keys of ``runs`` settle every race, never an earlier read."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_engine import reading, storable, upsert
from service.adapters.sql_tables import job_events, run_history, runs
from service.domain.errors import NotFound, RunMoved
from service.domain.runs import TERMINAL, WAITS_FOR_A_PERSON, Run, RunState, Step, may_follow
from service.ports import JobEvent

RUN_COLUMNS = [column for column in runs.c if column.name not in {"is_open", "leased_until", "cleared_at"}]


class SqlRunStore:
    """See ``RunStore``."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def claim(self, run: Run) -> Run | None:
        """See ``RunStore``."""
        values = {column.name: getattr(run, column.name) for column in RUN_COLUMNS}
        values |= {"facts": dict(run.facts or {}), "is_open": True}
        statement = upsert(self._engine, runs).values(values).on_conflict_do_nothing().returning(runs.c.run_id)
        with self._engine.begin() as connection:
            if connection.execute(statement).one_or_none() is None:
                return None
            _write_history(connection, run.run_id, before="", after=run.state, cause=run.cause, now=run.created_at)
        return run

    def get(self, run_id: str) -> Run:
        """See ``RunStore``; the beginning of an id will do where it is the only one."""
        wanted = sa.select(*RUN_COLUMNS).where(runs.c.run_id.startswith(run_id, autoescape=True)).limit(2)
        with reading(self._engine) as connection:
            found = connection.execute(wanted).all()
        if len(found) != 1:
            raise NotFound(f"{len(found) or 'no'} runs begin with {run_id!r}", remedy="List them: tuneloop runs list")
        return run_of(found[0])

    def lease(self, run_id: str, *, until: datetime, now: datetime) -> Run | None:
        """See ``RunStore``."""
        statement = (
            sa.update(runs)
            .where(runs.c.run_id == run_id, *_free_and_due(now))
            .values(leased_until=until, turns=runs.c.turns + 1)
            .returning(*RUN_COLUMNS)
        )
        with self._engine.begin() as connection:
            found = connection.execute(statement).one_or_none()
        return None if found is None else run_of(found)

    def extend(self, run_id: str, *, until: datetime) -> None:
        """See ``RunStore``."""
        with self._engine.begin() as connection:
            connection.execute(sa.update(runs).where(runs.c.run_id == run_id).values(leased_until=until))

    def record(self, run: Run, step: Step, *, now: datetime) -> Run:
        """See ``RunStore``."""
        with self._engine.begin() as connection:
            return write_step(connection, run, step, now)

    def note_intent(self, run: Run, *, now: datetime) -> Run:
        """See ``RunStore``."""
        statement = (
            sa.update(runs)
            .where(runs.c.run_id == run.run_id, runs.c.state == run.state, runs.c.intent_at.is_(None))
            .values(intent_at=now)
            .returning(*RUN_COLUMNS)
        )
        with self._engine.begin() as connection:
            found = connection.execute(statement).one_or_none()
        if found is None:
            raise RunMoved(f"run {run.run_id} is being submitted by another worker")
        return run_of(found)

    def standing(self, *, now: datetime) -> list[Run]:
        """See ``RunStore``."""
        return self._all(sa.select(*RUN_COLUMNS).where(*_free_and_due(now)).order_by(runs.c.updated_at))

    def in_hand(self, *, now: datetime) -> list[Run]:
        """See ``RunStore``."""
        return self._all(sa.select(*RUN_COLUMNS).where(runs.c.is_open, runs.c.leased_until >= now))

    def by_job(self, job_id: str) -> Run | None:
        """See ``RunStore``."""
        found = self._all(sa.select(*RUN_COLUMNS).where(runs.c.job_id == job_id).limit(1))
        return found[0] if found else None

    def hurry(self, run_id: str) -> None:
        """See ``RunStore``."""
        with self._engine.begin() as connection:
            connection.execute(sa.update(runs).where(runs.c.run_id == run_id).values(due_at=None))

    def recent(self, pipeline: str | None, limit: int) -> list[Run]:
        """See ``RunStore``."""
        wanted = sa.select(*RUN_COLUMNS).order_by(runs.c.created_at.desc(), runs.c.ordinal.desc()).limit(limit)
        return self._all(wanted if pipeline is None else wanted.where(runs.c.pipeline == pipeline))

    def history(self, run_id: str) -> list[Mapping[str, Any]]:
        """See ``RunStore``."""
        wanted = sa.select(run_history).where(run_history.c.run_id == run_id).order_by(run_history.c.position)
        with reading(self._engine) as connection:
            return [dict(row) for row in connection.execute(wanted).mappings()]

    def add_job_events(self, run_id: str, events: Sequence[JobEvent]) -> None:
        """See ``RunStore``; given oldest first, numbered on from what is known."""
        if not events:
            return
        known = sa.select(sa.func.coalesce(sa.func.max(job_events.c.position), 0)).where(job_events.c.run_id == run_id)
        with self._engine.begin() as connection:
            start = connection.execute(known).scalar_one()
            rows = [
                {
                    "run_id": run_id,
                    "event_id": event.event_id,
                    "created_at": event.created_at,
                    "position": start + number,
                    "level": event.level,
                    "kind": event.kind,
                    "message": storable(event.message),
                    "facts": dict(event.facts),
                }
                for number, event in enumerate(events, start=1)
            ]
            connection.execute(upsert(connection, job_events).on_conflict_do_nothing(), rows)

    def job_events(self, run_id: str) -> list[JobEvent]:
        """See ``RunStore``."""
        wanted = sa.select(job_events).where(job_events.c.run_id == run_id).order_by(job_events.c.position)
        with reading(self._engine) as connection:
            return [
                JobEvent(row.event_id, row.created_at, row.level, row.kind, row.message, row.facts)
                for row in connection.execute(wanted)
            ]

    def _all(self, wanted: sa.Select[Any]) -> list[Run]:
        with reading(self._engine) as connection:
            return [run_of(row) for row in connection.execute(wanted)]


def run_of(row: sa.Row[Any]) -> Run:
    """Give the run that a row of ``runs`` holds."""
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    return Run(**{**values, "state": RunState(values["state"])})


def write_step(connection: sa.Connection, run: Run, step: Step, now: datetime) -> Run:
    """Write a step inside the caller's transaction; RunMoved if the run is no longer where the step began."""
    if not may_follow(run.state, step.state):
        raise RunMoved(f"run {run.run_id} cannot go from {run.state} to {step.state}")
    moved = step.state != run.state
    values = {
        "state": step.state,
        "is_open": step.state not in TERMINAL,
        "updated_at": now,
        "due_at": step.due_at,
        "leased_until": None,
        "turns": 0,
        "attempts": 0 if moved else run.attempts + 1,
        "facts": {**(run.facts or {}), **(step.facts or {})},
        **(step.changes or {}),
    }
    statement = (
        sa.update(runs)
        .where(runs.c.run_id == run.run_id, runs.c.state == run.state)
        .values(values)
        .returning(*RUN_COLUMNS)
    )
    found = connection.execute(statement).one_or_none()
    if found is None:
        raise RunMoved(f"run {run.run_id} is no longer {run.state}")
    if moved:
        _write_history(connection, run.run_id, before=run.state, after=step.state, cause=step.cause, now=now)
    return run_of(found)


def _free_and_due(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        runs.c.is_open,
        runs.c.state.not_in(WAITS_FOR_A_PERSON),
        sa.or_(runs.c.leased_until.is_(None), runs.c.leased_until < now),
        sa.or_(runs.c.due_at.is_(None), runs.c.due_at <= now),
    )


def _write_history(
    connection: sa.Connection, run_id: str, *, before: str, after: str, cause: str, now: datetime
) -> None:
    row = {"run_id": run_id, "at": now, "before": before, "after": after, "cause": storable(cause)}
    connection.execute(sa.insert(run_history).values(row))
