"""Snapshotted -> uploaded: through the budget's door first, then the files to the trainer."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from service.domain.budgets import Estimate, estimate_cost, price_of
from service.domain.runs import Run, RunState, Step
from service.domain.snapshots import Snapshot
from service.domain.splits import Split
from service.domain.upload_names import upload_name
from service.usecases.mend_snapshot import opened, whole_snapshot
from service.usecases.steps.lasting import require_lasting
from service.usecases.steps.lease import keeper
from service.usecases.steps.money import set_aside, waiting_facts
from service.usecases.steps.parts import Parts, TrainerAccount

# What a run calls the trainer's ids of its files.
FACTS: Mapping[Split, str] = MappingProxyType({"train": "training_file", "validation": "validation_file"})


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
    return _send(run, snapshot, {"estimate": asdict(estimate)}, parts, keep)


def estimate_run(run: Run, snapshot: Snapshot, account: TrainerAccount) -> Estimate:
    """Estimate what training this snapshot with this run's settings costs."""
    train = snapshot.files["train"]
    # Of another model's encoding than the snapshot was counted by.
    tokens = run.fact("train_tokens") or train.tokens
    n_epochs = (run.fact("hyperparameters") or {}).get("n_epochs", "auto")
    return estimate_cost(tokens, lines=train.lines, n_epochs=n_epochs, price=price_of(run.model, account.prices))


def _send(run: Run, snapshot: Snapshot, facts: Mapping[str, Any], parts: Parts, keep: Callable[[], object]) -> Step:
    """Upload what the trainer does not have yet, one file a step: a worker that dies has at most one to look for."""
    missing = [split for split in FACTS if _is_missing(split, run, snapshot)]
    installation = parts.aftermath.installation()
    found = {**facts, "installation": installation}
    for split in missing[:1]:
        entry = snapshot.files[split]
        # The name carries the hash: after a crash the file is found by it and not uploaded again.
        name = upload_name(split, entry.sha256, installation=installation, run_id=run.run_id)
        with opened(snapshot, split, parts.archive, keep=keep) as content:
            file_id = parts.account(run.trainer).connect().upload(name, content, entry.file_bytes)
        found |= {FACTS[split]: file_id, f"{FACTS[split]}_sha256": entry.sha256}
    if len(missing) > 1:
        return Step(run.state, f"{missing[0]} file uploaded", changes={"attempts": 0}, facts=found)
    return Step(RunState.UPLOADED, "files uploaded", facts=found)


def _is_missing(split: Split, run: Run, snapshot: Snapshot) -> bool:
    """Say whether a file is still to be sent; one that lines were taken out of since is another file."""
    entry = snapshot.files[split]
    return bool(entry.lines) and run.fact(f"{FACTS[split]}_sha256") != entry.sha256
