"""The metrics by name: those that are always there, and those that a pipeline's configuration adds."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, assert_never

from service.domain.errors import ConfigurationError
from service.domain.metric_specs import (
    FunctionSpec,
    JudgeSpec,
    LabelsSpec,
    LengthSpec,
    MetricSpec,
    RegexSpec,
    SchemaSpec,
)
from service.domain.metrics.json_answers import json_valid, schema_measure
from service.domain.metrics.label_sets import label_f1, label_figures
from service.domain.metrics.likeness import chrf, exact_match, rouge_l
from service.domain.metrics.metric import Kind, Measure, Metric
from service.domain.metrics.own_functions import Function, function_measure
from service.domain.metrics.patterns import regex_measure
from service.domain.personal_data import leaks
from service.domain.phone_numbers import DEFAULT_REGIONS

# Imports the function behind a dotted name.
Loader = Callable[[str], Function]


def metric_named(name: str) -> Metric:
    """Give the metric of this name among those that are always there.

    Raises:
        ConfigurationError: There is none; the message names those there are.
    """
    if name not in METRICS:
        raise ConfigurationError(f"unknown metric {name!r}; allowed are: {', '.join(METRICS)}")
    return METRICS[name]


def all_metrics(
    specs: Mapping[str, MetricSpec], *, load: Loader, regions: tuple[str, ...] = DEFAULT_REGIONS
) -> Mapping[str, Metric]:
    """Give every metric that a pipeline can be judged by.

    Args:
        specs: What its configuration adds, by name.
        load: Imports functions of the user's own.
        regions: Countries whose phone numbers are personal data without their code as well.
    """
    leak = replace(METRICS["pii_leak"], measure=partial(_leaks_anything, regions=regions))
    added = {name: metric_of(name, spec, load=load) for name, spec in specs.items()}
    return {**METRICS, "pii_leak": leak, **added}


def metric_of(name: str, spec: MetricSpec, *, load: Loader) -> Metric:
    """Make the metric that a configuration describes; it was checked when it was read."""
    match spec:
        case LabelsSpec():
            cut: dict[str, Any] = {"separator": spec.separator}
            usual = METRICS["label_f1"]
            made = replace(usual, measure=partial(_label_f1, **cut), corpus=partial(label_figures, **cut))
        case SchemaSpec():
            made = _yes_no("answers of the JSON Schema", schema_measure(name, spec.document))
        case LengthSpec():
            made = _yes_no("answers of the right length", partial(_is_within, spec))
        case RegexSpec():
            wanted = spec.must == "match"
            words = f"answers {'with' if wanted else 'without'} what the pattern finds"
            made = _yes_no(words, regex_measure(name, spec.pattern, wanted=wanted))
        case FunctionSpec():
            made = Metric(
                name=name,
                words=f"value of {spec.function}",
                kind=spec.values,
                higher_is_better=spec.higher_is_better,
                low=spec.low,
                high=spec.high,
                measure=function_measure(name, spec, load),
            )
        case JudgeSpec():
            words = f"answers that {spec.model} prefers, 1 for a win and 0.5 for a tie"
            made = Metric(name, words, "score", higher_is_better=True, low=0.0, high=1.0, measure=None, judge=spec)
        case _:
            assert_never(spec)
    return replace(made, name=name, words=spec.words or made.words)


def _leaks_anything(prompt: str, reference: str, answer: str, *, regions: tuple[str, ...] = DEFAULT_REGIONS) -> float:  # noqa: ARG001 - every metric has this shape
    return 1.0 if leaks(prompt, answer, regions=regions) else 0.0


def _label_f1(prompt: str, reference: str, answer: str, *, separator: str | None = ",") -> float:  # noqa: ARG001 - every metric has this shape
    return label_f1(reference, answer, separator=separator)


def _is_within(spec: LengthSpec, prompt: str, reference: str, answer: str) -> float:  # noqa: ARG001 - every metric has this shape
    bounds = (
        (len(answer), spec.min_characters, spec.max_characters),
        (len(answer.split()), spec.min_words, spec.max_words),
    )
    return float(
        all((least is None or least <= size) and (most is None or size <= most) for size, least, most in bounds)
    )


def _yes_no(words: str, measure: Measure, *, name: str = "", higher_is_better: bool = True) -> Metric:
    return Metric(name, words, "yes_no", higher_is_better=higher_is_better, low=0.0, high=1.0, measure=measure)


def _score(name: str, words: str, measure: Measure, *, kind: Kind = "score") -> Metric:
    return Metric(name, words, kind, higher_is_better=True, low=0.0, high=100.0, measure=measure)


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            _yes_no("answers with personal data", _leaks_anything, name="pii_leak", higher_is_better=False),
            _yes_no("answers that equal the human's", exact_match, name="exact_match"),
            _yes_no("answers that are JSON", json_valid, name="json_valid"),
            _score("chrf", "likeness to the human answer (chrF)", chrf),
            _score("rouge_l", "words in the order of the human answer (ROUGE-L)", rouge_l),
            replace(_score("label_f1", "labels as the human gave them (F1)", _label_f1), corpus=label_figures),
        )
    }
)
