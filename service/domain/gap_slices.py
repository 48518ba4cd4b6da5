"""Where a model is weak: slices of the held-out questions whose score lies clearly below the whole, and failures."""

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.domain.comparisons import interval
from service.domain.metrics import Metric

# A slice of fewer says nothing.
LEAST_QUESTIONS = 5
# A field or an answer of more different values is no class of anything.
_MOST_VALUES = 20
_MOST_CLASS_CHARACTERS = 60
_THIRDS = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt with what is known of it.

    Attributes:
        answer: The human's; None for an unlabelled row.
        metadata: What its uploader noted, by field.
    """

    prompt: str
    answer: str | None = None
    metadata: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the questions, and how a model does there.

    Attributes:
        name: For people, such as ``length: 421 to 900 characters``.
        n: Questions in it.
        mean: The model's mean there.
        low: Lower end of its 95 % interval.
        high: Upper end.
        whole: The mean over all questions.
    """

    name: str
    n: int
    mean: float
    low: float
    high: float
    whole: float


class Slicing:
    """Says which slices a prompt belongs to: by length, by answer where answers are classes, by metadata.

    Args:
        asked: The held-out questions: what they have in common decides which slices there are.
    """

    def __init__(self, asked: Sequence[Asked]) -> None:
        lengths = sorted(len(item.prompt) for item in asked)
        # The ends of the first and the second third.
        self._ends = [lengths[len(lengths) * part // _THIRDS] for part in (1, 2)] if len(lengths) >= _THIRDS else []
        answers = Counter(item.answer for item in asked if item.answer is not None)
        are_classes = len(answers) <= min(_MOST_VALUES, len(asked) // LEAST_QUESTIONS) and all(
            len(answer) <= _MOST_CLASS_CHARACTERS for answer in answers
        )
        self._classes = frozenset(answers) if are_classes else frozenset()
        values: dict[str, set[str]] = {}
        for item in asked:
            for name, value in (item.metadata or {}).items():
                values.setdefault(name, set()).add(value)
        self._fields = {name: frozenset(some) for name, some in values.items() if len(some) <= _MOST_VALUES}

    def of(self, asked: Asked) -> list[str]:
        """Name the slices; an unlabelled row is in none by answer."""
        names = [self._length(len(asked.prompt))] if self._ends else []
        if asked.answer in self._classes:
            names.append(f"label: {asked.answer}")
        known = (asked.metadata or {}).items()
        # Told apart from the others, for a field may be called length or label.
        names += [f"metadata {name}: {value}" for name, value in known if value in self._fields.get(name, ())]
        return names

    def _length(self, characters: int) -> str:
        first, second = self._ends
        if characters < first:
            return f"length: below {first} characters"
        if characters >= second:
            return f"length: from {second} characters"
        return f"length: {first} to {second - 1} characters"


def slices_of(metric: Metric, asked: Sequence[Asked], values: Sequence[float]) -> list[Slice]:
    """Give how a model does in every slice that is large enough, the farthest below the whole first.

    Args:
        metric: What was measured.
        asked: The questions.
        values: One value a question, in the same order.
    """
    if not values:
        return []
    slicing, whole = Slicing(asked), math.fsum(values) / len(values)
    members: dict[str, list[float]] = {}
    for item, value in zip(asked, values, strict=True):
        for name in slicing.of(item):
            members.setdefault(name, []).append(value)
    found = []
    for name, mine in members.items():
        mean, low, high = interval(metric, mine)
        if len(mine) >= LEAST_QUESTIONS and mean is not None:
            found.append(Slice(name, len(mine), mean, low, high, whole))
    sign = 1 if metric.higher_is_better else -1
    return sorted(found, key=lambda part: (sign * (part.mean - whole), part.name))


def is_weak(part: Slice, *, higher_is_better: bool) -> bool:
    """Say whether a slice's whole interval lies on the worse side of the mean over all questions."""
    return part.high < part.whole if higher_is_better else part.low > part.whole


def failures(metric: Metric, keys: Sequence[str], values: Sequence[float]) -> list[str]:
    """Give the questions that went worst, worst first: wrong ones, or the lowest quarter of scores below the mean."""
    sign = 1 if metric.higher_is_better else -1
    # Equal ones in an order that has nothing to do with their place in the file.
    ranked = sorted(zip(keys, values, strict=True), key=lambda item: (sign * item[1], _shuffled(item[0])))
    if metric.kind == "yes_no":
        wrong = 0.0 if metric.higher_is_better else 1.0
        return [key for key, value in ranked if value == wrong]
    mean = math.fsum(values) / len(values) if values else 0.0
    return [key for key, value in ranked[: math.ceil(len(ranked) / 4)] if sign * value < sign * mean]


def _shuffled(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
