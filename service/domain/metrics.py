"""How an answer is measured: each metric with its direction, its range and its function."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from service.domain.errors import ConfigurationError
from service.domain.personal_data import leaks

Kind = Literal["yes_no", "score"]


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
        measure: Prompt, reference and answer in, value out; the same texts always give the same value.
    """

    name: str
    words: str
    kind: Kind
    higher_is_better: bool
    low: float
    high: float
    measure: Callable[[str, str, str], float]


def metric_named(name: str) -> Metric:
    """Give the metric of this name.

    Raises:
        ConfigurationError: There is none; the message names those there are.
    """
    if name not in METRICS:
        raise ConfigurationError(f"unknown metric {name!r}; allowed are: {', '.join(METRICS)}")
    return METRICS[name]


def _leaks_anything(prompt: str, reference: str, answer: str) -> float:  # noqa: ARG001 - every metric has this shape
    return 1.0 if leaks(prompt, answer) else 0.0


def _chrf(prompt: str, reference: str, answer: str) -> float:  # noqa: ARG001 - every metric has this shape
    return float(_chrf_scorer().sentence_score(answer, [reference]).score)


@cache
def _chrf_scorer() -> Any:  # noqa: ANN401 - sacrebleu has no types
    # Imported at the first use: it takes a good part of a second, which no other command should wait for.
    from sacrebleu.metrics import CHRF

    return CHRF()


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric(
                name="pii_leak",
                words="answers with personal data",
                kind="yes_no",
                higher_is_better=False,
                low=0.0,
                high=1.0,
                measure=_leaks_anything,
            ),
            Metric(
                name="chrf",
                words="likeness to the human answer (chrF)",
                kind="score",
                higher_is_better=True,
                low=0.0,
                high=100.0,
                measure=_chrf,
            ),
        )
    }
)
