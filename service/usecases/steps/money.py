"""A run's money: set aside before anything is sent, then billed or given back."""

from dataclasses import asdict

from service.domain.budgets import Estimate, price_of
from service.domain.errors import OverBudget
from service.domain.remedies import start_command
from service.domain.runs import Run
from service.domain.spending import NO_PRICE, may_spend, state_of
from service.domain.triggers import Reason
from service.ports import RemoteJob
from service.usecases.steps.parts import Parts


def set_aside(run: Run, estimate: Estimate, parts: Parts) -> str | None:
    """Set the estimate aside; give the reason where a person must approve first.

    Raises:
        OverBudget: It does not fit.
    """
    now = parts.clock()
    budgets = parts.budgets_over(run)
    month = parts.ledger.month(now=now)
    spending = may_spend(estimate.usd, [state_of(budget, month, but_for=run.run_id) for budget in budgets])
    if spending.refused:
        raise _over_budget(run, spending.refused)
    if spending.approval and not is_approved(run, estimate):
        return _in_words(spending.approval)
    if refused := parts.ledger.reserve(run, estimate, budgets, now=now):
        raise _over_budget(run, refused)
    return None


def is_approved(run: Run, estimate: Estimate) -> bool:
    """Say whether a person has approved so much: an approval holds for the estimate that was shown, and below."""
    shown = run.fact("approved_estimate")
    if shown is None:
        return False
    usd: float | None = shown["usd"]
    return estimate.usd == usd or (estimate.usd is not None and usd is not None and estimate.usd <= usd)


def approval_of(run: Run) -> dict[str, object]:
    """Give the facts of an approval by a person who saw the run's estimate."""
    return {"approved_estimate": run.fact("estimate")}


def bill(run: Run, job: RemoteJob, parts: Parts) -> None:
    """Write what the job billed: ``trained_tokens`` already counts the epochs."""
    price = price_of(run.model, parts.account(run.trainer).prices)
    if job.trained_tokens is None and job.outcome == "failed":
        parts.ledger.release(run, note="the job failed and counted no tokens", now=parts.clock())
    elif job.trained_tokens is None:
        # Many servers count none; what was set aside is then the best guess, and nothing would be the worst.
        bill_estimate(run, parts, note="the trainer counted no tokens: taken to be the estimate")
    else:
        usd = job.trained_tokens * price.train_usd_per_million / 1_000_000 if price else 0.0
        note = f"job {job.status}" + ("" if price else f"{NO_PRICE} for this model")
        parts.ledger.bill(run, usd, tokens=job.trained_tokens, note=note, now=parts.clock())


def bill_estimate(run: Run, parts: Parts, *, note: str) -> None:
    """Take what was set aside for spent: nobody will know better, and it must not stay set aside for ever."""
    aside = [entry for entry in parts.ledger.entries_of(run.run_id) if entry.kind == "reserved"]
    without_price = NO_PRICE if not all(entry.is_priced for entry in aside) else ""
    usd = sum(entry.usd for entry in aside)
    if usd or without_price:
        parts.ledger.bill(run, usd, tokens=None, note=f"{note}{without_price}", now=parts.clock())
    else:
        parts.ledger.release(run, note=note, now=parts.clock())


def close_reservation(run: Run, parts: Parts, *, note: str) -> None:
    """Take what is still set aside for spent; what was billed or given back stays so."""
    if not any(entry.kind in {"billed", "released"} for entry in parts.ledger.entries_of(run.run_id)):
        bill_estimate(run, parts, note=note)


def waiting_facts(run: Run, estimate: Estimate, waiting: str) -> dict[str, object]:
    """Give the facts of a run that waits for approval."""
    remedy = f"tuneloop runs approve {run.run_id}, or set a price or another budget"
    return {"estimate": asdict(estimate), "resume": run.state.value, "error": waiting, "remedy": remedy}


def _over_budget(run: Run, refused: tuple[Reason, ...]) -> OverBudget:
    remedy = OverBudget.remedy.replace("tuneloop runs start PIPELINE", start_command(run))
    return OverBudget(_in_words(refused), remedy=remedy)


def _in_words(reasons: tuple[Reason, ...]) -> str:
    return "; ".join(reason.text for reason in reasons)
