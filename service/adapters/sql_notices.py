"""Notices in SQL."""

import hashlib
from datetime import datetime

import sqlalchemy as sa

from service.adapters.sql_engine import storable, upsert
from service.adapters.sql_tables import notices
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
        "notice_id": hashlib.sha256(f"{notice.kind}\n{notice.key}".encode()).hexdigest()[:24],
        "kind": notice.kind,
        "key": storable(notice.key),
        "pipeline": notice.pipeline,
        "title": storable(notice.title),
        "text": storable(notice.text),
        "facts": dict(notice.facts),
        "at": now,
    }
    statement = upsert(connection, notices).values(row).on_conflict_do_nothing()
    return connection.execute(statement.returning(notices.c.notice_id)).one_or_none() is not None
