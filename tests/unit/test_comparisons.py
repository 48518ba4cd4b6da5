import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap, permutation_test

from service.domain.comparisons import compare, interval
from service.domain.metrics import Metric
from service.domain.paired_tests import sign_flip
from tests.unit.compared_models import (
    CHRF,
    PII,
    Case,
    cases,
    compared,
    few_runs,
    flags,
    leaks_compared,
    scores,
    scores_compared,
)

# Intervals of one model.


def test_nothing_measured_leaves_the_whole_range_open() -> None:
    assert interval(CHRF, []) == (None, 0.0, 100.0)


def test_no_leak_in_ten_answers_may_still_be_three_in_ten() -> None:
    mean, low, high = interval(PII, [0.0] * 10)
    assert (mean, low) == (0.0, 0.0)
    # With that rate, none in ten would be seen in 2.5 % of all cases.
    assert (1 - high) ** 10 == pytest.approx(0.025)


def test_a_rate_has_the_interval_of_clopper_and_pearson() -> None:
    _, low, high = interval(PII, [1.0] * 3 + [0.0] * 7)
    at_least_three = sum(math.comb(10, k) * low**k * (1 - low) ** (10 - k) for k in range(3, 11))
    at_most_three = sum(math.comb(10, k) * high**k * (1 - high) ** (10 - k) for k in range(4))
    assert [at_least_three, at_most_three] == pytest.approx([0.025, 0.025])


@given(n=st.integers(1, 60), share=st.floats(0, 1))
def test_the_interval_of_a_rate_is_scipys(n: int, share: float) -> None:
    hits = round(share * n)
    low, high = binomtest(hits, n).proportion_ci(method="exact")
    assert interval(PII, [1.0] * hits + [0.0] * (n - hits))[1:] == pytest.approx((low, high))


def test_the_interval_of_a_score_is_scipys_percentile_bootstrap() -> None:
    values = list(np.random.default_rng(5).normal(40, 10, 60))
    found = bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(6))
    expected = (found.confidence_interval.low, found.confidence_interval.high)
    assert interval(CHRF, values)[1:] == pytest.approx(expected, abs=0.2)


@pytest.mark.parametrize("count", [1, 2, 50])
def test_equal_scores_are_no_certainty(count: int) -> None:
    mean, low, high = interval(CHRF, [40.0] * count)
    assert mean == 40.0
    assert low < 40.0 < high


@few_runs
@given(values=st.one_of(st.lists(flags, min_size=1), st.lists(scores, min_size=1)))
def test_an_interval_holds_the_mean_and_stays_in_the_range(values: list[float]) -> None:
    metric = PII if set(values) <= {0.0, 1.0} else CHRF
    mean, low, high = interval(metric, values)
    assert metric.low <= low + 1e-9
    assert mean is not None
    assert low <= mean <= high <= metric.high + 1e-9


def test_a_rate_of_anything_but_yes_and_no_is_refused() -> None:
    with pytest.raises(ValueError, match="0 or 1"):
        interval(PII, [0.5])


# Comparisons.


@given(better=st.integers(0, 30), worse=st.integers(0, 30))
def test_the_p_of_two_rates_is_that_of_a_fair_coin(better: int, worse: int) -> None:
    tosses, fewer = better + worse, min(better, worse)
    tail = sum(Fraction(math.comb(tosses, k), 2**tosses) for k in range(fewer + 1))
    assert leaks_compared(better=better, worse=worse, alike=3).p == pytest.approx(float(min(1, 2 * tail)))


def test_the_p_of_a_few_scores_counts_every_flip_of_signs() -> None:
    # Of the 2**3 sums of 1, 2 and 4 with either sign, those of at least 1 + 2 + 4 or at most its negative: two.
    assert scores_compared(1, 2, 4).p == pytest.approx(2 / 8)
    assert scores_compared(-1, 2, 4).p == pytest.approx(4 / 8)


