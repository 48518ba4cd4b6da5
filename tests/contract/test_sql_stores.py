"""Schema, dead letters and reconciles on SQLite and on PostgreSQL."""

import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from service.adapters.sql_engine import make_engine, migrate, reading
from service.adapters.sql_examples import SqlExampleStore
from service.adapters.sql_records import SqlDeadLetters, SqlReconcileStore, forget_audit
from service.adapters.sql_tables import example_versions, metadata, pipelines, reconciles
from service.domain.contents import content_hash_of, encode_content, pair
from service.domain.errors import NotFound, OverBudget, StoreFailed, UnknownProject, UnknownTopic
from service.domain.splits import group_key
from service.usecases.appraise_anew import appraise_anew
from service.usecases.write_examples import write_outcomes
from tests.support.appraising import appraisers
from tests.support.builders import make_delivery, make_outcome, make_pipeline
from tests.support.fakes import NOON
from tests.support.races import at_once
from workers.edge import without_texts

# The schema.


def test_the_migrations_make_exactly_the_tables_that_the_code_uses(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_again_changes_nothing(database_url: str, engine: sa.Engine) -> None:
    before = sa.inspect(engine).get_table_names()
    migrate(database_url)
    assert sa.inspect(engine).get_table_names() == before


def test_what_the_first_release_wrote_is_read_after_the_migration(bare_database_url: str) -> None:
    migrate(bare_database_url, "0001")
    engine = make_engine(bare_database_url)
    texts = {"prompt": "Grüße \\ 'x' \"y\" \u2028", "response": "ok"}
    old = {"pipeline": "p", "data_row_id": "row-1", "example_id": "ex-1", "status": "active", "label_id": "l-1"}
    hashed = {"version": 1, "content_hash": content_hash_of(pair(*texts.values()))}
    moments = dict.fromkeys(("changed_at", "activity_at", "observed_at"), "2026-11-01 10:00:00")
    rejected = old | {"data_row_id": "row-2", "example_id": "ex-2", "status": "rejected", "version": 0} | {
        "content_hash": "", "prompt": "", "response": "", "group_key": "", "split": None, "changed_seq": 0
    } | moments  # fmt: skip
    accepted = old | hashed | texts | {"group_key": "g", "split": "train", "changed_seq": 1} | moments
    with engine.begin() as connection:
        for row in (accepted, rejected):
            names = ", ".join(row)
            values = ", ".join(f":{name}" for name in row)
            connection.execute(sa.text(f"INSERT INTO examples ({names}) VALUES ({values})"), row)  # noqa: S608 - names of columns
    migrate(bare_database_url)
    found = SqlExampleStore(engine, lambda: NOON).existing("p", ["row-1", "row-2"])
    engine.dispose()
    assert found["row-1"].content == pair(*texts.values())
    assert found["row-1"].content_hash == content_hash_of(found["row-1"].content)
    assert found["row-2"].content == ()


def test_examples_from_before_fingerprints_are_appraised_before_they_are_frozen(bare_database_url: str) -> None:
    migrate(bare_database_url, "0003")
    engine = make_engine(bare_database_url)
    long = " ".join(f"word{number}" for number in range(60))
    prompts = {"row-1": (long, "train"), "row-2": (long + " please", "held_out"), "row-3": ("Quite another", "train")}
    moments = dict.fromkeys(("changed_at", "activity_at", "observed_at"), "2026-11-01 10:00:00")
    with engine.begin() as connection:
        for number, (row_id, (prompt, split)) in enumerate(prompts.items(), start=1):
            row = {
                "pipeline": "summaries", "data_row_id": row_id, "example_id": f"ex-{row_id}", "status": "active",
                "version": 1, "content_hash": row_id, "content": encode_content(pair(prompt, "ok")),
                "group_key": group_key(prompt), "split": split, "changed_seq": number,
            } | moments  # fmt: skip
            names, values = ", ".join(row), ", ".join(f":{name}" for name in row)
            connection.execute(sa.text(f"INSERT INTO examples ({names}) VALUES ({values})"), row)  # noqa: S608 - names of columns
            given = {"pipeline": "summaries", "key": group_key(prompt), "split": split}
            connection.execute(sa.text("INSERT INTO groups VALUES (:pipeline, :key, :split)"), given)
    migrate(bare_database_url)
    store = SqlExampleStore(engine, lambda: NOON)
    found = store.existing("summaries", list(prompts))
    assert [found[row_id].split for row_id in prompts] == ["train", "held_out", "train"]
    counts = store.counts("summaries")
    assert (counts.train, counts.held_out, counts.new) == (2, 1, 3)
    assert appraise_anew(make_pipeline(), examples=store, appraisers=appraisers, after="", may_go_on=bool) == "row-3"
    assert appraise_anew(make_pipeline(), examples=store, appraisers=appraisers, after="", may_go_on=bool) is None
    found = store.existing("summaries", list(prompts))
    # The first is placed; the second is nearly the same and stands in another split, so it belongs nowhere.
    assert [found[row_id].reason for row_id in prompts] == [None, "split_conflict", None]
    assert found["row-1"].cluster == group_key(long)[:16]
    # What counted once is no news again, and what comes now finds the others.
    assert store.counts("summaries").new == 2
    outcomes = [make_outcome("row-4", prompt="so " + long), make_outcome("row-5", prompt="quite  ANOTHER")]
    write_outcomes(store, make_pipeline(), outcomes, appraisers=appraisers, gone=(), observed_at=NOON)
    found = store.existing("summaries", ["row-4", "row-5"])
    engine.dispose()
    assert (found["row-4"].split, found["row-5"].split) == ("train", "train")


def test_several_may_migrate_an_empty_database_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    at_once(3, lambda _: migrate(url))
    engine = make_engine(url)
    assert set(metadata.tables) < set(sa.inspect(engine).get_table_names())
    engine.dispose()


def test_a_read_sees_one_moment_and_keeps_no_writer_waiting(engine: sa.Engine) -> None:
    wanted = sa.select(sa.func.count()).select_from(pipelines)
    with reading(engine) as connection:
        assert connection.scalar(wanted) == 0
        with engine.begin() as writer:
            writer.execute(sa.insert(pipelines).values(name="p", change_count=1))
        assert connection.scalar(wanted) == 0
    with reading(engine) as connection:
        assert connection.scalar(wanted) == 1


def test_moments_come_back_aware_in_utc_to_the_microsecond_and_naive_ones_are_refused(engine: sa.Engine) -> None:
    store = SqlReconcileStore(engine)
    elsewhere = datetime(2026, 11, 2, 14, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    store.reconciled("p", {}, until=elsewhere, now=NOON)
    found = store.cursor("p")
    assert found == elsewhere
    assert found is not None
    assert found.tzinfo == UTC
    with pytest.raises(sa.exc.StatementError), engine.begin() as connection:
        connection.execute(sa.insert(reconciles).values(pipeline="p", until=NOON.replace(tzinfo=None), at=NOON))


# Dead letters.


def test_a_letter_keeps_the_delivery_byte_for_byte_until_it_is_replayed(engine: sa.Engine) -> None:
    letters = SqlDeadLetters(engine)
    delivery = make_delivery(b'\x00\xff {"not": json', "LABEL_UPDATED", pipeline="p")
    letters.put("delivery", delivery.key, UnknownProject("no pipeline"), content=delivery, now=NOON)
    (letter,) = letters.open(10)
    assert (letter["error"], letter["message"]) == ("UnknownProject", "no pipeline")
    assert letter["remedy"] == UnknownProject.remedy
    assert "body" not in letter
    assert letters.take(letter["letter_id"]) == delivery
    letters.close(letter["letter_id"], taken_at=NOON)
    assert letters.open(10) == []


def test_the_same_subject_again_is_one_letter_with_the_newest_error(engine: sa.Engine) -> None:
    letters, delivery = SqlDeadLetters(engine), make_delivery(b"{}")
    letters.put("delivery", delivery.key, UnknownProject("first"), content=delivery, now=NOON)
    (letter,) = letters.open(10)
    letters.close(letter["letter_id"], taken_at=NOON)
    letters.put("delivery", delivery.key, UnknownTopic("again"), content=delivery, now=NOON + timedelta(hours=1))
    (reopened,) = letters.open(10)
    assert reopened["letter_id"] == letter["letter_id"]
    assert (reopened["error"], reopened["message"]) == ("UnknownTopic", "again")


def test_letters_of_two_kinds_with_one_subject_are_two(engine: sa.Engine) -> None:
    letters = SqlDeadLetters(engine)
    letters.put("run", "x", OverBudget(), content=None, now=NOON)
    letters.put("file", "x", OverBudget(), content=None, now=NOON + timedelta(hours=1))
    found = letters.open(10)
    assert [letter["kind"] for letter in found] == ["file", "run"]
    assert letters.open(1) == found[:1]
    assert letters.take(found[0]["letter_id"]) is None


def test_a_dismissed_letter_is_kept_with_its_reason_and_counts_no_more(engine: sa.Engine) -> None:
    letters, delivery = SqlDeadLetters(engine), make_delivery(b"{}")
    letters.put("delivery", delivery.key, UnknownProject("late"), content=delivery, now=NOON)
    letter_id = letters.open(10)[0]["letter_id"]
    assert letters.dismiss(letter_id, reason="an old project", now=NOON + timedelta(hours=1))
    assert (letters.count(), letters.open(10)) == (0, [])
    found = letters.find(letter_id)
    assert (found["dismissed"], found["replayed_at"]) == ("an old project", NOON + timedelta(hours=1))
    # Its work is not lost.
    assert letters.take(letter_id) == delivery
    assert not letters.dismiss(letter_id, reason="again", now=NOON + timedelta(hours=2))
    assert letters.find(letter_id)["dismissed"] == "an old project"


def test_what_is_told_once_does_not_open_a_closed_letter_again_and_anything_else_does(engine: sa.Engine) -> None:
    letters = SqlDeadLetters(engine)
    letters.put("run", "run-1", OverBudget("dear"), content=None, now=NOON)
    letter_id = letters.open(10)[0]["letter_id"]
    letters.dismiss(letter_id, reason="", now=NOON)
    letters.put("run", "run-1", OverBudget("dear"), content=None, now=NOON, once=True)
    assert (letters.count(), letters.find(letter_id)["dismissed"]) == (0, "")
    letters.put("run", "run-1", OverBudget("dear"), content=None, now=NOON)
    assert (letters.count(), letters.find(letter_id)["dismissed"]) == (1, None)


def test_a_letter_that_does_not_exist_is_not_found(engine: sa.Engine) -> None:
    with pytest.raises(NotFound):
        SqlDeadLetters(engine).take("nothing")
    with pytest.raises(NotFound):
        SqlDeadLetters(engine).find("nothing")


@pytest.mark.parametrize("odd", ["a \x00 byte", "half \ud83d an emoji"])
def test_no_text_is_too_odd_for_a_letter(engine: sa.Engine, odd: str) -> None:
    # A dead letter is the last resort: if it cannot be written, its delivery blocks all those behind it.
    letters = SqlDeadLetters(engine)
    delivery = replace(make_delivery(b"{}"), topic=odd, pipeline=odd)
    letters.put("delivery", delivery.key, UnknownProject(odd), content=delivery, now=NOON)
    letters.put("row", odd, UnknownProject(odd), content=None, now=NOON)
    assert len(letters.open(10)) == 2


# Reconciles.


def test_the_latest_reconcile_of_a_pipeline_counts(engine: sa.Engine) -> None:
    store = SqlReconcileStore(engine)
    assert store.cursor("p") is None
    assert store.latest("p") is None
    for hour in range(3):
        until = NOON + timedelta(hours=hour)
        store.reconciled("p", {"rows": hour}, until=until, now=until + timedelta(minutes=1))
    store.reconciled("q", {"rows": 9}, until=NOON, now=NOON)
    assert store.cursor("p") == NOON + timedelta(hours=2)
    latest = store.latest("p")
    assert latest is not None
    assert (latest["rows"], latest["at"]) == (2, NOON + timedelta(hours=2, minutes=1))


def test_an_error_of_the_database_shows_no_text_where_a_job_ends_with_it(engine: sa.Engine) -> None:
    row = {"example_id": "ex-1", "version": 1, "content_hash": "h", "content": "a secret prompt"}

    @without_texts
    def job() -> None:
        with engine.begin() as connection:
            connection.execute(sa.insert(example_versions).values(row))

    with pytest.raises(StoreFailed) as raised:
        job()
    shown = "".join(traceback.format_exception(raised.value))
    assert "IntegrityError" in shown
    assert "a secret prompt" not in shown


def test_old_audit_is_forgotten_and_everything_that_counts_is_kept(engine: sa.Engine) -> None:
    letters, store = SqlDeadLetters(engine), SqlReconcileStore(engine)
    for days in (200, 100, 1):
        at = NOON - timedelta(days=days)
        letters.put("delivery", f"replayed-{days}", UnknownTopic("?"), content=None, now=at)
        letters.put("delivery", f"open-{days}", UnknownTopic("?"), content=None, now=at)
        closed = next(row for row in letters.open(10) if row["subject"] == f"replayed-{days}")
        letters.close(closed["letter_id"], taken_at=at)
        store.reconciled("p", {"rows": days}, until=at, now=at)
    store.reconciled("quiet", {"rows": 7}, until=NOON - timedelta(days=300), now=NOON - timedelta(days=300))
    # Two replayed letters, and two reconciles: the quiet pipeline's only one is kept.
    assert forget_audit(engine, before=NOON - timedelta(days=90)) == 4
    assert letters.count() == 3
    assert (store.latest("p") or {})["rows"] == 1
    assert (store.latest("quiet") or {})["rows"] == 7
    assert forget_audit(engine, before=NOON - timedelta(days=90)) == 0
