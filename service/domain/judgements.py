"""From the scores of every model to a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.domain.comparisons import Comparison, compare
from service.domain.contests import Contest, Rival
from service.domain.guards import GuardRule
from service.domain.metrics import Metric
from service.domain.repeated_looks import Look
from service.domain.verdicts import Verdict, decide_verdict

# By metric's name and role, ``challenger`` and the rival: a value for each question, in the same order everywhere.
Pairs = Mapping[str, Mapping[str, Sequence[float]]]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and what it was made of: the contest with the incumbent first."""

    verdict: Verdict
    contests: tuple[Contest, ...]

    @property
    def incumbent(self) -> Rival:
        """Who had to be beaten."""
        return self.contests[0].rival

    @property
    def comparisons(self) -> Mapping[Rival, Mapping[str, Comparison]]:
        """The challenger against each rival, by metric."""
        return {
            contest.rival: {comparison.metric: comparison for comparison in (contest.primary, *contest.guards)}
            for contest in self.contests
        }


def judge_scores(metrics: Sequence[Metric], pairs: Mapping[Rival, Pairs], *, look: Look, rule: GuardRule) -> Judgement:
    """Compare the challenger with the base and, if there is one, with the champion, which it then has to beat.

    Args:
        metrics: The primary one first, then the guards.
        pairs: By rival, the incumbent first: a judge's values for the challenger differ from rival to rival.
        look: Says below which p a difference counts as proven.
        rule: How far guards may fall.
    """
    contests = tuple(_contest(rival, metrics, scores) for rival, scores in pairs.items())
    return Judgement(decide_verdict(*contests, look=look, rule=rule), contests)


def _contest(rival: Rival, metrics: Sequence[Metric], scores: Pairs) -> Contest:
    primary, *guards = (
        compare(metric, scores[metric.name]["challenger"], scores[metric.name][rival]) for metric in metrics
    )
    return Contest(rival, primary, tuple(guards))
