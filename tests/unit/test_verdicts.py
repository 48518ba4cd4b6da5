import math
from dataclasses import asdict, replace
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.metrics import Metric
from service.domain.verdicts import Comparison, compare, decide_verdict, further_examples
from tests.unit.compared_models import (
    CHRF,
    PII,
    Case,
    cases,
    compared,
    few_runs,
    flags,
    leaks_compared,
    scores_compared,
)

OPPOSITE = {"better": "worse", "worse": "better", "cannot tell": "cannot tell"}


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
