"""Blotting out texts of examples in what others said of a run: a trainer may quote the line that it refuses."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from service.adapters.sql_tables import dead_letters, job_events, run_history, runs
from service.domain.quotes import Quotes

_KEYS = {
    job_events: ("run_id", "event_id"),
    run_history: ("position",),
    runs: ("run_id",),
    dead_letters: ("letter_id",),
}
_SAYINGS = (
    (job_events, job_events.c.run_id, ("message", "facts")),
    (run_history, run_history.c.run_id, ("cause",)),
    (runs, runs.c.run_id, ("facts",)),
    (dead_letters, dead_letters.c.subject, ("message",)),
)


def blot_quotes(connection: sa.Connection, run_ids: Sequence[str], texts: Collection[str]) -> int:
    """Replace every sentence about these runs that quotes one of these texts; gives the number of rows changed."""
    quotes, changed = Quotes(texts), 0
    for table, owner, names in _SAYINGS:
        for row in connection.execute(sa.select(table).where(owner.in_(run_ids))).mappings().all():
            said = {name: row[name] for name in names}
            if (blotted := quotes.blotted(said)) != said:
                mine = [table.c[key] == row[key] for key in _KEYS[table]]
                connection.execute(sa.update(table).where(*mine).values(blotted))
                changed += 1
    return changed
