"""Examples, their versions and what people decided of them, in SQL."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_company import find_company
from service.adapters.sql_engine import chunks, reading, upsert
from service.adapters.sql_places import add_places, read_places
from service.adapters.sql_tables import (
    decisions,
    deliveries,
    example_history,
    example_versions,
    examples,
    pipelines,
    row_labels,
    runs,
    tombstones,
)
from service.adapters.sql_tallies import keep_tallies, kept_out, news_since, tallied, watermark_of
from service.domain.appraisals import question_in
from service.domain.contents import Turn, decode_content, encode_content
from service.domain.examples import KEPT, Change, Decision, Example, Standing, Verb, decided, may_decide
from service.domain.runs import RETRAINING
from service.domain.snapshots import Frozen, FrozenExample
from service.domain.triggers import Counts, OpenRun, failures_in_a_row
from service.ports import RowFacts, Wanted

FETCH_ROWS = 1000
# Beyond it nobody asks for the exact number of examples that are new.
MOST_NEWS = 100_000
# Nobody allows more failures in a row.
MOST_ENDS = 100
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
            return read_examples(connection, pipeline, data_row_ids)

    def appraised(self, pipeline: str, data_row_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """See ``ExampleStore``."""
        columns = (examples.c.data_row_id, examples.c.content_hash, examples.c.appraised)
        found = {}
        with reading(self._engine) as connection:
            for chunk in chunks(data_row_ids):
                mine = (examples.c.pipeline == pipeline, examples.c.data_row_id.in_(chunk))
                found.update({row[0]: (row[1], row[2]) for row in connection.execute(sa.select(*columns).where(*mine))})
        return found

    def apply(
        self,
        pipeline: str,
        plan: Callable[[Standing], Sequence[Change]],
        *,
        wanted: Wanted,
        audit: Sequence[Mapping[str, Any]] = (),
    ) -> Sequence[Change]:
        """See ``ExampleStore``; the lock on the pipeline's counter is what makes writers take turns."""
        with self._engine.begin() as connection:
            sequence = take_turn(connection, pipeline)
            before = read_examples(connection, pipeline, wanted.data_row_ids)
            standing = Standing(
                before=before,
                places=read_places(connection, pipeline, wanted),
                decisions=_decisions(connection, before.values()),
                forgotten=_forgotten(connection, wanted),
            )
            changes = plan(standing)
            add_places(connection, pipeline, standing.places)
            write_changes(connection, pipeline, changes, sequence, self._clock())
            if audit:
                connection.execute(upsert(connection, deliveries).on_conflict_do_nothing(), list(audit))
        return changes

    def rules_of(self, pipeline: str) -> str:
        """See ``ExampleStore``."""
        with reading(self._engine) as connection:
            return connection.scalar(sa.select(pipelines.c.appraised).where(pipelines.c.name == pipeline)) or ""

    def note_rules(self, pipeline: str, rules: str) -> None:
        """See ``ExampleStore``."""
        with self._engine.begin() as connection:
            connection.execute(sa.update(pipelines).where(pipelines.c.name == pipeline).values(appraised=rules))

    def to_appraise(self, pipeline: str, made_with: str, *, after: str, limit: int) -> list[Example]:
        """See ``ExampleStore``."""
        mine = (examples.c.pipeline == pipeline, examples.c.data_row_id > after)
        standing = examples.c.status.in_(("active", "held"))
        wrong = sa.or_(
            examples.c.appraised.not_like(f"{made_with}:%"), examples.c.findings != "", examples.c.cluster == ""
        )
        wanted = sa.select(*_EXAMPLE_COLUMNS).where(*mine, standing, wrong).order_by(examples.c.data_row_id)
        with reading(self._engine) as connection:
            return [_example(row) for row in connection.execute(wanted.limit(limit))]

    def held(self, pipeline: str, *, code: str | None, limit: int) -> list[Example]:
        """See ``ExampleStore``."""
        wanted = sa.select(*_EXAMPLE_COLUMNS).where(examples.c.pipeline == pipeline, examples.c.status == "held")
        if code is not None:
            # Between spaces, so that no code is found inside another.
            padded = sa.literal(" ") + examples.c.findings + sa.literal(" ")
            wanted = wanted.where(padded.contains(f" {code} ", autoescape=True))
        with reading(self._engine) as connection:
            found = connection.execute(wanted.order_by(examples.c.example_id).limit(limit))
            return [_example(row) for row in found]

    def decide(
        self, pipeline: str, data_row_ids: Sequence[str], verb: Verb, *, only: Collection[str]
    ) -> Sequence[Change]:
        """See ``ExampleStore``."""
        now = self._clock()
        with self._engine.begin() as connection:
            sequence = take_turn(connection, pipeline)
            found = read_examples(connection, pipeline, data_row_ids).values()
            chosen = [item for item in found if may_decide(item) and (not only or set(item.findings) <= set(only))]
            _note(connection, chosen, verb, now)
            changes = [change for item in chosen if (change := decided(item, verb)).is_told]
            write_changes(connection, pipeline, changes, sequence, now)
        return changes

    def counts(self, pipeline: str) -> Counts:
        """See ``ExampleStore``."""
        with reading(self._engine) as connection:
            newest = sa.select(runs).where(runs.c.pipeline == pipeline).order_by(runs.c.ordinal.desc())
            last = connection.execute(newest.limit(1)).one_or_none()
            ends = connection.execute(newest.with_only_columns(runs.c.state, runs.c.cause).limit(MOST_ENDS)).all()
            began = connection.scalar(_fresh(pipeline).with_only_columns(runs.c.created_at))
            found = tallied(connection, pipeline)
            news = news_since(connection, pipeline, _taken_up(connection, pipeline), at_most=MOST_NEWS)
            watermark = watermark_of(connection, pipeline)
        active = {split: tally for (status, split, _), tally in found.items() if status == "active"}
        sizes = {split: tally.examples for split, tally in active.items()}
        by_status = {
            status: sum(tally.examples for (other, _, _), tally in found.items() if other == status) for status in KEPT
        }
        return Counts(
            watermark=watermark,
            new=news.number,
            train=sizes.get("train", 0),
            validation=sizes.get("validation", 0),
            held_out=sizes.get("held_out", 0),
            first_new_at=news.first_at,
            last_new_at=news.last_at,
            last_run=last.ordinal if last else 0,
            last_run_at=began,
            prompts=by_status["prompt"],
            held=by_status["held"],
            kept_out=kept_out(found),
            open_run=_open_run(last) if last and last.is_open else None,
            train_tokens=active["train"].tokens if "train" in active else 0,
            failures=failures_in_a_row((row.state, row.cause) for row in ends),
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
        mine = (examples.c.pipeline == pipeline, examples.c.status.in_(sorted(KEPT)))
        wanted = sa.select(examples.c.data_row_id).where(*mine)
        with reading(self._engine) as connection:
            return set(connection.scalars(wanted))

    def row_facts(self, example_ids: Sequence[str]) -> dict[str, RowFacts]:
        """See ``ExampleStore``."""
        columns = (examples.c.example_id, examples.c["metadata"], examples.c.appraised)
        found: dict[str, RowFacts] = {}
        with reading(self._engine) as connection:
            for chunk in chunks(example_ids):
                rows = connection.execute(sa.select(*columns).where(examples.c.example_id.in_(chunk)))
                found.update((row[0], RowFacts(row[1] or {}, question_in(row[2])[0])) for row in rows)
        return found

    @contextmanager
    def freeze(self, pipeline: str, *, counted_by: str) -> Iterator[Frozen]:
        """See ``ExampleStore``."""
        columns = [examples.c[name] for name in _FROZEN_COLUMNS]
        mine = (examples.c.pipeline == pipeline, examples.c.status == "active")
        rows = sa.select(*columns).where(*mine).order_by(examples.c.split, examples.c.example_id)
        with reading(self._engine) as connection:
            watermark = watermark_of(connection, pipeline)
            duplicates, noted = find_company(connection, pipeline)
            found = connection.execution_options(yield_per=FETCH_ROWS).execute(rows)
            yield Frozen(watermark, (_frozen(row, f"{counted_by}-") for row in found), duplicates, noted)


_FROZEN_COLUMNS = (
    "example_id",
    "version",
    "label_id",
    "split",
    "content",
    "content_hash",
    "group_key",
    "prompt_key",
    "cluster",
    "tokens",
    "appraised",
)


def _frozen(row: Sequence[Any], counted_by: str) -> FrozenExample:
    example_id, version, label_id, split, content, content_hash, group, prompt_key, cluster, tokens, appraised = row
    said, counted = decode_content(content), tokens if appraised.startswith(counted_by) else None
    return FrozenExample(example_id, version, label_id, split, said, content_hash, group, prompt_key, cluster, counted)


def take_turn(connection: sa.Connection, pipeline: str) -> int:
    """Exclude every other writer of the pipeline until the transaction ends; give its change counter."""
    connection.execute(upsert(connection, pipelines).values(name=pipeline, change_count=0).on_conflict_do_nothing())
    locked = sa.select(pipelines.c.change_count).where(pipelines.c.name == pipeline).with_for_update()
    return int(connection.execute(locked).scalar_one())


def read_examples(connection: sa.Connection, pipeline: str, data_row_ids: Sequence[str]) -> dict[str, Example]:
    """Give the rows that stand, by data row id."""
    found = {}
    for chunk in chunks(data_row_ids):
        wanted = sa.select(*_EXAMPLE_COLUMNS).where(examples.c.pipeline == pipeline, examples.c.data_row_id.in_(chunk))
        found.update({row.data_row_id: _example(row) for row in connection.execute(wanted)})
    return found


def _example(row: sa.Row[Any]) -> Example:
    values = {_DIFFERENT_NAMES.get(name, name): value for name, value in row._mapping.items()}  # noqa: SLF001 - SQLAlchemy's public name
    decoded = {
        "content": decode_content(row.content),
        "findings": tuple(row.findings.split()),
        "metadata": values["metadata"] or {},
    }
    return Example(**values | decoded)


def _decisions(connection: sa.Connection, before: Iterable[Example]) -> dict[tuple[str, str], Decision]:
    found: dict[tuple[str, str], Decision] = {}
    # Of every content: one that comes back after an edit is not asked about again.
    for chunk in chunks([example.example_id for example in before]):
        for row in connection.execute(sa.select(decisions).where(decisions.c.example_id.in_(chunk))):
            found[row.example_id, row.content_hash] = Decision(row.decision, frozenset(row.codes.split()))
    return found


def _note(connection: sa.Connection, chosen: Sequence[Example], verb: Verb, now: datetime) -> None:
    rows = [
        {
            "example_id": item.example_id,
            "content_hash": item.content_hash,
            "decision": verb,
            "codes": " ".join(item.findings),
            "at": now,
        }
        for item in chosen
    ]
    if rows:
        statement = upsert(connection, decisions)
        fresh = {name: statement.excluded[name] for name in ("decision", "codes", "at")}
        statement = statement.on_conflict_do_update(index_elements=["example_id", "content_hash"], set_=fresh)
        connection.execute(statement, rows)


def _open_run(row: sa.Row[Any]) -> OpenRun:
    usd = (row.facts.get("estimate") or {}).get("usd")
    return OpenRun(row.run_id, row.state, usd, row.facts.get("error"))


def _forgotten(connection: sa.Connection, wanted: Wanted) -> frozenset[str]:
    """Give what is forgotten of these: data rows by their id, or by a key that came back with another row."""
    found: set[str | None] = set()
    for column, names in (
        (tombstones.c.data_row_id, wanted.data_row_ids),
        (tombstones.c.global_key, wanted.global_keys),
    ):
        for chunk in chunks(names):
            found.update(connection.scalars(sa.select(column).where(column.in_(chunk))))
    return frozenset(name for name in found if name)


def write_changes(
    connection: sa.Connection, pipeline: str, changes: Sequence[Change], sequence: int, now: datetime
) -> None:
    """Write changes with their versions, story, labels and counts; the caller has the pipeline's turn."""
    versions = (_version_row(change.example, now) for change in changes if change.is_new_version)
    _insert(connection, example_versions, versions)
    news = [change.example for change in changes if change.is_news]
    if news:
        rows = [
            {**_example_row(example), "changed_seq": sequence + number, "changed_at": now}
            for number, example in enumerate(news, start=1)
        ]
        _replace(connection, rows, keep=())
        connection.execute(
            sa.update(pipelines).where(pipelines.c.name == pipeline).values(change_count=sequence + len(news))
        )
    _tell(connection, changes, now)
    keep_tallies(connection, pipeline, changes)
    others = [change.example for change in changes if not change.is_news]
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
        "prompt_key": example.prompt_key,
        "cluster": example.cluster,
        "tokens": example.tokens,
        "findings": " ".join(example.findings),
        "appraised": example.appraised,
        "news_hash": example.news_hash,
        "metadata": dict(example.metadata) or None,
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


def _taken_up(connection: sa.Connection, pipeline: str) -> int:
    """Give the newest change that a run has taken up."""
    return connection.scalar(_fresh(pipeline).with_only_columns(runs.c.watermark)) or 0


def _fresh(pipeline: str) -> sa.Select[Any]:
    """Choose the newest run that the trigger counts: one of an older snapshot is nothing to it."""
    fresh = (runs.c.pipeline == pipeline, runs.c.cause != RETRAINING)
    return sa.select(runs).where(*fresh).order_by(runs.c.ordinal.desc()).limit(1)


def _version_row(example: Example, now: datetime) -> dict[str, Any]:
    return {
        "example_id": example.example_id,
        "version": example.version,
        "content_hash": example.content_hash,
        "content": encode_content(example.content),
        "label_id": example.label_id,
        "created_at": now,
    }
