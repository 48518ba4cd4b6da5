"""Snapshotted -> uploaded: through the budget's door first, then the files to the trainer."""

from collections.abc import Callable
from dataclasses import asdict

from service.domain.budgets import Estimate, estimate_cost, may_spend, price_of
from service.domain.errors import OverBudget
from service.domain.runs import Run, RunState, Step
from service.domain.snapshots import Snapshot
from service.domain.splits import Split
from service.domain.upload_names import upload_name
from service.ports import Trainer
from service.usecases.mend_snapshot import opened, whole_snapshot
from service.usecases.steps.lease import keeper
from service.usecases.steps.parts import Parts, TrainerAccount


def upload(run: Run, parts: Parts) -> Step:
    """Estimate, reserve the money and upload; waits for a person where the budget says so.

    Raises:
        OverBudget: The estimate does not fit.
    """
    keep = keeper(run, parts)
    snapshot = whole_snapshot(run.snapshot_id or "", parts.archive, keep=keep)
    account = parts.account(run.trainer)
    estimate = estimate_run(run, snapshot, account)
    if waiting := _reserve(run, estimate, account, parts):
        return Step(
            RunState.AWAITING_APPROVAL,
            waiting,
            facts={
                "estimate": asdict(estimate),
                "resume": run.state.value,
                "error": waiting,
                "remedy": f"tuneloop runs approve {run.run_id}, or set a price or another budget for the trainer",
            },
        )
    trainer = account.connect()
    validation = snapshot.files["validation"]
    training_file = _upload(run, trainer, "train", snapshot, parts, keep)
    validation_file = _upload(run, trainer, "validation", snapshot, parts, keep) if validation.lines else None
    return Step(
        RunState.UPLOADED,
        "files uploaded",
        facts={
            "estimate": asdict(estimate),
            "training_file": training_file,
            "validation_file": validation_file,
            "installation": parts.aftermath.installation(),
        },
    )


def estimate_run(run: Run, snapshot: Snapshot, account: TrainerAccount) -> Estimate:
    """Estimate what training this snapshot with this run's settings costs."""
    train = snapshot.files["train"]
    n_epochs = (run.fact("hyperparameters") or {}).get("n_epochs", "auto")
    return estimate_cost(train.tokens, lines=train.lines, n_epochs=n_epochs, price=price_of(run.model, account.prices))


def _reserve(run: Run, estimate: Estimate, account: TrainerAccount, parts: Parts) -> str | None:
    """Set the estimate aside; give the reason where a person must approve first."""
    now = parts.clock()
    usd = estimate.usd or 0.0
    spent = parts.ledger.spent_this_month(run.trainer, now=now) - parts.ledger.reserved_usd(run.run_id)
    spending = may_spend(estimate.usd, account.budget, spent_this_month_usd=spent)
    if spending.refused:
        raise OverBudget(spending.refused)
    if spending.approval and not run.fact("approved"):
        return spending.approval
    if not parts.ledger.reserve(run.run_id, run.trainer, usd, limit_usd=account.budget.month_usd, now=now):
        raise OverBudget(f"{usd:.2f} USD no longer fits this month's {account.budget.month_usd:.2f} USD")
    return None


def _upload(  # noqa: PLR0917 - private, two callers
    run: Run, trainer: Trainer, split: Split, snapshot: Snapshot, parts: Parts, keep: Callable[[], object]
) -> str:
    entry = snapshot.files[split]
    # The name carries the hash: after a crash the file is found by it and not uploaded again.
    name = upload_name(split, entry.sha256, installation=parts.aftermath.installation(), run_id=run.run_id)
    with opened(snapshot, split, parts.archive, keep=keep) as content:
        return trainer.upload(name, content, entry.file_bytes)
