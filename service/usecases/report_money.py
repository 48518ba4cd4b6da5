"""Tell what was spent this month, and what is left of every budget."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from service.domain.pipelines import Budget, Pipeline
from service.domain.spending import BudgetState, ScopedBudget, Spent, scoped_budgets, state_of
from service.usecases.doors import Doorkeepers


@dataclass(frozen=True, slots=True)
class BudgetMoney:
    """A budget in this month, in US dollars.

    Attributes:
        budget: ``all``, ``trainer:NAME`` or ``pipeline:NAME``.
        limit_usd: Of the month; null without a limit, and then nothing is known to be left.
        run_usd: The limit of one run.
        approve_above_usd: A dearer run waits for a person.
        reserved_usd: Set aside for runs whose bill is still to come, this month's or not.
        billed_usd: Billed in this month.
        left_usd: What may still be spent.
        is_near: Whether so much is spent that it is time to know.
        unpriced: Runs of which something has no price, and so is in none of these sums.
    """

    budget: str
    limit_usd: float | None
    run_usd: float | None
    approve_above_usd: float | None
    reserved_usd: float
    billed_usd: float
    left_usd: float | None
    is_near: bool
    unpriced: int


@dataclass(frozen=True, slots=True)
class PipelineMoney:
    """What a pipeline's runs take of this month; ``unpriced`` ones are not wholly in the sums."""

    pipeline: str
    reserved_usd: float
    billed_usd: float
    unpriced: int


@dataclass(frozen=True, slots=True)
class RunMoney:
    """What a run takes of this month; not all of it where a part has no price."""

    run_id: str
    pipeline: str
    trainer: str
    reserved_usd: float
    billed_usd: float
    is_priced: bool


@dataclass(frozen=True, slots=True)
class Money:
    """The month's money.

    Attributes:
        month: Year and month, in UTC.
        budgets: That over everything, and every other that limits something.
        pipelines: Those that spend something, and all of the configuration.
        runs: Those that spend something.
    """

    month: str
    budgets: tuple[BudgetMoney, ...]
    pipelines: tuple[PipelineMoney, ...]
    runs: tuple[RunMoney, ...]


def report_money(pipelines: Mapping[str, Pipeline], keepers: Doorkeepers, *, now: datetime) -> Money:
    """Sum up the ledger's month."""
    month = keepers.ledger.month(now=now)
    names = dict.fromkeys([*pipelines, *(spent.pipeline for spent in month)])
    return Money(
        month=f"{now:%Y-%m}",
        budgets=tuple(map(_budget, budget_states(pipelines, keepers, month))),
        pipelines=tuple(_pipeline(name, month) for name in names),
        runs=tuple(
            RunMoney(spent.run_id, spent.pipeline, spent.trainer, spent.reserved_usd, spent.billed_usd, spent.is_priced)
            for spent in month
        ),
    )


def budget_states(pipelines: Mapping[str, Pipeline], keepers: Doorkeepers, month: Iterable[Spent]) -> list[BudgetState]:
    """Give every budget that limits something as it stands, after that over everything."""
    month = list(month)
    budgets = scoped_budgets(
        keepers.overall_budget,
        trainers={name: account.budget for name, account in keepers.accounts.items()},
        pipelines={name: pipeline.budget for name, pipeline in pipelines.items()},
    )
    return [state_of(budget, month) for budget in budgets if budget.name == "all" or budget.limits.is_set]


def _budget(state: BudgetState) -> BudgetMoney:
    limits = state.budget.limits
    return BudgetMoney(
        budget=state.budget.name,
        limit_usd=limits.month_usd,
        run_usd=limits.run_usd,
        approve_above_usd=limits.approve_above_usd,
        reserved_usd=state.reserved_usd,
        billed_usd=state.billed_usd,
        left_usd=state.left_usd,
        is_near=state.is_near,
        unpriced=state.unpriced,
    )


def _pipeline(name: str, month: Iterable[Spent]) -> PipelineMoney:
    state = state_of(ScopedBudget(f"pipeline:{name}", Budget(), pipeline=name), month)
    return PipelineMoney(name, state.reserved_usd, state.billed_usd, state.unpriced)
