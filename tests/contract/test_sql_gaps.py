"""Plans of what goes back to the labelers, and the examples they are made from, on both databases."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.adapters.sql_erasure import SqlErasureStore
from service.adapters.sql_examples import SqlExampleStore
from service.adapters.sql_gaps import SqlGapStore
from service.domain.fingerprints import fingerprint_of
from service.domain.gaps import Candidate, GapPlan, GapRow
from service.domain.splits import group_key
from service.ports import Wanted
from service.usecases.write_examples import write_outcomes
from tests.support.appraising import appraisers
from tests.support.builders import make_outcome, make_pipeline, make_refusal
from tests.support.fakes import NOON
from tests.support.races import at_once

LATER, UNTIL = NOON + timedelta(minutes=1), NOON + timedelta(minutes=5)


@pytest.fixture
def store(engine: sa.Engine) -> SqlGapStore:
    return SqlGapStore(engine)


def plan_of(number: int = 1, *rows: str, pipeline: str = "summaries", is_open: bool = True) -> GapPlan:
    name = f"g-{pipeline}-{number}"
    found = [
        GapRow(name, Candidate("stale", "rework", row, "why \0", row, f"label-{row}", "hash", NOON)) for row in rows
    ]
    unlabelled = GapRow(name, Candidate("slice", "batch", "new", "like", "key", near="question"), "control")
    return GapPlan(name, pipeline, number, "run-1", NOON, (*found, unlabelled), "champion", is_open)


def write(engine: sa.Engine, *outcomes: object, pipeline: str = "summaries") -> None:
    """Have rows labelled."""
    examples = SqlExampleStore(engine, lambda: NOON)
    wanted = make_pipeline(pipeline)
    write_outcomes(examples, wanted, outcomes, appraisers=appraisers, gone=(), observed_at=NOON)  # type: ignore[arg-type]


def test_a_plan_comes_back_as_it_was_written(store: SqlGapStore) -> None:
    assert store.plans("summaries") == []
    plan = plan_of(1, "b", "a")
    assert store.add(plan)
    (found,) = store.plans("summaries")
    # No database can hold a NUL.
    assert [row.candidate.reason for row in found.rows] == ["why \ufffd", "why \ufffd", "like"]
    assert [row.candidate.data_row_id for row in found.rows] == ["b", "a", "new"]
    assert found.rows[2] == plan.rows[2]
    assert (found.role, found.run_id, found.is_open, found.created_at) == ("champion", "run-1", True, NOON)
    assert {at for _, at in store.rows("summaries")} == {NOON}
    assert store.plans("other") == store.rows("other") == []


def test_one_plan_of_a_pipeline_is_open_and_each_number_is_given_once(store: SqlGapStore) -> None:
    assert store.add(plan_of(1, "a"))
    assert not store.add(plan_of(2, "b"))
    assert store.add(plan_of(1, "a", pipeline="other"))
    store.finish("g-summaries-1")
    assert not store.add(plan_of(1, "c"))
    assert store.add(plan_of(2, "b"))
    store.finish("g-summaries-2")
    assert store.add(plan_of(3, "b", is_open=False))
    assert [plan.is_open for plan in store.plans("summaries")] == [False, False, False]


def test_of_many_who_write_or_take_a_plan_at_once_one_wins(store: SqlGapStore) -> None:
    assert sorted(at_once(4, lambda _: store.add(plan_of(1, "a")))) == [False, False, False, True]
    taken = at_once(4, lambda _: store.take("g-summaries-1", now=NOON, until=UNTIL))
    assert sorted(taken) == [False, False, False, True]


def test_a_plan_is_anothers_until_its_lease_ends_it_is_released_or_closed(store: SqlGapStore) -> None:
    store.add(plan_of(1, "a"))
    assert store.take("g-summaries-1", now=NOON, until=LATER)
    store.mark("g-summaries-1", ["a"], "sending", now=LATER, until=UNTIL)
    assert not store.take("g-summaries-1", now=LATER + timedelta(seconds=1), until=UNTIL)
    store.extend("g-summaries-1", until=UNTIL + timedelta(hours=1))
    assert not store.take("g-summaries-1", now=UNTIL + timedelta(seconds=1), until=UNTIL)
    store.release("g-summaries-1")
    assert store.take("g-summaries-1", now=LATER, until=UNTIL)
    assert store.take("g-summaries-1", now=UNTIL + timedelta(seconds=1), until=UNTIL + timedelta(minutes=1))
    store.finish("g-summaries-1")
    assert not store.take("g-summaries-1", now=UNTIL + timedelta(days=1), until=UNTIL + timedelta(days=2))


def test_what_became_of_a_row_is_written_with_its_moment(store: SqlGapStore) -> None:
    store.add(plan_of(1, "a", "b", "c"))
    store.mark("g-summaries-1", ["a", "b"], "sent", now=LATER, until=UNTIL)
    store.mark("g-summaries-1", ["c"], "gone", now=LATER, until=UNTIL)
    (plan,) = store.plans("summaries")
    assert [(row.state, row.sent_at) for row in plan.rows] == [
        ("sent", LATER),
        ("sent", LATER),
        ("gone", None),
        ("control", None),
    ]


def test_rows_with_the_same_prompt_and_another_answer_are_found(engine: sa.Engine, store: SqlGapStore) -> None:
    write(
        engine,
        make_outcome("a1", "yes", prompt="the very same question about a parcel"),
        make_outcome("a2", "no", prompt="the very same question about a parcel"),
        make_outcome("b1", "yes", prompt="hm"),
        make_outcome("b2", "no", prompt="hm"),
        make_outcome("c1", "same", prompt="two rows that say the same"),
        make_outcome("c2", "same", prompt="two rows that say the same"),
        make_outcome("d", "alone", prompt="something else altogether"),
        make_refusal("e"),
    )
    write(engine, make_outcome("f", "other", prompt="hm"), pipeline="other")
    found = store.conflicting("summaries", most=10)
    assert sorted(item.data_row_id for item in found) == ["a1", "a2", "b1", "b2"]
    assert {(item.answer, item.label_id, item.is_choice) for item in found if item.data_row_id == "a1"} == {
        ("yes", "label-a1", False)
    }
    assert len({item.group for item in store.conflicting("summaries", most=1)}) == 1


def test_examples_are_given_by_age_and_by_split(engine: sa.Engine, store: SqlGapStore) -> None:
    write(engine, *(make_outcome(f"row-{n}", at=NOON - timedelta(days=n)) for n in range(30)))
    old = store.oldest("summaries", before=NOON - timedelta(days=20), most=5)
    assert [item.data_row_id for item in old] == [f"row-{n}" for n in (29, 28, 27, 26, 25)]
    held_out = {item.data_row_id for item in store.labelled("summaries", ["held_out"], most=100)}
    others = {item.data_row_id for item in store.labelled("summaries", ["train", "validation"], most=100)}
    assert held_out
    assert held_out.isdisjoint(others)
    assert len(held_out | others) == 30
    assert len(store.labelled("summaries", ["train"], most=2)) == 2


def test_labels_read_at_one_moment_are_as_old_as_labelbox_says(engine: sa.Engine, store: SqlGapStore) -> None:
    earlier, later = NOON - timedelta(days=3), NOON + timedelta(days=3)
    write(engine, make_outcome("a", at=earlier), make_outcome("b", at=NOON))
    # Touched later, with the content that was read before.
    write(engine, make_outcome("b", at=later))
    found = {item.data_row_id: item for item in store.labelled("summaries", ["train", "held_out"], most=9)}
    assert {name: item.labelled_at for name, item in found.items()} == {"a": earlier, "b": NOON}
    assert found["b"].activity_at == later


def test_the_places_of_prompts_that_are_known_or_nearly_the_same_are_read(
    engine: sa.Engine, store: SqlGapStore
) -> None:
    known = "Please write to Bob about the late parcel of mine and tell him that I wait"
    write(engine, make_outcome("a", prompt=known))
    found = fingerprint_of(f"{known} !")
    assert found is not None
    places = store.places("summaries", Wanted((), keys=[group_key(known)], fingerprints=[found]))
    split = SqlExampleStore(engine, lambda: NOON).existing("summaries", ["a"])["a"].split
    assert places.known[group_key(known)].split == split
    assert [place.split for place in places.neighbours(found, 0.8)] == [split]
    elsewhere = store.places("others", Wanted((), keys=[group_key(known)], fingerprints=[found]))
    assert (elsewhere.known, elsewhere.neighbours(found, 0.8)) == ({}, [])


def test_what_is_forgotten_leaves_no_trace_in_plans_and_is_known_as_such(engine: sa.Engine, store: SqlGapStore) -> None:
    write(engine, make_outcome("a"), make_outcome("b"))
    store.add(plan_of(1, "a", "b"))
    erasures = SqlErasureStore(engine, lambda: NOON)
    erasures.bury({"a": None}, by="tests")
    erasures.erase("summaries", ["a"])
    assert store.forgotten(["a", "b"]) == {"a"}
    assert [row.candidate.data_row_id for row, _ in store.rows("summaries")] == ["b", "new"]
    # The key of a held-out question is a hash of what it asks.
    erasures.erase_answers(["key", "question"], [])
    assert [(row.candidate.target, row.candidate.near) for row, _ in store.rows("summaries")] == [
        ("b", None),
        ("", None),
    ]
