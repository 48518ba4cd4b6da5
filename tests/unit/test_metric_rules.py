"""Metrics that a configuration describes: schema, length, pattern, and a function of the user's own."""

import re
import traceback
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import pytest

from service.adapters.own_functions import load_function
from service.domain.errors import ConfigurationError, MetricFailed
from service.domain.metric_specs import FunctionSpec, LabelsSpec, LengthSpec, MetricSpec, RegexSpec, SchemaSpec
from service.domain.metrics import Measure, Metric, metric_of
from service.domain.metrics.json_answers import check_schema, schema_measure
from service.domain.metrics.patterns import check_pattern, regex_measure

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["topic"],
    "properties": {
        "topic": {"enum": ["refund", "delay"]},
        "order": {"$ref": "#/$defs/order"},
        "parts": {"type": "array", "items": {"$ref": "#"}},
    },
    "additionalProperties": False,
    "$defs": {"order": {"type": "string", "pattern": "^[0-9]{5}$"}},
}


def made(spec: MetricSpec, load: Callable[[str], Any] = load_function) -> tuple[Metric, Measure]:
    metric = metric_of("mine", spec, load=load)
    assert metric.measure is not None
    assert metric.name == "mine"
    return metric, metric.measure


def test_own_words_stand_in_the_place_of_the_usual_ones() -> None:
    assert made(LengthSpec(max_words=3, words="short answers"))[0].words == "short answers"
    assert made(LengthSpec(max_words=3))[0].words == "answers of the right length"


