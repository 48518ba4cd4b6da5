"""Parts of the held-out examples, and what the models score in each."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from service.domain.comparisons import interval
from service.domain.evaluation_facts import Facts, metric_in, values_in
from service.domain.questions import Question
from service.domain.reports import ByRole, SliceFacts

# Of fewer examples no score is shown.
FEWEST = 5

Slices = Mapping[str, frozenset[str]]


def length_slices(questions: Sequence[Question]) -> Slices:
    """Give the questions' keys by the slice's name: thirds by the length of what was asked, and of the human's answer.

    Equal lengths are never divided, so that a third may be larger, or missing.
    """
    asked = {question.key: sum(map(len, _said(question))) for question in questions}
    answered = {question.key: len(question.reference) for question in questions}
    return dict([*_thirds("prompt", asked), *_thirds("answer", answered)])


def _said(question: Question) -> Iterable[str]:
    return (message["content"] for message in question.messages if message["role"] != "system")


def _thirds(what: str, lengths: Mapping[str, int]) -> Iterator[tuple[str, frozenset[str]]]:
    if not lengths:
        return
    ordered = sorted(lengths.values())
    first, second = (ordered[math.ceil(len(ordered) * part / 3) - 1] for part in (1, 2))
    named = [
        (f"{what}: short (up to {first:,} characters)", -1, first),
        (f"{what}: medium (up to {second:,} characters)", first, second),
        (f"{what}: long (above {second:,} characters)", second, ordered[-1]),
    ]
    for name, above, up_to in named:
        if keys := frozenset(key for key, length in lengths.items() if above < length <= up_to):
            yield name, keys


def score_slices(facts: Facts, slices: Slices) -> Iterator[SliceFacts]:
    """Give what was stored of slices with the evaluation, and the scores of those that were not."""
    stored: Mapping[str, Any] = facts.get("slices", {})
    for name, found in stored.items():
        yield SliceFacts(name, found["n"], found["scores"] if isinstance(found["scores"], Mapping) else None)
    for name, keys in slices.items():
        if name not in stored:
            yield SliceFacts(name, len(keys), _scores(facts, keys) if len(keys) >= FEWEST else None)


def _scores(facts: Facts, keys: frozenset[str]) -> Mapping[str, ByRole]:
    found: dict[str, ByRole] = {}
    for name, by_role in facts["scores"].items():
        metric = metric_in(facts, name)
        if metric:
            values = {role: values_in(facts, name, role) for role in by_role}
            found[name] = {
                role: interval(metric, [of[key] for key in sorted(keys) if key in of])._asdict()
                for role, of in values.items()
            }
    return found
