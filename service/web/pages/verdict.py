"""An evaluation as a table: what each model scored, how sure that is, and the difference that was judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Score:
    """One metric of an evaluation.

    Attributes:
        name: The metric's.
        words: What it measures, and which direction is better.
        scores: By role: the mean and its 95 % interval.
        difference: Of the challenger from the incumbent, and how sure.
        counts: On how many examples it was better, and worse.
    """

    name: str
    words: str
    scores: Mapping[str, str]
    difference: str
    counts: str


def scores_of(evaluation: Mapping[str, Any]) -> list[Score]:
    """Give every metric, the one that decides first."""
    against, metrics = evaluation["comparisons"].get(evaluation["incumbent"], {}), evaluation.get("metrics", {})
    return [
        _score(name, by_role, against.get(name), metrics.get(name)) for name, by_role in evaluation["intervals"].items()
    ]


def _score(
    name: str,
    by_role: Mapping[str, Mapping[str, Any]],
    against: Mapping[str, Any] | None,
    metric: Mapping[str, Any] | None,
) -> Score:
    # Older evaluations do not say it.
    better = f", {'higher' if metric['higher_is_better'] else 'lower'} is better" if metric else ""
    is_share = against is not None and against["kind"] == "yes_no"
    return Score(
        name=name,
        words=(against["words"] if against else "") + better,
        scores={role: _interval(found, is_share=is_share) for role, found in by_role.items()},
        difference=_difference(against) if against else "-",
        counts=f"{against['better_on']} better, {against['worse_on']} worse" if against else "-",
    )


def _interval(found: Mapping[str, Any], *, is_share: bool) -> str:
    if found["mean"] is None:
        return "-"
    mean, low, high = (found[name] * (100 if is_share else 1) for name in ("mean", "low", "high"))
    return f"{mean:.1f}{' %' if is_share else ''} [{low:.1f}, {high:.1f}]"


def _difference(against: Mapping[str, Any]) -> str:
    if not against["n"]:
        return "nothing was compared"
    # In points, hundredths of the metric's range, as the verdict says it.
    points, low, high = (100 * against[name] / against["span"] for name in ("difference", "low", "high"))
    chance = "p < 0.001" if against["p"] < 0.001 else f"p = {against['p']:.3f}"  # noqa: PLR2004 - the last digit shown
    return f"{points:+.1f} points [{low:+.1f}, {high:+.1f}], {chance}"
