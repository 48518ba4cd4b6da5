"""Champions in SQL: one row a pipeline says who serves, and the history says why; both change in one transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_engine import storable, upsert
from service.adapters.sql_notices import write_notice
from service.adapters.sql_tables import champion_history, champions
from service.domain.errors import ChampionMoved
from service.domain.reigns import ANYBODY, Grounds
from service.domain.run_notices import notice_of_champion, notice_of_gone
from service.domain.runs import Run

_LOCKS = 7_405_015


def crown(connection: sa.Connection, run: Run, cause: str, grounds: Grounds, now: datetime) -> None:
    """Make a run's model the champion inside the caller's transaction.

    Raises:
        ChampionMoved: Somebody else serves than the one that may be replaced.
    """
    before = require_reigning(connection, run, grounds.over)
    number = _write_history(connection, run, cause, grounds, now)
    row = {
        "pipeline": run.pipeline,
        "model": run.answers_as,
        "trainer": run.trainer,
        "run_id": run.run_id,
        "promoted_at": now,
        "position": number,
        "decided": grounds.decided,
        "evidence": dict(grounds.evidence),
        "gone_since": None,
    }
    statement = upsert(connection, champions).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["pipeline"], set_=row))
    if before is None or (before.model, before.trainer) != (run.answers_as, run.trainer):
        model = before.model if before else None
        write_notice(connection, notice_of_champion(run, before=model, cause=cause, number=number), now)


def require_reigning(connection: sa.Connection, run: Run, over: int | None) -> sa.Row[Any] | None:
    """Give who serves, alone until the transaction ends.

    Args:
        connection: The caller's.
        run: What was judged.
        over: Against whom, see ``Grounds.over``.

    Raises:
        ChampionMoved: Somebody else serves.
    """
    before = _reigning(connection, run.pipeline)
    if over not in {ANYBODY, before.position if before else None}:
        raise ChampionMoved(f"{run.pipeline} has another champion than run {run.run_id} was judged against")
    return before


def note_gone(
    connection: sa.Connection, pipeline: str, position: int, *, since: datetime | None, now: datetime
) -> bool:
    """Write that a champion answers no more, or does again, and tell of its end; see ``EvaluationStore``."""
    mine = (champions.c.pipeline == pipeline, champions.c.position == position)
    known = champions.c.gone_since.is_not(None) if since else champions.c.gone_since.is_(None)
    changed = sa.update(champions).where(*mine, ~known).values(gone_since=since).returning(champions)
    champion = connection.execute(changed).one_or_none()
    if champion is None:
        return False
    # Other models of the run, its checkpoints, may still be there.
    whose = (champion_history.c.run_id == champion.run_id, champion_history.c.model == champion.model)
    served = sa.update(champion_history).where(champion_history.c.pipeline == pipeline, *whose)
    connection.execute(served.values(gone_since=since))
    if since is not None:
        write_notice(connection, notice_of_gone(pipeline, champion.model, champion.trainer, number=position), now)
    return True


def note_named(connection: sa.Connection, champion: Mapping[str, Any]) -> bool:
    """Write which champion the stable name means; if another serves by now, that it means nobody for sure."""
    mine = champions.c.pipeline == champion["pipeline"]
    serves = (mine, champions.c.position == champion["position"])
    named = sa.update(champions).where(*serves).values(named_for=champion["position"])
    if connection.execute(named).rowcount:
        return True
    # Whoever named the other one may have been overtaken by us.
    connection.execute(sa.update(champions).where(mine).values(named_for=None))
    return False


def _reigning(connection: sa.Connection, pipeline: str) -> sa.Row[Any] | None:
    """Read who serves, alone until the transaction ends: also where there is no row yet that could be locked."""
    if connection.dialect.name == "postgresql":
        # SQLite's BEGIN IMMEDIATE already made the others wait.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCKS, sa.func.hashtext(pipeline))))
    return connection.execute(sa.select(champions).where(champions.c.pipeline == pipeline)).one_or_none()


def _write_history(connection: sa.Connection, run: Run, cause: str, grounds: Grounds, now: datetime) -> int:
    row = {
        "pipeline": run.pipeline,
        "model": run.answers_as,
        "trainer": run.trainer,
        "run_id": run.run_id,
        "promoted_at": now,
        "cause": storable(cause),
        "decided": grounds.decided,
        "decided_by": grounds.by and storable(grounds.by),
        "reason": grounds.reason and storable(grounds.reason),
        "evidence": dict(grounds.evidence),
    }
    written = sa.insert(champion_history).values(row).returning(champion_history.c.position)
    number: int = connection.execute(written).scalar_one()
    return number
