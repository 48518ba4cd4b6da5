"""Counts over everything, on either database."""

import sqlalchemy as sa

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
    assert mend_tallies(engine, "summaries") == mend_tallies(engine, "other") == {}
