"""Examples, their versions and their splits in SQL."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_engine import chunks, reading, upsert
from service.adapters.sql_tables import (
    deliveries,
    example_history,
    example_versions,
    examples,
    groups,
    pipelines,
    row_labels,
    runs,
)
from service.domain.contents import Turn, decode_content, encode_content
from service.domain.examples import STANDING, Change, Example
from service.domain.snapshots import FrozenExample
from service.domain.splits import Split
from service.domain.triggers import Counts

FETCH_ROWS = 1000
_DIFFERENT_NAMES = {"group_key": "group"}
_EXAMPLE_COLUMNS = [column for column in examples.c if column.name not in {"changed_seq", "changed_at"}]


class SqlExampleStore:
    """See ``ExampleStore``."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def existing(self, pipeline: str, data_row_ids: Sequence[str]) -> dict[str, Example]:
        """See ``ExampleStore``."""
        with reading(self._engine) as connection:
            return _existing(connection, pipeline, data_row_ids)

    def apply(
        self,
        pipeline: str,
        plan: Callable[[Mapping[str, Example], Mapping[str, Split]], Sequence[Change]],
        *,
        data_row_ids: Sequence[str],
        groups: Sequence[str],
        audit: Sequence[Mapping[str, Any]] = (),
    ) -> Sequence[Change]:
        """See ``ExampleStore``; the lock on the pipeline's counter is what makes writers take turns."""
        with self._engine.begin() as connection:
            sequence = _take_turn(connection, pipeline)
            before = _existing(connection, pipeline, data_row_ids)
            changes = plan(before, _splits(connection, pipeline, groups))
            _write(connection, pipeline, changes, sequence, self._clock())
            if audit:
                connection.execute(upsert(connection, deliveries).on_conflict_do_nothing(), list(audit))
        return changes

    def counts(self, pipeline: str) -> Counts:
        """See ``ExampleStore``."""
        mine = (examples.c.pipeline == pipeline, examples.c.status == "active")
        with reading(self._engine) as connection:
            watermark = connection.scalar(sa.select(pipelines.c.change_count).where(pipelines.c.name == pipeline))
            last = connection.execute(
                sa.select(runs).where(runs.c.pipeline == pipeline).order_by(runs.c.ordinal.desc()).limit(1)
            ).one_or_none()
            since = last.watermark if last else 0
            news = connection.execute(
                sa.select(
                    sa.func.count(),
                    sa.func.min(examples.c.changed_at, type_=examples.c.changed_at.type),
                    sa.func.max(examples.c.changed_at, type_=examples.c.changed_at.type),
                ).where(*mine, examples.c.changed_seq > since)
            ).one()
            prompts = connection.execute(
                sa.select(sa.func.count()).where(examples.c.pipeline == pipeline, examples.c.status == "prompt")
            ).scalar_one()
            by_split = sa.select(examples.c.split, sa.func.count()).where(*mine).group_by(examples.c.split)
            sizes: dict[str | None, int] = {row[0]: row[1] for row in connection.execute(by_split)}
        return Counts(
            watermark=watermark or 0,
            new=news[0],
            train=sizes.get("train", 0),
            validation=sizes.get("validation", 0),
            held_out=sizes.get("held_out", 0),
            first_new_at=news[1],
            last_new_at=news[2],
            last_run=last.ordinal if last else 0,
            last_run_at=last.created_at if last else None,
            prompts=prompts,
            open_run=f"{last.run_id} ({last.state})" if last and last.is_open else None,
        )

    def prompts(self, pipeline: str) -> Iterator[tuple[str, str | None, Turn]]:
        """See ``ExampleStore``."""
        columns = (examples.c.data_row_id, examples.c.global_key, examples.c.content)
        wanted = sa.select(*columns).where(examples.c.pipeline == pipeline, examples.c.status == "prompt")
        with reading(self._engine) as connection:
            found = connection.execution_options(yield_per=FETCH_ROWS).execute(wanted.order_by(examples.c.data_row_id))
            for row in found:
                yield row.data_row_id, row.global_key, decode_content(row.content)[0]

    def standing_ids(self, pipeline: str) -> set[str]:
        """See ``ExampleStore``."""
        mine = (examples.c.pipeline == pipeline, examples.c.status.in_(sorted(STANDING)))
        wanted = sa.select(examples.c.data_row_id).where(*mine)
        with reading(self._engine) as connection:
            return set(connection.scalars(wanted))

    @contextmanager
    def freeze(self, pipeline: str) -> Iterator[tuple[int, Iterator[FrozenExample]]]:
        """See ``ExampleStore``."""
        rows = (
            sa.select(
                examples.c.example_id,
                examples.c.version,
                examples.c.label_id,
                examples.c.split,
                examples.c.content,
                examples.c.content_hash,
                examples.c.group_key,
            )
            .where(examples.c.pipeline == pipeline, examples.c.status == "active")
            .order_by(examples.c.split, examples.c.example_id)
        )
        with reading(self._engine) as connection:
            watermark = connection.scalar(sa.select(pipelines.c.change_count).where(pipelines.c.name == pipeline))
            found = connection.execution_options(yield_per=FETCH_ROWS).execute(rows)
            yield watermark or 0, map(_frozen, found)


