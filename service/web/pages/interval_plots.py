"""Means with their intervals, as the numbers of small SVGs: the template only writes them down."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.domain.reports import MetricFacts

WIDTH, MARGIN = 240, 6
# In the order in which they are shown, as far as they are there.
ROLES = ("challenger", "champion", "base")


@dataclass(frozen=True, slots=True)
class Plot:
    """One mean with its interval, in the picture's units; ``zero`` is where no difference is, ``dot`` the mean."""

    low: float
    high: float
    dot: float
    zero: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a metric's table.

    Attributes:
        role: Whose score, or against whom.
        model: Its name; empty for a difference.
        words: The mean and its interval, written out.
        counts: Of a difference: on how many examples it is better and worse, and p.
        plot: None where nothing was measured.
    """

    role: str
    model: str
    words: str
    counts: str
    plot: Plot | None


def score_rows(metric: MetricFacts, models: Mapping[str, str]) -> list[Row]:
    """Give each model's score, on an axis from the metric's least to its greatest value."""
    return [
        Row(role, models.get(role, ""), score_words(found, metric), "", _plot(found, metric.low, metric.high))
        for role, found in by_role(metric.scores)
    ]


def by_role(found: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Give roles in the order in which they are shown, unknown ones last."""
    known = [role for role in ROLES if role in found]
    return [(role, found[role]) for role in [*known, *(role for role in found if role not in ROLES)]]


def score_words(found: Mapping[str, Any], metric: MetricFacts) -> str:
    """Write a mean and its 95 % interval."""
    if found["mean"] is None:
        return "-"
    factor, unit = (100, " %") if metric.kind == "yes_no" else (1, "")
    # A metric from 0 to 1 would lose its digits.
    digits = 1 if factor == 100 or metric.high - metric.low >= 10 else 3  # noqa: PLR2004 - a hundredth of the range
    mean, low, high = (found[name] * factor for name in ("mean", "low", "high"))
    return f"{mean:.{digits}f}{unit} [{low:.{digits}f}, {high:.{digits}f}]"


def difference_rows(metric: MetricFacts) -> list[Row]:
    """Give the challenger's difference from each rival in points, zero in the middle of an axis that all fit in."""
    points = {rival: _points(of) for rival, of in metric.differences.items() if of["n"]}
    reach = max((abs(end) for found in points.values() for end in found.values()), default=0.0) or 1.0
    rows = []
    for rival, of in by_role(metric.differences):
        found = points.get(rival)
        plot = _plot(found, -reach, reach, zero=0.0) if found else None
        rows.append(Row(rival, "", _difference_words(of, found), _counts(of), plot))
    return rows


def _points(of: Mapping[str, Any]) -> dict[str, float]:
    return {name: 100 * of[field] / of["span"] for name, field in _FIELDS.items()}


_FIELDS = {"mean": "difference", "low": "low", "high": "high"}


def _difference_words(of: Mapping[str, Any], found: Mapping[str, float] | None) -> str:
    if found is None:
        return "nothing was compared"
    chance = "p < 0.001" if of["p"] < 0.001 else f"p = {of['p']:.3f}"  # noqa: PLR2004 - the last digit shown
    return f"{found['mean']:+.1f} points [{found['low']:+.1f}, {found['high']:+.1f}], {chance}"


def _counts(of: Mapping[str, Any]) -> str:
    same = of["n"] - of["better_on"] - of["worse_on"]
    return f"{of['better_on']} better, {of['worse_on']} worse, {same} the same"


def _plot(found: Mapping[str, Any], least: float, most: float, *, zero: float | None = None) -> Plot | None:
    if found["mean"] is None:
        return None

    def place(value: float) -> float:
        return round(MARGIN + (value - least) / (most - least) * (WIDTH - 2 * MARGIN), 1)

    low, high, mean = (place(found[name]) for name in ("low", "high", "mean"))
    return Plot(low, high, mean, None if zero is None else place(zero))
