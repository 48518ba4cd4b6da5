"""Who served before: rollbacks take back, promotions go on."""

from hypothesis import given
from hypothesis import strategies as st

from service.domain.reigns import Crowning, predecessors

runs = st.sampled_from(["a", "b", "c", "d"])
histories = st.lists(st.builds(Crowning, runs, st.sampled_from(["automatic", "by hand", "rollback", None])))


def promoted(*names: str) -> list[Crowning[str]]:
    return [Crowning(name, "automatic") for name in names]


def test_nobody_served_before_the_first() -> None:
    assert predecessors([]) == []
    assert predecessors(promoted("a")) == []


def test_those_before_come_newest_first() -> None:
    assert predecessors(promoted("a", "b", "c")) == ["b", "a"]


def test_a_second_rollback_goes_further_back_and_not_forth_again() -> None:
    back = [*promoted("a", "b", "c"), Crowning("b", "rollback")]
    assert predecessors(back) == ["a"]
    assert predecessors([*back, Crowning("a", "rollback")]) == []


def test_a_model_promoted_after_a_rollback_stands_before_the_one_that_was_gone_back_to() -> None:
    assert predecessors([*promoted("a", "b"), Crowning("a", "rollback"), *promoted("c")]) == ["a"]


def test_going_back_to_one_that_was_rolled_back_keeps_the_order() -> None:
    assert predecessors([*promoted("a", "b"), Crowning("a", "rollback"), Crowning("b", "rollback")]) == ["a"]


@given(histories)
def test_nobody_is_his_own_predecessor_and_each_is_named_once(history: list[Crowning[str]]) -> None:
    found = predecessors(history)
    assert len(found) == len(set(found))
    assert not history or history[-1].who not in found
    assert set(found) <= {crowning.who for crowning in history}


@given(histories)
def test_rollbacks_come_to_an_end(history: list[Crowning[str]]) -> None:
    while before := predecessors(history):
        history = [*history, Crowning(before[0], "rollback")]
        assert len(predecessors(history)) == len(before) - 1
