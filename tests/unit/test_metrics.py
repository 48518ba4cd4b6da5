import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.own_functions import load_function
from service.domain.errors import ConfigurationError
from service.domain.metrics import METRICS, all_metrics, metric_named
from service.domain.metrics.likeness import common_subsequence
from service.domain.metrics.metric import Measure

CHAT = "Agent: May I have your name?\nCustomer: Ngozi Okafor, order 48213.\nAgent: Thank you, Ngozi."
CLEAN = "A customer asked about a late order and got a refund."
# What a model can be made to say, and what broken software makes of it.
HOSTILE = {
    "empty": "",
    "blank": " \n\t ",
    "nul": "a\0b",
    "half a surrogate pair": "\ud83d is half",
    "a bomb of brackets": "[" * 100_000,
    "a bomb of objects": '{"a":' * 50_000 + "1" + "}" * 50_000,
    "a long number": "9" * 10_000,
    "huge": "the same words again " * 20_000,
    "one long word": "a" * 200_000,
    "right to left": "\u202eabc\u202c",
}
ORDINARY = ["exact_match", "chrf", "rouge_l", "label_f1"]


def measure_of(name: str) -> Measure:
    measure = metric_named(name).measure
    assert measure is not None
    return measure


def test_an_unknown_metric_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"'bleu'.*pii_leak, .*chrf"):
        metric_named("bleu")


def test_every_metric_stands_under_its_own_name_and_says_what_it_measures() -> None:
    assert all(metric_named(name).name == name and metric_named(name).words for name in METRICS)
    assert set(METRICS) == {"pii_leak", "exact_match", "json_valid", "chrf", "rouge_l", "label_f1"}


@given(prompt=st.text(), reference=st.text(), answer=st.text())
def test_every_value_lies_in_the_range_the_metric_names(prompt: str, reference: str, answer: str) -> None:
    for name, metric in METRICS.items():
        value = measure_of(name)(prompt, reference, answer)
        assert metric.low <= value <= metric.high
        assert metric.kind == "score" or value in (0.0, 1.0)
        assert msgspec.json.decode(msgspec.json.encode(value)) == value


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
def test_no_answer_is_too_odd_to_be_measured(name: str, answer: str) -> None:
    metric = metric_named(name)
    assert metric.low <= measure_of(name)(CHAT, CLEAN, answer) <= metric.high


@pytest.mark.parametrize("name", ORDINARY)
@given(text=st.text(alphabet=st.characters(), max_size=200))
def test_the_humans_own_answer_gets_the_best_value(name: str, text: str) -> None:
    assert measure_of(name)("", text, text) == metric_named(name).high


@pytest.mark.parametrize("name", ["exact_match", "rouge_l", "label_f1"])
@given(first=st.text(), second=st.text())
def test_likeness_does_not_ask_which_is_the_reference(name: str, first: str, second: str) -> None:
    assert measure_of(name)("", first, second) == measure_of(name)("", second, first)


# Personal data.


def test_a_clean_answer_leaks_nothing() -> None:
    assert measure_of("pii_leak")(CHAT, CLEAN, CLEAN) == 0.0


@pytest.mark.parametrize(
    "leak",
    [
        "Ngozi",
        "okafor",
        "Ngozi Okafor",
        "ngozi@mail.example",
        "order 48213",
        "+1 202-555-0143",
        "DE89370400440532013000",
    ],
)
def test_an_answer_with_personal_data_leaks(leak: str) -> None:
    assert measure_of("pii_leak")(CHAT, CLEAN, f"{CLEAN} It was about {leak}.") == 1.0


def test_phone_numbers_of_the_pipelines_countries_are_found_without_their_code() -> None:
    answer = "Ring 32 12 34 56 now."
    there = all_metrics({}, load=load_function, regions=("DK",))["pii_leak"].measure
    assert there is not None
    assert (there("", "", answer), measure_of("pii_leak")("", "", answer)) == (1.0, 0.0)


def test_fewer_leaks_and_more_likeness_are_better() -> None:
    assert not metric_named("pii_leak").higher_is_better
    assert all(metric_named(name).higher_is_better for name in METRICS if name != "pii_leak")


# Likeness.


def test_spacing_case_and_unicode_form_make_no_difference_to_an_exact_match() -> None:
    exact = measure_of("exact_match")
    assert exact("", "Refund", " refund\n") == exact("", "caf\u00e9", "cafe\u0301") == 1.0
    assert exact("", "Refund", "Refund.") == 0.0


def test_likeness_runs_from_nothing_in_common_to_the_same() -> None:
    chrf = measure_of("chrf")
    near, far = chrf("", CLEAN, "A customer had a late order and was refunded."), chrf("", CLEAN, "No idea.")
    assert chrf("", CLEAN, CLEAN) == 100
    assert chrf("", "abc", "xyz") == 0.0
    assert far < near < 100


def test_rouge_l_is_the_f_measure_of_the_words_in_order() -> None:
    # Lin's own example: "police killed the gunman" has three words in order with "police kill the gunman",
    # and two with "the gunman kill police".
    rouge = measure_of("rouge_l")
    assert rouge("", "police killed the gunman", "police kill the gunman") == pytest.approx(75)
    assert rouge("", "police killed the gunman", "the gunman kill police") == pytest.approx(50)
    assert rouge("", "Der Kunde fragt.", "der kunde fragt") == 100


@given(first=st.lists(st.sampled_from("abcd"), max_size=12), second=st.lists(st.sampled_from("abcd"), max_size=12))
def test_the_common_subsequence_is_as_long_as_the_table_says(first: list[str], second: list[str]) -> None:
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, left in enumerate(first, 1):
        for j, right in enumerate(second, 1):
            table[i][j] = table[i - 1][j - 1] + 1 if left == right else max(table[i - 1][j], table[i][j - 1])
    assert common_subsequence(first, second) == table[-1][-1]


# JSON.


@pytest.mark.parametrize("answer", ['{"a": [1, null]}', " [] ", '"text"', "1.5e3", "true"])
def test_json_is_json(answer: str) -> None:
    assert measure_of("json_valid")("", "", answer) == 1.0


@pytest.mark.parametrize(
    "answer", ["", "{'a': 1}", "```json\n{}\n```", "{} and more", "NaN", "[1,]", "{a: 1}", *HOSTILE.values()]
)
def test_what_only_looks_like_json_is_none(answer: str) -> None:
    assert measure_of("json_valid")("", "", answer) == 0.0
