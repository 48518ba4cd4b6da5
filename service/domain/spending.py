"""What of the budgets is spent, and what still may be."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from service.domain.pipelines import Budget
from service.domain.plurals import how_many
from service.domain.triggers import Reason

Kind = Literal["reserved", "released", "billed", "answers"]
# Sums of floats are not exact; what is smaller than a millionth of a dollar is nothing.
_DIGITS = 6
# How the note of an amount ends that is 0 only because nobody knows the price.
NO_PRICE = "; no price known"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One row of the ledger.

    Attributes:
        kind: ``reserved`` sets an estimate aside, ``billed`` or ``released`` takes its place; ``answers`` is what
            answers of an evaluation cost.
        tokens: Counted with every epoch; None where nobody counted.
        note: How the number came about.
    """

    run_id: str
    kind: Kind
    trainer: str
    pipeline: str
    usd: float
    tokens: int | None
    at: datetime
    note: str

    @property
    def is_priced(self) -> bool:
        """Whether the amount is one: 0 is none where nobody knew the price."""
        return NO_PRICE not in self.note


@dataclass(frozen=True, slots=True)
class Debt:
    """Tokens of answers that came and are not in the ledger yet.

    Attributes:
        payer: The id of a run, or of a base model's evaluation.
        model: Who answered.
        priced_as: The base model whose prices count where it has none of its own.
    """

    payer: str
    pipeline: str
    trainer: str
    model: str
    priced_as: str
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What one run takes of a month's budgets.

    Attributes:
        reserved_usd: Set aside, neither billed nor released yet: it counts in every month until then.
        billed_usd: Billed in this month.
        is_priced: Whether these are amounts; False where a part of it has no price, and so is in no sum.
    """

    run_id: str
    trainer: str
    pipeline: str
    reserved_usd: float
    billed_usd: float
    is_priced: bool = True

    @property
    def usd(self) -> float:
        """Both together."""
        return self.reserved_usd + self.billed_usd


@dataclass(frozen=True, slots=True)
class ScopedBudget:
    """A budget and whose spending counts against it.

    Attributes:
        name: ``all``, ``trainer:NAME`` or ``pipeline:NAME``.
        trainer: Only what is spent there; None is anywhere.
        pipeline: Only what this one spends; None is any.
    """

    name: str
    limits: Budget
    trainer: str | None = None
    pipeline: str | None = None

    @property
    def in_words(self) -> str:
        """Name it for people."""
        return "all together" if self.name == "all" else self.name.replace(":", " ")

    def covers(self, spent: Spent) -> bool:
        """Say whether this run's spending counts against it."""
        return self.trainer in {None, spent.trainer} and self.pipeline in {None, spent.pipeline}


def scoped_budgets(
    everything: Budget, *, trainers: Mapping[str, Budget], pipelines: Mapping[str, Budget]
) -> tuple[ScopedBudget, ...]:
    """Give the budgets over these trainers and pipelines, with that over everything; those without limits as well."""
    return (
        ScopedBudget("all", everything),
        *(ScopedBudget(f"trainer:{name}", limits, trainer=name) for name, limits in trainers.items()),
        *(ScopedBudget(f"pipeline:{name}", limits, pipeline=name) for name, limits in pipelines.items()),
    )


@dataclass(frozen=True, slots=True)
class BudgetState:
    """A budget as it stands in a month; ``unpriced`` runs are not wholly in it, because nobody knows a price."""

    budget: ScopedBudget
    reserved_usd: float
    billed_usd: float
    unpriced: int = 0

    @property
    def spent_usd(self) -> float:
        """What is billed or set aside."""
        return round(self.reserved_usd + self.billed_usd, _DIGITS)

    @property
    def left_usd(self) -> float | None:
        """What may still be spent this month; None without a limit."""
        limit = self.budget.limits.month_usd
        return None if limit is None else max(0.0, round(limit - self.spent_usd, _DIGITS))

    @property
    def is_near(self) -> bool:
        """Whether so much of the month's budget is spent that people should know."""
        limits = self.budget.limits
        return (
            limits.month_usd is not None
            and self.spent_usd > 0
            and self.spent_usd >= limits.month_usd * limits.warn_percent / 100
        )

    @property
    def warning(self) -> Reason | None:
        """What to tell people if it is."""
        limit = self.budget.limits.month_usd
        if limit is None or not self.is_near:
            return None
        text = f"{self.spent_usd:.2f} of {limit:.2f} USD are spent or set aside this month ({self.budget.in_words})"
        facts = {"budget": self.budget.name, "spent_usd": self.spent_usd, "limit_usd": limit}
        return Reason("budget_near", text, facts)

    @property
    def blind_spot(self) -> Reason | None:
        """What to tell people where the budget limits something and does not see everything."""
        if not (self.unpriced and self.budget.limits.is_set):
            return None
        text = f"{not_in_the_sum(self.unpriced)} ({self.budget.in_words}): the budget does not see all of it"
        return Reason("unpriced_runs", text, {"budget": self.budget.name, "runs": self.unpriced})


