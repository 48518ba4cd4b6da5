"""Exports in SQL. The lock on the gate makes those who want one take turns; unique indexes hold whatever happens."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_engine import reading, storable, upsert
from service.adapters.sql_tables import export_gate, exports
from service.domain.errors import ExportMoved, NotFound
from service.domain.exports import ABANDONED_AFTER, OPEN, Export, ExportState, Kind, may_begin

_GATE = "labelbox"
# Whoever leaves a window to others takes the lease off; one that ran out is a death. (Those over rows are counted with
# the deliveries.)
_DIED = sa.case((sa.and_(exports.c.kind == "window", exports.c.leased_until.is_not(None)), 1), else_=0)
_IS_OPEN = exports.c.state.in_(sorted(OPEN))
# Whose turn it is needs no lists of ids.
_LISTS = frozenset({"asked", "progress"})
_SHORT = [column for column in exports.c if column.name not in _LISTS]


class SqlExportStore:
    """See ``ExportStore``."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def want(self, project: str, kind: Kind, wish: Mapping[str, Any], *, now: datetime) -> Export:
        """See ``ExportStore``."""
        with self._engine.begin() as connection:
            _pass_gate(connection)
            return _ticket(connection, project, kind, wish, now)

    def turn(
        self,
        project: str,
        kind: Kind,
        ask: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None,
        *,
        create: bool,
        at_once: int,
        now: datetime,
        until: datetime,
    ) -> Export | None:
        """See ``ExportStore``."""
        with self._engine.begin() as connection:
            paused_until = _pass_gate(connection)
            ticket = _ticket(connection, project, kind, {}, now) if create else _wanted(connection, project, kind)
            if ticket is None or ticket.due_at > now or (paused_until and paused_until > now):
                return None
            _give_up_abandoned(connection, now)
            others = [_export_of(row) for row in connection.execute(sa.select(*_SHORT).where(_IS_OPEN))]
            others = [other for other in others if other.export_id != ticket.export_id]
            if not may_begin(ticket, others, at_once=at_once, now=now):
                return None
            # What deliveries wait for stays what it was; a window is the better the newer it is.
            asked = ticket.asked if ask is None or (kind == "rows" and ticket.is_retried()) else ask(ticket.asked)
            begun = replace(
                ticket,
                state=ExportState.RUNNING,
                asked=asked,
                task_id=None,
                asked_at=now,
                leased_until=until,
                turns=ticket.turns + 1,
            )
            try:
                _update(connection, begun, now, *_in_line(ticket))
            except sa.exc.IntegrityError:
                # One of this project runs after all, begun by somebody who did not pass the gate.
                return None
        return begun

    def lease(self, export: Export, *, now: datetime, until: datetime) -> Export | None:
        """See ``ExportStore``."""
        statement = (
            sa.update(exports)
            .where(exports.c.export_id == export.export_id, *_standing(now))
            .values(leased_until=until, turns=exports.c.turns + 1, attempts=exports.c.attempts + _DIED)
            .returning(*exports.c)
        )
        with self._engine.begin() as connection:
            found = connection.execute(statement).one_or_none()
        return None if found is None else _export_of(found)

    def keep(self, export: Export, *, until: datetime) -> None:
        """See ``ExportStore``."""
        # One that was left to others meanwhile stays left.
        held = [*_held(export), exports.c.state == ExportState.RUNNING, exports.c.leased_until.is_not(None)]
        mine = sa.update(exports).where(*held)
        with self._engine.begin() as connection:
            connection.execute(mine.values(leased_until=until))

    def write(self, export: Export, *, now: datetime) -> Export:
        """See ``ExportStore``."""
        with self._engine.begin() as connection:
            if export.state is ExportState.WANTED:
                _pass_gate(connection)
                if (other := _wanted(connection, export.project, export.kind)) is not None:
                    # Somebody stood in line meanwhile: there is one ticket a kind, and this one knows what it wants.
                    connection.execute(sa.delete(exports).where(exports.c.export_id == other.export_id))
                    wish = {"whole": True} if other.asked.get("whole") else {}
                    export = replace(export, asked={**export.asked, **wish})
            if not _update(connection, export, now, *_held(export)):
                raise ExportMoved(f"export {export.export_id} was taken over")
        return export

    def get(self, export_id: str) -> Export:
        """See ``ExportStore``."""
        with reading(self._engine) as connection:
            found = connection.execute(sa.select(exports).where(exports.c.export_id == export_id)).one_or_none()
        if found is None:
            raise NotFound(f"no export {export_id!r}")
        return _export_of(found)

    def due(self, *, now: datetime) -> list[Export]:
        """See ``ExportStore``."""
        in_line = sa.and_(exports.c.state == ExportState.WANTED, exports.c.due_at <= now)
        wanted = sa.select(*_SHORT).where(sa.or_(sa.and_(*_standing(now)), in_line)).order_by(exports.c.wanted_at)
        with reading(self._engine) as connection:
            if _is_paused(connection, now):
                return []
            found = [_export_of(row) for row in connection.execute(wanted)]
        # A ticket for rows that says of none is renewed by whoever has the deliveries.
        return [
            export
            for export in found
            if export.state is ExportState.RUNNING or export.kind == "window" or export.is_retried()
        ]

    def pause(self, until: datetime) -> None:
        """See ``ExportStore``; a longer pause stays."""
        with self._engine.begin() as connection:
            paused_until = _pass_gate(connection)
            if paused_until is None or paused_until < until:
                connection.execute(sa.update(export_gate).values(paused_until=until))

    def is_paused(self, *, now: datetime) -> bool:
        """See ``ExportStore``."""
        with reading(self._engine) as connection:
            return _is_paused(connection, now)


