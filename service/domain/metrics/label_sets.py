"""Answers that are labels: one, several, or several questions' in a JSON object.

Each example gets the F1 of its answer's labels against the human's, so that models can be compared in pairs; of a
single label that is right or wrong. Beside it stands the macro F1 over the labels, which is no mean over examples:
there a rare label weighs as much as a frequent one.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from service.domain.metrics.json_answers import NO_JSON, read_json
from service.domain.splits import fold

# A label of fewer examples is not named: an F1 of so few says nothing, and a text of one person's may be among them.
FEWEST = 5
_HIGHEST = 100.0


def labels_in(text: str, *, separator: str | None = ",") -> frozenset[str]:
    """Give the labels that a text names, folded.

    A JSON object gives ``question: label`` for each of its values, nested ones by their way, a JSON list its items;
    any other text is cut at the separator.
    """
    try:
        found = read_json(text)
        if isinstance(found, dict | list):
            return frozenset(_flat(found, ""))
    except RecursionError:
        pass  # nested beyond all reason: no answer of a labeler, so one odd label
    parts = text.split(separator) if separator else [text]
    return frozenset(filter(None, map(fold, parts)))


def label_f1(reference: str, answer: str, *, separator: str | None = ",") -> float:
    """Give the F1 of an answer's labels, 0 to 100."""
    wanted, said = labels_in(reference, separator=separator), labels_in(answer, separator=separator)
    if not wanted and not said:
        return _HIGHEST
    return _HIGHEST * 2 * len(wanted & said) / (len(wanted) + len(said))


def label_figures(pairs: Sequence[tuple[str, str]], *, separator: str | None = ",") -> dict[str, Any]:
    """Give what only all examples together say.

    Args:
        pairs: References with their answers.
        separator: See ``labels_in``.

    Returns:
        ``macro_f1``: the mean F1 of the labels that humans gave, None without any; ``labels``: F1 and number of
        examples of each that ``FEWEST`` or more have; ``rare_labels``: how many others there are;
        ``answers_with_other_labels``: answers that name a label which no human gave.
    """
    right, missed, wrong = Counter[str](), Counter[str](), Counter[str]()
    sets = [tuple(labels_in(text, separator=separator) for text in pair) for pair in pairs]
    for wanted, said in sets:
        right.update(wanted & said)
        missed.update(wanted - said)
        wrong.update(said - wanted)
    given = {label: right[label] + missed[label] for label in sorted(right | missed)}
    f1 = {label: _HIGHEST * 2 * right[label] / (given[label] + right[label] + wrong[label]) for label in given}
    return {
        "macro_f1": sum(f1.values()) / len(f1) if f1 else None,
        "labels": {label: {"f1": f1[label], "n": number} for label, number in given.items() if number >= FEWEST},
        "rare_labels": sum(number < FEWEST for number in given.values()),
        "answers_with_other_labels": sum(not said <= given.keys() for _, said in sets),
    }


def _flat(value: object, way: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{way}{fold(str(key))}: ")
    elif isinstance(value, list):
        for item in value:
            yield from _flat(item, way)
    elif value is not None and value is not NO_JSON:
        yield way + fold(value if isinstance(value, str) else str(value))
