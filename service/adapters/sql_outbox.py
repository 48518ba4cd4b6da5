"""The outbox in SQL: a row for each notice and channel, and a row for each channel that workers take turns at."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_engine import chunks, reading, storable, upsert
from service.adapters.sql_notices import notice_of, write_notice
from service.adapters.sql_tables import notice_channels, notice_deliveries, notices
from service.domain.notices import MAX_ATTEMPTS, Notice, Sending, pause_after

ERROR_CHARACTERS = 200
_UNKNOWN = "the worker ended before there was an answer"
_sendings, _channels = notice_deliveries.c, notice_channels.c


class SqlOutbox:
    """See ``Outbox``."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def route(self, choose: Callable[[Notice], Sequence[str]], *, now: datetime) -> int:
        """See ``Outbox``; whoever marks a notice as routed has it alone."""
        is_new = notices.c.routed_at.is_(None)
        with reading(self._engine) as connection:
            # So that looking, which is done every few seconds, keeps no writer waiting.
            if connection.execute(sa.select(notices.c.notice_id).where(is_new).limit(1)).first() is None:
                return 0
        with self._engine.begin() as connection:
            mine = connection.execute(sa.update(notices).where(is_new).values(routed_at=now).returning(notices)).all()
            rows = [_row(row, channel, now) for row in mine for channel in choose(notice_of(row))]
            if rows:
                connection.execute(upsert(connection, notice_deliveries).on_conflict_do_nothing(), rows)
        return len(mine)

    def due(self, channels: Collection[str], *, now: datetime) -> list[str]:
        """See ``Outbox``."""
        busy = sa.select(_channels.name).where(
            sa.or_(_channels.leased_until >= now, _channels.paused_until > now, _channels.closed_for.is_not(None))
        )
        wanted = sa.select(_sendings.channel).distinct()
        wanted = wanted.where(*_waiting(now), _sendings.channel.in_(list(channels)), _sendings.channel.not_in(busy))
        with reading(self._engine) as connection:
            return sorted(connection.scalars(wanted))

    def lease(self, channel: str, *, until: datetime, now: datetime) -> bool:
        """See ``Outbox``."""
        free = (
            sa.or_(_channels.leased_until.is_(None), _channels.leased_until < now),
            sa.or_(_channels.paused_until.is_(None), _channels.paused_until <= now),
            _channels.closed_for.is_(None),
        )
        take = sa.update(notice_channels).where(_channels.name == channel, *free).values(leased_until=until)
        with self._engine.begin() as connection:
            connection.execute(upsert(connection, notice_channels).values(name=channel).on_conflict_do_nothing())
            return connection.execute(take).rowcount == 1

    def begin(self, channel: str, *, held_until: datetime, until: datetime, now: datetime) -> Sending | None:
        """See ``Outbox``; a worker that is killed has then tried, and what kills every worker comes to an end."""
        mine = (_channels.name == channel, _channels.leased_until == held_until)
        oldest = (
            sa.select(notices, _sendings.attempts)
            .join(notice_deliveries, _sendings.notice_id == notices.c.notice_id)
            .where(*_waiting(now), _sendings.channel == channel)
            .order_by(_sendings.at, _sendings.notice_id)
            .limit(1)
        )
        with self._engine.begin() as connection:
            row = connection.execute(oldest).one_or_none()
            # Only with something to send, or else the lease would outlive its holder, who knows of the earlier one.
            if row is None:
                return None
            if connection.execute(sa.update(notice_channels).where(*mine).values(leased_until=until)).rowcount != 1:
                return None
            sending = Sending(notice_of(row), channel, row.at, row.attempts + 1)
            _write(
                connection,
                sending,
                attempts=sending.attempts,
                due_at=now + pause_after(sending.attempts),
                updated_at=now,
                error=_UNKNOWN,
            )
        return sending

    def sent(self, sending: Sending, *, now: datetime) -> None:
        """See ``Outbox``."""
        with self._engine.begin() as connection:
            _write(connection, sending, state="sent", updated_at=now, error=None)

    def failed(self, sending: Sending, error: str, *, now: datetime) -> None:
        """See ``Outbox``."""
        state = "dead" if sending.attempts >= MAX_ATTEMPTS else "waiting"
        due_at = now + pause_after(sending.attempts)
        # Where another worker has taken it over meanwhile, that one's try counts.
        mine = (_sendings.state == "waiting", _sendings.attempts == sending.attempts)
        with self._engine.begin() as connection:
            _write(connection, sending, *mine, state=state, due_at=due_at, updated_at=now, error=_short(error))

    def close(self, sending: Sending, error: str, fingerprint: str, *, now: datetime) -> None:
        """See ``Outbox``."""
        with self._engine.begin() as connection:
            _write(connection, sending, state="gone", updated_at=now, error=_short(error))
            shut = sa.update(notice_channels).where(_channels.name == sending.channel)
            connection.execute(shut.values(closed_for=fingerprint, leased_until=None))
            write_notice(connection, _of_the_end(sending, now), now)

    def release(self, channel: str, *, held_until: datetime, paused_until: datetime | None = None) -> None:
        """See ``Outbox``."""
        mine = sa.update(notice_channels).where(_channels.name == channel, _channels.leased_until == held_until)
        with self._engine.begin() as connection:
            connection.execute(mine.values(leased_until=None, paused_until=paused_until))

    def again(self, notice_id: str, channel: str, *, now: datetime) -> bool:
        """See ``Outbox``."""
        ended = (_sendings.notice_id == notice_id, _sendings.channel == channel, _sendings.state.in_(("dead", "gone")))
        with self._engine.begin() as connection:
            found = connection.execute(sa.update(notice_deliveries).where(*ended).values(_afresh(now))).rowcount
            _open(connection, channel, now)
        return found > 0

    def closed(self) -> Mapping[str, str]:
        """See ``Outbox``."""
        wanted = sa.select(_channels.name, _channels.closed_for).where(_channels.closed_for.is_not(None))
        with reading(self._engine) as connection:
            return {row.name: row.closed_for for row in connection.execute(wanted)}

    def reopen(self, channel: str, *, now: datetime) -> None:
        """See ``Outbox``."""
        with self._engine.begin() as connection:
            _open(connection, channel, now)

    def recent(self, limit: int) -> list[Mapping[str, Any]]:
        """See ``Outbox``."""
        newest = sa.select(notices).order_by(notices.c.at.desc(), notices.c.notice_id).limit(limit)
        with reading(self._engine) as connection:
            found = {row["notice_id"]: {**row, "deliveries": []} for row in connection.execute(newest).mappings()}
            for chunk in chunks(list(found)):
                wanted = sa.select(notice_deliveries).where(_sendings.notice_id.in_(chunk))
                for row in connection.execute(wanted.order_by(_sendings.channel)).mappings():
                    found[row["notice_id"]]["deliveries"].append({**row})
        return list(found.values())

    def tally(self) -> Mapping[tuple[str, str], int]:
        """See ``Outbox``."""
        wanted = sa.select(_sendings.channel, _sendings.state, sa.func.count().label("number"))
        with reading(self._engine) as connection:
            found = connection.execute(wanted.group_by(_sendings.channel, _sendings.state))
            return {(row.channel, row.state): row.number for row in found}


