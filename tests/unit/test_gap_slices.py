"""Where a model is weak, and which labels are in doubt."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from service.domain.contents import content_hash_of, pair
from service.domain.gap_effects import Shares, effect_on_means, effect_on_shares
from service.domain.gap_labels import ALIKE, Labelled, aged, conflicts, likeness, overtaken
from service.domain.gap_slices import failures, is_weak, scored_slices
from service.domain.metrics import METRICS
from service.domain.questions import Question, QuestionFacts, question_in
from service.domain.slices import Slicer, slices_of
from tests.support.fakes import NOON

CHRF, LEAK = METRICS["chrf"], METRICS["pii_leak"]
DAY = timedelta(days=1)


def example(
    row_id: str, answer: str, *, prompt: str = "p", group: str = "g", at: datetime = NOON, is_choice: bool = False
) -> Labelled:
    content = pair(prompt, answer)
    return Labelled(row_id, f"label-{row_id}", content, content_hash_of(content), group, is_choice, at, at)


# Slices.


def asked(number: int, length: int) -> Question:
    messages = [{"role": "user", "content": f"{number:04}".ljust(length, "x")}, {"role": "assistant", "content": "a"}]
    return question_in(messages)  # type: ignore[arg-type]


def test_an_unlabelled_prompt_belongs_to_a_third_of_length_and_to_its_metadata() -> None:
    questions = [asked(n, 10 * n) for n in range(1, 31)]
    facts = {question.key: QuestionFacts({"label": "mail"}) for question in questions}
    slices = slices_of(questions, facts)

    def named(characters: int, **metadata: str) -> set[str]:
        return Slicer(slices, questions).of(characters, metadata)

    assert named(1, label="mail") == {"prompt: short (up to 100 characters)", "metadata label: mail"}
    assert named(101, label="phone") == {"prompt: medium (up to 200 characters)"}
    assert named(999) == {"prompt: long (above 200 characters)"}
    assert Slicer({}, []).of(1, {}) == set()


@given(lengths=st.lists(st.integers(4, 40), min_size=1, max_size=30), number=st.integers(0, 29))
def test_a_prompt_as_long_as_a_held_out_one_is_in_the_same_third(lengths: list[int], number: int) -> None:
    questions = [asked(n, length) for n, length in enumerate(lengths)]
    one = questions[number % len(questions)]
    slices = slices_of(questions, {})
    (name,) = Slicer(slices, questions).of(len(one.prompt), {})
    assert one.key in slices[name]


def test_the_slice_that_is_clearly_below_the_whole_is_weak() -> None:
    values = {f"k{n}": 1.0 if n < 9 else 0.0 for n in range(40)}
    keys = sorted(values, key=lambda key: int(key[1:]))
    slices = {"label: late": frozenset(keys[:10]), "label: lost": frozenset(keys[10:]), "few": frozenset(keys[:4])}
    found = scored_slices(LEAK, values, slices)
    late = found[0]
    assert (late.name, late.n, late.mean, late.whole) == ("label: late", 10, 0.9, 9 / 40)
    assert is_weak(late, higher_is_better=False)
    assert {part.name for part in found} == {"label: late", "label: lost"}
    assert [part.name for part in found if is_weak(part, higher_is_better=False)] == ["label: late"]
    assert scored_slices(LEAK, {}, slices) == []


@given(values=st.lists(st.floats(0, 100), min_size=1, max_size=60))
def test_the_whole_is_no_weak_slice(values: list[float]) -> None:
    by_key = {str(n): value for n, value in enumerate(values)}
    parts = scored_slices(CHRF, by_key, {"all": frozenset(by_key)})
    assert not any(is_weak(part, higher_is_better=True) for part in parts)


@given(order=st.permutations(range(24)))
def test_slices_and_failures_do_not_depend_on_the_order_of_the_questions(order: Sequence[int]) -> None:
    values, keys = [float(n % 7 * 10) for n in range(24)], [f"k{n}" for n in range(24)]
    slices = {"a": frozenset(keys[::3]), "b": frozenset(keys[1::2])}
    by_key, shuffled = dict(zip(keys, values, strict=True)), {keys[n]: values[n] for n in order}
    assert scored_slices(CHRF, shuffled, slices) == scored_slices(CHRF, by_key, slices)
    assert failures(CHRF, list(shuffled), list(shuffled.values())) == failures(CHRF, keys, values)


def test_failures_are_wrong_answers_or_the_lowest_quarter() -> None:
    assert failures(LEAK, ["a", "b", "c"], [0.0, 1.0, 0.0]) == ["b"]
    assert failures(CHRF, list("abcdefgh"), [90, 10, 80, 70, 20, 60, 50, 55]) == ["b", "e"]
    assert failures(CHRF, ["a", "b"], [50.0, 50.0]) == failures(CHRF, [], []) == []


# Labels in doubt.


def test_written_answers_contradict_only_if_they_are_quite_different() -> None:
    alike = [example("1", "The parcel is late."), example("2", "The parcel is late, she says.")]
    assert conflicts(alike) == []
    found = conflicts([*alike, example("3", "Wants to cancel an invoice")])
    # No two are word for word the same, so nobody is in the majority.
    assert {item.data_row_id for item in found} == {"1", "2", "3"}
    assert all(item.action == "rework" and item.label_id == f"label-{item.data_row_id}" for item in found)


@given(answers=st.lists(st.sampled_from(["late", "Late ", "lost in the post", "lost by post", ""]), max_size=8))
def test_whoever_is_not_of_the_majority_is_compared_with_everybody(answers: list[str]) -> None:
    members = [example(str(n), answer) for n, answer in enumerate(answers)]
    plain = [" ".join(answer.casefold().split()) for answer in answers]
    expected = {
        item.data_row_id
        for item, mine in zip(members, plain, strict=True)
        if plain.count(mine) <= len(members) / 2
        and any(
            likeness(item.answer, other) < ALIKE for other, theirs in zip(answers, plain, strict=True) if theirs != mine
        )
    }
    assert {item.data_row_id for item in conflicts(members)} == expected


def test_a_group_that_would_take_minutes_to_compare_is_left_out_and_smaller_ones_are_not() -> None:
    small = [example("1", "The parcel is late."), example("2", "Wants to cancel an invoice")]
    huge = [example(f"x{n}", f"{n} " * 20_000, group="huge") for n in range(50)]
    assert {item.data_row_id for item in conflicts([*huge, *small])} == {"1", "2"}
    classes = [replace(item, is_choice=True) for item in huge]
    assert len(conflicts([*classes, *small])) == len(classes) + 2


def test_of_two_classes_one_is_wrong_and_the_majority_is_left_alone() -> None:
    said = {"1": "late delivery", "2": "Late  delivery", "3": "lost delivery"}
    examples = [example(row_id, answer, is_choice=True) for row_id, answer in said.items()]
    assert [item.data_row_id for item in conflicts(examples)] == ["3"]
    assert [item.data_row_id for item in conflicts(examples[1:])] == ["2", "3"]
    assert conflicts([replace(item, group=item.data_row_id) for item in examples]) == []


def test_a_reason_says_nothing_of_prompt_or_answer() -> None:
    secret = [example(row_id, answer, prompt="secret") for row_id, answer in (("1", "a secret"), ("2", "quite unlike"))]
    found = [*conflicts(secret), *aged(secret, now=NOON + 9 * DAY, stale_after=DAY)]
    assert len(found) == 4
    assert not any("secret" in f"{item.reason}{item.target}" for item in found)


def test_labels_age_by_when_anybody_last_touched_them() -> None:
    old, older, young = (example(name, "a", at=NOON - days * DAY) for name, days in (("1", 200), ("2", 300), ("3", 10)))
    found = aged([old, young, older], now=NOON, stale_after=180 * DAY)
    assert [item.data_row_id for item in found] == ["2", "1"]
    assert "2026-01-06" in found[0].reason
    assert aged([old], now=NOON, stale_after=timedelta(0)) == []


def test_a_label_is_overtaken_if_several_newer_ones_and_the_champion_agree_against_it() -> None:
    item = example("1", "call the customer back by phone")
    newer = [example(f"n{n}", "write an e-mail to the team", at=NOON + DAY) for n in range(2)]
    answers = {"1": "write an e-mail to the team now"}
    (found,) = overtaken([item], answers, {"1": newer})
    assert (found.kind, found.action, found.data_row_id) == ("stale", "rework", "1")
    older = [replace(other, labelled_at=NOON - DAY) for other in newer]
    for witnesses in (newer[:1], older, [*newer, *(example(f"x{n}", "zzz", at=NOON + DAY) for n in range(3))]):
        assert overtaken([item], answers, {"1": witnesses}) == []
    assert overtaken([item], {"1": "call the customer by phone"}, {"1": newer}) == []
    assert overtaken([item], {}, {"1": newer}) == []


# What it changed.


def test_a_clear_difference_is_told_and_a_small_one_is_not() -> None:
    clear = effect_on_shares(Shares(40, 36, 20, 2))
    assert clear is not None
    assert (clear.words, round(clear.difference, 2)) == ("more than without", 0.8)
    small = effect_on_shares(Shares(4, 3, 2, 1))
    assert small is not None
    assert small.words == "cannot tell yet"
    assert effect_on_shares(Shares(4, 3, 0, 0)) is None


@given(data=st.data(), sent=st.integers(1, 80), control=st.integers(1, 80))
def test_groups_that_are_the_same_differ_by_nothing_and_swapping_them_mirrors_the_interval(
    data: st.DataObject, sent: int, control: int
) -> None:
    hits = data.draw(st.integers(0, sent)), data.draw(st.integers(0, control))
    one = effect_on_shares(Shares(sent, hits[0], control, hits[1]))
    other = effect_on_shares(Shares(control, hits[1], sent, hits[0]))
    same = effect_on_shares(Shares(sent, hits[0], sent, hits[0]))
    assert one is not None
    assert other is not None
    assert same is not None
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert one.low <= one.difference <= one.high
    assert (same.difference, same.words) == (0.0, "cannot tell yet")


def test_means_of_few_or_equal_values_say_nothing() -> None:
    assert effect_on_means([1.0] * 4, [0.0] * 9) is None
    assert effect_on_means([1.0] * 9, [0.0] * 9) is None


def test_the_interval_of_two_means_is_welchs() -> None:
    sent, control = [3.0, 4.0, 5.0, 6.0, 7.0], [1.0, 2.0, 2.5, 3.0, 4.0, 9.0]
    found = effect_on_means(sent, control)
    assert found is not None
    expected = ttest_ind(sent, control, equal_var=False).confidence_interval()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.words == "cannot tell yet"
    assert effect_on_means([value + 9 for value in sent], control).words == "more than without"  # type: ignore[union-attr]
