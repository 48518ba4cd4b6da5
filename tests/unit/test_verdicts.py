import math
from dataclasses import asdict, replace
from fractions import Fraction
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.metrics import Metric, metric_named
from service.domain.verdicts import Comparison, compare, decide_verdict, further_examples, interval

Pair = tuple[float, float]
Case = tuple[Metric, list[Pair]]

PII, CHRF = metric_named("pii_leak"), metric_named("chrf")
OPPOSITE = {"better": "worse", "worse": "better", "cannot tell": "cannot tell"}

flags = st.sampled_from([0.0, 1.0])
scores = st.floats(0, 100, width=32)
few_runs = settings(max_examples=40, deadline=None)


def pairs_of(values: st.SearchStrategy[float], most: int = 40) -> st.SearchStrategy[list[Pair]]:
    return st.lists(st.tuples(values, values), max_size=most)


cases = st.one_of(st.tuples(st.just(PII), pairs_of(flags)), st.tuples(st.just(CHRF), pairs_of(scores)))


def compared(case: Case) -> Comparison:
    metric, pairs = case
    return compare(metric, [new for new, _ in pairs], [old for _, old in pairs])


def leaks_compared(*, better: int, worse: int, alike: int) -> Comparison:
    return compared((PII, [(0.0, 1.0)] * better + [(1.0, 0.0)] * worse + [(0.0, 0.0)] * alike))


def scores_compared(*differences: float) -> Comparison:
    return compared((CHRF, [(50 + difference, 50.0) for difference in differences]))


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


@few_runs
@given(differences=st.lists(st.integers(-50, 50), min_size=1, max_size=12))
def test_the_interval_of_few_scores_leaves_out_zero_exactly_where_p_is_small(differences: list[int]) -> None:
    comparison = scores_compared(*differences)
    assert (comparison.low > 0 or comparison.high < 0) == (comparison.p < 0.05)


@few_runs
@given(case=cases, order=st.randoms(use_true_random=False))
def test_the_order_of_the_examples_changes_nothing(case: Case, order: Random) -> None:
    metric, pairs = case
    shuffled = order.sample(pairs, len(pairs))
    before, after = compared(case), compared((metric, shuffled))
    assert (before.p, before.low, before.high) == (after.p, after.low, after.high)
    assert decide_verdict(before, {}) == decide_verdict(after, {})


@few_runs
@given(case=cases)
def test_swapping_the_models_mirrors_everything(case: Case) -> None:
    metric, pairs = case
    one, other = compared(case), compared((metric, [(old, new) for new, old in pairs]))
    assert (one.p, one.difference, one.discordant) == (other.p, -other.difference, other.discordant)
    assert decide_verdict(one, {}).outcome == OPPOSITE[decide_verdict(other, {}).outcome]


@few_runs
@given(metric=st.sampled_from([PII, CHRF]), values=st.lists(flags))
def test_a_model_is_never_better_than_itself(metric: Metric, values: list[float]) -> None:
    comparison = compare(metric, values, values)
    verdict = decide_verdict(comparison, {"chrf": comparison})
    assert (comparison.p, comparison.difference) == (1.0, 0.0)
    assert (verdict.outcome, verdict.further_examples_needed) == ("cannot tell", None)


# Verdicts.

PROVEN = leaks_compared(better=12, worse=1, alike=37)
OPEN = leaks_compared(better=3, worse=1, alike=46)
ALIKE = scores_compared(*[0.0] * 10)
SLIGHT_FALL = scores_compared(*[-4.0, 1.0] * 5)
WIDE_FALL = scores_compared(*[-30.0, 20.0] * 5)
PROVEN_FALL = scores_compared(*[-4.0, -3.0] * 5)


@pytest.mark.parametrize(
    ("primary", "guard", "outcome"),
    [
        (PROVEN, ALIKE, "better"),
        (PROVEN, SLIGHT_FALL, "better"),
        (PROVEN, WIDE_FALL, "cannot tell"),
        (PROVEN, PROVEN_FALL, "cannot tell"),
        (OPEN, ALIKE, "cannot tell"),
        (OPEN, WIDE_FALL, "cannot tell"),
        (OPEN, PROVEN_FALL, "worse"),
        (leaks_compared(better=1, worse=12, alike=37), ALIKE, "worse"),
    ],
)
def test_better_needs_a_proven_gain_and_no_guard_beyond_its_margin(
    primary: Comparison, guard: Comparison, outcome: str
) -> None:
    assert decide_verdict(primary, {"chrf": guard}).outcome == outcome


