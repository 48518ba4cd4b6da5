"""What a pipeline's examples have to do with each other, and what was found in them: told by indexes alone."""

from collections import Counter

import sqlalchemy as sa

from service.adapters.sql_tables import examples
from service.adapters.sql_tallies import kept_out, tallied


def find_company(connection: sa.Connection, pipeline: str) -> tuple[dict[str, int], dict[str, int]]:
    """Find duplicates, near-duplicates and contradictions among the active examples.

    Returns:
        Each content hash that several have, with their number; then the number of examples by what was found in
        them, and of rows that a check, a person or a divided company keeps out.
    """
    noted = Counter(_findings(connection, pipeline))
    noted.update(kept_out(tallied(connection, pipeline)))
    noted["near_duplicate"] = _in_company(connection, pipeline, examples.c.cluster, examples.c.prompt_key)
    noted["conflicting_answers"] = _in_company(connection, pipeline, examples.c.prompt_key, examples.c.content_hash)
    return _duplicates(connection, pipeline), {code: number for code, number in noted.items() if number}


def _mine(pipeline: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return examples.c.pipeline == pipeline, examples.c.status == "active"


def _duplicates(connection: sa.Connection, pipeline: str) -> dict[str, int]:
    # Grouped by what the index is sorted by, so that it is read and nothing else.
    columns = (examples.c.cluster, examples.c.prompt_key, examples.c.content_hash)
    wanted = sa.select(examples.c.content_hash, sa.func.count()).where(*_mine(pipeline)).group_by(*columns)
    return {row[0]: row[1] for row in connection.execute(wanted.having(sa.func.count() > 1))}


def _in_company(connection: sa.Connection, pipeline: str, same: sa.Column[str], other: sa.Column[str]) -> int:
    """Count the examples that share one thing with an example that differs in another."""
    by = [examples.c.cluster] if same is examples.c.cluster else [examples.c.cluster, same]
    grouped = sa.select(sa.func.count().label("examples")).where(*_mine(pipeline), examples.c.cluster != "")
    found = grouped.group_by(*by).having(sa.func.min(other) != sa.func.max(other)).subquery()
    # PostgreSQL's sum of counts is a Decimal, which no manifest can hold.
    return int(connection.scalar(sa.select(sa.func.sum(found.c.examples))) or 0)


def _findings(connection: sa.Connection, pipeline: str) -> Counter[str]:
    columns = (examples.c.findings, sa.func.count())
    wanted = sa.select(*columns).where(*_mine(pipeline), examples.c.findings != "").group_by(examples.c.findings)
    counted: Counter[str] = Counter()
    for findings, number in connection.execute(wanted):
        counted.update(dict.fromkeys(findings.split(), number))
    return counted
