import math
from dataclasses import asdict, replace
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.comparisons import Comparison, compare
from service.domain.contests import Contest
from service.domain.further_examples import MOST_NAMED, further_examples, further_examples_for_guard
from service.domain.guards import GuardRule
from service.domain.metrics import Metric
from service.domain.repeated_looks import EarlierLook, Look, take_look
from service.domain.verdicts import Verdict, decide_verdict
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
FIRST = take_look(["q"], [], alpha=0.05)


def look_number(number: int, *, alpha: float = 0.05) -> Look:
    """Give the look at examples that were asked so many times less one, nothing new among them."""
    earlier = [EarlierLook(["q"], 1.0 if item == 0 else 0.25) for item in range(number - 1)]
    return take_look(["q"], earlier, alpha=alpha)


def judged(
    primary: Comparison, *guards: Comparison, base: Contest | None = None, look: Look = FIRST, **rule: object
) -> Verdict:
    return decide_verdict(
        Contest("champion" if base else "base", primary, guards),
        base,
        look=look,
        rule=GuardRule(**rule),  # type: ignore[arg-type]
    )


# What must always hold.


@few_runs
@given(case=cases, order=st.randoms(use_true_random=False))
def test_the_order_of_the_examples_changes_nothing(case: Case, order: Random) -> None:
    metric, pairs = case
    shuffled = order.sample(pairs, len(pairs))
    before, after = compared(case), compared((metric, shuffled))
    assert (before.p, before.low, before.high) == (after.p, after.low, after.high)
    assert judged(before) == judged(after)


@few_runs
@given(case=cases, number=st.integers(1, 5))
def test_swapping_the_models_mirrors_everything(case: Case, number: int) -> None:
    metric, pairs = case
    one, other = compared(case), compared((metric, [(old, new) for new, old in pairs]))
    assert (one.p, one.difference, one.discordant) == (other.p, -other.difference, other.discordant)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    look = look_number(number)
    assert judged(one, look=look).outcome == OPPOSITE[judged(other, look=look).outcome]
    assert judged(one, look=look).further_examples_needed == judged(other, look=look).further_examples_needed


@few_runs
@given(case=cases, guard=cases, base=cases)
def test_guards_and_the_base_only_ever_speak_against_the_challenger(case: Case, guard: Case, base: Case) -> None:
    # By design no mirror image: whoever is in place does not have to show that it holds the guards.
    alone = judged(compared(case)).outcome
    with_all = judged(compared(case), compared(guard), base=Contest("base", compared(base))).outcome
    allowed = {
        "better": {"better", "cannot tell"},
        "worse": {"worse"},
        "cannot tell": {"cannot tell", "worse"},
    }
    assert with_all in allowed[alone]


@few_runs
@given(metric=st.sampled_from([PII, CHRF]), values=st.lists(flags), base=cases)
def test_a_model_is_never_better_or_worse_than_itself(metric: Metric, values: list[float], base: Case) -> None:
    comparison = compare(metric, values, values)
    verdict = judged(comparison, comparison, base=Contest("base", compared(base)))
    assert (comparison.p, comparison.difference) == (1.0, 0.0)
    assert (verdict.outcome, verdict.further_examples_needed) == ("cannot tell", None)


@few_runs
@given(case=cases, guard=cases, number=st.integers(1, 30), more=st.integers(1, 30))
def test_a_later_look_proves_nothing_that_an_earlier_would_not(case: Case, guard: Case, number: int, more: int) -> None:
    early = judged(compared(case), compared(guard), look=look_number(number)).outcome
    late = judged(compared(case), compared(guard), look=look_number(number + more)).outcome
    # A later "cannot tell" may be what is left of a "better" or of a "worse", and never the other way round.
    assert late in {early, "cannot tell"}


PROVEN = leaks_compared(better=12, worse=1, alike=37)
OPEN = leaks_compared(better=3, worse=1, alike=46)
LOST = leaks_compared(better=1, worse=12, alike=37)
ALIKE = scores_compared(*[0.0] * 10)
SLIGHT_FALL = scores_compared(*[-4.0, 1.0] * 5)
WIDE_FALL = scores_compared(*[-30.0, 20.0] * 5)
PROVEN_FALL = scores_compared(*[-4.0, -3.0] * 5)


# Guards.


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
        (LOST, ALIKE, "worse"),
    ],
)
def test_better_needs_a_proven_gain_and_no_guard_beyond_its_margin(
    primary: Comparison, guard: Comparison, outcome: str
) -> None:
    assert judged(primary, guard).outcome == outcome


def test_a_margin_may_be_set_for_each_guard() -> None:
    assert judged(PROVEN, WIDE_FALL, margin={"chrf": 6}).outcome == "better"
    assert judged(PROVEN, WIDE_FALL, margin={"other": 6}).failed_guards == ("chrf",)
    assert judged(PROVEN, SLIGHT_FALL, margin=1).failed_guards == ("chrf",)


