"""A verdict in the words that a manager reads."""

import math
from dataclasses import dataclass
from typing import Literal

from service.domain.comparisons import Comparison
from service.domain.contests import Contest
from service.domain.guards import GuardRule
from service.domain.repeated_looks import Look

Outcome = Literal["better", "worse", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What the closing words are about.

    Attributes:
        gained: The primary is proven better than the incumbent's.
        traded: And something else is proven worse.
        below_base: The primary is below that of the base, which is not the incumbent.
    """

    outcome: Outcome
    needed: int | None
    gained: bool
    traded: bool
    below_base: bool


def sentence_for(
    incumbent: Contest, base: Contest | None, *, look: Look, rule: GuardRule, conclusion: Conclusion
) -> str:
    """Say what was measured, how sure it is, and what follows."""
    parts = [_primary_words(incumbent.primary, look), *_all_guard_words(incumbent, rule)]
    if base and base.primary.n:
        against_base = [f"{base.primary.metric}: {_moved(base.primary)}", *_all_guard_words(base, rule)]
        parts.append(f"against the base {', '.join(against_base)}")
    return f"{'; '.join(parts)}. {_look_words(look)}{_closing(incumbent, conclusion)}"


def _primary_words(primary: Comparison, look: Look) -> str:
    if primary.n == 0:
        return f"{primary.metric} ({primary.words}): no held-out example was answered by both models"
    return (
        f"{primary.metric} ({primary.words}): {_shown(primary, primary.challenger)} against "
        f"{_shown(primary, primary.incumbent)} on {primary.n} held-out examples, {_moved(primary)} "
        f"(95 % interval {_points(primary, primary.low):+.1f} to {_points(primary, primary.high):+.1f}, "
        f"{_chance_words(primary.p, look.alpha)})"
    )


def _chance_words(p: float, alpha: float) -> str:
    # Far below what had to be reached nobody asks for the digits.
    least = min(alpha, 0.001) / 10
    return f"p = {_decimal(p)}" if p >= least else f"p < {_decimal(least)}"


def _decimal(chance: float) -> str:
    """Write three digits behind the zeros: 0.0498 is below 0.05, which two would not show."""
    return f"{chance:.{2 - math.floor(math.log10(chance))}f}".rstrip("0").rstrip(".")


def _all_guard_words(contest: Contest, rule: GuardRule) -> list[str]:
    return [_guard_words(guard, rule) for guard in sorted(contest.guards, key=lambda guard: guard.metric)]


def _guard_words(guard: Comparison, rule: GuardRule) -> str:
    margin = f"the margin of {rule.margin_of(guard):g} points"
    if rule.room(guard) < 0 and rule.is_failed_by(guard):
        return f"{guard.metric}: {_moved(guard)}, more than {margin}"
    # Where the mean is within the margin, how far the truth may be beyond it is what a reader has to know.
    worst = f"the 95 % interval reaches {_points(guard, guard.low):+.1f}"
    if rule.is_failed_by(guard):
        return f"{guard.metric}: {_moved(guard)}, but not surely within {margin}: {worst}"
    return f"{guard.metric}: {_moved(guard)}" + (f", within {margin}; {worst}" if guard.difference < 0 else "")


def _look_words(look: Look) -> str:
    if look.number == 1:
        return ""
    ordinal = f"{look.number}{_ending(look.number)}"
    return f"This is the {ordinal} look at these examples, so p has to be below {_decimal(look.alpha)}. "


def _ending(number: int) -> str:
    if number % 100 in {11, 12, 13}:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def _closing(incumbent: Contest, conclusion: Conclusion) -> str:
    if conclusion.outcome != "cannot tell":
        return f"The challenger is {conclusion.outcome}."
    more = f"; about {conclusion.needed} more examples would tell for sure" if conclusion.needed else ""
    if conclusion.gained and conclusion.below_base:
        return f"It is better than the champion but not than the base, so it does not count as better{more}."
    if conclusion.traded:
        return "It wins one metric and loses another, which a person has to weigh."
    if conclusion.gained:
        return f"These examples cannot tell: the gain is proven, but not that every guard holds{more}."
    if conclusion.needed is not None:
        return f"These examples cannot tell; about {conclusion.needed} more would, if the difference stays."
    alike = "the two are alike so far" if incumbent.primary.n else "nothing was compared"
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
