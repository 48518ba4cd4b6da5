"""What the API shows of a run."""

import pytest

from service.domain.runs import RunState
from service.web.answers import summarize_run
from tests.support.builders import make_run

TROUBLE = {"error": "TrainerBusy: 429", "remedy": "Nothing yet."}


@pytest.mark.parametrize("state", RunState)
def test_an_error_that_a_run_got_over_is_not_shown_once_it_ended_without_one(state: RunState) -> None:
    shown = summarize_run(make_run(state=state, facts={**TROUBLE, "prompt": "whatever a step found out"}))
    is_over = state in {RunState.PROMOTED, RunState.KEPT, RunState.CANCELLED}
    assert (shown.error, shown.remedy) == ((None, None) if is_over else tuple(TROUBLE.values()))
    assert "whatever" not in repr(shown)
