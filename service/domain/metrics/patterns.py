"""Regular expressions over answers that a model made up: none may run for ever."""

from functools import lru_cache
from typing import Any

from service.domain.errors import MetricFailed
from service.domain.metrics.metric import Measure

# Far more than an honest pattern takes for the longest answer, so that a busy machine changes no value.
PATIENCE_S = 10.0


def check_pattern(pattern: str) -> None:
    """Check that a pattern is one.

    Raises:
        ValueError: It is none; says where.
    """
    import regex

    try:
        _compiled(pattern)
    except regex.error as error:
        raise ValueError(f"is no regular expression: {error}") from None


def finds(name: str, pattern: str, text: str, *, patience_s: float = PATIENCE_S) -> bool:
    """Say whether anything in a text matches.

    Raises:
        MetricFailed: It took longer than so many seconds. No value is better than one that the next machine would
            not give.
    """
    try:
        return _compiled(pattern).search(text, timeout=patience_s) is not None
    except TimeoutError:
        remedy = f"Write the pattern of the metric {name!r} without repetitions inside repetitions."
        raise MetricFailed(f"the pattern of the metric {name!r} runs away on an answer", remedy=remedy) from None


def regex_measure(name: str, pattern: str, *, wanted: bool, patience_s: float = PATIENCE_S) -> Measure:
    """Make what gives 1.0 where something in an answer matches, or nothing, as is wanted."""

    def measure(prompt: str, reference: str, answer: str) -> float:  # noqa: ARG001 - every metric has this shape
        return 1.0 if finds(name, pattern, answer, patience_s=patience_s) == wanted else 0.0

    return measure


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:  # noqa: ANN401 - regex has no types
    # Not re: it cannot be stopped.
    import regex

    return regex.compile(pattern)
