from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.config.prices import OPENAI_PRICES
from service.domain.budgets import AUTO_EPOCHS, MAX_AUTO_EPOCHS, Price, estimate_cost, price_of

PRICE = Price(5.0, date(2026, 11, 1))


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


def test_training_a_tuned_model_further_costs_what_its_base_does() -> None:
    base, own = Price(5.0, date(2026, 10, 1)), Price(1.0, date(2026, 10, 1))
    tuned = "ft:gpt-4.1-mini-2025-04-14:org::id"
    assert price_of(tuned, {"gpt-4.1-mini-2025-04-14": base}) == base
    assert price_of(tuned, {"gpt-4.1-mini-2025-04-14": base, tuned: own}) == own
    assert price_of("gpt-4.1", {"gpt-4.1-mini-2025-04-14": base}) is None


@pytest.mark.parametrize(
    ("price", "usd"),
    [
        (Price(5.0, PRICE.as_of), None),
        (Price(5.0, PRICE.as_of, 1.0), None),
        (Price(5.0, PRICE.as_of, 1.0, 2.0), 5.0),
        (Price(0.0, PRICE.as_of), 0.0),
        (Price(0.0, PRICE.as_of, 1.0, 2.0), 5.0),
    ],
)
def test_answers_have_no_price_unless_given_and_are_free_where_training_is(price: Price, usd: float | None) -> None:
    assert price.answers_usd(1_000_000, 2_000_000) == usd


@pytest.mark.parametrize("price", OPENAI_PRICES.values(), ids=OPENAI_PRICES)
def test_a_built_in_price_is_one_of_answers_as_well(price: Price) -> None:
    assert price.answers_usd(1, 1)