def _pass_gate(connection: sa.Connection) -> datetime | None:
    """Exclude everybody else from the gate until the transaction ends; give how long Labelbox is left alone."""
    connection.execute(upsert(connection, export_gate).values(name=_GATE).on_conflict_do_nothing())
    paused_until: datetime | None = connection.execute(
        sa.select(export_gate.c.paused_until).with_for_update()
    ).scalar_one()
    return paused_until


def _give_up_abandoned(connection: sa.Connection, now: datetime) -> None:
    """End what nobody came for: its deliveries are in the inbox still, its reconcile is wanted again by the clock."""
    left = _standing(now - ABANDONED_AFTER)
    # A new turn, so that a worker that only stood still learns that it has lost it.
    ended = {"state": ExportState.FAILED, "error": "abandoned", "turns": exports.c.turns + 1}
    connection.execute(sa.update(exports).where(*left).values(ended))


def _is_paused(connection: sa.Connection, now: datetime) -> bool:
    paused_until = connection.execute(sa.select(export_gate.c.paused_until)).scalar_one_or_none()
    return paused_until is not None and paused_until > now


def _wanted(connection: sa.Connection, project: str, kind: Kind) -> Export | None:
    mine = [exports.c.project == project, exports.c.kind == kind, exports.c.state == ExportState.WANTED]
    found = connection.execute(sa.select(exports).where(*mine)).one_or_none()
    return None if found is None else _export_of(found)


def _ticket(connection: sa.Connection, project: str, kind: Kind, wish: Mapping[str, Any], now: datetime) -> Export:
    """Give the ticket that stands in line, or make one; it counts as called for now."""
    found = _wanted(connection, project, kind)
    if found is None:
        made = Export(f"exp-{secrets.token_hex(8)}", project, kind, ExportState.WANTED, now, now, now, asked=wish)
        connection.execute(sa.insert(exports).values(_row_of(made)))
        return made
    # Whoever did not come for it lost the place in line, but not what was wished.
    wanted_at = found.wanted_at if found.is_live(now) or found.due_at > now else now
    renewed = replace(found, wanted_at=wanted_at, updated_at=now, asked={**found.asked, **wish})
    if wish.get("whole"):
        # Somebody asks for it now, and wants to see what comes of it.
        renewed = replace(renewed, due_at=min(found.due_at, now), error=None)
    _update(connection, renewed, now, *_in_line(found))
    return renewed


def _update(connection: sa.Connection, export: Export, now: datetime, *only: sa.ColumnElement[bool]) -> bool:
    values = {**_row_of(export), "updated_at": now}
    return connection.execute(sa.update(exports).where(*only).values(values)).rowcount == 1


def _in_line(export: Export) -> list[sa.ColumnElement[bool]]:
    return [exports.c.export_id == export.export_id, exports.c.state == ExportState.WANTED]


def _held(export: Export) -> list[sa.ColumnElement[bool]]:
    return [exports.c.export_id == export.export_id, exports.c.turns == export.turns]


def _standing(now: datetime) -> list[sa.ColumnElement[bool]]:
    free = sa.or_(exports.c.leased_until.is_(None), exports.c.leased_until <= now)
    return [exports.c.state == ExportState.RUNNING, exports.c.due_at <= now, free]


def _row_of(export: Export) -> dict[str, Any]:
    error = None if export.error is None else storable(export.error)
    return {**asdict(export), "asked": dict(export.asked), "progress": dict(export.progress), "error": error}


def _export_of(row: sa.Row[Any]) -> Export:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    return Export(**{**values, "state": ExportState(values["state"])})


def forget_exports(engine: sa.Engine, *, before: datetime) -> int:
    """Delete the exports that ended before then, and tickets that nobody came for.

    Returns:
        The number of rows deleted.
    """
    over = sa.or_(exports.c.state.not_in(sorted(OPEN)), exports.c.state == ExportState.WANTED)
    with engine.begin() as connection:
        return connection.execute(sa.delete(exports).where(exports.c.updated_at < before, over)).rowcount
