"""What a metric is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from service.domain.metric_specs import JudgeSpec

Kind = Literal["yes_no", "score"]
# Prompt, reference and answer in, value out.
Measure = Callable[[str, str, str], float]
# References with their answers in, what only all of them together say out, as JSON holds it.
Corpus = Callable[[Sequence[tuple[str, str]]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Metric:
    """One way to measure an answer.

    Attributes:
        name: The word for it in the configuration.
        words: What it measures, as a manager reads it.
        kind: ``yes_no`` gives 0.0 or 1.0 an answer, ``score`` any number of the range.
        higher_is_better: The direction.
        low: The least value it can give.
        high: The greatest value it can give.
        measure: The same texts always give the same value; None where answers are compared and not measured.
        corpus: A figure over all examples, shown beside the mean; tests in pairs are of the single values.
        judge: Who compares the answers of two models, where that is the measure.
    """

    name: str
    words: str
    kind: Kind
    higher_is_better: bool
    low: float
    high: float
    measure: Measure | None
    corpus: Corpus | None = None
    judge: JudgeSpec | None = None

    @property
    def worst(self) -> float:
        """The value of an answer that is none."""
        return self.low if self.higher_is_better else self.high


def described(metric: Metric) -> dict[str, Any]:
    """Give what one has to know of a metric to read its numbers later, as JSON holds it."""
    names = ("words", "kind", "higher_is_better", "low", "high")
    return {name: getattr(metric, name) for name in names}
