"""What a pipeline's examples have to do with each other, and what was found in them: told by indexes alone."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_engine import chunks
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
    duplicates: dict[str, int] = {}
    for chunk in chunks(_crowded(connection, pipeline)):
        for cluster, members in groupby(_members(connection, pipeline, chunk), key=itemgetter(0)):
            _count(cluster, [(prompt, content, number) for _, prompt, content, number in members], noted, duplicates)
    return duplicates, {code: number for code, number in noted.items() if number}


def _crowded(connection: sa.Connection, pipeline: str) -> list[str]:
    """Give the clusters of several examples: one pass over the index, and most clusters have one."""
    wanted = sa.select(examples.c.cluster).where(*_mine(pipeline)).group_by(examples.c.cluster)
    return list(connection.scalars(wanted.having(sa.func.count() > 1)))


def _members(connection: sa.Connection, pipeline: str, clusters: Sequence[str]) -> Iterable[Sequence[Any]]:
    columns = (examples.c.cluster, examples.c.prompt_key, examples.c.content_hash)
    wanted = sa.select(*columns, sa.func.count()).where(*_mine(pipeline), examples.c.cluster.in_(clusters))
    return connection.execute(wanted.group_by(*columns).order_by(*columns))


def _count(
    cluster: str, members: Sequence[tuple[str, str, int]], noted: Counter[str], duplicates: dict[str, int]
) -> None:
    """Count one cluster: prompts with their contents and how many examples say each, sorted by prompt."""
    duplicates.update({content: number for _, content, number in members if number > 1})
    by_prompt = [[number for _, _, number in same] for _, same in groupby(members, key=itemgetter(0))]
    noted["conflicting_answers"] += sum(sum(numbers) for numbers in by_prompt if len(numbers) > 1)
    # Without a cluster a prompt was never compared with others.
    if cluster and len(by_prompt) > 1:
        noted["near_duplicate"] += sum(map(sum, by_prompt))


def _mine(pipeline: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return examples.c.pipeline == pipeline, examples.c.status == "active"


def _findings(connection: sa.Connection, pipeline: str) -> Counter[str]:
    columns = (examples.c.findings, sa.func.count())
    wanted = sa.select(*columns).where(*_mine(pipeline), examples.c.findings != "").group_by(examples.c.findings)
    counted: Counter[str] = Counter()
    for findings, number in connection.execute(wanted):
        counted.update(dict.fromkeys(findings.split(), number))
    return counted