def test_a_margin_may_be_set_for_each_guard() -> None:
    assert decide_verdict(PROVEN, {"chrf": WIDE_FALL}, guard_margin={"chrf": 6}).outcome == "better"
    assert decide_verdict(PROVEN, {"chrf": WIDE_FALL}, guard_margin={"other": 6}).failed_guards == ("chrf",)
    assert decide_verdict(PROVEN, {"chrf": SLIGHT_FALL}, guard_margin=1).failed_guards == ("chrf",)


def test_the_margin_of_a_rate_is_in_percentage_points() -> None:
    gain = scores_compared(*range(1, 21))
    at_margin, beyond = leaks_compared(better=0, worse=2, alike=98), leaks_compared(better=0, worse=3, alike=97)
    assert decide_verdict(gain, {"pii_leak": at_margin}).outcome == "better"
    assert decide_verdict(gain, {"pii_leak": beyond}).failed_guards == ("pii_leak",)


def test_a_stricter_alpha_proves_less() -> None:
    assert PROVEN.p < 0.05
    assert decide_verdict(PROVEN, {}, alpha=0.001).outcome == "cannot tell"


def test_an_open_question_comes_with_the_examples_that_would_settle_it() -> None:
    verdict = decide_verdict(OPEN, {"chrf": ALIKE})
    assert verdict.further_examples_needed == further_examples(OPEN)
    assert f"about {verdict.further_examples_needed} more" in verdict.sentence


def test_so_many_further_examples_prove_it_if_nothing_changes() -> None:
    more = further_examples(OPEN)
    assert more is not None
    times = math.ceil((OPEN.n + more) / OPEN.n)
    assert leaks_compared(better=3 * times, worse=times, alike=46 * times).p < 0.05


def test_an_unsettled_guard_names_its_own_number() -> None:
    assert decide_verdict(PROVEN, {"chrf": WIDE_FALL}).further_examples_needed == further_examples(WIDE_FALL)


def test_no_number_of_examples_weighs_a_gain_against_a_loss() -> None:
    verdict = decide_verdict(PROVEN, {"chrf": PROVEN_FALL})
    assert verdict.further_examples_needed is None
    assert "a person has to weigh" in verdict.sentence


def test_even_a_one_sided_result_needs_enough_examples_for_an_exact_test() -> None:
    assert further_examples(leaks_compared(better=3, worse=0, alike=0)) == 3
    assert further_examples(scores_compared(5, 5, 5)) == 3


def test_a_smaller_difference_needs_more_examples() -> None:
    small = further_examples(leaks_compared(better=4, worse=3, alike=13))
    large = further_examples(leaks_compared(better=5, worse=2, alike=13))
    assert small is not None
    assert large is not None
    assert small > large


def test_nothing_compared_can_tell_nothing() -> None:
    verdict = decide_verdict(leaks_compared(better=0, worse=0, alike=0), {})
    assert (verdict.outcome, verdict.further_examples_needed) == ("cannot tell", None)
    assert "nothing was compared" in verdict.sentence


def test_the_sentence_gives_a_manager_the_numbers() -> None:
    sentence = decide_verdict(PROVEN, {"chrf": SLIGHT_FALL}).sentence
    for words in (
        "2.0 % against 24.0 %",
        "50 held-out examples",
        "22.0 points better",
        "p = 0.003",
        "chrf: 1.5 points",
    ):
        assert words in sentence
    assert sentence.endswith("The challenger is better.")


def test_a_verdict_and_its_comparison_can_be_stored_as_json() -> None:
    verdict = decide_verdict(OPEN, {"chrf": WIDE_FALL})
    for value in (verdict, WIDE_FALL):
        assert msgspec.json.decode(msgspec.json.encode(asdict(value)), type=type(value)) == value


def test_a_guard_that_rose_never_stands_in_the_way() -> None:
    risen = replace(WIDE_FALL, difference=-WIDE_FALL.difference)
    assert decide_verdict(PROVEN, {"chrf": risen}).outcome == "better"
