import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.pipelines import DatasetPolicy, TriggerPolicy
from service.domain.triggers import Counts, OpenRun, Reason, blocks_manual_start, decide, failures_in_a_row
from tests.support.fakes import NOON

ROOT = Path(__file__).parents[2]
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
        (replace(READY, open_run=OpenRun("run-9", "uploaded", error="Gone: x")), "run_open", "not finished: Gone: x"),
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


@pytest.mark.parametrize(
    ("counts", "facts"),
    [
        (replace(READY, new=37, held=2), {"have": 37, "need": 50, "held": 2}),
        (
            replace(READY, open_run=OpenRun("run-9", "training", error="TrainerUnreachable: no connection")),
            {"run": "run-9", "state": "training", "usd": None, "error": "TrainerUnreachable: no connection"},
        ),
        (
            replace(READY, open_run=OpenRun("run-9", "awaiting_approval", 12.4)),
            {"run": "run-9", "state": "awaiting_approval", "usd": 12.4},
        ),
        (replace(READY, train=9), {"have": 9, "need": 10}),
        (replace(READY, held_out=4), {"have": 4, "need": 5}),
        (replace(READY, train=0, validation=0, held_out=0, prompts=7), {"have": 7}),
        (replace(READY, last_new_at=NOON - timedelta(seconds=29)), {"until": NOON + timedelta(seconds=1)}),
        (replace(READY, last_run=1, last_run_at=NOON - timedelta(hours=5)), {"until": NOON + timedelta(hours=1)}),
        (replace(READY, failures=3), {"failures": 3, "limit": 3}),
    ],
)
def test_each_obstacle_has_its_numbers_as_data(counts: Counts, facts: Mapping[str, object]) -> None:
    assert decide(TRIGGER, DATASET, counts, now=NOON).reasons[0].facts == facts


def test_a_run_that_waits_for_approval_says_for_how_much_and_what_to_do() -> None:
    waiting = replace(READY, open_run=OpenRun("run-9", "awaiting_approval", 12.4))
    (reason,) = decide(TRIGGER, DATASET, waiting, now=NOON).reasons
    assert reason.code == "awaiting_approval"
    assert reason.text == "run run-9 of 12.40 USD waits for approval: tuneloop runs approve run-9"


def test_whatever_else_stands_in_the_way_is_told_with_the_rest_and_to_persons_as_well() -> None:
    dying = Reason("model_shuts_down", "the model shuts down on 2027-01-14", {"on": "2027-01-14"})
    decision = decide(TRIGGER, DATASET, replace(READY, new=1), now=NOON, more=[dying])
    assert [reason.code for reason in decision.reasons] == ["below_threshold", "model_shuts_down"]
    assert not decide(TRIGGER, DATASET, READY, now=NOON, more=[dying]).due
    assert blocks_manual_start(DATASET, READY, more=[dying]) == (dying,)


def test_what_is_only_good_to_know_stands_in_nobodys_way() -> None:
    cost = Reason("estimate", "about 12.40 USD")
    decision = decide(TRIGGER, DATASET, READY, now=NOON, notes=[cost])
    assert (decision.due, decision.reasons, decision.notes) == (True, (), (cost,))


ENDS = {
    "F": ("failed", "threshold"),
    "P": ("promoted", "threshold"),
    "K": ("kept", "threshold"),
    "C": ("cancelled", "threshold"),
    "O": ("training", "threshold"),
    "f": ("failed", "by hand"),
    "c": ("cancelled", "by hand"),
}


@pytest.mark.parametrize(
    ("runs", "failures"),
    [
        ("", 0),
        ("F", 1),
        ("FFF", 3),
        ("FPFF", 1),
        ("FKFF", 1),
        ("PFFF", 0),
        ("CFCF", 2),
        ("OFF", 2),
        ("FcF", 1),
        ("cFF", 0),
        ("fFF", 3),
    ],
)
def test_failures_are_counted_from_the_newest_run_to_the_last_that_was_none(runs: str, failures: int) -> None:
    """Small letters are runs that a person started."""
    assert failures_in_a_row(ENDS[run] for run in runs) == failures


@given(failures=st.integers(0, 10), limit=st.integers(0, 5))
def test_the_breaker_opens_at_its_limit_and_never_without_one(failures: int, limit: int) -> None:
    found = codes(replace(READY, failures=failures), replace(TRIGGER, max_failures=limit))
    assert (found == ["breaker_open"]) is (0 < limit <= failures)
    assert blocks_manual_start(DATASET, replace(READY, failures=failures)) == ()


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
    failures=st.integers(0, 5),
    validation=st.integers(0, 10),
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


def test_every_code_is_explained_in_the_documentation() -> None:
    """Codes are what programs rely on: one that is new, or gone, is a change of the document."""
    sources = (
        "domain/triggers.py",
        "domain/spending.py",
        "domain/sunsets.py",
        "domain/model_names.py",
        "usecases/model_lists.py",
        "usecases/answer_prices.py",
        "usecases/doors.py",
    )
    code = "".join((ROOT / "service" / source).read_text() for source in sources)
    named = set(re.findall(r'Reason\(\s*"([a-z_]+)"', code)) | set(re.findall(r'"(too_few_[a-z_]+)"', code))
    told = re.findall(r"^\| (`[a-z_`, ]+) \|", (ROOT / "docs" / "trigger.md").read_text(), flags=re.MULTILINE)
    assert {name for line in told for name in re.findall(r"`([a-z_]+)`", line)} == named
