"""Comparing an evaluation with what its stored answers give again."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Far above what another machine's arithmetic changes, far below anything that a verdict could turn on.
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that came out otherwise; ``path`` leads to it through the evaluation's JSON."""

    path: str
    stored: object
    again: object


def differences(stored: object, again: object, path: str = "") -> Iterator[Difference]:
    """Give every value in which two pieces of JSON differ; numbers within ``TOLERANCE`` are the same."""
    if isinstance(stored, Mapping) and isinstance(again, Mapping):
        for name in sorted({*stored, *again}):
            yield from differences(stored.get(name), again.get(name), f"{path}.{name}" if path else name)
    elif isinstance(stored, list) and isinstance(again, list) and len(stored) == len(again):
        for place, pair in enumerate(zip(stored, again, strict=True)):
            yield from differences(*pair, f"{path}[{place}]")
    elif not _is_same(stored, again):
        yield Difference(path, stored, again)


def count_values(found: object) -> int:
    """Give how many single values a piece of JSON holds."""
    if isinstance(found, Mapping):
        return sum(map(count_values, found.values()))
    return sum(map(count_values, found)) if isinstance(found, list) else 1


def _is_same(stored: Any, again: Any) -> bool:  # noqa: ANN401 - whatever JSON can hold
    are_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (stored, again))
    if are_numbers:
        return math.isclose(stored, again, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return type(stored) is type(again) and bool(stored == again)
