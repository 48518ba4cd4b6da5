"""Counts over everything, on either database."""

import sqlalchemy as sa

from service.adapters.sql_runs import SqlRunStore
from service.adapters.sql_tallies import tally_runs
from service.domain.runs import RunState, Step
from tests.support.builders import make_run
from tests.support.fakes import NOON


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
