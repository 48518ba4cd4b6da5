"""Counts: of the runs, and of the examples, which are kept with every write because there may be a million."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from service.adapters.sql_engine import reading, upsert
from service.adapters.sql_tables import examples, pipelines, runs, tallies
from service.domain.examples import KEPT_OUT, STANDING, Change, Example

_Key = tuple[str, str, str]


class Tally(NamedTuple):
    """Some examples: how many, and the tokens of their contents."""

    examples: int
    tokens: int


def tally_runs(engine: sa.Engine) -> Mapping[tuple[str, str], int]:
    """Count the runs by pipeline and state."""
    wanted = sa.select(runs.c.pipeline, runs.c.state, sa.func.count()).group_by(runs.c.pipeline, runs.c.state)
    with reading(engine) as connection:
        return {(row[0], row[1]): row[2] for row in connection.execute(wanted)}


def keep_tallies(connection: sa.Connection, pipeline: str, changes: Iterable[Change]) -> None:
    """Count what these changes change; the caller holds the pipeline's lock."""
    moved: Counter[_Key] = Counter()
    tokens: Counter[_Key] = Counter()
    for change in changes:
        moved[_key(change.example)] += 1
        tokens[_key(change.example)] += change.example.tokens
        if change.replaced:
            moved[_key(change.replaced)] -= 1
            tokens[_key(change.replaced)] -= change.replaced.tokens
    found = {key: Tally(number, tokens[key]) for key, number in moved.items()}
    _add(connection, pipeline, {key: tally for key, tally in found.items() if any(tally)})


def recount(connection: sa.Connection, pipeline: str) -> None:
    """Count anew from the examples; the caller holds the pipeline's lock."""
    connection.execute(sa.delete(tallies).where(tallies.c.pipeline == pipeline))
    _add(connection, pipeline, counted(connection, pipeline))


def counted(connection: sa.Connection, pipeline: str) -> dict[_Key, Tally]:
    """Count the examples themselves, as ``tallied`` gives them; reads all of them."""
    columns = (examples.c.status, examples.c.split, examples.c.reason)
    sums = (sa.func.count(), sa.func.sum(examples.c.tokens))
    wanted = sa.select(*columns, *sums).where(examples.c.pipeline == pipeline).group_by(*columns)
    found = connection.execute(wanted)
    return {
        (status, split or "", reason or ""): Tally(number, int(tokens))
        for status, split, reason, number, tokens in found
    }


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


def tallied(connection: sa.Connection, pipeline: str) -> dict[_Key, Tally]:
    """Count the examples by status, split and reason; empty text where one has none."""
    some = sa.or_(tallies.c.examples != 0, tallies.c.tokens != 0)
    wanted = sa.select(tallies).where(tallies.c.pipeline == pipeline, some)
    return {(row.status, row.split, row.reason): Tally(row.examples, row.tokens) for row in connection.execute(wanted)}


def kept_out(found: Mapping[_Key, Tally]) -> Counter[str]:
    """Give the number of rows that are labelled and approved and give no example, by reason; held ones included."""
    kept: Counter[str] = Counter()
    for (status, _, reason), tally in found.items():
        if status not in STANDING and reason in KEPT_OUT:
            kept[reason] += tally.examples
    return kept


def news_since(connection: sa.Connection, pipeline: str, watermark: int, *, at_most: int) -> News:
    """Count the active examples that changed after a watermark, reading no more than ``at_most`` of them."""
    mine = (examples.c.pipeline == pipeline, examples.c.status == "active", examples.c.changed_seq > watermark)
    some = sa.select(examples.c.changed_seq).where(*mine).limit(at_most).subquery()
    number = (
        connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()
        if watermark
        # Before the first run all are new, and may be a million.
        else sum(
            tally.examples for (status, _, _), tally in tallied(connection, pipeline).items() if status == "active"
        )
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


def _add(connection: sa.Connection, pipeline: str, moved: Mapping[_Key, Tally]) -> None:
    rows = [
        {"pipeline": pipeline, "status": status, "split": split, "reason": reason, **tally._asdict()}
        for (status, split, reason), tally in moved.items()
    ]
    if rows:
        statement = upsert(connection, tallies)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["pipeline", "status", "split", "reason"],
                set_={
                    "examples": tallies.c.examples + statement.excluded.examples,
                    "tokens": tallies.c.tokens + statement.excluded.tokens,
                },
            ),
            rows,
        )
