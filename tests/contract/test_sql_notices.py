"""Notices, on both databases."""

from datetime import UTC, datetime

import sqlalchemy as sa

from service.adapters.sql_notices import SqlNoticeStore
from service.domain.notices import Notice

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def test_a_notice_is_put_once(engine: sa.Engine) -> None:
    store = SqlNoticeStore(engine)
    near = Notice("budget_near", "all 2026-11", "Budget nearly spent", "160 of 200 USD.", facts={"usd": 160})
    assert store.put(near, now=NOW)
    assert not store.put(near, now=NOW)
    assert store.put(Notice("budget_near", "all 2026-12", "Budget nearly spent", "170 of 200 USD."), now=NOW)
