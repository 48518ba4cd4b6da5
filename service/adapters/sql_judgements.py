"""What judges replied, in SQL."""

from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import datetime

import sqlalchemy as sa

from service.adapters.sql_debts import owe
from service.adapters.sql_engine import chunks, reading, upsert
from service.adapters.sql_tables import judgements
from service.domain.spending import Debt
from service.ports import Judgement

_COLUMNS = [judgements.c[field.name] for field in fields(Judgement)]


class SqlJudgementStore:
    """See ``JudgementStore``."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def judgements(self, keys: Iterable[str]) -> dict[str, Judgement]:
        """See ``JudgementStore``."""
        found: dict[str, Judgement] = {}
        with reading(self._engine) as connection:
            for chunk in chunks(list(keys)):
                wanted = sa.select(*_COLUMNS).where(judgements.c.key.in_(chunk))
                found.update((row.key, Judgement(*row)) for row in connection.execute(wanted))
        return found

    def add_judgement(self, judgement: Judgement, *, now: datetime, debt: Debt | None = None) -> None:
        """See ``JudgementStore``."""
        row = {**asdict(judgement), "at": now}
        with self._engine.begin() as connection:
            connection.execute(upsert(connection, judgements).values(row).on_conflict_do_nothing())
            owe(connection, debt, now)
