"""Counts over everything, on either database."""

import sqlalchemy as sa

from service.adapters.sql_engine import make_engine, migrate
from service.adapters.sql_examples import SqlExampleStore
from service.adapters.sql_recounts import mend_tallies
from service.adapters.sql_runs import SqlRunStore
from service.adapters.sql_tables import tallies
from service.adapters.sql_tallies import tally_runs
from service.domain.runs import RunState, Step
from service.usecases.write_examples import write_outcomes
from tests.support.appraising import appraisers
from tests.support.builders import make_outcome, make_pipeline, make_run
from tests.support.fakes import NOON, ManualClock


def test_runs_are_counted_by_pipeline_and_state(engine: sa.Engine) -> None:
    assert tally_runs(engine) == {}
    store = SqlRunStore(engine)
    for number in (1, 2, 3):
        run = store.claim(make_run(f"run-{number}", ordinal=number))
        assert run is not None
        if number < 3:
            store.record(run, Step(RunState.FAILED, "a test"), now=NOON)
    assert store.claim(make_run("run-4", pipeline="other")) is not None
    assert tally_runs(engine) == {("summaries", "failed"): 2, ("summaries", "claimed"): 1, ("other", "claimed"): 1}


def test_counts_that_drifted_are_put_right_and_told(engine: sa.Engine) -> None:
    store = SqlExampleStore(engine, ManualClock())
    outcomes = [make_outcome(f"row-{number}", "x" if number < 2 else "a summary") for number in range(20)]
    for name in ("summaries", "other"):
        write_outcomes(store, make_pipeline(name), outcomes, appraisers=appraisers, gone=(), observed_at=NOON)
    before = store.counts("summaries")
    assert before.held == 2
    assert mend_tallies(engine, "summaries") == {}
    with engine.begin() as connection:
        train = (tallies.c.pipeline == "summaries", tallies.c.split == "train", tallies.c.status == "active")
        connection.execute(sa.update(tallies).where(*train).values(examples=tallies.c.examples + 7))
        connection.execute(sa.delete(tallies).where(tallies.c.pipeline == "summaries", tallies.c.status == "held"))
    assert store.counts("summaries").held == 0
    mended = mend_tallies(engine, "summaries")
    assert mended["active train"] == (before.train + 7, before.train)
    held = {tally: numbers for tally, numbers in mended.items() if tally != "active train"}
    assert all(tally.startswith("held ") and tally.endswith(" one_character_answer") for tally in held)
    assert sum(right - kept for kept, right in held.values()) == 2
    assert store.counts("summaries") == before
    assert before.train_tokens > 0
    with engine.begin() as connection:
        connection.execute(sa.update(tallies).where(*train).values(tokens=tallies.c.tokens - 1))
    assert mend_tallies(engine, "summaries") == {"active train tokens": (before.train_tokens - 1, before.train_tokens)}
    assert mend_tallies(engine, "summaries") == mend_tallies(engine, "other") == {}


def test_tokens_are_kept_with_every_change_of_an_example(engine: sa.Engine) -> None:
    store, pipeline = SqlExampleStore(engine, ManualClock()), make_pipeline()

    def write(text: str, *, gone: tuple[str, ...] = ()) -> int:
        outcomes = [make_outcome(f"row-{number}", text) for number in range(20) if f"row-{number}" not in gone]
        write_outcomes(store, pipeline, outcomes, appraisers=appraisers, gone=gone, observed_at=NOON)
        return store.counts("summaries").train_tokens

    short, longer = write("a summary"), write("a summary of some more words")
    train = store.counts("summaries").train
    assert longer == short + 4 * train
    found = store.existing("summaries", [f"row-{number}" for number in range(20)])
    row = next(row_id for row_id, example in found.items() if example.split == "train")
    assert write("a summary", gone=(row,)) == short - short // train
    assert mend_tallies(engine, "summaries") == {}


def test_an_older_installation_has_its_tokens_counted(bare_database_url: str) -> None:
    migrate(bare_database_url, "0005")
    engine = make_engine(bare_database_url)
    texts = ("content", "content_hash", "group_key", "prompt_key", "cluster", "findings", "appraised", "news_hash")
    moments = ("changed_at", "activity_at", "observed_at")
    with engine.begin() as connection:
        for number, (split, tokens) in enumerate((("train", 100), ("train", 23), ("held_out", 7), (None, 0))):
            row = {
                "pipeline": "summaries",
                "data_row_id": f"row-{number}",
                "example_id": f"ex-{number}",
                "version": 1,
                "status": "active" if split else "withdrawn",
                "reason": None if split else "deleted",
                "split": split,
                "tokens": tokens,
                "changed_seq": number,
                **dict.fromkeys(texts, ""),
                **dict.fromkeys(moments, "2026-11-01 10:00:00"),
            }
            names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
            connection.execute(sa.text(f"INSERT INTO examples ({names}) VALUES ({places})"), row)  # noqa: S608 - names of columns
        connection.execute(
            sa.text(
                "INSERT INTO tallies SELECT pipeline, status, coalesce(split, ''), coalesce(reason, ''), count(*) "
                "FROM examples GROUP BY 1, 2, 3, 4"
            )
        )
    migrate(bare_database_url)
    counts = SqlExampleStore(engine, ManualClock()).counts("summaries")
    assert (counts.train, counts.train_tokens) == (2, 123)
    assert mend_tallies(engine, "summaries") == {}
    engine.dispose()
