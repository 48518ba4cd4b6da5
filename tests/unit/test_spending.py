from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.budgets import Estimate
from service.domain.pipelines import Budget
from service.domain.spending import (
    NO_PRICE,
    BudgetState,
    LedgerEntry,
    ScopedBudget,
    Spending,
    Spent,
    in_usd,
    may_spend,
    scoped_budgets,
    state_of,
)
from tests.support.fakes import NOON

usd = st.floats(0, 1e6, allow_nan=False)
limits = st.none() | usd


def state(spent_usd: float = 0, *, name: str = "all", reserved_usd: float = 0, **limited: float) -> BudgetState:
    return BudgetState(ScopedBudget(name, Budget(**limited)), reserved_usd, spent_usd)


def codes(spending: Spending) -> tuple[list[str], list[str]]:
    return [reason.code for reason in spending.refused], [reason.code for reason in spending.approval]


# What may be spent.


def test_a_run_above_its_limit_is_refused() -> None:
    (reason,) = may_spend(20.01, [state(run_usd=20)]).refused
    assert reason.code == "over_run_budget"
    assert reason.text == "estimate 20.01 USD is above 20.00 USD a run (all together)"
    assert reason.facts == {"budget": "all", "usd": 20.01, "limit_usd": 20}
    assert may_spend(20, [state(run_usd=20)]) == Spending()


def test_a_run_that_no_longer_fits_the_month_is_refused_with_what_is_left() -> None:
    (reason,) = may_spend(10, [state(195, name="trainer:box", month_usd=200)]).refused
    assert reason.code == "over_month_budget"
    assert reason.text == "estimate 10.00 USD, but 5.00 of 200.00 USD left this month (trainer box)"
    assert reason.facts == {"budget": "trainer:box", "usd": 10, "left_usd": 5, "limit_usd": 200}
    assert may_spend(5, [state(195, month_usd=200)]) == Spending()


def test_a_month_that_is_overspent_has_nothing_left() -> None:
    (reason,) = may_spend(1, [state(250, month_usd=200)]).refused
    assert "0.00 of 200.00" in reason.text


def test_what_is_set_aside_is_as_good_as_spent() -> None:
    assert may_spend(1, [state(100, reserved_usd=100, month_usd=200)]).refused


def test_what_costs_nothing_fits_an_empty_purse() -> None:
    assert may_spend(0, [state(250, month_usd=200, run_usd=0, approve_above_usd=0)]) == Spending()


def test_a_dear_run_waits_for_a_person() -> None:
    assert codes(may_spend(5.01, [state(approve_above_usd=5)])) == ([], ["needs_approval"])
    assert may_spend(5, [state(approve_above_usd=5)]) == Spending()
    assert codes(may_spend(0.01, [state(approve_above_usd=0)])) == ([], ["needs_approval"])


def test_what_is_refused_is_not_offered_for_approval() -> None:
    assert codes(may_spend(30, [state(run_usd=20, approve_above_usd=5)])) == (["over_run_budget"], [])


def test_every_budget_that_is_passed_is_named() -> None:
    states = [
        state(8, month_usd=10, run_usd=1),
        state(name="trainer:box", approve_above_usd=1),
        state(9, name="pipeline:a", month_usd=10),
    ]
    found = may_spend(5, states).refused
    assert [(reason.code, reason.facts["budget"]) for reason in found] == [
        ("over_run_budget", "all"),
        ("over_month_budget", "all"),
        ("over_month_budget", "pipeline:a"),
    ]


def test_without_an_estimate_a_person_decides_wherever_there_is_any_limit() -> None:
    assert may_spend(None, [state()]) == Spending()
    for limited in ({"run_usd": 20}, {"month_usd": 200}, {"approve_above_usd": 5}, {"run_usd": 0}):
        found = may_spend(None, [state(), state(name="trainer:box", **limited)])
        assert codes(found) == ([], ["no_price"])
        assert found.approval[0].facts == {"budgets": ["trainer:box"]}


@given(cost=usd, run=limits, month=limits, approve=limits, spent=usd)
def test_nothing_passes_that_would_break_a_limit(
    cost: float, run: float | None, month: float | None, approve: float | None, spent: float
) -> None:
    found = may_spend(cost, [BudgetState(ScopedBudget("all", Budget(run, month, approve)), 0, spent)])
    if found == Spending():
        assert run is None or cost <= run
        assert month is None or cost == 0 or spent + cost <= month + 1e-6
        assert approve is None or cost <= approve


