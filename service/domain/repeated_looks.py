"""How surely a gain has to be proven where the same held-out examples were asked before (ADR 0016).

Every look at the same examples is another chance that luck alone promotes a model. So the chance that may be taken,
alpha, is one budget for all looks at a question together, and each look spends a part of it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

# What all looks after a first one may take together, in budgets. The whole budget would be right if the tests were;
# a quarter is kept back for scores whose losses are rare and large, of which a sign-flip test promises too much.
LATER_SHARE = 0.5
# Of looks that ask nothing new: so that many of them share the budget more evenly than a whole step each would.
LEAST_STEP = 0.25


@dataclass(frozen=True, slots=True)
class EarlierLook:
    """What an earlier evaluation leaves to later ones.

    Attributes:
        questions: Keys of the questions it asked; those that were forgotten since are missing.
        step: How far it went on the way that ``_spent`` measures; a whole step for looks that nobody counted yet.
    """

    questions: Collection[str]
    step: float = 1.0


@dataclass(frozen=True, slots=True)
class Look:
    """One evaluation of a pipeline, as one among several that asked some of the same questions.

    Attributes:
        number: 1 where none of its questions was asked before.
        alpha: Below this p has to be, two-sided, for a difference to count as proven.
        step: How far it goes on the way that ``_spent`` measures, in (0, 1].
        before: How far the earlier looks went together.
        budget: The alpha of a first look, and the chance of a promotion by luck over all of them.
    """

    number: int
    alpha: float
    step: float
    before: float
    budget: float

    def next_alpha(self, new_share: float) -> float:
        """Give the alpha of a next look at the same questions, of which this share will then be new."""
        return _alpha(self.budget, self.before + self.step, max(new_share, LEAST_STEP))


def take_look(questions: Collection[str], earlier: Iterable[EarlierLook], *, alpha: float) -> Look:
    """Give this look's number and its part of the budget.

    An earlier look counts if it shares a question with this one; a set of questions that is wholly new starts afresh. A
    look goes a step as long as the share of its questions that no earlier look asked, and at least ``LEAST_STEP``.

    Args:
        questions: The keys that are asked now, each once.
        earlier: The pipeline's other evaluations, in any order; read once.
        alpha: The budget: how probable a promotion by luck may be.

    Returns:
        A look such that, for every question, the alphas of all looks that ever ask it sum to less than one and a half
        budgets. A model that is no better is proven better with half of a look's alpha, so over all these looks
        together with less than three quarters of the budget, however many there will be.
    """
    asked, seen, number, before = frozenset(questions), set[str](), 1, 0.0
    for look in earlier:
        if shared := asked.intersection(look.questions):
            seen |= shared
            number += 1
            before += look.step
    step = 1.0 if number == 1 else max(LEAST_STEP, 1 - len(seen) / len(asked))
    return Look(number, _alpha(alpha, before, step), step, before, alpha)


def _alpha(budget: float, before: float, step: float) -> float:
    return budget * (_spent(before + step) - _spent(before))


def _spent(way: float) -> float:
    """Give what is spent after so many steps, in budgets: 1 after the first, never quite ``LATER_SHARE`` more.

    It bends downwards throughout; that alone makes the sums of ``take_look`` hold, whatever the steps are.
    """
    return way if way <= 1 else 1 + LATER_SHARE * (1 - 1 / way)
