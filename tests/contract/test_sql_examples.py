"""Examples, versions and splits on SQLite and on PostgreSQL."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.adapters.sql_examples import SqlExampleStore
from service.adapters.sql_runs import SqlRunStore
from service.adapters.sql_tables import deliveries, example_versions, examples, groups
from service.domain.contents import content_hash_of, decode_content, pair
from service.domain.examples import Change, Example, Standing
from service.domain.labels import RowOutcome
from service.domain.pipelines import DatasetPolicy
from service.domain.runs import RETRAINING, RunState, Step
from service.domain.triggers import OpenRun
from service.ports import RowFacts, Wanted
from service.usecases.write_examples import write_outcomes
from tests.support.appraising import appraisers
from tests.support.builders import make_outcome, make_pipeline, make_refusal, make_run
from tests.support.fakes import NOON, ManualClock
from tests.support.races import at_once

PIPELINE = make_pipeline()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(engine: sa.Engine, clock: ManualClock) -> SqlExampleStore:
    return SqlExampleStore(engine, clock)


def look(store: SqlExampleStore, *outcomes: RowOutcome, gone: Sequence[str] = (), seconds: float = 0) -> int:
    at = NOON + timedelta(seconds=seconds)
    return len(write_outcomes(store, PIPELINE, outcomes, appraisers=appraisers, gone=gone, observed_at=at))


def later(outcome_of_row: str, text: str, seconds: float) -> RowOutcome:
    return make_outcome(outcome_of_row, text, at=NOON + timedelta(seconds=seconds))


def test_what_was_written_is_read_back_in_every_field(store: SqlExampleStore) -> None:
    text = "Grüße, \N{SMILING FACE WITH SUNGLASSES} \u2028 'quotes' \"and\" \\ %s :name"
    look(store, make_outcome("row-1", text), make_refusal("row-2", "skipped"))
    found = store.existing(PIPELINE.name, ["row-1", "row-2", "row-3"])
    assert set(found) == {"row-1", "row-2"}
    example = found["row-1"]
    assert (example.status, example.version, example.label_id) == ("active", 1, "label-row-1")
    assert example.content == pair("the chat of row-1", text)
    assert example.content_hash == content_hash_of(example.content)
    assert (example.activity_at, example.observed_at) == (NOON, NOON)
    assert example.split in {"train", "validation", "held_out"}
    assert (found["row-2"].status, found["row-2"].reason, found["row-2"].split) == ("rejected", "skipped", None)
    # As it was read, so it is planned with: nothing may look different after a round trip.
    assert look(store, make_outcome("row-1", text), make_refusal("row-2", "skipped")) == 0


def test_what_is_known_of_a_row_beside_its_text_is_read_back(store: SqlExampleStore) -> None:
    noted = {"channel": "mail", "agent": "O'Neill \N{SMILING FACE WITH SUNGLASSES}", "nul": "a\0b"}
    rows = [
        replace(make_outcome("row-1"), metadata=noted),
        replace(make_outcome("row-2", "yes"), is_choice=True),
    ]
    look(store, *rows)
    found = store.existing(PIPELINE.name, ["row-1", "row-2"])
    assert (found["row-1"].metadata, found["row-2"].metadata) == (noted, {})
    ids = [example.example_id for example in found.values()]
    facts = store.row_facts([*ids, "ex-unknown"])
    assert facts == {
        found["row-1"].example_id: RowFacts(noted, is_choice=False),
        found["row-2"].example_id: RowFacts({}, is_choice=True),
    }
    assert look(store, *rows) == 0
    assert look(store, replace(rows[0], metadata={})) == 1
    assert store.existing(PIPELINE.name, ["row-1"])["row-1"].metadata == {}


def test_more_rows_than_one_statement_can_ask_for(store: SqlExampleStore) -> None:
    outcomes = [make_outcome(f"row-{number}") for number in range(2500)]
    assert look(store, *outcomes) == 2500
    assert look(store, *outcomes) == 0
    assert len(store.existing(PIPELINE.name, [outcome.data_row_id for outcome in outcomes])) == 2500
    assert store.counts(PIPELINE.name).new == 2500


def test_every_content_an_example_had_is_kept(store: SqlExampleStore, engine: sa.Engine) -> None:
    for number, text in enumerate(["one", "two", "one"]):
        look(store, later("row-1", text, number), seconds=number)
    look(store, make_refusal("row-1", at=NOON + timedelta(seconds=9)), seconds=9)
    with engine.connect() as connection:
        wanted = sa.select(example_versions.c.version, example_versions.c.content).order_by("version")
        found = [(row[0], decode_content(row[1])[-1].content) for row in connection.execute(wanted)]
    assert found == [(1, "one"), (2, "two"), (3, "one")]


def test_pipelines_do_not_see_each_others_rows(store: SqlExampleStore) -> None:
    write_outcomes(
        store, make_pipeline("one"), [make_outcome("row-1", "a")], appraisers=appraisers, gone=(), observed_at=NOON
    )
    write_outcomes(
        store,
        make_pipeline("other"),
        [make_outcome("row-1", "b")],
        appraisers=appraisers,
        gone=["row-2"],
        observed_at=NOON,
    )
    assert store.existing("one", ["row-1"])["row-1"].content[-1].content == "a"
    assert store.existing("other", ["row-1"])["row-1"].content[-1].content == "b"
    assert (store.standing_ids("one"), store.standing_ids("nobody")) == ({"row-1"}, set())


def test_a_failing_plan_writes_nothing_not_even_the_audit(store: SqlExampleStore, engine: sa.Engine) -> None:
    def broken(_standing: Standing) -> list[Change]:
        raise RuntimeError("killed here")

    with pytest.raises(RuntimeError):
        store.apply("summaries", broken, wanted=Wanted(["row-1"]), audit=[make_audit("1-0")])
    with engine.connect() as connection:
        for table in (examples, groups, deliveries):
            assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0


def make_audit(entry_id: str) -> dict[str, object]:
    return {
        "entry_id": entry_id,
        "delivery_key": "k" * 64,
        "topic": "LABEL_CREATED",
        "project_id": "project-1",
        "data_row_id": "row-1",
        "label_id": None,
        "outcome": "converted",
        "received_at": NOON,
        "converted_at": NOON,
    }


def test_the_audit_of_a_delivery_that_is_converted_twice_is_kept_once(
    store: SqlExampleStore, engine: sa.Engine
) -> None:
    for _ in range(2):
        write_outcomes(
            store,
            PIPELINE,
            [],
            appraisers=appraisers,
            gone=(),
            observed_at=NOON,
            audit=[make_audit("1-0"), make_audit("2-0")],
        )
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(deliveries)) == 2


# The counts that the trigger decides on.


def test_counts_of_a_pipeline_nobody_wrote_to_are_zero(store: SqlExampleStore) -> None:
    counts = store.counts("nobody")
    assert (counts.watermark, counts.new, counts.train, counts.held_out, counts.last_run) == (0, 0, 0, 0, 0)
    assert (counts.first_new_at, counts.last_new_at, counts.last_run_at, counts.open_run) == (None, None, None, None)


def test_new_examples_are_counted_from_the_last_runs_snapshot(
    store: SqlExampleStore, engine: sa.Engine, clock: ManualClock
) -> None:
    look(store, *[make_outcome(f"row-{number}") for number in range(30)], make_refusal("row-30"))
    first_at = clock.now
    clock.forward(60)
    look(store, make_outcome("row-40"))
    counts = store.counts(PIPELINE.name)
    assert (counts.new, counts.watermark) == (31, 31)
    assert (counts.first_new_at, counts.last_new_at) == (first_at, clock.now)
    assert counts.train + counts.validation + counts.held_out == 31
    assert min(counts.train, counts.validation, counts.held_out) > 0
    runs = SqlRunStore(engine)
    run = runs.claim(make_run(watermark=20))
    assert run is not None
    assert store.counts(PIPELINE.name).open_run == OpenRun("run-1", "claimed")
    runs.record(run, Step(RunState.SNAPSHOTTED, "frozen", changes={"watermark": 31}), now=NOON)
    clock.forward(60)
    look(store, later("row-1", "edited", 5), seconds=5)
    counts = store.counts(PIPELINE.name)
    assert (counts.new, counts.first_new_at, counts.last_run) == (1, clock.now, 1)


def test_taking_back_and_approving_the_same_text_again_counts_nothing(
    store: SqlExampleStore, engine: sa.Engine
) -> None:
    look(store, make_outcome("row-1"))
    SqlRunStore(engine).claim(make_run(watermark=1))
    look(store, make_refusal("row-1", at=NOON + timedelta(seconds=1)), seconds=1)
    assert store.counts(PIPELINE.name).new == 0
    look(store, later("row-1", "a summary", 2), seconds=2)
    assert store.counts(PIPELINE.name).new == 0
    look(store, later("row-1", "another summary", 3), seconds=3)
    assert store.counts(PIPELINE.name).new == 1


def test_what_was_taken_back_is_no_longer_counted(store: SqlExampleStore) -> None:
    look(store, make_outcome("row-1"), make_outcome("row-2"))
    look(store, gone=["row-1", "never-seen"], seconds=1)
    assert (store.counts(PIPELINE.name).new, store.standing_ids(PIPELINE.name)) == (1, {"row-2"})


# Freezing.


def test_a_freeze_lists_the_active_examples_in_one_order_on_every_database(store: SqlExampleStore) -> None:
    look(store, *[make_outcome(f"row-{number}") for number in range(80)], make_refusal("row-99"))
    with store.freeze(PIPELINE.name, counted_by="words-chat") as frozen:
        found = list(frozen.examples)
    assert (frozen.watermark, len(found)) == (80, 80)
    assert [(item.split, item.example_id) for item in found] == sorted((item.split, item.example_id) for item in found)
    assert {item.tokens for item in found} == {17}
    with store.freeze(PIPELINE.name, counted_by="words-preference") as frozen:
        assert {item.tokens for item in frozen.examples} == {None}


def test_a_freeze_shows_one_moment_whatever_is_written_meanwhile(store: SqlExampleStore) -> None:
    look(store, *[make_outcome(f"row-{number}") for number in range(1500)])
    with store.freeze(PIPELINE.name, counted_by="words-chat") as frozen:
        found = iter(frozen.examples)
        first = next(found)
        look(store, *[later(f"row-{number}", "edited", 1) for number in range(1500)], seconds=1)
        rest = list(found)
    assert frozen.watermark == 1500
    assert {item.content[-1].content for item in [first, *rest]} == {"a summary"}
    assert len(rest) == 1499


# Races.


def test_writers_of_a_pipeline_take_turns(store: SqlExampleStore, engine: sa.Engine) -> None:
    inside = threading.Semaphore(1)
    overlaps: list[int] = []

    def write(index: int) -> None:
        def plan(standing: Standing) -> list[Change]:
            if not inside.acquire(blocking=False):
                overlaps.append(index)
                return []
            old = standing.before.get("row-1")
            fresh = Example(
                pipeline=PIPELINE.name,
                data_row_id="row-1",
                example_id="ex-1",
                activity_at=NOON,
                observed_at=NOON,
                status="active",
                version=(old.version if old else 0) + 1,
                group="g",
                split="train",
            )
            inside.release()
            return [Change(fresh, is_new_version=True, is_news=True, replaced=old)]

        store.apply(PIPELINE.name, plan, wanted=Wanted(["row-1"]))

    at_once(8, write)
    assert overlaps == []
    assert store.existing(PIPELINE.name, ["row-1"])["row-1"].version == 8
    assert store.counts(PIPELINE.name).watermark == 8
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(example_versions)) == 8


def test_looks_written_by_many_workers_at_once_end_with_the_newest(store: SqlExampleStore) -> None:
    at_once(6, lambda index: look(store, later("row-1", f"text {index}", index), seconds=index))
    found = store.existing(PIPELINE.name, ["row-1"])["row-1"]
    assert found.content[-1].content == "text 5"
    assert found.activity_at == NOON + timedelta(seconds=5)


def test_rows_of_one_group_written_at_once_share_their_split(store: SqlExampleStore) -> None:
    def write(index: int) -> None:
        # Two of them were started with another configuration: whoever is first decides for all.
        policy = DatasetPolicy(held_out_percent=100 * (index % 2), validation_percent=0)
        outcomes = [make_outcome(f"row-{index}", prompt="the same chat")]
        write_outcomes(store, make_pipeline(dataset=policy), outcomes, appraisers=appraisers, gone=(), observed_at=NOON)

    at_once(4, write)
    found = store.existing(PIPELINE.name, [f"row-{index}" for index in range(4)])
    assert len({example.split for example in found.values()}) == 1


def test_training_an_older_snapshot_again_neither_forgets_news_nor_brings_them_back(
    engine: sa.Engine, store: SqlExampleStore
) -> None:
    """Whatever its watermark, a run that takes up nothing new is none that the trigger counts from."""
    look(store, *(make_outcome(f"row-{number}") for number in range(5)))
    runs = SqlRunStore(engine)
    fresh = runs.claim(make_run("run-1", watermark=5))
    assert fresh is not None
    runs.record(fresh, Step(RunState.FAILED, "x"), now=NOON)
    look(store, make_outcome("row-5"), make_outcome("row-6"))
    for ordinal, watermark in ((2, 3), (3, 7)):
        again = runs.claim(make_run(f"run-{ordinal}", ordinal=ordinal, watermark=watermark, cause=RETRAINING))
        assert again is not None
        counts = store.counts(PIPELINE.name)
        assert (counts.new, counts.last_run, counts.watermark) == (2, ordinal, 7)
        runs.record(again, Step(RunState.CANCELLED, "x"), now=NOON)
