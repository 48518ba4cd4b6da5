"""Notices in SQL."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_engine import storable, upsert
from service.adapters.sql_tables import notice_deliveries, notices
from service.domain.notices import Notice


class SqlNoticeStore:
    """See ``NoticeStore``."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def put(self, notice: Notice, *, now: datetime) -> bool:
        """See ``NoticeStore``."""
        with self._engine.begin() as connection:
            return write_notice(connection, notice, now)


def write_notice(connection: sa.Connection, notice: Notice, now: datetime) -> bool:
    """Write a notice inside the caller's transaction; see ``NoticeStore.put``."""
    row = {
        "notice_id": notice.notice_id,
        "kind": notice.kind,
        "key": storable(notice.key),
        "pipeline": notice.pipeline,
        "title": storable(notice.title),
        "text": storable(notice.text),
        "facts": dict(notice.facts),
        "at": now,
        "routed_at": None,
    }
    statement = upsert(connection, notices).values(row).on_conflict_do_nothing()
    return connection.execute(statement.returning(notices.c.notice_id)).one_or_none() is not None


def notice_of(row: sa.Row[Any]) -> Notice:
    """Give the notice that a row holds."""
    return Notice(row.kind, row.key, row.title, row.text, row.pipeline, row.facts)


def forget_notices(engine: sa.Engine, *, before: datetime) -> int:
    """Delete the notices that are older than this, whether they reached everybody or not; gives their number."""
    with engine.begin() as connection:
        connection.execute(sa.delete(notice_deliveries).where(notice_deliveries.c.at < before))
        return connection.execute(sa.delete(notices).where(notices.c.at < before)).rowcount