@given(differences=st.lists(st.integers(-50, 50), min_size=2, max_size=12))
def test_the_p_of_a_few_scores_is_that_of_scipys_exact_permutation_test(differences: list[int]) -> None:
    exact = permutation_test((differences,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert scores_compared(*differences).p == pytest.approx(exact.pvalue)


@pytest.mark.parametrize(("n", "gain"), [(17, 3.5), (40, 3.0), (150, 1.0)])
def test_the_p_of_many_scores_is_that_of_scipys_drawn_permutations(n: int, gain: float) -> None:
    draw = np.random.default_rng(n)
    noise = draw.normal(0, 8, n)
    differences = list(noise - noise.mean() + gain)
    drawn = permutation_test(
        (differences,), np.sum, permutation_type="samples", n_resamples=20_000, rng=draw, vectorized=True
    ).pvalue
    assert 0.001 < drawn < 0.2
    assert scores_compared(*differences).p == pytest.approx(drawn, abs=4 * math.sqrt(drawn / 20_000))


def test_the_p_of_many_scores_is_counted_and_not_drawn() -> None:
    # Of the 2**40 sums of ones only the two outermost are as large, and of 39 of 40 also those of one sign turned.
    assert scores_compared(*[1.0] * 40).p == pytest.approx(2 / 2**40)
    assert scores_compared(*[1.0] * 39, -1.0).p == pytest.approx(2 * 41 / 2**40)


def test_the_p_changes_little_where_counting_goes_over_to_a_grid() -> None:
    differences = [4.0, -3.0, 7.0, 1.0, 2.0, 9.0, -1.0, 5.0, 3.0, -6.0, 8.0, 2.0, 4.0, -2.0, 6.0, 1.0]
    speck = 1e-6
    assert scores_compared(*differences, speck).p == pytest.approx(scores_compared(*differences).p, rel=0.03)


def test_one_example_far_from_the_others_proves_nothing_alone() -> None:
    assert scores_compared(*[-0.001] * 39, 40.0).p == 1.0


@given(better=st.integers(0, 30), worse=st.integers(0, 30))
def test_scores_that_are_only_yes_and_no_have_the_p_of_rates(better: int, worse: int) -> None:
    assert scores_compared(*[1.0] * better, *[-1.0] * worse).p == pytest.approx(
        leaks_compared(better=better, worse=worse, alike=0).p
    )


def test_the_p_of_many_scores_is_never_zero() -> None:
    assert 0 < scores_compared(*range(1, 41)).p < 0.001


def test_the_p_of_very_many_rates_is_never_zero() -> None:
    assert leaks_compared(better=3000, worse=0, alike=0).p > 0


@pytest.mark.parametrize("metric", [PII, CHRF])
def test_models_must_be_compared_on_the_same_examples(metric: Metric) -> None:
    with pytest.raises(ValueError, match="zip"):
        compare(metric, [1.0], [1.0, 0.0])


def test_fewer_leaks_are_a_positive_difference() -> None:
    comparison = leaks_compared(better=3, worse=1, alike=6)
    means = [comparison.challenger, comparison.incumbent, comparison.difference]
    assert means == pytest.approx([0.1, 0.3, 0.2])
    assert (comparison.better_on, comparison.worse_on, comparison.discordant, comparison.n) == (3, 1, 4, 10)


@few_runs
@given(case=cases)
def test_p_is_a_chance_and_the_interval_holds_the_difference(case: Case) -> None:
    comparison = compared(case)
    assert 0 < comparison.p <= 1
    assert -comparison.span <= comparison.low <= comparison.difference <= comparison.high <= comparison.span


@given(better=st.integers(0, 20), worse=st.integers(0, 20), alike=st.integers(0, 20))
def test_the_interval_of_two_rates_leaves_out_zero_exactly_where_p_is_small(
    better: int, worse: int, alike: int
) -> None:
    comparison = leaks_compared(better=better, worse=worse, alike=alike)
    assert (comparison.low > 0 or comparison.high < 0) == (comparison.p < 0.05)


@given(seed=st.integers(0, 200), n=st.integers(17, 60))
def test_the_interval_of_many_scores_leaves_out_zero_where_p_is_small(seed: int, n: int) -> None:
    comparison = scores_compared(*np.random.default_rng(seed).normal(3, 8, n))
    # Its ends are drawn, from ten thousand subsets: 5 % of those give or take a standard error or three.
    if not 0.043 < comparison.p < 0.057:
        assert (comparison.low > 0 or comparison.high < 0) == (comparison.p < 0.05)


@few_runs
@given(differences=st.lists(st.integers(-50, 50), min_size=1, max_size=12))
def test_the_interval_of_few_scores_leaves_out_zero_exactly_where_p_is_small(differences: list[int]) -> None:
    comparison = scores_compared(*differences)
    assert (comparison.low > 0 or comparison.high < 0) == (comparison.p < 0.05)


@given(
    st.lists(st.integers(-4, 4).filter(bool), min_size=17, max_size=60),
    st.sampled_from([1.0, 0.5, 0.1, 25.0, 1 / 3]),
)
def test_many_whole_numbers_of_a_unit_have_the_exact_chance(steps: list[int], unit: float) -> None:
    least = min(sum(step for step in steps if step > 0), -sum(step for step in steps if step < 0))
    ways = [1] + [0] * least
    for size in map(abs, steps):
        ways = [count + (ways[place - size] if place >= size else 0) for place, count in enumerate(ways)]
    exact = min(Fraction(1), Fraction(2 * sum(ways), 2 ** len(steps)))
    assert sign_flip([step * unit for step in steps]) == pytest.approx(float(exact), rel=1e-9)
