"""The ledger in SQL: rows are only added, and triggers in the database refuse anything else."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime, timedelta

import sqlalchemy as sa

from service.adapters.sql_debts import owe
from service.adapters.sql_engine import reading, storable, upsert
from service.adapters.sql_tables import debts, ledger_gate
from service.adapters.sql_tables import ledger_entries as entries
from service.domain.budgets import Estimate
from service.domain.runs import Run
from service.domain.spending import NO_PRICE, Debt, Kind, LedgerEntry, ScopedBudget, Spent, may_spend, state_of
from service.domain.triggers import Reason

_COSTS: tuple[Kind, ...] = ("billed", "answers")
_ENDS: tuple[Kind, ...] = ("billed", "released")
_GATE = "ledger"


class SqlLedger:
    """See ``Ledger``: a run has one ``reserved``, then one ``billed`` or ``released``, or both."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def reserve(
        self, run: Run, estimate: Estimate, budgets: Sequence[ScopedBudget], *, now: datetime
    ) -> tuple[Reason, ...]:
        """See ``Ledger``; all wait at one gate, so that no two take the last dollar of whatever budget."""
        with self._engine.begin() as connection:
            connection.execute(upsert(connection, ledger_gate).values(name=_GATE).on_conflict_do_nothing())
            connection.execute(sa.select(ledger_gate).where(ledger_gate.c.name == _GATE).with_for_update())
            if _reserved_usd(connection, run.run_id) is not None:
                return ()
            month = _month(connection, now)
            states = [state_of(budget, month, but_for=run.run_id) for budget in budgets]
            if refused := may_spend(estimate.usd, states).refused:
                return refused
            tokens = estimate.tokens * estimate.epochs
            _add(connection, run, "reserved", estimate.usd or 0.0, tokens=tokens, note=estimate.in_words(), now=now)
        return ()

    def bill(self, run: Run, usd: float, *, tokens: int | None, note: str, now: datetime) -> None:
        """See ``Ledger``."""
        with self._engine.begin() as connection:
            _add(connection, run, "billed", usd, tokens=tokens, note=note, now=now)

    def debts(self, *, payer: str | None = None, before: datetime | None = None) -> list[Debt]:
        """See ``Ledger``."""
        wanted = sa.select(*(debts.c[field.name] for field in fields(Debt))).order_by(debts.c.at, debts.c.model)
        if payer is not None:
            wanted = wanted.where(debts.c.payer == payer)
        if before is not None:
            wanted = wanted.where(debts.c.at < before)
        with reading(self._engine) as connection:
            return [Debt(*row) for row in connection.execute(wanted)]

    def owe(self, debt: Debt, *, now: datetime) -> None:
        """See ``Ledger``."""
        with self._engine.begin() as connection:
            owe(connection, debt, now)

    def settle(self, debt: Debt, entry: LedgerEntry) -> bool:
        """See ``Ledger``; whoever removes the debt writes the entry, so that it is written once."""
        same = [debts.c[name] == value for name, value in asdict(debt).items()]
        with self._engine.begin() as connection:
            if not connection.execute(sa.delete(debts).where(*same)).rowcount:
                return False
            connection.execute(sa.insert(entries).values({**asdict(entry), "note": storable(entry.note)}))
        return True

    def release(self, run: Run, *, note: str, now: datetime) -> None:
        """See ``Ledger``."""
        with self._engine.begin() as connection:
            if _reserved_usd(connection, run.run_id) is not None and not _is_ended(connection, run.run_id):
                _add(connection, run, "released", 0.0, tokens=None, note=note, now=now)

    def reserved_usd(self, run_id: str) -> float:
        """See ``Ledger``."""
        with reading(self._engine) as connection:
            return _reserved_usd(connection, run_id) or 0.0

    def entries_of(self, run_id: str) -> list[LedgerEntry]:
        """See ``Ledger``."""
        columns = [column for column in entries.c if column.name != "position"]
        wanted = sa.select(*columns).where(entries.c.run_id == run_id).order_by(entries.c.position)
        with reading(self._engine) as connection:
            return [LedgerEntry(**row) for row in connection.execute(wanted).mappings()]

    def month(self, *, now: datetime) -> list[Spent]:
        """See ``Ledger``."""
        with reading(self._engine) as connection:
            return _month(connection, now)

    def spent_this_month(self, trainer: str, *, now: datetime) -> float:
        """See ``Ledger``."""
        return sum(spent.usd for spent in self.month(now=now) if spent.trainer == trainer)

    def totals(self) -> Mapping[tuple[str, str], float]:
        """See ``Ledger``."""
        columns = (entries.c.pipeline, entries.c.trainer)
        wanted = sa.select(*columns, sa.func.sum(entries.c.usd)).where(entries.c.kind.in_(_COSTS)).group_by(*columns)
        with reading(self._engine) as connection:
            return {(pipeline, trainer): float(usd) for pipeline, trainer, usd in connection.execute(wanted)}


def _add(
    connection: sa.Connection, run: Run, kind: Kind, usd: float, *, tokens: int | None, note: str, now: datetime
) -> None:
    row = {
        "run_id": run.run_id,
        "kind": kind,
        "trainer": run.trainer,
        "pipeline": run.pipeline,
        "usd": usd,
        "tokens": tokens,
        "at": now,
        "note": storable(note),
    }
    connection.execute(upsert(connection, entries).values(row).on_conflict_do_nothing())


def _reserved_usd(connection: sa.Connection, run_id: str) -> float | None:
    return connection.scalar(sa.select(entries.c.usd).where(entries.c.run_id == run_id, entries.c.kind == "reserved"))


def _is_ended(connection: sa.Connection, run_id: str) -> bool:
    wanted = sa.select(entries.c.kind).where(entries.c.run_id == run_id, entries.c.kind.in_(_ENDS)).limit(1)
    return connection.scalar(wanted) is not None


def _month(connection: sa.Connection, now: datetime) -> list[Spent]:
    """Sum by run: a reservation counts in whatever month it is open in, a bill in its own."""
    begin = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = (begin + timedelta(days=32)).replace(day=1)
    ended = entries.alias()
    is_open = ~sa.exists().where(ended.c.run_id == entries.c.run_id, ended.c.kind.in_(_ENDS))
    counts = sa.or_(
        sa.and_(entries.c.kind == "reserved", is_open),
        sa.and_(entries.c.kind.in_(_COSTS), entries.c.at >= begin, entries.c.at < end),
    )
    columns = (entries.c.run_id, entries.c.trainer, entries.c.pipeline)
    # The entry itself says so: it stays, and prices change.
    unpriced = sa.func.max(sa.case((entries.c.note.contains(NO_PRICE, autoescape=True), 1), else_=0))
    wanted = sa.select(*columns, entries.c.kind, sa.func.sum(entries.c.usd), unpriced).where(counts)
    found: defaultdict[tuple[str, str, str], list[float]] = defaultdict(lambda: [0.0, 0.0, 0])
    for *whose, kind, usd, has_no_price in connection.execute(wanted.group_by(*columns, entries.c.kind)):
        sums = found[tuple(whose)]
        sums[0 if kind == "reserved" else 1] += usd
        sums[2] += has_no_price
    return [
        Spent(*whose, reserved, billed, is_priced=not without)
        for whose, (reserved, billed, without) in sorted(found.items())
    ]
