"""What trainers said of their models, in SQL."""

from datetime import datetime

import sqlalchemy as sa

from service.adapters.sql_engine import reading, upsert
from service.adapters.sql_tables import models_seen
from service.ports import RemoteModel, SeenModel


class SqlModelsSeen:
    """See ``ModelsSeen``."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def note(self, trainer: str, model: str, found: RemoteModel | None, *, now: datetime) -> None:
        """See ``ModelsSeen``."""
        row = {"trainer": trainer, "model": model, "known": found is not None, "at": now}
        if found is not None:
            row["shutdown_on"] = found.shutdown_on
        statement = upsert(self._engine, models_seen).values(row)
        with self._engine.begin() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["trainer", "model"], set_=row))

    def find(self, trainer: str, model: str) -> SeenModel | None:
        """See ``ModelsSeen``."""
        mine = (models_seen.c.trainer == trainer, models_seen.c.model == model)
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(models_seen).where(*mine)).one_or_none()
        return None if row is None else SeenModel(row.trainer, row.model, row.shutdown_on, row.known, row.at)
