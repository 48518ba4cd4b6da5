"""Counts: of the runs, and of the examples, which are kept with every write because there may be a million."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from service.adapters.sql_engine import reading, upsert
from service.adapters.sql_tables import examples, pipelines, runs, tallies
from service.domain.examples import KEPT_OUT, STANDING, Change, Example

_Key = tuple[str, str, str]


def tally_runs(engine: sa.Engine) -> Mapping[tuple[str, str], int]:
    """Count the runs by pipeline and state."""
    wanted = sa.select(runs.c.pipeline, runs.c.state, sa.func.count()).group_by(runs.c.pipeline, runs.c.state)
    with reading(engine) as connection:
        return {(row[0], row[1]): row[2] for row in connection.execute(wanted)}


def keep_tallies(connection: sa.Connection, pipeline: str, changes: Iterable[Change]) -> None:
    """Count what these changes change; the caller holds the pipeline's lock."""
    moved: Counter[_Key] = Counter()
    for change in changes:
        moved[_key(change.example)] += 1
        if change.replaced:
            moved[_key(change.replaced)] -= 1
    _add(connection, pipeline, {key: number for key, number in moved.items() if number})


def recount(connection: sa.Connection, pipeline: str) -> None:
    """Count anew from the examples; the caller holds the pipeline's lock."""
    connection.execute(sa.delete(tallies).where(tallies.c.pipeline == pipeline))
    _add(connection, pipeline, counted(connection, pipeline))


def counted(connection: sa.Connection, pipeline: str) -> dict[_Key, int]:
    """Count the examples themselves, as ``tallied`` gives them; reads all of them."""
    columns = (examples.c.status, examples.c.split, examples.c.reason)
    wanted = sa.select(*columns, sa.func.count()).where(examples.c.pipeline == pipeline).group_by(*columns)
    return {(status, split or "", reason or ""): number for status, split, reason, number in connection.execute(wanted)}


@dataclass(frozen=True, slots=True)
class News:
    """What changed since a run.

    Attributes:
        number: Examples that changed; counted up to a limit, which is then the number.
        first_at: When the first of them did.
        last_at: When the last did.
    """

    number: int
    first_at: datetime | None
    last_at: datetime | None


def tallied(connection: sa.Connection, pipeline: str) -> dict[_Key, int]:
    """Give the number of examples by status, split and reason; empty text where one has none."""
    wanted = sa.select(tallies).where(tallies.c.pipeline == pipeline, tallies.c.examples != 0)
    return {(row.status, row.split, row.reason): row.examples for row in connection.execute(wanted)}


def kept_out(found: Mapping[_Key, int]) -> Counter[str]:
    """Give the number of rows that are labelled and approved and give no example, by reason; held ones included."""
    kept: Counter[str] = Counter()
    for (status, _, reason), number in found.items():
        if status not in STANDING and reason in KEPT_OUT:
            kept[reason] += number
    return kept


def news_since(connection: sa.Connection, pipeline: str, watermark: int, *, at_most: int) -> News:
    """Count the active examples that changed after a watermark, reading no more than ``at_most`` of them."""
    mine = (examples.c.pipeline == pipeline, examples.c.status == "active", examples.c.changed_seq > watermark)
    some = sa.select(examples.c.changed_seq).where(*mine).limit(at_most).subquery()
    number = (
        connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()
        if watermark
        # Before the first run all are new, and may be a million.
        else sum(n for (status, _, _), n in tallied(connection, pipeline).items() if status == "active")
    )
    moments = [
        connection.scalar(sa.select(examples.c.changed_at).where(*mine).order_by(order).limit(1))
        for order in (examples.c.changed_seq.asc(), examples.c.changed_seq.desc())
    ]
    return News(number, *moments)


def watermark_of(connection: sa.Connection, pipeline: str) -> int:
    """Give the pipeline's change counter."""
    return connection.scalar(sa.select(pipelines.c.change_count).where(pipelines.c.name == pipeline)) or 0


def _key(example: Example) -> _Key:
    return (example.status, example.split or "", example.reason or "")


def _add(connection: sa.Connection, pipeline: str, moved: Mapping[_Key, int]) -> None:
    rows = [
        {"pipeline": pipeline, "status": status, "split": split, "reason": reason, "examples": number}
        for (status, split, reason), number in moved.items()
    ]
    if rows:
        statement = upsert(connection, tallies)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["pipeline", "status", "split", "reason"],
                set_={"examples": tallies.c.examples + statement.excluded.examples},
            ),
            rows,
        )
