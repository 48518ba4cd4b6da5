"""Whether a challenger is better, worse, or whether the held-out examples cannot tell yet."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from service.domain.comparisons import Comparison, Interval, compare, interval

__all__ = ["Comparison", "Interval", "Outcome", "Verdict", "compare", "decide_verdict", "interval"]

Outcome = Literal["better", "worse", "cannot tell"]

DEFAULT_GUARD_MARGIN = 2.0
_POWER = 0.8


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided and why; plain values only, so that it can be stored as JSON.

    Attributes:
        outcome: ``better``, ``worse`` or ``cannot tell``.
        sentence: The numbers and the reason, as a manager reads them.
        further_examples_needed: How many more held-out examples would probably settle it; None where it is
            settled, or where no number of examples can be named.
        failed_guards: Metrics that fell by more than their margin.
    """

    outcome: Outcome
    sentence: str
    further_examples_needed: int | None
    failed_guards: tuple[str, ...]


def decide_verdict(
    primary: Comparison,
    guards: Mapping[str, Comparison],
    *,
    alpha: float = 0.05,
    guard_margin: Mapping[str, float] | float = DEFAULT_GUARD_MARGIN,
) -> Verdict:
    """Judge a challenger against the incumbent.

    A guard fails where its mean fell by more than its margin, significantly or not: asking for proof that it
    did not fall would promote nothing on few examples, asking for proof that it did would promote anything.

    Args:
        primary: The comparison that the challenger has to win.
        guards: The comparisons it must not lose, by metric.
        alpha: A difference counts as proven where p is below this.
        guard_margin: How far a guard may fall, in points: hundredths of the metric's range, so that 2 are two
            points of chrF and two percentage points of a rate. One for all, or by metric.

    Returns:
        ``better``: the primary is proven better and no guard fails. ``worse``: the primary is proven worse, or
        is not proven better while a guard fails and its fall is proven. ``cannot tell``: anything else, so
        also a trade of one proven gain against one loss, which is for a person to judge.
    """
    failed = tuple(sorted(name for name, guard in guards.items() if _fails(name, guard, guard_margin)))
    proven = primary.p < alpha
    lost = any(guards[name].p < alpha for name in failed)
    gained = proven and primary.difference > 0
    outcome: Outcome = "cannot tell"
    if gained and not failed:
        outcome = "better"
    elif (proven and not gained) or (not gained and lost):
        outcome = "worse"
    needed = None
    if outcome == "cannot tell":
        unsettled = [guards[name] for name in failed if guards[name].p >= alpha] if gained else [primary]
        # A gain against a proven loss stays undecided, however many examples follow.
        needed = None if gained and lost else _most([further_examples(c, alpha=alpha) for c in unsettled])
    parts = [_primary_words(primary), *_guard_words(guards, failed, guard_margin)]
    closing = _closing(outcome, primary, needed, trade=gained and lost)
    return Verdict(outcome, f"{'; '.join(parts)}. {closing}", needed, failed)


def further_examples(comparison: Comparison, *, alpha: float = 0.05) -> int | None:
    """Estimate how many more examples would prove the difference, were it to stay as observed.

    Returns:
        The examples to add for a power of 80 %, at least 1; None where no difference was observed.

    Source: Miettinen 1968 for pairs of yes and no; the usual normal approximation for paired scores.
    """
    size, n = abs(comparison.difference), comparison.n
    if size == 0 or n == 0:
        return None
    normal = NormalDist()
    sure, powered = normal.inv_cdf(1 - alpha / 2), normal.inv_cdf(_POWER)
    differing = comparison.discordant / n
    if comparison.kind == "yes_no":
        total = (sure * math.sqrt(differing) + powered * math.sqrt(max(0.0, differing - size**2))) ** 2 / size**2
    else:
        total = ((sure + powered) * comparison.spread / size) ** 2
    # However one-sided, so many examples have to differ before an exact test can prove anything.
    least = (math.floor(math.log2(2 / alpha)) + 1) / differing
    return max(1, math.ceil(max(total, least)) - n)


def _fails(name: str, guard: Comparison, margins: Mapping[str, float] | float) -> bool:
    # The tolerance keeps a fall of exactly the margin, such as 2 in 100 answers, on the allowed side.
    return -guard.difference > _margin(name, margins) * guard.span / 100 + 1e-9


def _margin(name: str, margins: Mapping[str, float] | float) -> float:
    return margins.get(name, DEFAULT_GUARD_MARGIN) if isinstance(margins, Mapping) else margins


def _most(needed: list[int | None]) -> int | None:
    return max((count for count in needed if count is not None), default=None)


def _primary_words(primary: Comparison) -> str:
    if primary.n == 0:
        return f"{primary.metric} ({primary.words}): no held-out example was answered by both models"
    chance = "p < 0.001" if primary.p < 0.001 else f"p = {primary.p:.3f}"  # noqa: PLR2004 - the last digit shown
    return (
        f"{primary.metric} ({primary.words}): {_shown(primary, primary.challenger)} against "
        f"{_shown(primary, primary.incumbent)} on {primary.n} held-out examples, {_moved(primary)} "
        f"(95 % interval {_points(primary, primary.low):+.1f} to {_points(primary, primary.high):+.1f}, {chance})"
    )


def _guard_words(
    guards: Mapping[str, Comparison], failed: tuple[str, ...], margins: Mapping[str, float] | float
) -> list[str]:
    words = []
    for name, guard in sorted(guards.items()):
        beyond = "more than" if name in failed else "within"
        margin = f", {beyond} the margin of {_margin(name, margins):g} points" if guard.difference < 0 else ""
        words.append(f"{name}: {_moved(guard)}{margin}")
    return words


def _closing(outcome: Outcome, primary: Comparison, needed: int | None, *, trade: bool) -> str:
    if outcome != "cannot tell":
        return f"The challenger is {outcome}."
    if trade:
        return "It wins one metric and loses another, which a person has to weigh."
    if needed is not None:
        return f"These examples cannot tell; about {needed} more would, if the difference stays."
    alike = "the two are alike so far" if primary.n else "nothing was compared"
    return f"These examples cannot tell: {alike}, so no number of further ones can be named."


def _moved(comparison: Comparison) -> str:
    points = _points(comparison, comparison.difference)
    if comparison.difference == 0:
        return "no difference"
    return f"{abs(points):.1f} points {'better' if points > 0 else 'worse'}"


def _shown(comparison: Comparison, mean: float) -> str:
    return f"{100 * mean:.1f} %" if comparison.kind == "yes_no" else f"{mean:.1f}"


def _points(comparison: Comparison, difference: float) -> float:
    return 100 * difference / comparison.span
