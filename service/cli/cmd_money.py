"""``tuneloop money``: what was spent this month, and what is left."""

import os

import msgspec
import typer

from service.bootstrap import Deps, now
from service.cli.app import AsJson, app, print_json
from service.config import load
from service.domain.spending import not_in_the_sum
from service.usecases.report_money import BudgetMoney, RunMoney, report_money


@app.command()
def money(*, as_json: AsJson = False) -> None:
    """Show every budget with what is left of it, and what pipelines and runs take of this month."""
    deps = Deps(load(os.environ))
    found = report_money(deps.settings.pipelines, deps, now=now())
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    typer.echo(f"{found.month}, in USD")
    if not found.runs:
        typer.echo("No run has cost anything this month.")
    for budget in found.budgets:
        typer.echo(f"\n{budget.budget}\n  {_budget(budget)}")
    for line in found.pipelines:
        spent = _spent(line.reserved_usd, line.billed_usd)
        typer.echo(f"\npipeline {line.pipeline or 'unknown'}: {'; '.join([spent, *_missing(line.unpriced)])}")
        for run in found.runs:
            if run.pipeline == line.pipeline:
                typer.echo(f"  {run.run_id}  {run.trainer}: {_of_run(run)}")


def _budget(budget: BudgetMoney) -> str:
    spent = "; ".join([_spent(budget.reserved_usd, budget.billed_usd), *_missing(budget.unpriced)])
    limits = [] if budget.run_usd is None else [f"at most {budget.run_usd:,.2f} a run"]
    if budget.approve_above_usd is not None:
        limits.append(f"above {budget.approve_above_usd:,.2f} a person approves")
    if budget.limit_usd is None:
        return "; ".join([spent, "no limit of the month", *limits])
    left = f"{budget.left_usd:,.2f} of {budget.limit_usd:,.2f} left" + (" (nearly spent)" if budget.is_near else "")
    return "; ".join([left, spent, *limits])


def _of_run(run: RunMoney) -> str:
    spent = _spent(run.reserved_usd, run.billed_usd)
    return spent if run.is_priced else f"{spent}; something of it has no price and is not in this sum"


def _missing(unpriced: int) -> list[str]:
    return [not_in_the_sum(unpriced)] if unpriced else []


def _spent(reserved_usd: float, billed_usd: float) -> str:
    return f"{billed_usd:,.2f} billed, {reserved_usd:,.2f} set aside"
