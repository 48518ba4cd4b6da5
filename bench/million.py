"""A pipeline with very many examples, put straight into SQLite: converting a million would take an hour.

Every prompt is unlike every other, so each has buckets of its own, as a million real prompts that are no
near-duplicates have; what is random here only has to be spread as hashes are.
"""

from typing import Any

import sqlalchemy as sa

from service.adapters.sql_tables import examples
from service.domain.fingerprints import BANDS
from service.domain.line_tokens import counted_by
from service.domain.placements import MOST_A_BUCKET

PIPELINE = "bench"
_WORDS = "the parcel arrived late and the customer asks for the money back because it was damaged when it came "
# About 600 bytes an example, three quarters of it the prompt.
_CONTENT = f"""
    json_array(
        json_object('role', 'user', 'content', 'Chat ' || number || ' ' || hex(randomblob(16)) || ': {_WORDS * 4}'),
        json_object('role', 'assistant', 'content', 'Summary ' || number || ': {_WORDS[:90]}')
    )"""
_NUMBERS = (
    "WITH RECURSIVE numbers(number) AS (SELECT :first UNION ALL SELECT number + 1 FROM numbers WHERE number < :last)"
)
_SPLIT = "CASE WHEN number % 10 < 7 THEN 'train' WHEN number % 10 = 7 THEN 'validation' ELSE 'held_out' END"
# Only constants are put together here.
_GROUPS = f"""
    INSERT INTO groups (pipeline, group_key, split, cluster, signature, member)
    {_NUMBERS} SELECT '{PIPELINE}', lower(hex(randomblob(32))), {_SPLIT}, '', randomblob(256), random() FROM numbers"""  # noqa: S608
_EXAMPLES = f"""
    INSERT INTO examples ({", ".join(column.name for column in examples.c if column.name != "metadata")})
    SELECT :pipeline, 'row-' || number, 'ex-' || substr(key, 1, 24), NULL, 'active', NULL,
        'label-' || number, 'only', 1, lower(hex(randomblob(32))), {_CONTENT}, key, split, key, substr(key, 1, 16),
        150, '', :appraised, '', number, :at, :at, :at
    FROM (SELECT group_key AS key, split, row_number() OVER (ORDER BY rowid) + :before AS number FROM groups
          WHERE pipeline = :pipeline AND cluster = '')"""  # noqa: S608
_BUCKETS = ", ".join(f"({band})" for band in range(BANDS))
_NEAR = f"""
    INSERT OR IGNORE INTO near_prompts (bucket, slot, member)
    SELECT random() AS bucket, abs(member) % {MOST_A_BUCKET}, member FROM groups, (VALUES {_BUCKETS})
    WHERE cluster = '' ORDER BY bucket"""  # noqa: S608


def grow(engine: sa.Engine, *, before: int, after: int, encoding: str) -> None:
    """Let a pipeline that has so many examples have more."""
    appraised = f"{counted_by(encoding, 'chat')}-bench"
    given: dict[str, Any] = {"pipeline": PIPELINE, "at": "2026-11-01 10:00:00", "appraised": appraised}
    with engine.begin() as connection:
        for index in examples.indexes:
            # Made anew at the end, which is faster than keeping them.
            index.drop(connection)
        connection.execute(sa.text(_GROUPS), {"first": before + 1, "last": after})
        connection.execute(sa.text(_EXAMPLES), {**given, "before": before})
        connection.execute(sa.text(_NEAR))
        connection.execute(sa.text("UPDATE groups SET cluster = substr(group_key, 1, 16) WHERE cluster = ''"))
        for index in examples.indexes:
            index.create(connection)
        connection.execute(sa.text("DELETE FROM tallies"))
        connection.execute(
            sa.text(
                "INSERT INTO tallies SELECT pipeline, status, split, '', count(*), sum(tokens) FROM examples "
                "GROUP BY 1, 2, 3"
            )
        )
        connection.execute(
            sa.text("INSERT OR REPLACE INTO pipelines (name, change_count) VALUES (:name, :count)"),
            {"name": PIPELINE, "count": after},
        )
