"""Splits, near-duplicates, counts and decisions on SQLite and on PostgreSQL."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.adapters.sql_company import find_company
from service.adapters.sql_engine import reading
from service.adapters.sql_examples import SqlExampleStore
from service.adapters.sql_tables import examples, near_prompts, tombstones
from service.adapters.sql_tallies import recount, tallied
from service.domain.examples import Change
from service.domain.labels import RowOutcome
from service.domain.pipelines import ChecksPolicy, DatasetPolicy, Pipeline
from service.domain.placements import MOST_A_BUCKET
from service.usecases.write_examples import write_outcomes
from tests.support.appraising import appraisers
from tests.support.builders import make_outcome, make_pipeline, make_refusal
from tests.support.fakes import NOON, ManualClock
from tests.support.races import at_once

PIPELINE = make_pipeline()
LONG = " ".join(f"word{number}" for number in range(60))
SUSPECT = "Write to jane@example.com."


@pytest.fixture
def store(engine: sa.Engine) -> SqlExampleStore:
    return SqlExampleStore(engine, ManualClock())


def look(
    store: SqlExampleStore,
    *outcomes: RowOutcome,
    seconds: float = 0,
    pipeline: Pipeline = PIPELINE,
    gone: Sequence[str] = (),
) -> Sequence[Change]:
    at = NOON + timedelta(seconds=seconds)
    shown = [replace(outcome, activity_at=at) for outcome in outcomes]
    return write_outcomes(store, pipeline, shown, appraisers=appraisers, gone=gone, observed_at=at)


def splits(store: SqlExampleStore, *row_ids: str, pipeline: str = PIPELINE.name) -> list[str | None]:
    found = store.existing(pipeline, row_ids)
    return [found[row_id].split for row_id in row_ids]


def test_a_near_duplicate_of_an_earlier_batch_goes_where_that_one_is(store: SqlExampleStore) -> None:
    first = [
        make_outcome(f"row-{n}", prompt=f"{LONG} about {n}a {n}b {n}c {n}d {n}e {n}f {n}g {n}h {n}i") for n in range(25)
    ]
    look(
        store,
        *(replace(outcome) for outcome in first),
        pipeline=make_pipeline(dataset=DatasetPolicy(near_duplicates=1)),
    )
    assert len(set(splits(store, *(outcome.data_row_id for outcome in first)))) == 3
    for number, outcome in enumerate(first):
        prompt = (outcome.content or ())[0].content + " thanks"
        look(store, make_outcome(f"twin-{number}", prompt=prompt), seconds=1)
        twin = store.existing(PIPELINE.name, [f"twin-{number}"])[f"twin-{number}"]
        # The prompts of the first batch are rather alike themselves, and some stand in different splits.
        assert twin.reason == "split_conflict" or [twin.split] == splits(store, outcome.data_row_id)


def test_a_pipeline_knows_nothing_of_anothers_prompts(store: SqlExampleStore) -> None:
    found = set()
    for number in range(12):
        pipeline = make_pipeline(f"p{number}")
        look(store, make_outcome("row-1", prompt=LONG), pipeline=pipeline)
        found.add(splits(store, "row-1", pipeline=pipeline.name)[0])
    assert len(found) > 1


def test_a_bucket_holds_no_more_than_its_slots(store: SqlExampleStore, engine: sa.Engine) -> None:
    look(store, *(make_outcome(f"row-{n}", prompt=f"{LONG} {n}") for n in range(200)))
    with engine.connect() as connection:
        sizes = sa.select(sa.func.count()).select_from(near_prompts).group_by(near_prompts.c.bucket)
        assert max(connection.scalars(sizes)) <= MOST_A_BUCKET
    assert len({row.split for row in store.existing(PIPELINE.name, [f"row-{n}" for n in range(200)]).values()}) == 1


def test_strata_are_counted_over_all_batches(store: SqlExampleStore) -> None:
    for number in range(40):
        look(
            store,
            replace(make_outcome(f"row-{number}", "spam", prompt=f"Chat {number}"), is_choice=True),
            seconds=number,
        )
    counted = Counter(splits(store, *(f"row-{number}" for number in range(40))))
    assert abs(counted["held_out"] - 8) <= 2
    assert abs(counted["validation"] - 4) <= 2


def test_writers_at_once_give_near_duplicates_one_split(store: SqlExampleStore) -> None:
    at_once(6, lambda index: look(store, make_outcome(f"row-{index}", prompt=f"{LONG} {index}")))
    assert len(set(splits(store, *(f"row-{index}" for index in range(6))))) == 1


# Counts.

numbers = count()
looks = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["fine", "other", SUSPECT, " ", "not_done", "gone"])),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(looks=looks, decisions=st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["keep", "drop"]))))
def test_the_counts_that_are_kept_are_those_that_are_counted(
    engine: sa.Engine, store: SqlExampleStore, looks: list[tuple[str, str]], decisions: list[tuple[str, str]]
) -> None:
    pipeline = make_pipeline(f"p{next(numbers)}")
    for seconds, (row_id, said) in enumerate(looks):
        gone = [row_id] if said == "gone" else []
        outcome = make_refusal(row_id) if said == "not_done" else make_outcome(row_id, said)
        look(store, *([] if gone else [outcome]), gone=gone, seconds=seconds, pipeline=pipeline)
    for row_id, decision in decisions:
        store.decide(pipeline.name, [row_id], decision, only=())  # type: ignore[arg-type] # one of the two
    counts = store.counts(pipeline.name)
    with engine.begin() as connection:
        kept = tallied(connection, pipeline.name)
        recount(connection, pipeline.name)
        assert kept == tallied(connection, pipeline.name)
        mine = (examples.c.pipeline == pipeline.name, examples.c.status == "active")
        active = sa.select(sa.func.count()).where(*mine)
        assert counts.train + counts.validation + counts.held_out == connection.scalar(active)


# What is held back.


def test_what_is_held_back_is_listed_decided_and_then_counts(store: SqlExampleStore) -> None:
    look(store, make_outcome("row-1", SUSPECT), make_outcome("row-2", SUSPECT), make_outcome("row-3"))
    assert {item.data_row_id for item in store.held(PIPELINE.name, code=None, limit=9)} == {"row-1", "row-2"}
    assert store.held(PIPELINE.name, code="personal_phone", limit=9) == []
    counts = store.counts(PIPELINE.name)
    assert (counts.held, counts.new) == (2, 1)
    (kept,) = store.decide(PIPELINE.name, ["row-1"], "keep", only=())
    assert (kept.example.status, kept.is_news) == ("active", True)
    store.decide(PIPELINE.name, ["row-2", "row-3", "nobody"], "drop", only=())
    counts = store.counts(PIPELINE.name)
    assert (counts.held, counts.new, counts.watermark) == (0, 2, 2)
    # The next look at Labelbox finds the same, and nothing is asked twice.
    look(store, make_outcome("row-1", SUSPECT), make_outcome("row-2", SUSPECT), seconds=9)
    assert store.counts(PIPELINE.name).held == 0
    assert store.existing(PIPELINE.name, ["row-2"])["row-2"].reason == "set_aside"


def test_a_forgotten_row_stays_away_whatever_its_id(store: SqlExampleStore, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(tombstones).values(data_row_id="row-1", global_key="key-1", at=NOON))
    look(store, make_outcome("row-1"), replace(make_outcome("row-2"), global_key="key-1"), make_outcome("row-3"))
    found = store.existing(PIPELINE.name, ["row-1", "row-2", "row-3"])
    assert {row_id: (row.reason, row.content == ()) for row_id, row in found.items()} == {
        "row-1": ("forgotten", True),
        "row-2": ("forgotten", True),
        "row-3": (None, False),
    }


# What a snapshot notes.


def test_duplicates_near_duplicates_contradictions_and_findings_are_counted(
    store: SqlExampleStore, engine: sa.Engine
) -> None:
    pipeline = make_pipeline(checks=ChecksPolicy(actions={"personal_email": "note"}))
    look(
        store,
        *(make_outcome(f"twin-{n}", prompt="the same") for n in range(3)),
        make_outcome("other", "another answer", prompt="The  SAME"),
        make_outcome("near-1", prompt=LONG),
        make_outcome("near-2", prompt=LONG + " please"),
        make_outcome("email", SUSPECT),
        make_outcome("empty", " "),
        make_refusal("refused"),
        pipeline=pipeline,
    )
    with reading(engine) as connection:
        duplicates, noted = find_company(connection, PIPELINE.name)
    twin = store.existing(PIPELINE.name, ["twin-0"])["twin-0"]
    assert duplicates == {twin.content_hash: 3}
    # As a manifest holds it: PostgreSQL's sums are decimals.
    assert json.loads(json.dumps(noted)) == {
        "near_duplicate": 2,
        "conflicting_answers": 4,
        "personal_email": 1,
        "empty_answer": 1,
    }
