"""Simulated models on simulated questions, and the lives of pipelines in which nothing ever gets better.

Only the scores are made up. Looks, comparisons and verdicts are those of the service.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from service.domain.contests import Rival
from service.domain.guards import GuardRule
from service.domain.judgements import Judgement, judge_scores
from service.domain.metrics import metric_named
from service.domain.repeated_looks import EarlierLook, Look, take_look
from service.domain.verdicts import decide_verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]

SEED = 20_261_102
ALPHA = 0.05
RULE = GuardRule()
# Fifty labels a run, of which a fifth is held out, from a pipeline's first run on.
GROWING = tuple(range(20, 120, 10))
UNCHANGED = (50,) * len(GROWING)
LEAK_RATE = 0.3
_MEAN_SCORE = 45.0
_QUESTION_SPREAD = 12.0
_ANSWER_SPREAD = 9.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """Models that answered the same questions: one row a model, one column a question."""

    leaks: "Scores"
    likeness: "Scores"

    def scores(self, roles: Mapping[str, int], metrics: Sequence[str], n: int) -> dict[str, dict[str, list[float]]]:
        """Give the first n scores as the service keeps them: by metric and role; roles are rows."""
        table = {"pii_leak": self.leaks, "chrf": self.likeness}
        return {name: {role: table[name][row, :n].tolist() for role, row in roles.items()} for name in metrics}


def crowd(draw: "np.random.Generator", models: int, questions: int, *, is_skewed: bool = False) -> Crowd:
    """Draw models that are all alike: what a question is like counts more than who answers it.

    Args:
        draw: The source of chance.
        models: How many.
        questions: How many.
        is_skewed: Whether all but the first model are mostly a bit better and sometimes much worse than it, on
            average the same: the sign-flip test takes gains and losses to be of like sizes, which this is not.
    """
    shape = (models, questions)
    # Some questions tempt every model into naming somebody and some none: a third of the variance is the question's.
    leaks = draw.random(shape) < draw.beta(2 * LEAK_RATE, 2 * (1 - LEAK_RATE), questions)
    noise = draw.normal(0, _ANSWER_SPREAD, shape)
    if is_skewed:
        noise[1:] = _ANSWER_SPREAD * (1 - draw.exponential(1, (models - 1, questions)))
    likeness = draw.normal(_MEAN_SCORE, _QUESTION_SPREAD, questions) + noise
    return Crowd(leaks.astype(float), likeness)


@dataclass(frozen=True, slots=True)
class Life:
    """A pipeline's runs in which no challenger was better than what it was compared with.

    Attributes:
        promotions: How many runs promoted all the same.
        uncorrected: Whether any would have, had each been judged like a first look.
    """

    promotions: int
    uncorrected: bool


def live(models: Crowd, metrics: Sequence[str], sizes: Sequence[int]) -> Life:
    """Let a pipeline judge a new model at every size of its held-out set, and promote what it finds better.

    Args:
        models: The base first, then one challenger a run.
        metrics: The primary first, then the guards.
        sizes: Held-out questions at each run; those that were there stay.
    """
    base, champion, promotions, uncorrected, earlier = 0, 0, 0, False, list[EarlierLook]()
    for challenger, n in enumerate(sizes, start=1):
        questions = [str(number) for number in range(n)]
        look = take_look(questions, earlier, alpha=ALPHA)
        roles = {"challenger": challenger, "base": base} | ({"champion": champion} if promotions else {})
        judgement = judged(models, roles, metrics, n, look)
        # Up to the first promotion both ways have the same champion.
        uncorrected = uncorrected or is_better(judgement, replace(look, alpha=ALPHA))
        if judgement.verdict.outcome == "better":
            champion, promotions = challenger, promotions + 1
        earlier.append(EarlierLook(questions, look.step))
    return Life(promotions, uncorrected)


def judged(models: Crowd, roles: Mapping[str, int], metrics: Sequence[str], n: int, look: Look) -> Judgement:
    """Judge as the service does by default."""
    named = [metric_named(name) for name in metrics]
    scores = models.scores(roles, metrics, n)
    rivals: tuple[Rival, ...] = ("champion", "base") if "champion" in roles else ("base",)
    return judge_scores(named, dict.fromkeys(rivals, scores), look=look, rule=RULE)


def is_better(judgement: Judgement, look: Look, rule: GuardRule = RULE) -> bool:
    """Say whether the same comparisons would make another look, or another rule, say "better"."""
    return decide_verdict(*judgement.contests, look=look, rule=rule).outcome == "better"
