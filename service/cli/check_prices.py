"""The part of ``tuneloop check`` about money: whether the budgets see what a pipeline costs."""

from collections.abc import Iterator

from service.bootstrap import Deps
from service.cli.check_labelbox import Checked
from service.domain.pipelines import Pipeline
from service.usecases.answer_prices import judges_without_price
from service.usecases.doors import budgets_over, price_at


def check_prices(deps: Deps) -> Iterator[Checked]:
    """Say which prices a pipeline's estimates rest on, and what no budget sees because a price is missing."""
    for pipeline in deps.settings.pipelines.values():
        budgets = budgets_over(pipeline, pipeline.train.trainer, deps)
        limited = [budget.in_words for budget in budgets if budget.limits.is_set]
        yield _prices(pipeline, limited, deps)
        yield from _judges(pipeline, limited, deps)


def _judges(pipeline: Pipeline, limited: list[str], deps: Deps) -> Iterator[Checked]:
    for whose in judges_without_price(pipeline, deps):
        text = f"answers of {whose}, which judges, have no price{_unseen(limited)}: give them in its trainer's table"
        yield Checked(f"{pipeline.name} judge prices", ok=True, text=text, is_note=True)


def _unseen(limited: list[str]) -> str:
    return f"; no budget sees what they cost ({', '.join(limited)})" if limited else ""


def _prices(pipeline: Pipeline, limited: list[str], deps: Deps) -> Checked:
    trainer, model = pipeline.train.trainer, pipeline.train.model
    name, price, whose = f"{pipeline.name} prices", price_at(pipeline, deps), f"{model} at {trainer}"
    table = f'[trainers.{trainer}.prices."{model}"]'
    blind = _unseen(limited)
    if price is None:
        waits = "; each run waits for approval" if limited else ""
        text = f"{whose} has no price, so its runs have no estimate{blind}{waits}: give {table}"
        return Checked(name, ok=True, text=text, is_note=True)
    if price.answers_usd(0, 0) is None:
        text = f"answers of {whose} have no price{blind}: give input_ and output_usd_per_million in {table}"
        return Checked(name, ok=True, text=text, is_note=True)
    return Checked(
        name, ok=True, text=f"{whose}: {price.train_usd_per_million:g} USD a million tokens, of {price.as_of}"
    )
