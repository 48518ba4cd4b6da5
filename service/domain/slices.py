"""Parts of the held-out examples that are looked at by themselves: by metadata, by length, by label.

A slice never decides a verdict: among many slices some are low by chance. Values that few examples have are put
together and not named: a name may say who it is about, and stays in a stored evaluation when that text is forgotten.
"""

import ast
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from service.domain.comparisons import interval
from service.domain.metrics import Metric
from service.domain.metrics.label_sets import FEWEST, labels_in
from service.domain.questions import Question, QuestionFacts

OTHERS = "other values"
TOO_FEW = "too few"
# Of a field with more values, or of more fields, the most frequent are taken.
MOST_VALUES = 20
MOST_FIELDS = 10
_NOTHING = QuestionFacts()

Slices = Mapping[str, frozenset[str]]


def slices_of(questions: Sequence[Question], facts: Mapping[str, QuestionFacts]) -> Slices:
    """Give the slices of held-out examples: the questions' keys by the slice's name.

    Args:
        questions: The held-out examples, in any order.
        facts: What is known of them, by key.

    Returns:
        By metadata ``metadata FIELD: VALUE``, by length ``prompt: short (up to 80 characters)``, medium and long, the
        same for the human's answer, and where answers are labels ``label: LABEL``. Every question is in one slice of
        each field that it has, in one of each length, and in one or more of the labels.
    """
    named = {
        **_by_metadata(questions, facts),
        **_by_length("prompt", {question.key: _asked_characters(question) for question in questions}),
        **_by_length("answer", {question.key: len(question.reference) for question in questions}),
        **_by_label(questions, facts),
    }
    return {name: frozenset(keys) for name, keys in named.items()}


class Slicer:
    """Says which slices a prompt without an answer belongs to: by its metadata and by its length.

    Args:
        slices: See ``slices_of``.
        questions: The held-out examples in them.
    """

    def __init__(self, slices: Slices, questions: Sequence[Question]) -> None:
        self._names = slices.keys()
        lengths = {question.key: _asked_characters(question) for question in questions}
        # Of each third the length of its longest prompt.
        longest = {
            name: max((lengths[key] for key in keys if key in lengths), default=0)
            for name, keys in slices.items()
            if name.startswith("prompt: ")
        }
        self._thirds = sorted(longest.items(), key=lambda third: third[1])

    def of(self, characters: int, metadata: Mapping[str, str]) -> set[str]:
        """Name the slices of a prompt of so many characters."""
        # An evaluation of before may name an option as its row has it.
        values = ((field, text) for field, value in metadata.items() for text in (value, _shown(value)))
        named = {f"metadata {field}: {text}" for field, text in values} & self._names
        thirds = [name for name, longest in self._thirds if characters <= longest] or [
            name for name, _ in self._thirds[-1:]
        ]
        return named | set(thirds[:1])


def score_slices(
    metrics: Sequence[Metric],
    scores: Mapping[str, Mapping[str, Sequence[float]]],
    questions: Sequence[Question],
    slices: Slices,
) -> dict[str, Any]:
    """Score each slice by each metric.

    Args:
        metrics: The metrics.
        scores: By metric and role, a value for each question: see ``Scores.table``.
        questions: In the order of the values.
        slices: See ``slices_of``.

    Returns:
        By slice: ``n``, and ``scores`` by metric and role with mean, low and high (95 %), or ``too few``.
    """
    places = {question.key: place for place, question in enumerate(questions)}
    found: dict[str, Any] = {}
    for name, keys in slices.items():
        mine = sorted(places[key] for key in keys if key in places)
        scored = {metric.name: _intervals(metric, scores.get(metric.name, {}), mine) for metric in metrics}
        found[name] = {"n": len(mine), "scores": scored if len(mine) >= FEWEST else TOO_FEW}
    return found


def _intervals(metric: Metric, by_role: Mapping[str, Sequence[float]], places: Sequence[int]) -> dict[str, Any]:
    return {role: interval(metric, [values[place] for place in places])._asdict() for role, values in by_role.items()}


def _by_metadata(questions: Sequence[Question], facts: Mapping[str, QuestionFacts]) -> dict[str, list[str]]:
    values: dict[str, dict[str, list[str]]] = {}
    for question in questions:
        for field, value in facts.get(question.key, _NOTHING).metadata.items():
            values.setdefault(field, {}).setdefault(_shown(value), []).append(question.key)
    fields = _most_frequent({field: sum(map(len, keys.values())) for field, keys in values.items()}, MOST_FIELDS)
    return {name: keys for field in sorted(fields) for name, keys in _named(f"metadata {field}", values[field])}


def _shown(value: str) -> str:
    """Give an option by its name; any other value as it is.

    Labelbox exports the chosen option of a field as a list with its id and name, which a row keeps as Python writes it.
    It is stored like that because groups are made of it: another text would give old and new rows other splits.
    """
    if not value.startswith("[{"):
        return value
    try:
        return ", ".join(str(option["schema_name"]) for option in ast.literal_eval(value))
    except (ValueError, SyntaxError, TypeError, LookupError, RecursionError, MemoryError):
        return value


def _by_label(questions: Sequence[Question], facts: Mapping[str, QuestionFacts]) -> dict[str, list[str]]:
    labels: dict[str, list[str]] = defaultdict(list)
    for question in questions:
        if facts.get(question.key, _NOTHING).is_choice:
            for label in labels_in(question.reference):
                labels[label].append(question.key)
    return dict(_named("label", labels))


def _named(what: str, keys_of: Mapping[str, list[str]]) -> Iterator[tuple[str, list[str]]]:
    """Give values that enough examples have by their name, and all others together."""
    enough = {value: len(keys) for value, keys in keys_of.items() if len(keys) >= FEWEST}
    shown = _most_frequent(enough, MOST_VALUES)
    yield from ((f"{what}: {value}", keys_of[value]) for value in sorted(shown))
    if others := {key for value, keys in keys_of.items() if value not in shown for key in keys}:
        yield f"{what}: {OTHERS}", sorted(others)


def _most_frequent(numbers: Mapping[str, int], most: int) -> set[str]:
    # By name where they are equally frequent: the order of the examples must not decide.
    return {name for name, _ in sorted(Counter(numbers).items(), key=lambda item: (-item[1], item[0]))[:most]}


def _by_length(what: str, lengths: Mapping[str, int]) -> dict[str, list[str]]:
    """Divide into thirds; equal lengths are never divided, so that a third may be larger, or missing."""
    if not lengths:
        return {}
    ordered = sorted(lengths.values())
    first, second = (ordered[math.ceil(len(ordered) * part / 3) - 1] for part in (1, 2))
    thirds = {
        f"{what}: short (up to {first:,} characters)": _within(lengths, -1, first),
        f"{what}: medium (up to {second:,} characters)": _within(lengths, first, second),
        f"{what}: long (above {second:,} characters)": _within(lengths, second, ordered[-1]),
    }
    return {name: keys for name, keys in thirds.items() if keys}


def _within(lengths: Mapping[str, int], above: int, up_to: int) -> list[str]:
    return [key for key, length in lengths.items() if above < length <= up_to]


def _asked_characters(question: Question) -> int:
    """Count what humans and models said; the system text is the same everywhere."""
    said: Iterable[str] = (message["content"] for message in question.messages if message["role"] != "system")
    return sum(map(len, said))
