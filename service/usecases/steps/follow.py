"""Submitted -> training -> evaluating, or deploying before that: look at the job until it ends."""

from service.domain.errors import TrainerRefused
from service.domain.polling import next_look
from service.domain.runs import Run, RunState, Step
from service.usecases.steps.gather import gather
from service.usecases.steps.money import bill
from service.usecases.steps.parts import Parts


def follow(run: Run, parts: Parts) -> Step:
    """Look once at the job and at what it reported since the last look."""
    trainer = parts.account(run.trainer).connect()
    job = trainer.job(str(run.job_id))
    gathered = gather(run, job, trainer, parts)
    if job.outcome == "open":
        waiting = job.status in {"validating_files", "queued"} and run.state == RunState.SUBMITTED
        state = RunState.SUBMITTED if waiting else RunState.TRAINING
        due_at = next_look(run.run_id, now=parts.clock(), poll=parts.timing.poll)
        # A look that worked is no attempt that failed.
        changes = {"attempts": 0}
        facts = {**gathered, "job_status": job.status}
        return Step(state, f"job is {job.status}", changes=changes, facts=facts, due_at=due_at)
    bill(run, job, parts)
    facts = {**gathered, "job_status": job.status, "trained_tokens": job.trained_tokens}
    if job.outcome == "succeeded" and job.tuned_model:
        is_next = parts.account(run.trainer).deployment.is_needed
        return Step(
            RunState.DEPLOYING if is_next else RunState.EVALUATING,
            f"job succeeded: {job.tuned_model}",
            changes={"tuned_model": job.tuned_model},
            facts={**facts, "result_files": list(job.result_files)},
        )
    if job.outcome == "cancelled":
        return Step(RunState.CANCELLED, "job was cancelled", facts=facts)
    reason = job.error or _last_complaint(run, parts) or "the trainer gave no reason"
    return Step(RunState.FAILED, f"job failed: {reason}", facts={**facts, "error": reason, "remedy": _REMEDY})


_REMEDY = TrainerRefused.remedy


def _last_complaint(run: Run, parts: Parts) -> str | None:
    complaints = [event.message for event in parts.runs.job_events(run.run_id) if event.level == "error"]
    return complaints[-1] if complaints else None
