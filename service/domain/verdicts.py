"""Whether a challenger is better, worse, or whether the held-out examples cannot tell yet."""

from collections.abc import Iterable
from dataclasses import dataclass

from service.domain.comparisons import Comparison
from service.domain.contests import Contest
from service.domain.further_examples import further_examples, further_examples_for_guard
from service.domain.guards import GuardRule
from service.domain.repeated_looks import Look
from service.domain.verdict_words import Conclusion, Outcome, sentence_for

_RULE = GuardRule()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided and why; plain values only, so that it can be stored as JSON.

    Attributes:
        outcome: ``better``, ``worse`` or ``cannot tell``.
        sentence: The numbers and the reason, as a manager reads them.
        further_examples_needed: How many more held-out examples would probably settle it; None where it is
            settled, or where no number of examples can be named.
        failed_guards: Metrics that fell by more than their margin, against the incumbent or the base.
        below_base: Whether there is a champion to beat and the base's primary is above the challenger's.
    """

    outcome: Outcome
    sentence: str
    further_examples_needed: int | None
    failed_guards: tuple[str, ...]
    below_base: bool


def decide_verdict(incumbent: Contest, base: Contest | None = None, *, look: Look, rule: GuardRule = _RULE) -> Verdict:
    """Judge a challenger against the incumbent, and against the base as well where the incumbent is a champion.

    The base is a floor: a champion that a person chose, or that has aged, must not let a model through that is worse
    than none. And guards that held against each champion only would sink by a margin with every promotion.

    Args:
        incumbent: Against the champion, or against the base where there is none.
        base: Against the base, where there is a champion.
        look: Says below which p a difference counts as proven.
        rule: How far guards may fall.

    Returns:
        ``better``: the primary is proven better than the incumbent's and not below the base's, and no guard fails
        against either. ``worse``: the primary is proven worse than the incumbent's, or is not proven better while a
        guard fails and its fall is proven. ``cannot tell``: anything else, so also a trade of one proven gain
        against one loss, which is for a person to judge. The base takes a ``better`` away, and does nothing else.
    """
    failed = _failed_guards(incumbent, rule)
    guards = [*failed, *(_failed_guards(base, rule) if base else [])]
    below_base = [base.primary] if base and base.primary.difference < 0 else []
    gained = _is_proven(incumbent.primary, look) and incumbent.primary.difference > 0
    outcome: Outcome = "cannot tell"
    if gained and not guards and not below_base:
        outcome = "better"
    elif not gained and _any_lost([incumbent.primary, *failed], look):
        outcome = "worse"
    # A gain against a proven loss stays undecided, however many examples follow.
    traded, needed = gained and _any_lost([*guards, *below_base], look), None
    if outcome == "cannot tell" and not traded:
        unsettled = below_base if gained else [incumbent.primary]
        numbers = [further_examples(comparison, look) for comparison in unsettled]
        numbers += [further_examples_for_guard(guard, rule, look) for guard in guards] if gained else []
        needed = max((number for number in numbers if number is not None), default=None)
    conclusion = Conclusion(outcome, needed, gained=gained, traded=traded, below_base=bool(below_base))
    return Verdict(
        outcome=outcome,
        sentence=sentence_for(incumbent, base, look=look, rule=rule, conclusion=conclusion),
        further_examples_needed=needed,
        failed_guards=tuple(sorted({guard.metric for guard in guards})),
        below_base=bool(below_base),
    )


def _failed_guards(contest: Contest, rule: GuardRule) -> list[Comparison]:
    return [guard for guard in contest.guards if rule.is_failed_by(guard)]


def _is_proven(comparison: Comparison, look: Look) -> bool:
    return comparison.p < look.alpha


def _any_lost(comparisons: Iterable[Comparison], look: Look) -> bool:
    return any(_is_proven(comparison, look) and comparison.difference < 0 for comparison in comparisons)