def _row(notice: sa.Row[Any], channel: str, now: datetime) -> dict[str, Any]:
    return {
        "notice_id": notice.notice_id,
        "channel": channel,
        "state": "waiting",
        "at": notice.at,
        "attempts": 0,
        "due_at": now,
        "updated_at": now,
        "error": None,
    }


def _waiting(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (_sendings.state == "waiting", _sendings.due_at <= now)


def _write(
    connection: sa.Connection,
    sending: Sending,
    *further: sa.ColumnElement[bool],
    **values: Any,  # noqa: ANN401 - columns
) -> None:
    mine = (_sendings.notice_id == sending.notice.notice_id, _sendings.channel == sending.channel)
    connection.execute(sa.update(notice_deliveries).where(*mine, *further).values(values))


def _open(connection: sa.Connection, channel: str, now: datetime) -> None:
    free = sa.update(notice_channels).where(_channels.name == channel)
    connection.execute(free.values(closed_for=None, paused_until=None))
    gone = (_sendings.channel == channel, _sendings.state == "gone")
    connection.execute(sa.update(notice_deliveries).where(*gone).values(_afresh(now)))


def _afresh(now: datetime) -> dict[str, Any]:
    return {"state": "waiting", "attempts": 0, "due_at": now, "updated_at": now}


def _short(error: str) -> str:
    return storable(error)[:ERROR_CHARACTERS]


def _of_the_end(sending: Sending, now: datetime) -> Notice:
    return Notice(
        "channel_gone",
        f"{sending.channel} {now.isoformat()}",
        f"channel {sending.channel} has ended",
        f"Its receiver answered 410 Gone: nothing is sent to {sending.channel} any more.\n"
        "What to do: give it another address in tuneloop.toml, or, once the receiver is back,\n"
        "tuneloop dead-letters list | tuneloop dead-letters replay LETTER",
        facts={"channel": sending.channel},
    )
