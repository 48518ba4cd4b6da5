from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.repeated_looks import LEAST_STEP, EarlierLook, Look, take_look

ALPHA = 0.05

questions = st.frozensets(st.sampled_from([f"q{number}" for number in range(12)]), min_size=1)


def looks_at(*sets: frozenset[str], alpha: float = ALPHA) -> list[Look]:
    """Give the looks of a pipeline that asked these sets one after another."""
    found: list[Look] = []
    for asked in sets:
        earlier = [EarlierLook(before, look.step) for before, look in zip(sets, found, strict=False)]
        found.append(take_look(asked, earlier, alpha=alpha))
    return found


def numbered(first: int, last: int) -> frozenset[str]:
    return frozenset(f"q{number}" for number in range(first, last))


def test_the_first_look_may_take_the_whole_budget() -> None:
    look = take_look(numbered(0, 20), [], alpha=ALPHA)
    assert (look.number, look.alpha, look.step) == (1, ALPHA, 1.0)


def test_looks_at_the_same_examples_have_to_prove_more_each_time() -> None:
    alphas = [look.alpha for look in looks_at(*[numbered(0, 20)] * 6)]
    assert alphas == sorted(alphas, reverse=True)
    assert alphas[:3] == pytest.approx([0.05, 0.005, 0.025 * (1 / 1.25 - 1 / 1.5)])


def test_examples_that_nobody_asked_before_earn_a_larger_part() -> None:
    alphas = [looks_at(numbered(0, 20), numbered(0, size))[1].alpha for size in (20, 25, 40, 200)]
    assert alphas == sorted(alphas)
    assert alphas[-1] > 2 * alphas[0]


def test_a_set_that_is_wholly_new_starts_afresh() -> None:
    *_, last = looks_at(numbered(0, 20), numbered(0, 20), numbered(20, 40))
    assert (last.number, last.alpha) == (1, ALPHA)


def test_one_example_in_common_makes_it_another_look() -> None:
    assert looks_at(numbered(0, 20), numbered(19, 39))[1].number == 2


def test_looks_from_before_looks_were_counted_count_as_whole_steps() -> None:
    look = take_look(numbered(0, 20), [EarlierLook(numbered(0, 20))], alpha=ALPHA)
    assert (look.number, look.before) == (2, 1.0)


def test_nothing_asked_is_a_first_look() -> None:
    assert take_look([], [EarlierLook(numbered(0, 3))], alpha=ALPHA).number == 1


def test_the_next_look_is_told_in_advance() -> None:
    first, second = looks_at(numbered(0, 20), numbered(0, 40))
    assert first.next_alpha(0.5) == second.alpha
    assert first.next_alpha(0) == looks_at(numbered(0, 20), numbered(0, 20))[1].alpha


@given(sets=st.lists(questions, min_size=1, max_size=30))
def test_whatever_is_asked_the_looks_at_a_question_never_take_more_than_its_budget(sets: list[frozenset[str]]) -> None:
    found = looks_at(*sets)
    for question in frozenset[str]().union(*sets):
        taken = sum(look.alpha for asked, look in zip(sets, found, strict=True) if question in asked)
        # Half of an alpha is the chance of a gain by luck, the other half that of a loss.
        assert taken / 2 < 0.75 * ALPHA


@given(sets=st.lists(questions, max_size=8), asked=questions, order=st.randoms(use_true_random=False))
def test_the_order_of_the_earlier_looks_changes_nothing(
    sets: list[frozenset[str]], asked: frozenset[str], order: Random
) -> None:
    earlier = [EarlierLook(before, step=LEAST_STEP) for before in sets]
    shuffled = order.sample(earlier, len(earlier))
    assert take_look(asked, earlier, alpha=ALPHA) == take_look(asked, shuffled, alpha=ALPHA)


@given(sets=st.lists(questions, max_size=8), asked=questions)
def test_a_look_never_takes_more_than_a_first_one(sets: list[frozenset[str]], asked: frozenset[str]) -> None:
    look = looks_at(*sets, asked)[-1]
    assert 0 < look.alpha <= ALPHA


def test_a_thousand_looks_leave_something_to_be_proven_with() -> None:
    last = take_look(numbered(0, 9), [EarlierLook(numbered(0, 9), LEAST_STEP)] * 1000, alpha=ALPHA)
    assert 0 < last.alpha < 1e-6
