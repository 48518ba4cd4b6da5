"""Submitted -> training -> evaluating, or deploying before that: look at the job until it ends."""

from collections.abc import Mapping
from typing import Any

from service.domain.alerts import paused, since, slow
from service.domain.outcomes import NOT_BEGUN, PAUSED, remedy_of_failure
from service.domain.polling import next_look
from service.domain.remedies import remedy_for
from service.domain.runs import Run, RunState, Step
from service.ports import RemoteJob
from service.usecases.steps.endings import ALL_WELL
from service.usecases.steps.gather import gather
from service.usecases.steps.money import bill
from service.usecases.steps.parts import Parts


def follow(run: Run, parts: Parts) -> Step:
    """Look once at the job and at what it reported since the last look."""
    trainer = parts.account(run.trainer).connect()
    job = trainer.job(str(run.job_id))
    told = {**gather(run, job, trainer, parts), **ALL_WELL, "job_status": job.status}
    if job.outcome == "open":
        return _look_again(run, job, told, parts)
    bill(run, job, parts)
    facts = {**told, "trained_tokens": job.trained_tokens, "job_over": True}
    if job.outcome == "succeeded" and job.tuned_model:
        is_next = parts.account(run.trainer).deployment.is_needed
        return Step(
            RunState.DEPLOYING if is_next else RunState.EVALUATING,
            f"job succeeded: {job.tuned_model}",
            changes={"tuned_model": job.tuned_model},
            facts={**facts, "result_files": list(job.result_files)},
        )
    if job.outcome == "cancelled":
        # Who cancels the run here ends it before its job.
        return Step(RunState.CANCELLED, f"job was cancelled at trainer {run.trainer}, not from here", facts=facts)
    return _failed(run, job, facts, parts)


def _look_again(run: Run, job: RemoteJob, told: Mapping[str, Any], parts: Parts) -> Step:
    now = parts.clock()
    state = RunState.SUBMITTED if run.state == RunState.SUBMITTED and job.status in NOT_BEGUN else RunState.TRAINING
    paused_at = since(run, "paused_since", now) if job.status in PAUSED else None
    notices = [
        paused(run, paused_at, now=now) if paused_at else None,
        slow(run, run.intent_at or run.created_at, now=now, what="The training job has been open"),
    ]
    for notice in notices:
        if notice is not None:
            parts.notices.put(notice, now=now)
    facts = {**told, "paused_since": paused_at.isoformat() if paused_at else None}
    due_at = next_look(run.run_id, now=now, poll=parts.timing.poll)
    # A look that worked is no attempt that failed.
    return Step(state, f"job is {job.status}", changes={"attempts": 0}, facts=facts, due_at=due_at)


def _failed(run: Run, job: RemoteJob, facts: Mapping[str, Any], parts: Parts) -> Step:
    complaints = [event for event in parts.runs.job_events(run.run_id) if event.level == "error"]
    reason = job.error or (complaints[-1].message if complaints else "the trainer gave no reason")
    remedy = remedy_for(run, remedy_of_failure(job.error_code, [event.kind for event in complaints]), ended=True)
    return Step(RunState.FAILED, f"job failed: {reason}", facts={**facts, "error": reason, "remedy": remedy})
