"""How far several labels of one row agree. Pure.

What Labelbox computes exactly was never published; a score here is the share of answers that are the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import combinations
from statistics import mean
from typing import Any

from sandbox.answers import plain_answers, plain_message_answers
from sandbox.choices import plain_choices
from sandbox.records import Label, Score

_LEAST_LABELS = 2


def with_consensus(labels: Sequence[Label], known_at: datetime) -> tuple[Label, ...]:
    """Score every label anew by how far all of them agree.

    Args:
        labels: All labels of the row.
        known_at: Until then exports show the former score, or none on a new label.
    """
    answered = [label for label in labels if not label.skipped]
    score = None
    if len(answered) >= _LEAST_LABELS:
        score = mean(agreement(one, other) for one, other in combinations(answered, 2))
    return tuple(_scored(label, None if label.skipped else score, known_at) for label in labels)


def with_benchmark(labels: Sequence[Label], reference_id: str, known_at: datetime) -> tuple[Label, ...]:
    """Score every other label by how far it agrees with the reference."""
    reference = next(label for label in labels if label.id == reference_id)
    return tuple(
        _scored(label, None if label is reference else agreement(reference, label), known_at) for label in labels
    )


def agreement(one: Label, other: Label) -> float:
    """Give the share of answers that two labels have in common, 0 to 1."""
    mine, theirs = _said(one), _said(other)
    asked = mine.keys() | theirs.keys()
    return mean(_alike(mine.get(key), theirs.get(key)) for key in asked) if asked else 1.0


def score_at(label: Label, at: datetime) -> float | None:
    """Give the score that is known at a moment."""
    known = [score.value for score in label.scores if score.known_at <= at]
    return known[-1] if known else None


def _scored(label: Label, value: float | None, known_at: datetime) -> Label:
    former = label.scores[-1].value if label.scores else None
    return label if value == former else replace(label, scores=(*label.scores, Score(known_at, value)))


def _said(label: Label) -> Mapping[object, Any]:
    said: dict[object, Any] = {(None, name): answer for name, answer in plain_answers(label.classifications).items()}
    for message_id, answers in plain_message_answers(label.classifications).items():
        said |= {(message_id, name): answer for name, answer in answers.items()}
    said |= {(item["tool"], item["parent"]): item["messages"] for item in plain_choices(label.objects, "selections")}
    # In a ranking the order matters, so it is the same or it is not.
    said |= {
        (item["tool"], item["parent"]): tuple(item["messages"]) for item in plain_choices(label.objects, "rankings")
    }
    return said


def _alike(mine: object, theirs: object) -> float:
    if isinstance(mine, list) and isinstance(theirs, list):
        these, those = set(map(str, mine)), set(map(str, theirs))
        return len(these & those) / len(these | those) if these | those else 1.0
    return float(mine == theirs)
