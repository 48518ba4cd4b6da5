"""Snapshotted -> uploaded: through the budget's door first, then the files to the trainer."""

from collections.abc import Callable
from dataclasses import asdict

from service.domain.budgets import Estimate, estimate_cost, price_of
from service.domain.runs import Run, RunState, Step
from service.domain.snapshots import Snapshot
from service.domain.splits import Split
from service.ports import Trainer
from service.usecases.mend_snapshot import opened, whole_snapshot
from service.usecases.steps.lasting import require_lasting
from service.usecases.steps.lease import keeper
from service.usecases.steps.money import set_aside, waiting_facts
from service.usecases.steps.parts import Parts, TrainerAccount


def upload(run: Run, parts: Parts) -> Step:
    """Estimate, reserve the money and upload; waits for a person where the budget says so.

    Raises:
        OverBudget: The estimate does not fit.
        ModelEnds: The model shuts down too soon, or its trainer takes no more jobs.
    """
    keep = keeper(run, parts)
    snapshot = whole_snapshot(run.snapshot_id or "", parts.archive, keep=keep)
    account = parts.account(run.trainer)
    require_lasting(run, parts)
    estimate = estimate_run(run, snapshot, account)
    if waiting := set_aside(run, estimate, parts):
        return Step(RunState.AWAITING_APPROVAL, waiting, facts=waiting_facts(run, estimate, waiting))
    trainer = account.connect()
    validation = snapshot.files["validation"]
    training_file = _upload(trainer, "train", snapshot, parts, keep)
    validation_file = _upload(trainer, "validation", snapshot, parts, keep) if validation.lines else None
    return Step(
        RunState.UPLOADED,
        "files uploaded",
        facts={
            "estimate": asdict(estimate),
            "training_file": training_file,
            "validation_file": validation_file,
        },
    )


def estimate_run(run: Run, snapshot: Snapshot, account: TrainerAccount) -> Estimate:
    """Estimate what training this snapshot with this run's settings costs."""
    train = snapshot.files["train"]
    # Of another model's encoding than the snapshot was counted by.
    tokens = run.fact("train_tokens") or train.tokens
    n_epochs = (run.fact("hyperparameters") or {}).get("n_epochs", "auto")
    return estimate_cost(tokens, lines=train.lines, n_epochs=n_epochs, price=price_of(run.model, account.prices))


def _upload(trainer: Trainer, split: Split, snapshot: Snapshot, parts: Parts, keep: Callable[[], object]) -> str:
    entry = snapshot.files[split]
    # The name carries the hash: after a crash the file is found by it and not uploaded again.
    with opened(snapshot, split, parts.archive, keep=keep) as content:
        return trainer.upload(f"{split}-{entry.sha256[:16]}.jsonl", content, entry.file_bytes)