def test_the_margin_of_a_rate_is_in_percentage_points() -> None:
    gain = scores_compared(*range(1, 21))
    at_margin, beyond = leaks_compared(better=0, worse=2, alike=98), leaks_compared(better=0, worse=3, alike=97)
    assert judged(gain, at_margin).outcome == "better"
    assert judged(gain, beyond).failed_guards == ("pii_leak",)


def test_a_guard_that_rose_never_stands_in_the_way() -> None:
    risen = replace(WIDE_FALL, difference=-WIDE_FALL.difference)
    assert judged(PROVEN, risen).outcome == "better"


def test_where_proof_is_asked_for_a_guard_has_to_show_that_it_did_not_fall() -> None:
    assert SLIGHT_FALL.low < -2 < SLIGHT_FALL.difference
    verdict = judged(PROVEN, SLIGHT_FALL, proven=True)
    assert (verdict.outcome, verdict.failed_guards) == ("cannot tell", ("chrf",))
    assert "not surely within the margin of 2 points" in verdict.sentence
    sure = scores_compared(*[-1.0, 0.5] * 20)
    assert sure.low > -2
    assert judged(PROVEN, sure, proven=True).outcome == "better"


def test_so_many_further_examples_prove_that_a_guard_holds_if_nothing_changes() -> None:
    rule = GuardRule(proven=True)
    more = further_examples_for_guard(SLIGHT_FALL, rule, FIRST)
    assert more == judged(PROVEN, SLIGHT_FALL, proven=True).further_examples_needed
    assert more is not None
    times = math.ceil((SLIGHT_FALL.n + more) / SLIGHT_FALL.n)
    assert not rule.is_failed_by(scores_compared(*[-4.0, 1.0] * 5 * times))
    assert rule.is_failed_by(scores_compared(*[-4.0, 1.0] * 5 * (times // 8)))


# The base beside a champion.


@pytest.mark.parametrize(
    ("primary", "base", "outcome"),
    [
        (PROVEN, PROVEN, "better"),
        (PROVEN, OPEN, "better"),
        (PROVEN, leaks_compared(better=2, worse=2, alike=46), "better"),
        (PROVEN, leaks_compared(better=1, worse=3, alike=46), "cannot tell"),
        (PROVEN, LOST, "cannot tell"),
        (OPEN, LOST, "cannot tell"),
        (LOST, PROVEN, "worse"),
    ],
)
def test_beating_the_champion_is_not_enough_below_the_base(primary: Comparison, base: Comparison, outcome: str) -> None:
    verdict = judged(primary, base=Contest("base", base))
    assert verdict.outcome == outcome
    assert verdict.below_base == (base.difference < 0)


def test_the_words_say_who_beats_whom() -> None:
    sentence = judged(PROVEN, base=Contest("base", LOST)).sentence
    assert "against the base pii_leak: 22.0 points worse" in sentence
    assert sentence.endswith("It is better than the champion but not than the base, so it does not count as better.")
    sentence = judged(PROVEN, SLIGHT_FALL, base=Contest("base", OPEN, (PROVEN_FALL,))).sentence
    assert "against the base pii_leak: 4.0 points better, chrf: 3.5 points worse, more than the margin" in sentence


def test_an_unproven_place_below_the_base_names_the_examples_that_would_settle_it() -> None:
    below = leaks_compared(better=1, worse=3, alike=46)
    verdict = judged(PROVEN, base=Contest("base", below))
    assert verdict.further_examples_needed == further_examples(below, FIRST)
    assert judged(PROVEN, base=Contest("base", LOST)).further_examples_needed is None


def test_guards_do_not_sink_by_a_margin_with_every_champion() -> None:
    verdict = judged(PROVEN, SLIGHT_FALL, base=Contest("base", PROVEN, (PROVEN_FALL,)))
    assert (verdict.outcome, verdict.failed_guards) == ("cannot tell", ("chrf",))
    assert verdict.further_examples_needed is None


# Repeated looks.


def test_what_a_first_look_proves_a_later_one_may_not() -> None:
    assert 0.003 < PROVEN.p < 0.004
    assert [judged(PROVEN, look=look_number(number)).outcome for number in (1, 2, 3)] == [
        "better",
        "better",
        "cannot tell",
    ]


def test_the_words_say_which_look_it_is_and_what_it_has_to_prove() -> None:
    sentence = judged(PROVEN, look=look_number(9)).sentence
    assert "p = 0.00342" in sentence
    assert "This is the 9th look at these examples, so p has to be below 0.000758." in sentence
    assert "look at these examples" not in judged(PROVEN).sentence


@pytest.mark.parametrize(
    ("number", "words"), [(2, "2nd"), (3, "3rd"), (11, "11th"), (13, "13th"), (21, "21st"), (112, "112th")]
)
def test_looks_are_counted_as_people_count(number: int, words: str) -> None:
    assert f"the {words} look" in judged(OPEN, look=look_number(number)).sentence


def test_a_small_chance_is_written_out_far_enough_to_be_compared() -> None:
    late = look_number(100)
    assert "p < 0.0001" in judged(leaks_compared(better=30, worse=0, alike=5)).sentence
    assert "p has to be below 0.00000952" in judged(OPEN, look=late).sentence
    assert "p = 0.0000153" in judged(leaks_compared(better=17, worse=0, alike=5), look=late).sentence


def test_a_later_look_needs_more_further_examples() -> None:
    numbers = [further_examples(OPEN, look_number(number)) for number in range(1, 8)]
    assert numbers == sorted(numbers, key=lambda number: number or 0)
    assert len(set(numbers)) == len(numbers)


# How many examples would settle it.


def test_an_open_question_comes_with_the_examples_that_would_settle_it() -> None:
    verdict = judged(OPEN, ALIKE)
    assert verdict.further_examples_needed == further_examples(OPEN, FIRST)
    assert f"about {verdict.further_examples_needed} more" in verdict.sentence


@pytest.mark.parametrize("number", [1, 2, 5, 20])
@pytest.mark.parametrize("kind", ["yes_no", "score"])
def test_so_many_further_examples_prove_it_at_the_next_look_if_nothing_changes(number: int, kind: str) -> None:
    look = look_number(number)

    def repeated(times: int) -> Comparison:
        if kind == "score":
            return scores_compared(*[-4.0, 6.0, 1.0] * times)
        return leaks_compared(better=3 * times, worse=times, alike=46 * times)

    once = repeated(1)
    more = further_examples(once, look)
    assert more is not None
    total = repeated(math.ceil((once.n + more) / once.n))
    assert total.p < look.next_alpha(more / (once.n + more))
    # And it is no number that is sure by being large: a third of it would not do.
    assert repeated(max(1, (once.n + more) // once.n // 3)).p > look.next_alpha(1 / 2)


def test_an_unsettled_guard_names_its_own_number() -> None:
    verdict = judged(PROVEN, WIDE_FALL)
    assert verdict.further_examples_needed == further_examples(WIDE_FALL, FIRST)
    assert "the gain is proven, but not that every guard holds" in verdict.sentence
    assert f"about {verdict.further_examples_needed} more" in verdict.sentence


def test_a_guard_that_no_number_of_examples_settles_names_none() -> None:
    verdict = judged(PROVEN, ALIKE, margin=0, proven=True)
    assert verdict.further_examples_needed is None
    assert verdict.sentence.endswith("the gain is proven, but not that every guard holds.")


def test_no_number_of_examples_weighs_a_gain_against_a_loss() -> None:
    verdict = judged(PROVEN, PROVEN_FALL)
    assert verdict.further_examples_needed is None
    assert "a person has to weigh" in verdict.sentence


def test_even_a_one_sided_result_needs_enough_examples_for_an_exact_test() -> None:
    # Of eight pairs that all differ one way p is 2 / 2**8, below the alpha of a next look with five new ones, 0.0096.
    assert further_examples(leaks_compared(better=3, worse=0, alike=0), FIRST) == 5
    assert further_examples(scores_compared(5, 5, 5), FIRST) == 5


def test_a_smaller_difference_needs_more_examples() -> None:
    small = further_examples(leaks_compared(better=4, worse=3, alike=13), FIRST)
    large = further_examples(leaks_compared(better=5, worse=2, alike=13), FIRST)
    assert small is not None
    assert large is not None
    assert small > large


def test_a_difference_too_small_for_any_number_of_examples_names_none() -> None:
    assert further_examples(scores_compared(10.0, -10.0 + 1e-6, 1e-6), FIRST) is None
    assert further_examples(scores_compared(10.0, -10.0 + 1e-12), FIRST) is None
    named = further_examples(scores_compared(10.0, -9.9), FIRST)
    assert named is not None
    assert named < MOST_NAMED


def test_nothing_compared_can_tell_nothing() -> None:
    verdict = judged(leaks_compared(better=0, worse=0, alike=0))
    assert (verdict.outcome, verdict.further_examples_needed) == ("cannot tell", None)
    assert "nothing was compared" in verdict.sentence


# The words.


def test_the_sentence_gives_a_manager_the_numbers() -> None:
    sentence = judged(PROVEN, SLIGHT_FALL).sentence
    for words in (
        "2.0 % against 24.0 %",
        "50 held-out examples",
        "22.0 points better",
        "p = 0.003",
        "chrf: 1.5 points worse, within the margin of 2 points; the 95 % interval reaches -4.0",
    ):
        assert words in sentence
    assert sentence.endswith("The challenger is better.")


def test_a_verdict_and_its_comparison_can_be_stored_as_json() -> None:
    verdict = judged(OPEN, WIDE_FALL)
    for value in (verdict, WIDE_FALL, look_number(3)):
        assert msgspec.json.decode(msgspec.json.encode(asdict(value)), type=type(value)) == value
