"""Runs in SQL. The unique keys of ``runs`` settle every race, never an earlier read."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_engine import reading, storable, upsert
from service.adapters.sql_job_events import event_of, write_job_events
from service.adapters.sql_notices import write_notice
from service.adapters.sql_tables import Moment, job_events, run_history, runs
from service.domain.errors import NotFound, RunMoved
from service.domain.run_notices import notice_of_transition
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
            _write_history(connection, run, Step(run.state, run.cause), before="", now=run.created_at)
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
            # Due when the lease ends, so that whoever hurries the run meanwhile is seen when the step is written.
            .values(leased_until=until, due_at=until, turns=runs.c.turns + 1)
            .returning(*RUN_COLUMNS)
        )
        with self._engine.begin() as connection:
            found = connection.execute(statement).one_or_none()
        return None if found is None else run_of(found)

    def extend(self, run: Run, *, until: datetime) -> None:
        """See ``RunStore``."""
        statement = sa.update(runs).where(*_still(run)).values(leased_until=until).returning(runs.c.run_id)
        with self._engine.begin() as connection:
            if connection.execute(statement).one_or_none() is None:
                raise RunMoved(f"run {run.run_id} was taken over by another worker")

    def record(self, run: Run, step: Step, *, now: datetime) -> Run:
        """See ``RunStore``."""
        with self._engine.begin() as connection:
            return write_step(connection, run, step, now)

    def note_intent(self, run: Run, *, now: datetime) -> Run:
        """See ``RunStore``."""
        statement = (
            sa.update(runs)
            .where(*_still(run), runs.c.intent_at.is_(None))
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

    def waiting(self) -> list[Run]:
        """See ``RunStore``."""
        wanted = sa.select(*RUN_COLUMNS).where(runs.c.is_open, runs.c.state.in_(WAITS_FOR_A_PERSON))
        return self._all(wanted.order_by(runs.c.updated_at))

    def by_job(self, job_id: str, trainer: str) -> Run | None:
        """See ``RunStore``."""
        found = self._all(sa.select(*RUN_COLUMNS).where(runs.c.job_id == job_id, runs.c.trainer == trainer).limit(1))
        return found[0] if found else None

    def of_snapshot(self, snapshot_id: str) -> list[Run]:
        """See ``RunStore``."""
        mine = sa.select(*RUN_COLUMNS).where(runs.c.snapshot_id == snapshot_id)
        return self._all(mine.order_by(runs.c.created_at, runs.c.ordinal))

    def hurry(self, run_id: str) -> None:
        """See ``RunStore``."""
        with self._engine.begin() as connection:
            connection.execute(sa.update(runs).where(runs.c.run_id == run_id).values(due_at=None))

    def hold_up(self, run_id: str, *, until: datetime) -> None:
        """See ``RunStore``."""
        in_hand = (runs.c.run_id == run_id, runs.c.leased_until.is_not(None))
        with self._engine.begin() as connection:
            connection.execute(sa.update(runs).where(*in_hand).values(due_at=until))

    def recent(self, pipeline: str | None, limit: int) -> list[Run]:
        """See ``RunStore``."""
        wanted = sa.select(*RUN_COLUMNS).order_by(runs.c.created_at.desc(), runs.c.ordinal.desc()).limit(limit)
        return self._all(wanted if pipeline is None else wanted.where(runs.c.pipeline == pipeline))

    def history(self, run_id: str) -> list[Mapping[str, Any]]:
        """See ``RunStore``."""
        wanted = sa.select(run_history).where(run_history.c.run_id == run_id).order_by(run_history.c.position)
        with reading(self._engine) as connection:
            return [dict(row) for row in connection.execute(wanted).mappings()]

    def add_job_events(self, run_id: str, events: Sequence[JobEvent], *, whole: bool = False) -> None:
        """See ``RunStore``."""
        with self._engine.begin() as connection:
            write_job_events(connection, run_id, events, whole=whole)

    def job_events(self, run_id: str) -> list[JobEvent]:
        """See ``RunStore``."""
        wanted = sa.select(job_events).where(job_events.c.run_id == run_id).order_by(job_events.c.position)
        with reading(self._engine) as connection:
            return [event_of(row) for row in connection.execute(wanted)]

    def _all(self, wanted: sa.Select[Any]) -> list[Run]:
        with reading(self._engine) as connection:
            return [run_of(row) for row in connection.execute(wanted)]


def followed_runs(engine: sa.Engine) -> list[Run]:
    """Give the runs whose job is open at a trainer."""
    followed = (RunState.SUBMITTED, RunState.TRAINING)
    with reading(engine) as connection:
        wanted = sa.select(*RUN_COLUMNS).where(runs.c.is_open, runs.c.state.in_(followed))
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
        "due_at": _due_after(step),
        "leased_until": None,
        "turns": 0,
        "attempts": 0 if moved else run.attempts + 1,
        "facts": run.facts_after(step),
        **(step.changes or {}),
    }
    statement = sa.update(runs).where(*_still(run)).values(values).returning(*RUN_COLUMNS)
    found = connection.execute(statement).one_or_none()
    if found is None:
        raise RunMoved(f"run {run.run_id} was taken over by another worker, or is no longer {run.state}")
    after = run_of(found)
    if moved:
        _write_history(connection, after, step, before=run.state, now=now)
    return after


def _due_after(step: Step) -> sa.ColumnElement[datetime | None] | None:
    """Give when the next step is due: as the run was hurried or held up while this one was under way."""
    if step.state in TERMINAL:
        return None
    was_hurried = sa.and_(runs.c.leased_until.is_not(None), runs.c.due_at.is_(None))
    was_held_up = runs.c.due_at > runs.c.leased_until
    return sa.case((was_hurried, sa.null()), (was_held_up, runs.c.due_at), else_=sa.literal(step.due_at, Moment))


def _still(run: Run) -> tuple[sa.ColumnElement[bool], ...]:
    """Say that the run is as its holder took it: every lease counts a turn, and every step that is written dates it."""
    return (
        runs.c.run_id == run.run_id,
        runs.c.state == run.state,
        runs.c.turns == run.turns,
        runs.c.updated_at == run.updated_at,
    )


def _free_and_due(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        runs.c.is_open,
        runs.c.state.not_in(WAITS_FOR_A_PERSON),
        sa.or_(runs.c.leased_until.is_(None), runs.c.leased_until < now),
        sa.or_(runs.c.due_at.is_(None), runs.c.due_at <= now),
    )


def _write_history(connection: sa.Connection, run: Run, step: Step, *, before: str, now: datetime) -> None:
    """Write a transition, and what people should hear of it: both or neither, and once."""
    cause = storable(step.cause)
    row = {"run_id": run.run_id, "at": now, "before": before, "after": run.state, "cause": cause}
    number = connection.execute(sa.insert(run_history).values(row).returning(run_history.c.position)).scalar_one()
    notice = notice_of_transition(run, cause=cause, facts=step.facts or {}, number=number)
    if notice is not None:
        write_notice(connection, notice, now)
