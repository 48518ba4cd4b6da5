"""Answers of an evaluation that no sum holds, because nobody gave their price: of what is trained, and of judges."""

from collections.abc import Sequence

from service.domain.budgets import Price, price_of
from service.domain.metric_specs import JudgeSpec
from service.domain.pipelines import Pipeline
from service.domain.spending import BudgetState
from service.domain.triggers import Reason
from service.usecases.sunset import Horizon

_KEYS = "input_usd_per_million, output_usd_per_million"


def answers_without_price(pipeline: Pipeline, states: Sequence[BudgetState], horizon: Horizon) -> tuple[Reason, ...]:
    """Say whose answers are in no sum, where a budget seems to limit them."""
    train, limited = pipeline.train, [state.budget.name for state in states if state.budget.limits.is_set]
    price = _price(train.trainer, train.model, horizon)
    # Of a trained model without any price this is told already.
    own = [f"{train.model} at {train.trainer}"] if price and price.answers_usd(0, 0) is None else []
    whose = [*own, *judges_without_price(pipeline, horizon)]
    if not (whose and limited):
        return ()
    text = f"answers of an evaluation have no price, and no budget sees them ({', '.join(whose)}): {_KEYS}"
    return (Reason("no_answer_price", text, {"budgets": limited, "models": whose}),)


def judges_without_price(pipeline: Pipeline, horizon: Horizon) -> list[str]:
    """Name the models that judge in a pipeline's verdict and whose answers have no price."""
    named = (pipeline.verdict.primary, *pipeline.verdict.guard)
    judges = (spec for name in named if isinstance(spec := pipeline.metrics.get(name), JudgeSpec))
    return [
        f"{judge.model} at {judge.trainer}"
        for judge in judges
        if (price := _price(judge.trainer, judge.model, horizon)) is None or price.answers_usd(0, 0) is None
    ]


def _price(trainer: str, model: str, horizon: Horizon) -> Price | None:
    account = horizon.accounts.get(trainer)
    return None if account is None else price_of(model, account.prices)
