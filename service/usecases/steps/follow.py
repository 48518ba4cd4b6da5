"""Submitted -> training -> evaluating: look at the job until it ends."""

from collections.abc import Mapping
from contextlib import suppress
from itertools import takewhile
from typing import Any

from service.domain.alerts import paused, since, slow
from service.domain.budgets import price_of
from service.domain.errors import TrainerRefused
from service.domain.outcomes import NOT_BEGUN, PAUSED, remedy_of_failure
from service.domain.runs import Run, RunState, Step
from service.ports import RemoteJob, Trainer
from service.usecases.steps.endings import ALL_WELL
from service.usecases.steps.parts import Parts


def follow(run: Run, parts: Parts) -> Step:
    """Look once at the job and at what it reported since the last look."""
    trainer = parts.account(run.trainer).connect()
    job = trainer.job(str(run.job_id))
    _remember_events(run, trainer, parts)
    if job.outcome == "open":
        return _look_again(run, job, parts)
    settle(run, job, parts)
    facts = {**ALL_WELL, "job_status": job.status, "trained_tokens": job.trained_tokens, "job_over": True}
    if job.outcome == "succeeded" and job.tuned_model:
        return Step(
            RunState.EVALUATING,
            f"job succeeded: {job.tuned_model}",
            changes={"tuned_model": job.tuned_model},
            facts={**facts, "checkpoints": _checkpoints(job, trainer), "result_files": list(job.result_files)},
        )
    if job.outcome == "cancelled":
        return Step(RunState.CANCELLED, "job was cancelled", facts=facts)
    return _failed(run, job, facts, parts)


def _look_again(run: Run, job: RemoteJob, parts: Parts) -> Step:
    now = parts.clock()
    state = RunState.SUBMITTED if run.state == RunState.SUBMITTED and job.status in NOT_BEGUN else RunState.TRAINING
    paused_at = since(run, "paused_since", now) if job.status in PAUSED else None
    notices = [
        paused(run, paused_at, now=now) if paused_at else None,
        slow(run, run.intent_at or run.created_at, now=now, what=f"Job {run.job_id} has been {job.status}"),
    ]
    for notice in notices:
        if notice is not None:
            parts.notices.put(notice, now=now)
    facts = {**ALL_WELL, "job_status": job.status, "paused_since": paused_at.isoformat() if paused_at else None}
    # A look that worked is no attempt that failed.
    return Step(state, f"job is {job.status}", changes={"attempts": 0}, facts=facts, due_at=now + parts.timing.poll)


def _failed(run: Run, job: RemoteJob, facts: Mapping[str, Any], parts: Parts) -> Step:
    complaints = [event for event in parts.runs.job_events(run.run_id) if event.level == "error"]
    reason = job.error or (complaints[-1].message if complaints else "the trainer gave no reason")
    remedy = remedy_of_failure(job.error_code, [event.kind for event in complaints])
    return Step(RunState.FAILED, f"job failed: {reason}", facts={**facts, "error": reason, "remedy": remedy})


def _remember_events(run: Run, trainer: Trainer, parts: Parts) -> None:
    """Write down what is new; a server that keeps no events is good enough."""
    known = {event.event_id for event in parts.runs.job_events(run.run_id)}
    with suppress(TrainerRefused):
        fresh = list(takewhile(lambda event: event.event_id not in known, trainer.events(str(run.job_id))))
        parts.runs.add_job_events(run.run_id, fresh[::-1])


def _checkpoints(job: RemoteJob, trainer: Trainer) -> list[Mapping[str, Any]]:
    """Give the job's checkpoints; none where the server has no such thing."""
    with suppress(TrainerRefused):
        return trainer.checkpoints(job.job_id)
    return []


def settle(run: Run, job: RemoteJob, parts: Parts) -> None:
    """Write what the job billed: ``trained_tokens`` already counts the epochs."""
    price = price_of(run.model, parts.account(run.trainer).prices)
    if job.trained_tokens is None and job.outcome != "failed":
        # Many servers count none; what was set aside is then the best guess, and nothing would be the worst.
        usd = parts.ledger.reserved_usd(run.run_id)
    else:
        usd = (job.trained_tokens or 0) * price.train_usd_per_million / 1_000_000 if price else 0.0
    parts.ledger.settle(run.run_id, run.trainer, usd, tokens=job.trained_tokens, now=parts.clock())
