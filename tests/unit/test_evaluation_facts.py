"""What stored evaluations say, whichever version wrote them: order of the examples, metrics, notes, slices."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.evaluation_facts import (
    is_judged,
    metric_in,
    metrics_in,
    rank_examples,
    slices_in,
    values_in,
    verdict_in,
)
from service.domain.metrics import METRICS
from service.domain.metrics.label_sets import FEWEST
from service.domain.report_slices import score_slices

BETTER: dict[str, Any] = {"kind": "yes_no", "span": 1.0, "n": 2}


def facts(leaks: dict[str, list[float]], likeness: dict[str, list[float]], **more: object) -> dict[str, Any]:
    number = len(leaks["challenger"])
    scores = {"pii_leak": leaks, "chrf": likeness}
    return {
        "outcome": "worse",
        "sentence": "It is worse.",
        "incumbent": "base",
        "held_out": number,
        "questions": [f"q{place}" for place in range(number)],
        "scores": scores,
        "intervals": {name: {role: {"mean": 0, "low": 0, "high": 1} for role in of} for name, of in scores.items()},
        "comparisons": {"base": {"pii_leak": BETTER, "chrf": BETTER}},
    } | more


SAMPLE = facts(
    {"challenger": [0.0, 1.0, 0.0, 0.0], "base": [0.0, 0.0, 1.0, 0.0]},
    {"challenger": [40.0, 50.0, 60.0, 20.0], "base": [50.0, 50.0, 50.0, 30.0]},
)


def test_the_greatest_loss_of_the_primary_metric_comes_first_then_of_the_guard() -> None:
    ranked = rank_examples(SAMPLE)
    # q0 and q3 lost the same of the guard, and q3 is the worse answer.
    assert [one.key for one in ranked] == ["q1", "q3", "q0", "q2"]
    assert ranked[0].change == {"pii_leak": -100.0, "chrf": 0.0}
    assert ranked[0].scores["pii_leak"] == {"challenger": 1.0, "base": 0.0}


def test_the_champion_is_what_counts_where_there_is_one() -> None:
    leaks = SAMPLE["scores"]["pii_leak"] | {"champion": [0.0, 1.0, 0.0, 0.0]}
    found = facts(leaks, SAMPLE["scores"]["chrf"] | {"champion": [40.0, 50.0, 90.0, 20.0]}, incumbent="champion")
    assert rank_examples(found)[0].key == "q2"


def test_forgotten_questions_are_in_no_order_and_have_no_values() -> None:
    forgotten = SAMPLE | {"questions": ["q0", "", "q2", "q3"]}
    assert [one.key for one in rank_examples(forgotten)] == ["q3", "q0", "q2"]
    assert values_in(forgotten, "pii_leak") == {"q0": 0.0, "q2": 0.0, "q3": 0.0}
    assert rank_examples({**SAMPLE, "questions": []}) == []


@given(order=st.permutations(range(4)))
def test_the_order_of_the_examples_does_not_matter(order: list[int]) -> None:
    mixed = facts(
        {role: [values[place] for place in order] for role, values in SAMPLE["scores"]["pii_leak"].items()},
        {role: [values[place] for place in order] for role, values in SAMPLE["scores"]["chrf"].items()},
        questions=[f"q{place}" for place in order],
    )
    assert rank_examples(mixed) == rank_examples(SAMPLE)


def test_a_metric_is_told_as_the_evaluation_described_it_then() -> None:
    then = {"words": "as it was", "kind": "score", "higher_is_better": True, "low": 0.0, "high": 10.0}
    found = metric_in({"metrics": {"tone": then}}, "tone")
    assert found is not None
    assert (found.words, found.high) == ("as it was", 10.0)
    assert metric_in({}, "chrf") == METRICS["chrf"]
    assert metric_in({}, "nobody knows it") is None


def test_metrics_are_told_the_primary_first_and_unknown_ones_not_at_all() -> None:
    odd = {**SAMPLE, "intervals": {**SAMPLE["intervals"], "gone": {}}, "failed_guards": ["chrf"]}
    found = list(metrics_in(odd))
    assert [(metric.name, metric.part, metric.is_failed) for metric in found] == [
        ("pii_leak", "primary", False),
        ("chrf", "guard", True),
    ]
    assert found[0].differences == {"base": BETTER}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"look": {"number": 4, "alpha": 0.00238}}, "Look 4 at these examples: "),
        ({"look": {"number": 4, "alpha": 0.00238}}, "a difference is proven where p is below 0.00238."),
        ({"below_base": True}, "The challenger is below the base"),
        ({"champion_gone": True}, "The champion did not answer"),
        ({"champion_unasked": True}, "was not configured: it was not compared with"),
        ({"champion_unasked": True, "models": {"champion": "ft:1"}}, "its stored answers were used"),
        ({"base_gone": True}, "its stored answers were used"),
    ],
)
def test_what_one_has_to_know_of_a_verdict_is_noted(more: dict[str, object], words: str) -> None:
    (note,) = verdict_in(SAMPLE | more).notes
    assert words in note
    assert verdict_in(SAMPLE).notes == ()


def test_a_judges_metric_is_known_by_its_figures() -> None:
    found = {"figures": {"helpful": {"base": {"judge": "box/judge"}}, "label_f1": {"challenger": {"macro_f1": 71.25}}}}
    assert (is_judged(found, "helpful"), is_judged(found, "label_f1"), is_judged(found, "chrf")) == (True, False, False)


# Slices.


def test_a_slice_is_scored_by_every_metric_and_role_and_too_few_examples_say_nothing() -> None:
    known = facts(
        {"challenger": [1.0] * 4 + [0.0] * 4, "base": [1.0] * 8}, {"challenger": [50.0] * 8, "base": [10.0] * 8}
    )
    slices = {"many": frozenset(f"q{place}" for place in range(FEWEST)), "few": frozenset({"q7"})}
    many, few = score_slices(known, slices)
    assert (many.n, few.n, few.scores) == (FEWEST, 1, None)
    assert many.scores is not None
    assert many.scores["pii_leak"]["challenger"]["mean"] == 0.8
    assert many.scores["chrf"]["base"]["mean"] == 10.0


def test_slices_that_were_stored_are_told_as_they_were() -> None:
    stored = {"metadata shop: north": {"n": 9, "scores": {"chrf": {"base": {"mean": 1.0, "low": 0.0, "high": 2.0}}}}}
    found = list(
        score_slices(SAMPLE | {"slices": stored | {"few": {"n": 2, "scores": "too few"}}}, {"few": frozenset()})
    )
    assert [(one.name, one.n) for one in found] == [("metadata shop: north", 9), ("few", 2)]
    assert (found[0].scores, found[1].scores) == (stored["metadata shop: north"]["scores"], None)


def test_the_slices_of_then_are_given_without_what_was_forgotten() -> None:
    facts = {"questions": ["one", "", "three"], "slice_members": {"prompt: short": [0, 1], "label: a": [1]}}
    assert slices_in(facts) == {"prompt: short": frozenset({"one"}), "label: a": frozenset()}
    assert slices_in({"questions": ["one"]}) == {}
