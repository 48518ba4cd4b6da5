from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.runs import TERMINAL, TRANSITIONS, WAITS_FOR_A_PERSON, RunState, may_follow
from tests.support.builders import make_run

S = RunState
states = st.sampled_from(list(RunState))
HAPPY = [S.CLAIMED, S.SNAPSHOTTED, S.UPLOADED, S.SUBMITTED, S.TRAINING, S.EVALUATING, S.PROMOTED]


def test_the_happy_way_is_allowed_step_by_step_and_in_no_other_order() -> None:
    for before, after in pairwise(HAPPY):
        assert may_follow(before, after)
        assert not may_follow(after, before)


def test_every_state_that_is_no_end_says_what_may_follow() -> None:
    assert set(TRANSITIONS) == set(RunState) - TERMINAL


@given(states)
def test_a_run_that_ended_stays_as_it_is(after: RunState) -> None:
    assert not any(may_follow(ended, after) for ended in TERMINAL)


@given(states)
def test_an_open_run_may_stay_fail_and_be_cancelled(state: RunState) -> None:
    if state not in TERMINAL:
        assert may_follow(state, state)
        assert may_follow(state, S.FAILED)
        assert may_follow(state, S.CANCELLED)


def test_every_open_run_can_still_end_well() -> None:
    for state in TRANSITIONS:
        reached, frontier = {state}, [state]
        while frontier:
            for following in TRANSITIONS.get(frontier.pop(), frozenset()) - reached:
                reached.add(following)
                frontier.append(following)
        assert {S.PROMOTED, S.KEPT} <= reached


def test_no_champion_without_an_evaluation_and_no_job_without_the_budgets_door() -> None:
    assert {state for state, following in TRANSITIONS.items() if following & {S.PROMOTED, S.KEPT}} == {S.EVALUATING}
    # Submitting needs an upload, and an upload the reservation that is made on the way to it.
    assert {state for state, following in TRANSITIONS.items() if S.SUBMITTED in following} == {
        S.UPLOADED,
        S.NEEDS_ATTENTION,
    }
    assert S.UPLOADED not in TRANSITIONS[S.CLAIMED]


def test_a_run_that_waits_for_a_person_is_open() -> None:
    assert not WAITS_FOR_A_PERSON & TERMINAL


@pytest.mark.parametrize("facts", [None, {}, {"other": 1}])
def test_a_fact_that_no_step_found_is_none(facts: dict[str, int] | None) -> None:
    assert make_run(facts=facts).fact("estimate") is None
    assert make_run(facts={"estimate": 0}).fact("estimate") == 0
