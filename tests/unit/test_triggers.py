from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.pipelines import DatasetPolicy, TriggerPolicy
from service.domain.triggers import Counts, OpenRun, blocks_manual_start, decide
from tests.support.fakes import NOON

TRIGGER = TriggerPolicy(
    threshold=50, quiet=timedelta(seconds=30), max_wait=timedelta(minutes=10), cooldown=timedelta(hours=6)
)
DATASET = DatasetPolicy(min_held_out=5)
READY = Counts(
    watermark=60,
    new=50,
    train=40,
    validation=5,
    held_out=10,
    first_new_at=NOON - timedelta(minutes=5),
    last_new_at=NOON - timedelta(seconds=30),
    last_run=0,
    last_run_at=None,
    open_run=None,
)


def codes(counts: Counts, trigger: TriggerPolicy = TRIGGER, *, now: datetime = NOON) -> list[str]:
    return [reason.code for reason in decide(trigger, DATASET, counts, now=now).reasons]


def test_enough_new_examples_and_a_quiet_moment_make_a_run_due() -> None:
    assert decide(TRIGGER, DATASET, READY, now=NOON).due


@pytest.mark.parametrize(
    ("counts", "code", "number"),
    [
        (replace(READY, new=49), "below_threshold", "49 of 50"),
        (replace(READY, open_run=OpenRun("run-9", "training")), "run_open", "run-9 (training)"),
        (replace(READY, train=9), "too_few_training", "9 of 10"),
        (replace(READY, held_out=4), "too_few_held_out", "4 of 5"),
        (replace(READY, last_new_at=NOON - timedelta(seconds=29)), "not_quiet", "2026-11-02 12:00:01"),
        (replace(READY, last_run=1, last_run_at=NOON - timedelta(hours=5)), "cooldown", "2026-11-02 13:00:00"),
    ],
)
def test_each_obstacle_alone_is_named_with_its_number(counts: Counts, code: str, number: str) -> None:
    decision = decide(TRIGGER, DATASET, counts, now=NOON)
    assert not decision.due
    assert [reason.code for reason in decision.reasons] == [code]
    assert number in decision.reasons[0].text


def test_all_obstacles_are_named_at_once() -> None:
    counts = Counts(0, 0, 0, 0, 0, NOON, NOON, 3, NOON, OpenRun("run-3", "claimed"), failures=3)
    assert set(codes(counts)) == {
        "below_threshold",
        "run_open",
        "too_few_training",
        "too_few_held_out",
        "not_quiet",
        "cooldown",
        "breaker_open",
    }


def test_the_threshold_itself_is_enough() -> None:
    assert codes(replace(READY, new=50)) == []
    assert codes(replace(READY, new=51)) == []


def test_quiet_and_cooldown_end_exactly_when_they_say() -> None:
    noisy = replace(READY, last_new_at=NOON)
    assert codes(noisy, now=NOON + timedelta(seconds=29.9)) == ["not_quiet"]
    assert codes(noisy, now=NOON + timedelta(seconds=30)) == []
    cooling = replace(READY, last_run_at=NOON, last_run=1)
    assert codes(cooling, now=NOON + timedelta(hours=6) - timedelta(seconds=1)) == ["cooldown"]
    assert codes(cooling, now=NOON + timedelta(hours=6)) == []


def test_a_burst_that_never_ends_is_cut_after_the_longest_wait() -> None:
    endless = replace(READY, first_new_at=NOON - timedelta(minutes=10), last_new_at=NOON)
    assert codes(endless) == []
    assert codes(replace(endless, first_new_at=NOON - timedelta(minutes=9))) == ["not_quiet"]


def test_without_a_quiet_period_nothing_waits() -> None:
    assert codes(replace(READY, last_new_at=NOON), replace(TRIGGER, quiet=timedelta(0))) == []


def test_a_person_may_start_before_the_threshold_but_not_beside_an_open_run_or_without_data() -> None:
    early = replace(READY, new=0, first_new_at=None, last_new_at=None, last_run=1, last_run_at=NOON)
    assert blocks_manual_start(DATASET, early) == ()
    assert not decide(TRIGGER, DATASET, early, now=NOON).due
    blocked = replace(early, train=0, held_out=0, open_run=OpenRun("run-1", "claimed"))
    assert len(blocks_manual_start(DATASET, blocked)) == 3


moments = st.none() | st.integers(-10_000, 10_000).map(lambda seconds: NOON + timedelta(seconds=seconds))
some_counts = st.builds(
    Counts,
    watermark=st.integers(0, 100),
    new=st.integers(0, 100),
    train=st.integers(0, 30),
    held_out=st.integers(0, 10),
    first_new_at=moments,
    last_new_at=moments,
    last_run=st.integers(0, 3),
    last_run_at=moments,
    open_run=st.none() | st.just(OpenRun("run-1", "claimed")),
)


@given(counts=some_counts, later_s=st.integers(0, 100_000))
def test_a_run_that_is_due_stays_due_while_nothing_happens(counts: Counts, later_s: int) -> None:
    if decide(TRIGGER, DATASET, counts, now=NOON).due:
        assert decide(TRIGGER, DATASET, counts, now=NOON + timedelta(seconds=later_s)).due


@given(counts=some_counts)
def test_a_run_is_due_exactly_if_there_is_no_reason_against_it(counts: Counts) -> None:
    decision = decide(TRIGGER, DATASET, counts, now=NOON)
    assert decision.due == (not decision.reasons)
    if decision.due:
        assert counts.new >= TRIGGER.threshold
        assert counts.open_run is None
        assert blocks_manual_start(DATASET, counts) == ()
