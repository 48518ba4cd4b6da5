"""Everything that a run has to pass, gathered in one place: whoever may start one asks here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.domain.budgets import Estimate, Price, estimate_cost, price_of
from service.domain.deployments import deploys_by_hand
from service.domain.line_tokens import LineCounter
from service.domain.pipelines import Budget, Pipeline
from service.domain.spending import BudgetState, ScopedBudget, may_spend, scoped_budgets, state_of
from service.domain.triggers import Counts, Decision, Reason, blocks_manual_start, decide
from service.ports import ExampleStore, Ledger
from service.usecases.answer_prices import answers_without_price
from service.usecases.model_lists import ask_list_door, list_door
from service.usecases.sunset import Horizon, sunset_door


class Doorkeepers(Horizon, Protocol):
    """Everything that is asked whether a run may start."""

    @property
    def examples(self) -> ExampleStore:
        """The examples."""

    @property
    def ledger(self) -> Ledger:
        """What is spent."""

    @property
    def overall_budget(self) -> Budget:
        """What may be spent by everything together."""

    @property
    def count_tokens(self) -> Callable[[str, str], int]:
        """Counts a text's tokens as a model does."""


@dataclass(frozen=True, slots=True)
class Doors:
    """What was found beside the examples: what is shut, for runs by hand as well, and what is good to know."""

    shut: tuple[Reason, ...]
    notes: tuple[Reason, ...]


def weigh(pipeline: Pipeline, keepers: Doorkeepers, *, now: datetime) -> tuple[Counts, Decision]:
    """Count, and decide whether a pipeline's next run is due."""
    counts = keepers.examples.counts(pipeline.name)
    doors = gather_doors(pipeline, counts, keepers, now=now)
    decision = decide(pipeline.trigger, pipeline.dataset, counts, now=now, more=doors.shut, notes=doors.notes)
    return counts, decision


def weigh_by_hand(
    pipeline: Pipeline,
    keepers: Doorkeepers,
    *,
    now: datetime,
    despite_sunset: bool = False,
    unlisted: tuple[Reason, ...] | None = None,
) -> tuple[Counts, tuple[Reason, ...]]:
    """Count, and give every door that is shut for a run that a person starts; ``unlisted`` as ``gather_doors`` has it.

    Without it no trainer is asked and nothing is written: whoever only looks must not wait for one.
    """
    counts = keepers.examples.counts(pipeline.name)
    doors = gather_doors(pipeline, counts, keepers, now=now, despite_sunset=despite_sunset, unlisted=unlisted)
    return counts, blocks_manual_start(pipeline.dataset, counts, more=doors.shut)


def ask_whether_listed(
    pipeline: Pipeline, keepers: Doorkeepers, *, now: datetime, despite_list: bool
) -> tuple[Reason, ...]:
    """Ask the trainer whether it has the model: a person waits, who may have mistyped it just now."""
    return () if despite_list else ask_list_door(pipeline.train.trainer, pipeline.train.model, keepers, now=now)


def gather_doors(
    pipeline: Pipeline,
    counts: Counts,
    keepers: Doorkeepers,
    *,
    now: datetime,
    despite_sunset: bool = False,
    unlisted: tuple[Reason, ...] | None = None,
) -> Doors:
    """Ask everything that may stand in a run's way beside its examples; a new door belongs here.

    Args:
        pipeline: What would be trained where; may differ from the configuration.
        counts: What there is to train on.
        keepers: Whom to ask.
        now: The time.
        despite_sunset: Whether it may be trained although the model is about to shut down.
        unlisted: What the trainer's list says against the model, if it was asked just now; None takes what is
            remembered.
    """
    estimate = foresee(pipeline, counts, keepers)
    month = keepers.ledger.month(now=now)
    states = [state_of(budget, month) for budget in budgets_over(pipeline, pipeline.train.trainer, keepers)]
    spending = may_spend(estimate.usd, states)
    ends = () if despite_sunset else sunset_door(pipeline, keepers, now=now)
    if unlisted is None:
        unlisted = list_door(pipeline.train.trainer, pipeline.train.model, keepers)
    notes = (
        *_estimate(estimate, counts),
        *spending.approval,
        *answers_without_price(pipeline, states, keepers),
        *warnings_of(states),
        *_deployment(pipeline, keepers),
    )
    return Doors((*spending.refused, *unlisted, *ends), notes)


def budgets_over(pipeline: Pipeline, trainer: str, keepers: Doorkeepers) -> tuple[ScopedBudget, ...]:
    """Give every budget that a pipeline's run at a trainer counts against."""
    account = keepers.accounts.get(trainer)
    trainers = {} if account is None else {trainer: account.budget}
    return scoped_budgets(keepers.overall_budget, trainers=trainers, pipelines={pipeline.name: pipeline.budget})


def foresee(pipeline: Pipeline, counts: Counts, keepers: Doorkeepers) -> Estimate:
    """Estimate a run before its snapshot exists, from the tokens that are kept with the examples.

    Too much where duplicates and leaks will be left out; the snapshot is counted exactly before anything is paid.
    """
    train, price = pipeline.train, price_at(pipeline, keepers)
    tokens = counts.train_tokens + counts.train * _opening(pipeline, keepers)
    n_epochs = train.hyperparameters.get("n_epochs", "auto")
    return estimate_cost(tokens, lines=counts.train, n_epochs=n_epochs, price=price)


def price_at(pipeline: Pipeline, keepers: Doorkeepers) -> Price | None:
    """Give the price of what a pipeline trains; None where there is none."""
    account = keepers.accounts.get(pipeline.train.trainer)
    return None if account is None else price_of(pipeline.train.model, account.prices)


def warnings_of(states: list[BudgetState]) -> tuple[Reason, ...]:
    """Give what people should know of the budgets."""
    return tuple(told for state in states for told in (state.warning, state.blind_spot) if told)


def _opening(pipeline: Pipeline, keepers: Doorkeepers) -> int:
    """Count what the system text adds to each line."""
    if pipeline.system is None:
        return 0

    def count(text: str) -> int:
        return keepers.count_tokens(text, pipeline.train.model)

    if pipeline.form == "completion":
        return count(pipeline.system)
    return LineCounter(pipeline.form, pipeline.system, count).opening


def _deployment(pipeline: Pipeline, keepers: Doorkeepers) -> tuple[Reason, ...]:
    trainer = pipeline.train.trainer
    account = keepers.accounts.get(trainer)
    if account is None or not account.deployment.by_hand:
        return ()
    return (Reason("deploy_by_hand", deploys_by_hand(trainer), {"trainer": trainer}),)


def _estimate(estimate: Estimate, counts: Counts) -> tuple[Reason, ...]:
    if not counts.train:
        return ()
    facts = {"usd": estimate.usd, "tokens": estimate.tokens, "epochs": estimate.epochs}
    return (Reason("estimate", f"a run now would cost about {estimate.in_words()}", facts),)
