"""What is owed for answers until it is in the ledger."""

from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from service.adapters.sql_engine import upsert
from service.adapters.sql_tables import debts
from service.domain.spending import Debt


def owe(connection: sa.Connection, debt: Debt | None, now: datetime) -> None:
    """Add to what is owed, in the transaction of the answer; nothing where nobody pays."""
    if debt is None:
        return
    new = upsert(connection, debts).values({**asdict(debt), "at": now})
    more = {name: debts.c[name] + new.excluded[name] for name in ("prompt_tokens", "completion_tokens")}
    keys = [debts.c.payer, debts.c.trainer, debts.c.model]
    connection.execute(new.on_conflict_do_update(index_elements=keys, set_={**more, "at": new.excluded.at}))
