"""Erasing on SQLite and on PostgreSQL: what goes, what others still need, and that counts stay right."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.adapters.sql_engine import make_engine
from service.adapters.sql_erasure import SqlErasureStore
from service.adapters.sql_evaluations import SqlEvaluationStore
from service.adapters.sql_examples import SqlExampleStore
from service.adapters.sql_records import SqlDeadLetters
from service.adapters.sql_tables import dead_letters, decisions, example_versions, groups, near_prompts, tombstones
from service.adapters.sql_tallies import recount, tallied
from service.domain.contents import Turn
from service.domain.errors import StoreFailed, UnknownProject, UnreadableRow
from service.domain.labels import RowOutcome
from service.domain.pipelines import ChecksPolicy, Pipeline
from service.ports import Kin
from service.usecases.write_examples import write_outcomes
from tests.support.appraising import appraisers
from tests.support.builders import make_delivery, make_outcome, make_pipeline, make_refusal
from tests.support.fakes import NOON, ManualClock

PIPELINE = make_pipeline()
LONG = " ".join(f"word{number}" for number in range(60))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def examples(engine: sa.Engine, clock: ManualClock) -> SqlExampleStore:
    return SqlExampleStore(engine, clock)


@pytest.fixture
def erasures(engine: sa.Engine, clock: ManualClock) -> SqlErasureStore:
    return SqlErasureStore(engine, clock)


def look(examples: SqlExampleStore, *outcomes: RowOutcome, pipeline: Pipeline = PIPELINE, seconds: float = 0) -> None:
    at = NOON.replace(second=int(seconds))
    shown = [replace(outcome, activity_at=at) for outcome in outcomes]
    write_outcomes(examples, pipeline, shown, appraisers=appraisers, gone=(), observed_at=at)


def forget(erasures: SqlErasureStore, *row_ids: str, pipeline: str = PIPELINE.name) -> int:
    erasures.bury(dict.fromkeys(row_ids), by="jane")
    erasures.withdraw(pipeline, row_ids)
    return erasures.erase(pipeline, row_ids)


def rows_of(engine: sa.Engine, table: sa.Table) -> list[sa.Row[tuple[object, ...]]]:
    with engine.connect() as connection:
        return list(connection.execute(sa.select(table)).all())


def test_every_version_and_every_key_goes(
    engine: sa.Engine, examples: SqlExampleStore, erasures: SqlErasureStore
) -> None:
    look(examples, make_outcome("row-1", "one", prompt=f"{LONG} one"))
    look(examples, make_outcome("row-1", "two", prompt="quite another question than before"), seconds=1)
    assert forget(erasures, "row-1") == 1
    found = examples.existing(PIPELINE.name, ["row-1"])["row-1"]
    assert (found.status, found.reason, found.version) == ("withdrawn", "forgotten", 2)
    assert (found.content, found.content_hash, found.prompt_key, found.group, found.cluster) == ((), "", "", "", "")
    assert [(row.content, row.content_hash) for row in rows_of(engine, example_versions)] == [("", ""), ("", "")]
    assert rows_of(engine, groups) == rows_of(engine, near_prompts) == []
    assert forget(erasures, "row-1") == 0


def test_a_prompt_that_another_row_has_keeps_its_group(
    engine: sa.Engine, examples: SqlExampleStore, erasures: SqlErasureStore
) -> None:
    look(examples, make_outcome("row-1", prompt=LONG), make_outcome("row-2", "another", prompt=LONG.upper()))
    before = (rows_of(engine, groups), rows_of(engine, near_prompts))
    forget(erasures, "row-1")
    assert (rows_of(engine, groups), rows_of(engine, near_prompts)) == before
    forget(erasures, "row-2")
    assert (rows_of(engine, groups), rows_of(engine, near_prompts)) == ([], [])


def test_a_group_by_metadata_goes_with_its_last_row(
    engine: sa.Engine, examples: SqlExampleStore, erasures: SqlErasureStore
) -> None:
    pipeline = make_pipeline(dataset=replace(PIPELINE.dataset, group_by="metadata:customer"))
    outcomes = [
        replace(make_outcome(f"row-{number}", prompt=f"question {number} of it"), metadata={"customer": "jane"})
        for number in range(2)
    ]
    look(examples, *outcomes, pipeline=pipeline)
    named = examples.existing(PIPELINE.name, ["row-0"])["row-0"].group
    forget(erasures, "row-0")
    assert named in {row.group_key for row in rows_of(engine, groups)}
    forget(erasures, "row-1")
    assert rows_of(engine, groups) == []


def test_what_is_left_of_a_cluster_is_named_anew_and_still_found(
    engine: sa.Engine, examples: SqlExampleStore, erasures: SqlErasureStore
) -> None:
    near = [make_outcome(f"row-{number}", f"answer {number}", prompt=f"{LONG} and {number}") for number in range(3)]
    look(examples, near[0])
    look(examples, near[1])
    first, second = (examples.existing(PIPELINE.name, [name])[name] for name in ("row-0", "row-1"))
    assert first.cluster == second.cluster == first.prompt_key[:16]
    forget(erasures, "row-0")
    left = examples.existing(PIPELINE.name, ["row-1"])["row-1"]
    assert left.cluster == left.prompt_key[:16]
    assert {row.cluster for row in rows_of(engine, groups)} == {left.cluster}
    assert all(first.prompt_key[:16] not in str(row) for row in rows_of(engine, groups))
    look(examples, near[2])
    late = examples.existing(PIPELINE.name, ["row-2"])["row-2"]
    assert (late.split, late.cluster) == (left.split, left.cluster)


def test_counts_stay_right_whatever_stood_there(
    engine: sa.Engine, examples: SqlExampleStore, erasures: SqlErasureStore
) -> None:
    pipeline = make_pipeline(checks=ChecksPolicy({"personal_email": "hold"}))
    prompt = replace(make_outcome("row-p"), content=(Turn("user", "Why?"),))
    outcomes = [
        make_outcome("row-a"),
        make_outcome("row-h", "Write to jane@example.com"),
        prompt,
        make_refusal("row-r"),
    ]
    look(examples, *outcomes, pipeline=pipeline)
    ids = ["row-a", "row-h", "row-p", "row-r"]
    before = {row_id: item.status for row_id, item in examples.existing(PIPELINE.name, ids).items()}
    assert before == {"row-a": "active", "row-h": "held", "row-p": "prompt", "row-r": "rejected"}
    forget(erasures, *ids)
    statuses = {row_id: item.status for row_id, item in examples.existing(PIPELINE.name, ids).items()}
    assert statuses == {"row-a": "withdrawn", "row-h": "withdrawn", "row-p": "withdrawn", "row-r": "rejected"}
    with engine.begin() as connection:
        kept = tallied(connection, PIPELINE.name)
        recount(connection, PIPELINE.name)
        assert tallied(connection, PIPELINE.name) == kept
    assert examples.counts(PIPELINE.name).held == 0


def test_what_people_decided_of_it_goes(
    engine: sa.Engine, examples: SqlExampleStore, erasures: SqlErasureStore
) -> None:
    pipeline = make_pipeline(checks=ChecksPolicy({"personal_email": "hold"}))
    look(examples, *(make_outcome(name, "Write to jane@example.com") for name in ("row-1", "row-2")), pipeline=pipeline)
    examples.decide(PIPELINE.name, ["row-1", "row-2"], "keep", only=())
    forget(erasures, "row-1")
    (left,) = rows_of(engine, decisions)
    assert left.example_id == examples.existing(PIPELINE.name, ["row-2"])["row-2"].example_id


def test_other_pipelines_keep_theirs(examples: SqlExampleStore, erasures: SqlErasureStore) -> None:
    for name in ("summaries", "second"):
        look(examples, make_outcome("row-1"), pipeline=make_pipeline(name))
    forget(erasures, "row-1")
    assert examples.existing("second", ["row-1"])["row-1"].status == "active"


def test_everything_a_row_ever_said_is_given_until_it_is_erased(
    examples: SqlExampleStore, erasures: SqlErasureStore
) -> None:
    look(examples, make_outcome("row-1", "one"))
    look(examples, make_outcome("row-1", "two"), seconds=1)
    example_id = examples.existing(PIPELINE.name, ["row-1"])["row-1"].example_id
    said = [(version, content[-1].content) for _, version, content in erasures.contents([example_id])]
    assert said == [(1, "one"), (2, "two")]
    forget(erasures, "row-1")
    assert erasures.contents([example_id]) == []


def test_those_who_ask_the_same_or_nearly_are_named(examples: SqlExampleStore, erasures: SqlErasureStore) -> None:
    look(examples, make_outcome("row-1", prompt=LONG))
    look(examples, make_outcome("row-2", prompt=LONG), make_outcome("row-3", prompt=f"{LONG} more"))
    look(examples, make_outcome("row-4", prompt="something else altogether"))
    assert erasures.kin(PIPELINE.name, ["row-1"], limit=9) == [
        Kin(PIPELINE.name, "row-2", is_same=True),
        Kin(PIPELINE.name, "row-3", is_same=False),
    ]
    assert len(erasures.kin(PIPELINE.name, ["row-1"], limit=1)) == 1
    assert erasures.kin(PIPELINE.name, ["row-unknown"], limit=9) == []


def test_the_first_tombstone_stays_and_learns_the_key(engine: sa.Engine, clock: ManualClock) -> None:
    erasures = SqlErasureStore(engine, clock)
    erasures.bury({"row-1": None}, by="jane")
    clock.forward(9)
    erasures.bury({"row-1": "key-1", "row-2": None}, by="joe")
    found = {row.data_row_id: (row.global_key, row.asked_by, row.at) for row in rows_of(engine, tombstones)}
    assert found == {"row-1": ("key-1", "jane", NOON), "row-2": (None, "joe", clock.now)}


def test_letters_about_other_rows_stay(engine: sa.Engine, erasures: SqlErasureStore) -> None:
    letters = SqlDeadLetters(engine)

    def body(*row_ids: str) -> bytes:
        return json.dumps({"dataRows": [{"id": row, "text": f"says {row}"} for row in row_ids]}).encode()

    for key, content in {"1": body("row-1"), "2": body("row-2"), "12": body("row-1", "row-2")}.items():
        delivery = replace(make_delivery(content, "WORKFLOW_ACTION"), key=key)
        letters.put("delivery", key, UnknownProject(), content=delivery, now=NOON)
    for subject in ("summaries/row-1", "summaries/row-11"):
        letters.put("row", subject, UnreadableRow(), content=None, now=NOON)
    assert erasures.erase_letters(["row-1"]) == 3
    left = {row.subject: row.body for row in rows_of(engine, dead_letters)}
    assert left.keys() == {"2", "12", "summaries/row-11"}
    assert left["2"] == body("row-2")
    assert b"says" not in left["12"]
    assert b"row-2" in left["12"]


def test_sqlite_leaves_nothing_in_its_file_while_others_have_it_open(
    sqlite_url: str, clock: ManualClock, tmp_path: Path
) -> None:
    engine = make_engine(sqlite_url)
    examples, erasures = SqlExampleStore(engine, clock), SqlErasureStore(engine, clock)
    # It keeps the log from being removed with the last connection.
    onlooker = engine.raw_connection()
    for number in range(40):
        look(examples, make_outcome(f"row-{number}", f"needle{number}x " * 50))
    forget(erasures, "row-1")
    assert erasures.scrub() == 1
    content = b"".join(path.read_bytes() for path in tmp_path.glob("tuneloop.db*"))
    assert b"needle1x" not in content
    assert b"needle2x" in content
    onlooker.close()
    engine.dispose()


def test_a_database_that_is_read_without_a_pause_is_told_of(sqlite_url: str, clock: ManualClock) -> None:
    engine = make_engine(sqlite_url)
    examples, erasures = SqlExampleStore(engine, clock), SqlErasureStore(engine, clock, patience_ms=50)
    reader = engine.raw_connection()
    cursor = reader.cursor()
    cursor.execute("BEGIN")
    cursor.execute("SELECT count(*) FROM examples").fetchall()
    look(examples, make_outcome("row-1"))
    with pytest.raises(StoreFailed):
        erasures.scrub()
    reader.close()
    engine.dispose()


def test_who_measures_an_untuned_model_is_in_hand_until_its_lease_or_its_last_turn_is_over(
    engine: sa.Engine, erasures: SqlErasureStore
) -> None:
    evaluations, minute = SqlEvaluationStore(engine), timedelta(minutes=1)
    evaluations.begin_turn("eval-1", until=NOON + minute, now=NOON)
    evaluations.begin_turn("eval-2", until=NOON + minute, now=NOON)
    assert erasures.turns(now=NOON) == {"eval-1": NOON, "eval-2": NOON}
    evaluations.extend_turn("eval-1", until=NOON + 3 * minute)
    assert erasures.turns(now=NOON + 2 * minute) == {"eval-1": NOON}
    evaluations.begin_turn("eval-1", until=NOON + 3 * minute, now=NOON + minute)
    assert erasures.turns(now=NOON + 2 * minute) == {"eval-1": NOON + minute}
    evaluations.end_turns("eval-1")
    assert erasures.turns(now=NOON + 2 * minute) == {}
