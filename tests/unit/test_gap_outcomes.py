"""What became of a planned row."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.domain.examples import STATUSES, Example, Status
from service.domain.gap_outcomes import OUTCOMES, is_out, outcomes_of
from service.domain.gaps import Candidate, GapRow
from service.domain.reasons import REASONS
from tests.support.fakes import NOON

LATER = NOON + timedelta(days=1)
NEW = GapRow("g-1", Candidate("failure", "batch", "row", "why", "key"), "sent")
BACK = GapRow("g-1", Candidate("stale", "rework", "row", "why", "row", "label", "old", NOON), "sent")
FATES = {"examples", "held", "rejected"}


def example(
    status: Status = "active", *, reason: str | None = None, at: datetime = LATER, content_hash: str = "new"
) -> Example:
    return Example("p", "row", "ex", at, LATER, status=status, reason=reason, content_hash=content_hash)


def test_a_row_that_was_never_read_is_with_the_labelers() -> None:
    assert is_out(NEW, None)
    assert outcomes_of(NEW, None) == frozenset()


def test_an_approved_label_is_an_answer_whatever_came_of_it() -> None:
    assert outcomes_of(NEW, example()) == {"answered", "examples", "changed"}
    assert outcomes_of(NEW, example("held", reason="pii")) == {"answered", "held", "changed"}
    assert outcomes_of(NEW, example("rejected", reason="skipped")) == {"answered", "rejected"}
    assert outcomes_of(BACK, example(content_hash="old")) == {"answered", "examples"}
    # It keeps the content of before, and gives no line any more.
    assert outcomes_of(BACK, example("withdrawn", reason="no_answer", content_hash="new")) == {"answered", "rejected"}


def test_a_label_that_was_sent_back_is_answered_when_it_is_approved_again() -> None:
    assert is_out(BACK, example(at=NOON, content_hash="old"))
    assert is_out(BACK, example("withdrawn", reason="not_done"))
    assert is_out(BACK, example("withdrawn", reason="in_rework"))
    assert not is_out(BACK, example(content_hash="old"))


def test_a_row_that_is_away_is_neither_out_nor_answered() -> None:
    for reason in ("row_gone", "not_in_project", "forgotten"):
        gone = example("withdrawn", reason=reason)
        assert not is_out(NEW, gone)
        assert outcomes_of(NEW, gone) == frozenset()


@given(
    row=st.sampled_from([NEW, BACK]),
    status=st.sampled_from(STATUSES),
    reason=st.sampled_from([None, *REASONS]),
    at=st.sampled_from([NOON, LATER]),
)
def test_a_row_has_one_fate_or_none_and_only_an_answered_one_has(
    row: GapRow, status: Status, reason: str | None, at: datetime
) -> None:
    found = outcomes_of(row, example(status, reason=reason, at=at))
    assert found <= set(OUTCOMES)
    assert len(found & FATES) == ("answered" in found)
    assert not (found and is_out(row, example(status, reason=reason, at=at)))
