from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.budgets import AUTO_EPOCHS, MAX_AUTO_EPOCHS, Price, Spending, estimate_cost, may_spend, price_of
from service.domain.pipelines import Budget

PRICE = Price(5.0, date(2026, 11, 1))
usd = st.floats(0, 1e6, allow_nan=False)
limits = st.none() | usd


def test_a_job_costs_its_tokens_times_epochs_times_the_price() -> None:
    estimate = estimate_cost(200_000, lines=500, n_epochs=4, price=PRICE)
    assert (estimate.tokens, estimate.epochs) == (200_000, 4)
    assert estimate.usd == pytest.approx(4.0)
    assert estimate.in_words() == "200,000 tokens x 4 epochs x 5 USD a million (price of 2026-11-01) = 4.00 USD"


def test_without_a_price_there_is_no_estimate() -> None:
    estimate = estimate_cost(1000, lines=10, n_epochs="auto", price=None)
    assert estimate.usd is None
    assert estimate.in_words() == "1,000 tokens x 10 epochs; no price known for this model"


@pytest.mark.parametrize(("lines", "epochs"), [(0, 10), (1, 10), (10, 10), (24, 10), (40, 6), (80, 3), (100_000, 3)])
def test_the_automatic_epochs_grow_for_small_files(lines: int, epochs: int) -> None:
    assert estimate_cost(1, lines=lines, n_epochs="auto", price=None).epochs == epochs


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_more_lines_never_get_more_automatic_epochs(few: int, more: int) -> None:
    few, more = min(few, more), max(few, more)
    found = [estimate_cost(1, lines=lines, n_epochs="auto", price=None).epochs for lines in (few, more)]
    assert MAX_AUTO_EPOCHS >= found[0] >= found[1] >= AUTO_EPOCHS


def test_a_run_above_its_limit_is_refused() -> None:
    spending = may_spend(20.01, Budget(run_usd=20), spent_this_month_usd=0)
    assert spending.refused
    assert "20.01" in spending.refused
    assert may_spend(20, Budget(run_usd=20), spent_this_month_usd=0) == Spending()


def test_a_run_that_no_longer_fits_the_month_is_refused_with_what_is_left() -> None:
    spending = may_spend(10, Budget(month_usd=200), spent_this_month_usd=195)
    assert spending.refused
    assert "5.00 of 200.00" in spending.refused
    assert may_spend(5, Budget(month_usd=200), spent_this_month_usd=195) == Spending()


def test_a_month_that_is_overspent_has_nothing_left() -> None:
    spending = may_spend(1, Budget(month_usd=200), spent_this_month_usd=250)
    assert spending.refused
    assert "0.00 of 200.00" in spending.refused


def test_a_dear_run_waits_for_a_person() -> None:
    assert may_spend(5.01, Budget(approve_above_usd=5), spent_this_month_usd=0).approval
    assert may_spend(5, Budget(approve_above_usd=5), spent_this_month_usd=0) == Spending()
    assert may_spend(0.01, Budget(approve_above_usd=0), spent_this_month_usd=0).approval


def test_what_is_refused_is_not_offered_for_approval() -> None:
    spending = may_spend(30, Budget(run_usd=20, approve_above_usd=5), spent_this_month_usd=0)
    assert spending.refused
    assert spending.approval is None


def test_without_an_estimate_a_person_decides_wherever_there_is_any_limit() -> None:
    assert may_spend(None, Budget(), spent_this_month_usd=0) == Spending()
    for budget in (Budget(run_usd=20), Budget(month_usd=200), Budget(approve_above_usd=5), Budget(run_usd=0)):
        spending = may_spend(None, budget, spent_this_month_usd=0)
        assert spending.approval
        assert spending.refused is None


@given(cost=usd, run=limits, month=limits, approve=limits, spent=usd)
def test_nothing_passes_that_would_break_a_limit(
    cost: float, run: float | None, month: float | None, approve: float | None, spent: float
) -> None:
    if may_spend(cost, Budget(run, month, approve), spent_this_month_usd=spent) == Spending():
        assert run is None or cost <= run
        assert month is None or spent + cost <= month
        assert approve is None or cost <= approve


@given(cost=usd, more=usd, spent=usd)
def test_a_dearer_run_is_never_allowed_where_a_cheaper_one_is_refused(cost: float, more: float, spent: float) -> None:
    budget = Budget(run_usd=100, month_usd=1000)
    if may_spend(cost, budget, spent_this_month_usd=spent).refused:
        assert may_spend(cost + more, budget, spent_this_month_usd=spent).refused


def test_training_a_tuned_model_further_costs_what_its_base_does() -> None:
    base, own = Price(5.0, date(2026, 10, 1)), Price(1.0, date(2026, 10, 1))
    tuned = "ft:gpt-4.1-mini-2025-04-14:org::id"
    assert price_of(tuned, {"gpt-4.1-mini-2025-04-14": base}) == base
    assert price_of(tuned, {"gpt-4.1-mini-2025-04-14": base, tuned: own}) == own
    assert price_of("gpt-4.1", {"gpt-4.1-mini-2025-04-14": base}) is None
