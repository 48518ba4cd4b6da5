"""How far a judge is to be trusted: whether order or length sways it, and whether humans agree with it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from service.domain.judging.duels import Choice, Duel, requests_of, value_of, winners
from service.domain.metric_specs import JudgeSpec
from service.domain.paired_tests import share_limits

WON, LOST = 1.0, 0.0


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, and where the true share may lie (95 %, Clopper and Pearson)."""

    hits: int
    n: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LengthEffect:
    """How often the longer of two answers won, of those that the judge decided.

    Attributes:
        longer_won: The share.
        expected: The share that there would be if length played no part: from how often ours won, and how often ours
            was the longer one. Both may differ from a half because one model is better, or says more.
    """

    longer_won: Share
    expected: float


@dataclass(frozen=True, slots=True)
class JudgeReport:
    """What a judge said of all duels; plain values only, so that it can be stored as JSON.

    Attributes:
        won: Duels that ours won in both orders.
        lost: Duels that theirs won in both.
        even: All others.
        identical: Duels that were not asked about, because both answers are the same.
        unreadable: Replies that were none of the three words, and count as ties.
        flipped: Duels whose winner changed with the order, of those asked about.
        first_preferred: Replies that preferred what was shown first, of those that preferred any.
        length: None where no decided duel had answers of different length.
        agreement: Choices of humans that the judge made as well, of those that it decided; None where humans chose
            nothing among the held-out examples.
        undecided: Choices of humans that it did not decide.
    """

    won: int
    lost: int
    even: int
    identical: int
    unreadable: int
    flipped: Share
    first_preferred: Share
    length: LengthEffect | None
    agreement: Share | None
    undecided: int


def choices_in(spec: JudgeSpec, duel: Duel, judgements: Mapping[str, Choice]) -> tuple[Choice, ...]:
    """Give the replies to a duel's requests.

    Raises:
        KeyError: One was not asked yet.
    """
    return tuple(judgements[request.key] for request in requests_of(spec, duel))


def judge_report(
    spec: JudgeSpec, duels: Sequence[Duel], humans: Sequence[Duel], judgements: Mapping[str, Choice]
) -> JudgeReport:
    """Sum up.

    Args:
        spec: The judge.
        duels: Between two models.
        humans: Between the answer that a human preferred, as ours, and one that the human did not.
        judgements: The reply to every request of these, by key.
    """
    found = [(duel, choices_in(spec, duel, judgements)) for duel in duels]
    asked = [choices for _, choices in found if choices]
    replies = [choice for choices in asked for choice in choices]
    values = [value_of(choices, duel.winner) for duel, choices in found]
    chosen = [value_of(choices) for duel in humans if (choices := choices_in(spec, duel, judgements))]
    decided = [value for value in chosen if value in (WON, LOST)]
    return JudgeReport(
        won=values.count(WON),
        lost=values.count(LOST),
        even=len(values) - values.count(WON) - values.count(LOST),
        identical=sum(not choices and duel.winner is None for duel, choices in found),
        unreadable=replies.count("unreadable"),
        flipped=share(sum(len(set(winners(choices))) > 1 for choices in asked), len(asked)),
        first_preferred=share(replies.count("A"), replies.count("A") + replies.count("B")),
        length=_length_effect([(duel, value_of(choices)) for duel, choices in found if choices]),
        agreement=share(decided.count(WON), len(decided)) if chosen else None,
        undecided=len(chosen) - len(decided),
    )


def share(hits: int, n: int) -> Share:
    """Give a share with its interval."""
    return Share(hits, n, *share_limits(hits, n))


def report_words(report: JudgeReport) -> Iterator[str]:
    """Say how far the judge is to be trusted, a sentence each."""
    yield f"won {report.won}, lost {report.lost}, even {report.even}"
    yield f"changed its mind with the order on {_words(report.flipped)}"
    if report.unreadable:
        yield f"{report.unreadable} replies were none of A, B and tie, and count as ties"
    if report.length is None:
        yield "whether it likes longer answers cannot be said: none of those that it decided differ in length"
    else:
        effect, expected = report.length.longer_won, 100 * report.length.expected
        sways = (
            "no sign that length sways it" if effect.low <= report.length.expected <= effect.high else "length sways it"
        )
        yield f"the longer answer won {_words(effect)}, {expected:.0f} % expected without an effect of length: {sways}"
    if report.agreement is None:
        yield "agreement with humans is not known: no held-out example holds a choice of theirs to ask about"
    else:
        undecided = f", and did not decide {report.undecided}" if report.undecided else ""
        yield f"agreed with humans on {_words(report.agreement)} of their choices{undecided}"


def _length_effect(decided: Sequence[tuple[Duel, float]]) -> LengthEffect | None:
    differ = [
        (len(duel.ours) > len(duel.theirs), value == WON)
        for duel, value in decided
        if value in (WON, LOST) and len(duel.ours) != len(duel.theirs)
    ]
    if not differ:
        return None
    n = len(differ)
    longer, won = sum(is_longer for is_longer, _ in differ) / n, sum(wins for _, wins in differ) / n
    expected = longer * won + (1 - longer) * (1 - won)
    return LengthEffect(share(sum(is_longer == wins for is_longer, wins in differ), n), expected)


def _words(found: Share) -> str:
    if not found.n:
        return "0 of 0"
    low, high = 100 * found.low, 100 * found.high
    return f"{found.hits} of {found.n} ({100 * found.hits / found.n:.0f} %, 95 % interval {low:.0f} to {high:.0f})"