# JSON Schema.


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ('{"topic": "refund"}', 1.0),
        ('{"topic": "refund", "order": "48213", "parts": [{"topic": "delay"}]}', 1.0),
        ('{"topic": "refund", "order": "4821"}', 0.0),
        ('{"topic": "other"}', 0.0),
        ('{"topic": "refund", "more": 1}', 0.0),
        ("{}", 0.0),
        ("topic: refund", 0.0),
        ("[" * 100_000, 0.0),
        ('{"topic":"refund","parts":[' * 400 + "]}" * 400, 0.0),
    ],
)
def test_an_answer_is_of_the_schema_or_not(answer: str, value: float) -> None:
    metric, measure = made(SchemaSpec(SCHEMA))
    assert measure("", "", answer) == value
    assert (metric.kind, metric.higher_is_better) == ("yes_no", True)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "must be an object"),
        ({"type": "text"}, r"\$\.type: 'text' is not valid"),
        ({"$ref": "#/$defs/gone"}, "gone' is not in it"),
        ({"properties": {"a": {"$ref": "https://example.com/a.json"}}}, "'https://example.com/a.json' is not in it"),
        ({"patternProperties": {"^a": {}}}, "patternProperties"),
        ({"items": {"pattern": "("}}, "is no regular expression"),
    ],
)
def test_a_schema_that_nothing_can_be_checked_by_is_refused_when_it_is_read(document: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_schema(document)


def test_references_are_followed_where_a_schema_has_them_and_not_where_it_has_data() -> None:
    check_schema(SCHEMA)
    check_schema({"const": {"$ref": "https://example.com/no-reference"}})
    check_schema(
        {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": {}}, "$ref": "#/definitions/a"}
    )


@pytest.mark.parametrize("answer", ["1" + "0" * 400, "-1" + "0" * 400])
def test_a_number_too_large_to_be_divided_is_not_of_the_schema(answer: str) -> None:
    assert schema_measure("shape", {"type": "number", "multipleOf": 0.01})("", "", answer) == 0.0


def test_a_pattern_of_a_schema_that_runs_away_is_stopped() -> None:
    measure = schema_measure("shape", {"type": "string", "pattern": "(a|aa)+$"}, patience_s=0.05)
    with pytest.raises(MetricFailed, match="'shape' runs away") as raised:
        measure("", "", '"' + "a" * 80 + 'b"')
    assert "without repetitions" in raised.value.remedy


# Length.


@pytest.mark.parametrize(
    ("spec", "answer", "value"),
    [
        (LengthSpec(max_characters=5), "12345", 1.0),
        (LengthSpec(max_characters=5), "123456", 0.0),
        (LengthSpec(min_characters=1), "", 0.0),
        (LengthSpec(min_words=2, max_words=3), "one  two", 1.0),
        (LengthSpec(min_words=2, max_words=3), "one two three four", 0.0),
        (LengthSpec(max_characters=100, max_words=1), "one two", 0.0),
        (LengthSpec(max_words=0), "\ud83d", 0.0),
    ],
)
def test_an_answer_is_within_its_bounds_or_not(spec: LengthSpec, answer: str, value: float) -> None:
    assert made(spec)[1]("", "", answer) == value


# Patterns.


@pytest.mark.parametrize(
    ("spec", "answer", "value"),
    [
        (RegexSpec("^Ticket [0-9]+"), "Ticket 7: done", 1.0),
        (RegexSpec("^Ticket [0-9]+"), "A ticket", 0.0),
        (RegexSpec("(?i)sorry", must="not_match"), "We are Sorry.", 0.0),
        (RegexSpec("(?i)sorry", must="not_match"), "Done.", 1.0),
        (RegexSpec("\\x00", must="not_match"), "a\0b", 0.0),
    ],
)
def test_a_pattern_must_match_somewhere_or_nowhere(spec: RegexSpec, answer: str, value: float) -> None:
    assert made(spec)[1]("", "", answer) == value


def test_a_pattern_that_runs_away_gives_an_error_and_no_value() -> None:
    # A value that depends on how busy the machine is could not be reproduced.
    measure = regex_measure("calm", "(a|aa)+$", wanted=True, patience_s=0.05)
    with pytest.raises(MetricFailed, match="'calm' runs away"):
        measure("", "", "a" * 80 + "b")


def test_what_is_no_pattern_is_refused_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"is no regular expression: missing .* at position"):
        check_pattern("(a")


# Labels.


def test_labels_are_cut_where_the_configuration_says() -> None:
    metric, measure = made(LabelsSpec(separator=None))
    assert measure("", "yes, always", "Yes, always") == 100
    assert measure("", "yes, always", "yes, never") == 0
    assert metric.corpus is not None
    assert metric.corpus([("yes, always", "yes, never")])["macro_f1"] == 0


# A function of one's own.


def own(given: object, **says: Any) -> Measure:  # noqa: ANN401 - the fields of FunctionSpec
    return made(FunctionSpec("scoring:own", **says), lambda _: lambda *_: given)[1]


def test_a_function_gets_prompt_reference_and_answer_and_is_imported_at_the_first_use() -> None:
    imported, seen = [], []

    def load(name: str) -> Callable[[str, str, str], float]:
        imported.append(name)
        return lambda *texts: float(len(seen.append(texts) or texts[2]))  # type: ignore[func-returns-value]

    metric, measure = made(FunctionSpec("scoring:own", high=10, higher_is_better=False), load)
    assert imported == []
    assert (measure("p", "r", "answer"), measure("p", "r", "")) == (6.0, 0.0)
    assert (imported, seen[0]) == (["scoring:own"], ("p", "r", "answer"))
    assert (metric.low, metric.high, metric.higher_is_better, metric.kind) == (0.0, 10, False, "score")


@pytest.mark.parametrize(("given", "value"), [(True, 1.0), (0, 0.0), (0.25, 0.25), (Fraction(1, 2), 0.5)])
def test_any_number_of_the_range_is_a_value(given: object, value: float) -> None:
    assert own(given)("", "", "") == value


@pytest.mark.parametrize(
    ("given", "says", "words"),
    [
        ("0.5", {}, "gave str and no number"),
        (None, {}, "gave NoneType and no number"),
        (1j, {}, "gave complex and no number"),
        (float("nan"), {}, "no finite number"),
        (float("inf"), {}, "no finite number"),
        (1.5, {}, "gave 1.5, which is not from 0 to 1"),
        (-1, {"low": 0, "high": 5}, "not from 0 to 5"),
        (0.5, {"values": "yes_no"}, "neither 0 nor 1"),
    ],
)
def test_what_is_no_value_is_an_error_that_names_the_function(given: object, says: dict[str, Any], words: str) -> None:
    with pytest.raises(MetricFailed, match=f"metric 'mine': the function scoring:own .*{re.escape(words)}"):
        own(given, **says)("", "", "")


def failing(prompt: str, reference: str, answer: str) -> float:
    raise ValueError(f"cannot score {prompt} {reference} {answer}")


def test_an_error_of_a_function_never_shows_a_text() -> None:
    _, measure = made(FunctionSpec("scoring:own"), lambda _: failing)
    texts = ("secret-1", "secret-2", "secret-3")
    with pytest.raises(MetricFailed, match="scoring:own raised ValueError") as raised:
        measure(*texts)
    assert "secret" not in "".join(traceback.format_exception(raised.value))


def test_a_function_is_found_by_its_dotted_name() -> None:
    assert load_function("math:hypot")(3, 4) == 5  # type: ignore[arg-type, call-arg]
    assert load_function("os:path.basename")("a/b") == "b"  # type: ignore[arg-type, call-arg]


@pytest.mark.parametrize("name", ["no_such_module:f", "math:no_such_function", "math:pi"])
def test_a_function_that_is_not_there_is_a_mistake_with_a_remedy(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"function {name}") as raised:
        load_function(name)
    assert "PYTHONPATH" in raised.value.remedy
