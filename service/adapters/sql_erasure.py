"""Taking what data rows said out of the database: texts, and whatever they could be guessed from."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from service.adapters.sql_engine import SQLITE_BUSY_MS, chunks, reading, upsert
from service.adapters.sql_examples import read_examples, take_turn, write_changes
from service.adapters.sql_places import remove_places
from service.adapters.sql_quotes import blot_quotes
from service.adapters.sql_tables import (
    answers,
    base_evaluations,
    base_turns,
    checkpoint_evaluations,
    dead_letters,
    decisions,
    deliveries,
    evaluations,
    example_versions,
    examples,
    gap_rows,
    groups,
    judgements,
    tombstones,
)
from service.domain.contents import Content, decode_content, question_of
from service.domain.deliveries import Delivery, read_doorbell, without_texts
from service.domain.errors import ServiceError, StoreFailed
from service.domain.examples import FORGOTTEN, STATUSES, erased, forgotten
from service.domain.fingerprints import fingerprint_of
from service.domain.splits import group_key
from service.ports import Kin


class SqlErasureStore:
    """See ``ErasureStore``; readers of an SQLite file are waited for as long as ``patience_ms`` says."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime], *, patience_ms: int = SQLITE_BUSY_MS) -> None:
        self._engine = engine
        self._clock = clock
        self._patience_ms = patience_ms

    def bury(self, rows: Mapping[str, str | None], *, by: str) -> None:
        """See ``ErasureStore``; an earlier tombstone stays, and learns the key."""
        now = self._clock()
        found = [{"data_row_id": row, "global_key": key, "asked_by": by, "at": now} for row, key in rows.items()]
        statement = upsert(self._engine, tombstones)
        key = sa.func.coalesce(tombstones.c.global_key, statement.excluded.global_key)
        statement = statement.on_conflict_do_update(index_elements=["data_row_id"], set_={"global_key": key})
        with self._engine.begin() as connection:
            connection.execute(statement, found)

    def withdraw(self, pipeline: str, data_row_ids: Sequence[str]) -> None:
        """See ``ErasureStore``; whoever wrote under the lock before us is seen here."""
        with self._engine.begin() as connection:
            sequence = take_turn(connection, pipeline)
            found = read_examples(connection, pipeline, data_row_ids).values()
            changes = [forgotten(example) for example in found if example.reason != FORGOTTEN]
            write_changes(connection, pipeline, changes, sequence, self._clock())

    def contents(self, example_ids: Sequence[str]) -> list[tuple[str, int, Content]]:
        """See ``ErasureStore``."""
        with reading(self._engine) as connection:
            return _contents(connection, example_ids)

    def kin(self, pipeline: str, data_row_ids: Sequence[str], *, limit: int) -> list[Kin]:
        """See ``ErasureStore``; prompts that are the same are in one cluster as well."""
        with reading(self._engine) as connection:
            mine = read_examples(connection, pipeline, data_row_ids).values()
            clusters = sorted({example.cluster for example in mine} - {""})
            prompts = {example.prompt_key for example in mine}
            theirs = (
                examples.c.pipeline == pipeline,
                examples.c.status.in_(STATUSES),
                examples.c.cluster.in_(clusters),
                examples.c.data_row_id.not_in(data_row_ids),
            )
            wanted = sa.select(examples.c.data_row_id, examples.c.prompt_key).where(*theirs)
            found = connection.execute(wanted.order_by(examples.c.data_row_id).limit(limit))
            return [Kin(pipeline, row_id, key in prompts) for row_id, key in found]

    def erase(self, pipeline: str, data_row_ids: Sequence[str]) -> int:
        """See ``ErasureStore``; under the pipeline's lock, because others may just join these prompts' groups."""
        with self._engine.begin() as connection:
            sequence = take_turn(connection, pipeline)
            mine = list(read_examples(connection, pipeline, data_row_ids).values())
            ids = [example.example_id for example in mine]
            questions = {question_of(content) for _, _, content in _contents(connection, ids)}
            keys = {key for example in mine for key in (example.prompt_key, example.group)}
            changes = [change for example in mine if (change := erased(example)).example != example]
            write_changes(connection, pipeline, changes, sequence, self._clock())
            versions = sa.update(example_versions).where(example_versions.c.example_id.in_(ids))
            connection.execute(versions.values(content="", content_hash=""))
            connection.execute(sa.delete(decisions).where(decisions.c.example_id.in_(ids)))
            connection.execute(sa.delete(gap_rows).where(gap_rows.c.data_row_id.in_(data_row_ids)))
            _leave_places(connection, pipeline, keys | {group_key(question) for question in questions}, questions)
        return len(changes)

    def erase_answers(self, questions: Sequence[str], run_ids: Sequence[str]) -> int:
        """See ``ErasureStore``; the scores of an evaluation stay: numbers, of nobody knows which question."""
        with self._engine.begin() as connection:
            number = 0
            for some in chunks(questions):
                for table in (answers, judgements):
                    number += connection.execute(sa.delete(table).where(table.c.question.in_(some))).rowcount
                connection.execute(sa.update(gap_rows).where(gap_rows.c.target.in_(some)).values(target=""))
                connection.execute(sa.update(gap_rows).where(gap_rows.c.near.in_(some)).values(near=None))
            for table in (evaluations, checkpoint_evaluations):
                _blank_keys(connection, table, table.c.run_id.in_(run_ids), questions)
            _blank_keys(connection, base_evaluations, sa.true(), questions)
        return number

    def turns(self, *, now: datetime) -> dict[str, datetime]:
        """See ``ErasureStore``."""
        wanted = sa.select(base_turns.c.evaluation_id, base_turns.c.begun_at).where(base_turns.c.leased_until >= now)
        with reading(self._engine) as connection:
            return {row.evaluation_id: row.begun_at for row in connection.execute(wanted)}

    def erase_quotes(self, run_ids: Sequence[str], texts: Collection[str]) -> int:
        """See ``ErasureStore``."""
        with self._engine.begin() as connection:
            return blot_quotes(connection, run_ids, texts)

    def erase_letters(self, data_row_ids: Sequence[str]) -> int:
        """See ``ErasureStore``; the keys of the deliveries are hashes of what they said, and go as well."""
        ids = set(data_row_ids)
        with self._engine.begin() as connection:
            number = _erase_bodies(connection, ids)
            for row_id in data_row_ids:
                about = dead_letters.c.subject.endswith(f"/{row_id}", autoescape=True)
                gone = sa.delete(dead_letters).where(dead_letters.c.kind == "row", about)
                number += connection.execute(gone).rowcount
                rung = sa.update(deliveries).where(deliveries.c.data_row_id == row_id)
                connection.execute(rung.values(delivery_key=""))
        return number

    def scrub(self) -> int:
        """See ``ErasureStore``; SQLite writes zeros over what is deleted, but first into its log, which is emptied."""
        if self._engine.dialect.name != "sqlite":
            return 0
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout={self._patience_ms}")
            (is_busy, *_) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            connection.close()
        if is_busy:
            raise StoreFailed("somebody reads the database without a pause", remedy="Run this command again.")
        return 1


