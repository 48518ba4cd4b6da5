"""Blotting out texts of examples in what others said of a run: a trainer may quote the line that it refuses."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_tables import dead_letters, job_events, run_history, runs

BLOT = "(forgotten)"
# What is shorter is in half of all sentences.
SHORTEST_QUOTE = 12
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
    """Replace every sentence about these runs that holds one of these texts; gives the number of rows changed."""
    wanted = {text for text in texts if len(text) >= SHORTEST_QUOTE}
    changed = 0
    for table, owner, names in _SAYINGS:
        for row in connection.execute(sa.select(table).where(owner.in_(run_ids))).mappings().all():
            said = {name: row[name] for name in names}
            blotted = {name: _without(value, wanted) for name, value in said.items()}
            if blotted != said:
                mine = [table.c[key] == row[key] for key in _KEYS[table]]
                connection.execute(sa.update(table).where(*mine).values(blotted))
                changed += 1
    return changed


def _without(value: Any, texts: Collection[str]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return BLOT if any(text in value for text in texts) else value
    if isinstance(value, dict):
        return {key: _without(inner, texts) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without(inner, texts) for inner in value]
    return value
