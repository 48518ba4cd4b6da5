"""Dead letters and reconciles in SQL."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_engine import chunks, reading, storable, upsert
from service.adapters.sql_tables import dead_letters, deliveries, reconciles, tombstones
from service.domain.deliveries import Delivery, read_doorbell, without_texts
from service.domain.errors import NotFound, ServiceError, UnknownTopic, UnreadableDelivery

MESSAGE_CHARACTERS = 500
_SHOWN = [column for column in dead_letters.c if column.name != "body"]


class SqlDeadLetters:
    """See ``DeadLetters``."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def put(
        self,
        kind: str,
        subject: str,
        error: ServiceError,
        *,
        content: Delivery | None,
        now: datetime,
        pipeline: str | None = None,
        once: bool = False,
    ) -> None:
        """See ``DeadLetters``."""
        subject = storable(subject)
        with self._engine.begin() as connection:
            row = {
                "letter_id": _letter_id(kind, subject),
                "kind": kind,
                "subject": subject,
                "error": type(error).__name__,
                "message": storable(str(error))[:MESSAGE_CHARACTERS],
                "remedy": error.remedy,
                "topic": storable(content.topic) if content else None,
                "pipeline": storable(content.pipeline) if content else pipeline,
                "body": _body_to_keep(connection, content) if content else None,
                "received_at": content.received_at if content else None,
                "created_at": now,
                "replayed_at": None,
                "dismissed": None,
            }
            statement = upsert(connection, dead_letters).values(row)
            fresh = {name: value for name, value in row.items() if name != "letter_id"}
            connection.execute(
                statement.on_conflict_do_nothing()
                if once
                else statement.on_conflict_do_update(index_elements=["letter_id"], set_=fresh)
            )

    def count(self) -> int:
        """See ``DeadLetters``."""
        with reading(self._engine) as connection:
            wanted = sa.select(sa.func.count()).where(dead_letters.c.replayed_at.is_(None))
            return int(connection.execute(wanted).scalar_one())

    def open(self, limit: int) -> list[Mapping[str, Any]]:
        """See ``DeadLetters``."""
        wanted = sa.select(*_SHOWN).where(dead_letters.c.replayed_at.is_(None))
        with reading(self._engine) as connection:
            found = connection.execute(wanted.order_by(dead_letters.c.created_at.desc()).limit(limit))
            return [dict(row) for row in found.mappings()]

    def find(self, letter_id: str) -> Mapping[str, Any]:
        """See ``DeadLetters``; the beginning of an id will do where it is the only one."""
        wanted = sa.select(*_SHOWN).where(dead_letters.c.letter_id.startswith(letter_id, autoescape=True)).limit(2)
        with reading(self._engine) as connection:
            found = connection.execute(wanted).mappings().all()
        if len(found) != 1:
            raise NotFound(
                f"{len(found) or 'no'} dead letters begin with {letter_id!r}",
                remedy="List them: tuneloop dead-letters list",
            )
        return dict(found[0])

    def dismiss(self, letter_id: str, *, reason: str, now: datetime) -> bool:
        """See ``DeadLetters``; the body stays, so that a person may think better of it."""
        mine = (dead_letters.c.letter_id == letter_id, dead_letters.c.replayed_at.is_(None))
        statement = sa.update(dead_letters).where(*mine).values(replayed_at=now, dismissed=storable(reason))
        with self._engine.begin() as connection:
            return connection.execute(statement.returning(dead_letters.c.letter_id)).one_or_none() is not None

    def take(self, letter_id: str) -> Delivery | None:
        """See ``DeadLetters``."""
        with reading(self._engine) as connection:
            wanted = sa.select(dead_letters).where(dead_letters.c.letter_id == letter_id)
            row = connection.execute(wanted).one_or_none()
        if row is None:
            raise NotFound(f"no dead letter {letter_id!r}", remedy="List them: tuneloop dead-letters list")
        if row.body is None:
            return None
        return Delivery(row.subject, row.topic, row.pipeline, row.body, row.received_at)

    def settle(self, kind: str, subjects: Sequence[str], *, now: datetime) -> None:
        """See ``DeadLetters``."""
        ids = [_letter_id(kind, storable(subject)) for subject in subjects]
        with self._engine.begin() as connection:
            for chunk in chunks(ids):
                mine = (dead_letters.c.letter_id.in_(chunk), dead_letters.c.replayed_at.is_(None))
                connection.execute(sa.update(dead_letters).where(*mine).values(replayed_at=now, body=None))

    def close(self, letter_id: str, *, taken_at: datetime) -> None:
        """See ``DeadLetters``; the body goes: it is in the inbox again, and holds label text."""
        mine = (dead_letters.c.letter_id == letter_id, dead_letters.c.created_at <= taken_at)
        done = sa.update(dead_letters).where(*mine).values(replayed_at=taken_at, body=None, dismissed=None)
        with self._engine.begin() as connection:
            connection.execute(done)


def _body_to_keep(connection: sa.Connection, delivery: Delivery) -> bytes:
    """Give a delivery's body, without its texts if one of its rows was forgotten: it must not come back this way."""
    name = tombstones.c.data_row_id
    wanted = sa.select(name)
    try:
        ids = read_doorbell(delivery.topic, delivery.body).data_row_ids
        found = [row_id for some in chunks(ids) for row_id in connection.scalars(wanted.where(name.in_(some)))]
    except (UnknownTopic, UnreadableDelivery):
        found = list(connection.scalars(wanted))
    return without_texts(delivery, found).body


def _letter_id(kind: str, subject: str) -> str:
    return hashlib.sha256(f"{kind}\n{subject}".encode()).hexdigest()[:16]


class SqlReconcileStore:
    """See ``ReconcileStore``."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def cursor(self, pipeline: str) -> datetime | None:
        """See ``ReconcileStore``."""
        last = self._last(pipeline)
        return None if last is None else last.until

    def reconciled(self, pipeline: str, facts: Mapping[str, Any], *, until: datetime, now: datetime) -> None:
        """See ``ReconcileStore``."""
        row = {"pipeline": pipeline, "until": until, "at": now, "facts": dict(facts)}
        with self._engine.begin() as connection:
            connection.execute(sa.insert(reconciles).values(row))

    def latest(self, pipeline: str) -> Mapping[str, Any] | None:
        """See ``ReconcileStore``."""
        last = self._last(pipeline)
        return None if last is None else {**last.facts, "at": last.at}

    def _last(self, pipeline: str) -> sa.Row[Any] | None:
        wanted = sa.select(reconciles).where(reconciles.c.pipeline == pipeline)
        with reading(self._engine) as connection:
            return connection.execute(wanted.order_by(reconciles.c.position.desc()).limit(1)).one_or_none()


def forget_audit(engine: sa.Engine, *, before: datetime) -> int:
    """Delete what only says how something came about and is older than this: it grows with every delivery.

    Examples, snapshots, runs, verdicts and open dead letters are kept for good, and each pipeline's newest reconcile.

    Returns:
        The number of rows deleted.
    """
    newest = sa.select(sa.func.max(reconciles.c.position)).group_by(reconciles.c.pipeline)
    old = [
        sa.delete(deliveries).where(deliveries.c.converted_at < before),
        sa.delete(reconciles).where(reconciles.c.at < before, reconciles.c.position.not_in(newest)),
        sa.delete(dead_letters).where(dead_letters.c.replayed_at < before),
    ]
    with engine.begin() as connection:
        return sum(connection.execute(statement).rowcount for statement in old)