@given(costs=st.tuples(usd, usd, usd), budgets=st.tuples(limits, limits, limits), spent=usd)
def test_the_strictest_of_several_budgets_counts(
    costs: tuple[float, float, float], budgets: tuple[float | None, ...], spent: float
) -> None:
    states = [
        BudgetState(ScopedBudget(name, Budget(month_usd=limit)), 0, spent)
        for name, limit in zip(("all", "trainer:t", "pipeline:p"), budgets, strict=True)
    ]
    for cost in costs:
        alone = [bool(may_spend(cost, [one]).refused) for one in states]
        assert bool(may_spend(cost, states).refused) == any(alone)


@given(cost=usd, more=usd, spent=usd)
def test_a_dearer_run_is_never_allowed_where_a_cheaper_one_is_refused(cost: float, more: float, spent: float) -> None:
    states = [state(spent, run_usd=100, month_usd=1000)]
    if may_spend(cost, states).refused:
        assert may_spend(cost + more, states).refused


# What is spent.

MONTH = [
    Spent("run-1", "box", "a", 1.0, 2.0),
    Spent("run-2", "box", "b", 4.0, 8.0),
    Spent("run-3", "other", "a", 16.0, 32.0),
]


@pytest.mark.parametrize(
    ("name", "reserved", "billed"),
    [
        ("all", 21, 42),
        ("trainer:box", 5, 10),
        ("trainer:other", 16, 32),
        ("pipeline:a", 17, 34),
        ("pipeline:b", 4, 8),
    ],
)
def test_each_budget_counts_what_is_spent_under_it(name: str, reserved: float, billed: float) -> None:
    empty = Budget()
    budgets = scoped_budgets(empty, trainers={"box": empty, "other": empty}, pipelines={"a": empty, "b": empty})
    (budget,) = [budget for budget in budgets if budget.name == name]
    found = state_of(budget, MONTH)
    assert (found.reserved_usd, found.billed_usd, found.left_usd) == (reserved, billed, None)


def test_a_run_does_not_stand_in_its_own_way() -> None:
    (budget,) = scoped_budgets(Budget(month_usd=50), trainers={}, pipelines={})
    assert state_of(budget, MONTH, but_for="run-3").left_usd == 35
    assert state_of(budget, MONTH).left_usd == 0


# The warning.


@pytest.mark.parametrize(("spent", "near"), [(0, False), (159.99, False), (160, True), (300, True)])
def test_people_are_warned_from_the_share_on(spent: float, near: bool) -> None:  # noqa: FBT001
    found = state(spent, month_usd=200, warn_percent=80)
    assert found.is_near is near
    assert (found.warning is not None) is near


def test_a_warning_has_its_numbers() -> None:
    warning = state(120, reserved_usd=40, name="pipeline:a", month_usd=200).warning
    assert warning is not None
    assert warning.code == "budget_near"
    assert warning.text == "160.00 of 200.00 USD are spent or set aside this month (pipeline a)"
    assert warning.facts == {"budget": "pipeline:a", "spent_usd": 160, "limit_usd": 200}


def test_without_a_limit_or_with_none_of_it_spent_nobody_is_warned() -> None:
    assert state(1e9).warning is None
    assert state(0, month_usd=0).warning is None


# What no budget sees.


@given(priced=st.lists(st.booleans(), max_size=6), limit=limits)
def test_a_budget_that_does_not_see_everything_says_how_many_runs_it_does_not_see(
    priced: list[bool], limit: float | None
) -> None:
    month = [Spent(f"run-{number}", "box", "a", 0.0, 1.0, is_priced=each) for number, each in enumerate(priced)]
    found = state_of(ScopedBudget("all", Budget(month_usd=limit)), month)
    told = found.blind_spot
    assert found.unpriced == priced.count(False)
    assert (told is not None) == (limit is not None and found.unpriced > 0)
    if told is not None:
        assert told.facts == {"budget": "all", "runs": found.unpriced}
        assert told.text.startswith(f"{found.unpriced} run")


def test_an_entry_without_a_price_is_no_amount() -> None:
    entry = LedgerEntry("run-1", "billed", "box", "a", 0.0, 10, NOON, "job succeeded")
    assert entry.is_priced
    for note in (Estimate(10, 3).in_words(), f"job succeeded{NO_PRICE} for this model", f"answers of m{NO_PRICE}"):
        assert not replace(entry, note=note).is_priced


@given(amount=st.floats(0, 1e6, allow_nan=False))
def test_an_amount_is_written_to_within_a_cent_and_a_tenth_of_itself(amount: float) -> None:
    written = float(in_usd(amount).removesuffix(" USD"))
    assert abs(written - amount) <= max(min(0.00501, amount * 0.051), 1e-6)


def test_a_small_amount_is_no_zero() -> None:
    assert [in_usd(amount) for amount in (0, 0.001, 0.0314, 0.25, 12.346)] == [
        "0.00 USD",
        "0.0010 USD",
        "0.031 USD",
        "0.25 USD",
        "12.35 USD",
    ]
