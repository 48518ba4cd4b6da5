"""A metric that is a function of the user's own: what it gives is checked, and what it says of texts stays unsaid."""

import math
from collections.abc import Callable
from functools import cache
from numbers import Real

from service.domain.errors import MetricFailed
from service.domain.metric_specs import FunctionSpec
from service.domain.metrics.metric import Measure

Function = Callable[[str, str, str], object]


def function_measure(name: str, spec: FunctionSpec, load: Callable[[str], Function]) -> Measure:
    """Make a measure of a function.

    Args:
        name: The metric's.
        spec: Names the function, and says what its values are.
        load: Imports it, at the first use.
    """
    loaded = cache(lambda: load(spec.function))

    def measure(prompt: str, reference: str, answer: str) -> float:
        function = loaded()
        try:
            given = function(prompt, reference, answer)
        except Exception as error:  # noqa: BLE001 - whatever a stranger's function raises
            # From None, and without its words: they may quote the answer.
            raise _failed(name, spec, f"raised {type(error).__name__}") from None
        return _checked(name, spec, given)

    return measure


def _checked(name: str, spec: FunctionSpec, given: object) -> float:
    if not isinstance(given, Real):
        raise _failed(name, spec, f"gave {type(given).__name__} and no number")
    value = float(given)
    if not math.isfinite(value):
        raise _failed(name, spec, "gave no finite number")
    if spec.values == "yes_no" and value not in (0.0, 1.0):
        raise _failed(name, spec, f"gave {value:g}, which is neither 0 nor 1")
    if not spec.low <= value <= spec.high:
        raise _failed(name, spec, f"gave {value:g}, which is not from {spec.low:g} to {spec.high:g}")
    return value


def _failed(name: str, spec: FunctionSpec, what: str) -> MetricFailed:
    return MetricFailed(f"metric {name!r}: the function {spec.function} {what}")