def _contents(connection: sa.Connection, example_ids: Sequence[str]) -> list[tuple[str, int, Content]]:
    found: set[tuple[str, int, str]] = set()
    for table in (example_versions, examples):
        for some in chunks(example_ids):
            wanted = sa.select(table.c.example_id, table.c.version, table.c.content)
            rows = connection.execute(wanted.where(table.c.example_id.in_(some), table.c.content != ""))
            found.update((row[0], row[1], row[2]) for row in rows)
    return [(example_id, version, decode_content(content)) for example_id, version, content in sorted(found)]


def _leave_places(connection: sa.Connection, pipeline: str, keys: Collection[str], questions: Collection[str]) -> None:
    """Forget the keys that no example has any more; the erased ones have none."""
    left = [key for key in sorted(keys) if key and not _is_used(connection, pipeline, key)]
    gone = {question for question in questions if group_key(question) in left}
    remove_places(connection, pipeline, left, [found for text in gone if (found := fingerprint_of(text))])


def _is_used(connection: sa.Connection, pipeline: str, key: str) -> bool:
    mine = examples.c.pipeline == pipeline
    cluster = sa.select(groups.c.cluster).where(groups.c.pipeline == pipeline, groups.c.group_key == key)
    by_group = sa.exists().where(mine, examples.c.group_key == key)
    by_prompt = sa.exists().where(
        mine,
        examples.c.status.in_(STATUSES),
        examples.c.cluster == cluster.scalar_subquery(),
        examples.c.prompt_key == key,
    )
    return bool(connection.scalar(sa.select(sa.or_(by_group, by_prompt))))


def _erase_bodies(connection: sa.Connection, ids: Collection[str]) -> int:
    columns = [dead_letters.c[name] for name in ("letter_id", "subject", "topic", "pipeline", "body", "received_at")]
    changed: list[tuple[str, bytes | None]] = []
    for letter_id, *fields in connection.execute(sa.select(*columns).where(dead_letters.c.body.is_not(None))):
        delivery = Delivery(*fields)
        if (bare := without_texts(delivery, ids)) != delivery:
            changed.append((letter_id, None if _names_only(bare, ids) else bare.body))
    for letter_id, body in changed:
        mine = dead_letters.c.letter_id == letter_id
        left = sa.update(dead_letters).where(mine).values(body=body)
        connection.execute(sa.delete(dead_letters).where(mine) if body is None else left)
    return len(changed)


def _names_only(delivery: Delivery, ids: Collection[str]) -> bool:
    try:
        return set(read_doorbell(delivery.topic, delivery.body).data_row_ids) <= set(ids)
    except ServiceError:
        # It cannot be read, so nothing is lost with it.
        return True


def _blank_keys(
    connection: sa.Connection, table: sa.Table, whose: sa.ColumnElement[bool], questions: Sequence[str]
) -> None:
    """Take the keys of questions out of evaluations, each leaving its place empty."""
    keys = table.primary_key.columns.values()
    for *names, facts in connection.execute(sa.select(*keys, table.c.facts).where(whose)).all():
        asked = facts.get("questions", [])
        left = ["" if question in questions else question for question in asked]
        if left != asked:
            mine = (key == name for key, name in zip(keys, names, strict=True))
            connection.execute(sa.update(table).where(*mine).values(facts={**facts, "questions": left}))