def _frozen(row: Sequence[Any]) -> FrozenExample:
    example_id, version, label_id, split, content, content_hash, group = row
    said = decode_content(content)
    return FrozenExample(example_id, version, label_id, split, said, content_hash, group, group, "", None)


def _take_turn(connection: sa.Connection, pipeline: str) -> int:
    connection.execute(upsert(connection, pipelines).values(name=pipeline, change_count=0).on_conflict_do_nothing())
    locked = sa.select(pipelines.c.change_count).where(pipelines.c.name == pipeline).with_for_update()
    return int(connection.execute(locked).scalar_one())


def _existing(connection: sa.Connection, pipeline: str, data_row_ids: Sequence[str]) -> dict[str, Example]:
    found = {}
    for chunk in chunks(data_row_ids):
        wanted = sa.select(*_EXAMPLE_COLUMNS).where(examples.c.pipeline == pipeline, examples.c.data_row_id.in_(chunk))
        for row in connection.execute(wanted):
            values = {_DIFFERENT_NAMES.get(name, name): value for name, value in row._mapping.items()}  # noqa: SLF001 - SQLAlchemy's public name
            found[row.data_row_id] = Example(**values | {"content": decode_content(row.content)})
    return found


def _splits(connection: sa.Connection, pipeline: str, keys: Sequence[str]) -> dict[str, Split]:
    found: dict[str, Split] = {}
    for chunk in chunks(keys):
        wanted = sa.select(groups.c.group_key, groups.c.split).where(
            groups.c.pipeline == pipeline, groups.c.group_key.in_(chunk)
        )
        found.update((row[0], row[1]) for row in connection.execute(wanted))
    return found


def _write(connection: sa.Connection, pipeline: str, changes: Sequence[Change], sequence: int, now: datetime) -> None:
    news = [change.example for change in changes if change.is_new_version]
    others = [change.example for change in changes if not change.is_new_version]
    if news:
        _insert(connection, example_versions, (_version_row(example, now) for example in news))
        split_rows = [
            {"pipeline": pipeline, "group_key": item.group, "split": item.split} for item in news if item.group
        ]
        _insert(connection, groups, split_rows, ignore=True)
        rows = [
            {**_example_row(example), "changed_seq": sequence + number, "changed_at": now}
            for number, example in enumerate(news, start=1)
        ]
        _replace(connection, rows, keep=())
        connection.execute(
            sa.update(pipelines).where(pipelines.c.name == pipeline).values(change_count=sequence + len(news))
        )
    _tell(connection, changes, now)
    if others:
        rows = [{**_example_row(example), "changed_seq": 0, "changed_at": now} for example in others]
        _replace(connection, rows, keep=("changed_seq", "changed_at"))


def _insert(
    connection: sa.Connection, table: sa.Table, rows: Iterable[Mapping[str, Any]], *, ignore: bool = False
) -> None:
    if values := list(rows):
        statement = upsert(connection, table)
        connection.execute(statement.on_conflict_do_nothing() if ignore else statement, values)


def _replace(connection: sa.Connection, rows: list[dict[str, Any]], *, keep: Sequence[str]) -> None:
    statement = upsert(connection, examples)
    fresh = {
        column.name: statement.excluded[column.name]
        for column in examples.c
        if not column.primary_key and column.name not in keep
    }
    connection.execute(statement.on_conflict_do_update(index_elements=["pipeline", "data_row_id"], set_=fresh), rows)


def _example_row(example: Example) -> dict[str, Any]:
    return {
        "pipeline": example.pipeline,
        "data_row_id": example.data_row_id,
        "example_id": example.example_id,
        "global_key": example.global_key,
        "status": example.status,
        "reason": example.reason,
        "label_id": example.label_id,
        "choice": example.choice,
        "version": example.version,
        "content_hash": example.content_hash,
        "content": encode_content(example.content) if example.content else "",
        "group_key": example.group,
        "split": example.split,
        "activity_at": example.activity_at,
        "observed_at": example.observed_at,
    }


def _tell(connection: sa.Connection, changes: Sequence[Change], now: datetime) -> None:
    """Write what became of these rows, and which labels they have."""
    history = (
        {
            "example_id": example.example_id,
            "at": now,
            "status": example.status,
            "reason": example.reason,
            "label_id": example.label_id,
            "choice": example.choice,
            "version": example.version,
            "observed_at": example.observed_at,
        }
        for example in (change.example for change in changes if change.is_told)
    )
    _insert(connection, example_history, history)
    labels = (
        {"label_id": label_id, "data_row_id": example.data_row_id}
        for example in (change.example for change in changes)
        for label_id in example.label_ids
    )
    _insert(connection, row_labels, labels, ignore=True)


def _version_row(example: Example, now: datetime) -> dict[str, Any]:
    return {
        "example_id": example.example_id,
        "version": example.version,
        "content_hash": example.content_hash,
        "content": encode_content(example.content),
        "label_id": example.label_id,
        "created_at": now,
    }
