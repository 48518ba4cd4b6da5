"""Faults are decided by seed and number, and postings follow from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.deliveries import Delivery
from sandbox.errors import MalformedRequest
from sandbox.faults import Faults, fate_of
from sandbox.posting import PostingPlan

probabilities = st.floats(0, 1)


def deliveries(count: int) -> list[Delivery]:
    return [Delivery(str(n), "http://127.0.0.1:9", "00ff", "LABEL_CREATED", b"{}") for n in range(count)]


def planned(plan: PostingPlan, count: int, faults: Faults) -> list[str]:
    postings = [posting for one in deliveries(count) for posting in plan.plan(one, faults)]
    return [posting.delivery.id for posting in postings + plan.release()]


@given(seed=st.integers(), number=st.integers(0, 10_000), lost=probabilities, doubled=probabilities)
def test_changing_one_fault_leaves_the_others_where_they_were(
    seed: int, number: int, lost: float, doubled: float
) -> None:
    one = fate_of(number, Faults(lost=lost, doubled=doubled), seed)
    other = fate_of(number, Faults(doubled=doubled), seed)
    assert (one.doubled, one.copy_delay_s) == (other.doubled, other.copy_delay_s)
    assert fate_of(number, Faults(lost=lost, doubled=doubled), seed) == one


@given(
    seed=st.integers(),
    count=st.integers(0, 40),
    faults=st.builds(Faults, lost=probabilities, doubled=probabilities, reordered=probabilities),
)
def test_every_delivery_is_posted_once_unless_it_is_lost_or_doubled(seed: int, count: int, faults: Faults) -> None:
    plan = PostingPlan(seed)
    posted = planned(plan, count, faults)
    assert len(set(posted)) == count - plan.counted["lost"]
    assert len(posted) == len(set(posted)) + plan.counted["doubled"]
    assert not plan.holds_back


def test_a_reordered_delivery_is_posted_right_after_the_next_one() -> None:
    assert planned(PostingPlan(0), 5, Faults(reordered=1.0)) == ["1", "0", "3", "2", "4"]


def test_without_faults_deliveries_keep_their_order_and_go_at_once() -> None:
    plan = PostingPlan(0)
    postings = [plan.plan(one, Faults()) for one in deliveries(5)]
    assert [[(posting.delivery.id, posting.delay_s) for posting in some] for some in postings] == [
        [(str(n), 0.0)] for n in range(5)
    ]


def test_a_delay_stays_within_its_bound() -> None:
    faults = Faults(delayed=1.0, max_delay_s=3.0)
    delays = [fate_of(number, faults, 0).delay_s for number in range(200)]
    assert 0 < min(delays) <= max(delays) <= 3.0
    assert len(set(delays)) == 200


@pytest.mark.parametrize(
    "wrong", [{"lost": 1.1}, {"lost": -0.1}, {"lost": True}, {"export_lag_s": 601}, {"export_polls": "3"}, {"rain": 1}]
)
def test_wrong_faults_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(MalformedRequest):
        Faults().changed(wrong)