def not_in_the_sum(unpriced: int) -> str:
    """Say that a sum is not everything."""
    parts = "a part without a price (training, answers or judges) and"
    lack = f"has {parts} is" if unpriced == 1 else f"have {parts} are"
    return f"{how_many(unpriced, 'run')} {lack} not wholly in this month's sum"


def state_of(budget: ScopedBudget, month: Iterable[Spent], *, but_for: str | None = None) -> BudgetState:
    """Sum up what counts against a budget.

    Args:
        budget: Which.
        month: What every run takes of the month.
        but_for: A run that is left out, because what it may spend is being asked.
    """
    mine = [spent for spent in month if budget.covers(spent) and spent.run_id != but_for]
    return BudgetState(
        budget,
        sum(spent.reserved_usd for spent in mine),
        sum(spent.billed_usd for spent in mine),
        unpriced=sum(not spent.is_priced for spent in mine),
    )


@dataclass(frozen=True, slots=True)
class Spending:
    """The answer of the budgets.

    Attributes:
        refused: Each limit that would be passed.
        approval: Why a person must approve first; empty where it is refused anyway.
    """

    refused: tuple[Reason, ...] = ()
    approval: tuple[Reason, ...] = ()


def in_usd(usd: float) -> str:
    """Write an amount in cents, and a small one in as many digits as it takes to show two of its own."""
    places = 1 - math.floor(math.log10(usd)) if usd > 0 else 2
    return f"{usd:.{min(max(places, 2), _DIGITS)}f} USD"


def may_spend(usd: float | None, states: Sequence[BudgetState]) -> Spending:
    """Say whether a job of this estimate fits every budget, or needs a person's approval.

    Args:
        usd: The estimate; None where the model has no price. What costs nothing fits always.
        states: The budgets over it as they stand, without the job itself.
    """
    if usd is None:
        limited = [state.budget.name for state in states if state.budget.limits.is_set]
        text = "the model has no price: no estimate, and no budget sees what it costs; give it one, or approve each run"
        return Spending(approval=(Reason("no_price", text, {"budgets": limited}),) if limited else ())
    refused = tuple(reason for state in states for reason in _refusals(usd, state))
    return Spending(refused) if refused else Spending(approval=tuple(_approvals(usd, states)))


def _refusals(usd: float, state: BudgetState) -> Iterable[Reason]:
    limits, facts = state.budget.limits, {"budget": state.budget.name, "usd": usd}
    whose, left = state.budget.in_words, state.left_usd
    if limits.run_usd is not None and usd > limits.run_usd:
        text = f"estimate {in_usd(usd)} is above {in_usd(limits.run_usd)} a run ({whose})"
        yield Reason("over_run_budget", text, {**facts, "limit_usd": limits.run_usd})
    if limits.month_usd is not None and left is not None and usd > left and usd > 0:
        text = f"estimate {usd:.2f} USD, but {left:.2f} of {limits.month_usd:.2f} USD left this month ({whose})"
        yield Reason("over_month_budget", text, {**facts, "left_usd": left, "limit_usd": limits.month_usd})


def _approvals(usd: float, states: Sequence[BudgetState]) -> Iterable[Reason]:
    for state in states:
        limit, facts = state.budget.limits.approve_above_usd, {"budget": state.budget.name, "usd": usd}
        if limit is not None and usd > limit:
            text = f"estimate {in_usd(usd)} is above {in_usd(limit)}: a person must approve ({state.budget.in_words})"
            yield Reason("needs_approval", text, {**facts, "limit_usd": limit})
