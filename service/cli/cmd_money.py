"""``tuneloop money``: what was spent this month, and what is left."""

import os

import msgspec
import typer

from service.bootstrap import Deps, now
from service.cli.app import AsJson, app, print_json
from service.config import load
from service.usecases.report_money import BudgetMoney, report_money


@app.command()
def money(*, as_json: AsJson = False) -> None:
    """Show every budget with what is left of it, and what pipelines and runs take of this month."""
    deps = Deps(load(os.environ))
    found = report_money(deps.settings.pipelines, deps, now=now())
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    typer.echo(f"{found.month}, in USD")
    for budget in found.budgets:
        typer.echo(f"\n{budget.budget}\n  {_budget(budget)}")
    for line in found.pipelines:
        typer.echo(f"\npipeline {line.pipeline or 'unknown'}: {_spent(line.reserved_usd, line.billed_usd)}")
        for run in found.runs:
            if run.pipeline == line.pipeline:
                typer.echo(f"  {run.run_id}  {run.trainer}: {_spent(run.reserved_usd, run.billed_usd)}")


def _budget(budget: BudgetMoney) -> str:
    spent = _spent(budget.reserved_usd, budget.billed_usd)
    limits = [] if budget.run_usd is None else [f"at most {budget.run_usd:,.2f} a run"]
    if budget.approve_above_usd is not None:
        limits.append(f"above {budget.approve_above_usd:,.2f} a person approves")
    if budget.limit_usd is None:
        return "; ".join([spent, "no limit of the month", *limits])
    left = f"{budget.left_usd:,.2f} of {budget.limit_usd:,.2f} left" + (" (nearly spent)" if budget.is_near else "")
    return "; ".join([left, spent, *limits])


def _spent(reserved_usd: float, billed_usd: float) -> str:
    return f"{billed_usd:,.2f} billed, {reserved_usd:,.2f} set aside"
