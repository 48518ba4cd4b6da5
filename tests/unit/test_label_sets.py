"""Answers that are labels: a value an example, and one over the labels."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.metrics.label_sets import label_f1, label_figures, labels_in

labels = st.sampled_from(["refund", "delay", "damage", "other"])
sets = st.lists(labels, max_size=4, unique=True)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Refund", {"refund"}),
        ("refund, Late  delivery", {"refund", "late delivery"}),
        ('["refund", "delay"]', {"refund", "delay"}),
        ('{"topic": "refund", "tone": ["angry", "Short"]}', {"topic: refund", "tone: angry", "tone: short"}),
        ('{"topic": {"kind": "refund"}, "urgent": true}', {"topic: kind: refund", "urgent: true"}),
        ('"refund"', {'"refund"'}),
        ("", set()),
        (" , ,", set()),
        ("{}", set()),
    ],
)
def test_labels_are_found_in_every_form_an_answer_has(text: str, found: set[str]) -> None:
    assert labels_in(text) == found


def test_a_label_may_hold_the_separator_where_there_is_only_one() -> None:
    assert labels_in("Yes, always", separator=None) == {"yes, always"}
    assert labels_in("a; b", separator=";") == {"a", "b"}


def test_the_value_of_an_example_is_the_f1_of_its_sets() -> None:
    assert label_f1("refund", "Refund") == 100
    assert label_f1("refund", "delay") == 0
    assert label_f1("refund, delay", "delay, damage") == pytest.approx(50)
    assert label_f1('{"a": "x", "b": ["y"]}', '{"b": ["y"], "a": "z"}') == pytest.approx(50)
    assert label_f1('{"a": "x"}', "x") == 0


@given(first=sets, second=sets)
def test_lists_and_json_say_the_same(first: list[str], second: list[str]) -> None:
    assert label_f1(", ".join(first), ", ".join(second)) == label_f1(json.dumps(first), json.dumps(second))


@given(given=sets, said=sets)
def test_order_of_labels_never_counts(given: list[str], said: list[str]) -> None:
    assert label_f1(",".join(given), ",".join(said)) == label_f1(",".join(given[::-1]), ",".join(said[::-1]))


def test_macro_f1_is_the_mean_over_the_labels_that_humans_gave() -> None:
    # refund: 5 right, 1 wrong, none missed: 10/11. delay: 1 right, 1 missed: 2/3.
    pairs = [("refund", "refund")] * 5 + [("delay", "delay"), ("delay", "refund")]
    figures = label_figures(pairs)
    assert figures["macro_f1"] == pytest.approx(100 * (10 / 11 + 2 / 3) / 2)
    assert figures["labels"] == {"refund": {"f1": pytest.approx(1000 / 11), "n": 5}}
    assert (figures["rare_labels"], figures["answers_with_other_labels"]) == (1, 0)


def test_a_label_that_a_model_makes_up_is_counted_and_is_no_label_of_the_mean() -> None:
    figures = label_figures([("refund", "repayment"), ("refund", "refund")])
    assert figures["macro_f1"] == pytest.approx(100 * 2 / 3)
    assert figures["answers_with_other_labels"] == 1


def test_what_few_examples_say_is_not_named() -> None:
    # Where a free text is taken for a label, it must not stay in an evaluation when it is forgotten.
    figures = label_figures([("call Jane at noon", "x")] * 4)
    assert "Jane".casefold() not in json.dumps(figures).casefold()
    assert figures["rare_labels"] == 1


@given(pairs=st.lists(st.tuples(sets, sets), max_size=12))
def test_figures_stay_in_their_range_and_do_not_depend_on_the_order(pairs: list[tuple[list[str], list[str]]]) -> None:
    texts = [(", ".join(given), ", ".join(said)) for given, said in pairs]
    figures = label_figures(texts)
    assert figures["macro_f1"] is None or 0 <= figures["macro_f1"] <= 100
    assert label_figures(texts[::-1]) == figures


def test_without_labels_there_is_no_mean() -> None:
    assert label_figures([])["macro_f1"] is None
