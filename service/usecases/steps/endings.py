"""What a step decides when the trainer, or anything else, did not do what was asked: wait, ask a person, or fail."""

from datetime import datetime, timedelta
from typing import Any

from service.domain.alerts import since, slow
from service.domain.errors import (
    JobMissing,
    ModelNotReady,
    OutcomeUnknown,
    ServiceError,
    TrainerBusy,
    TrainerRefused,
    TrainerUnreachable,
)
from service.domain.outcomes import (
    MISSING_PATIENCE,
    MISSING_PAUSE,
    REFUSALS,
    TRAINING_NOT_AVAILABLE,
    train_elsewhere,
)
from service.domain.remedies import remedy_for
from service.domain.run_notices import told
from service.domain.runs import Run, RunState, Step
from service.usecases.replacements import command_for, least_days, replacements
from service.usecases.steps.parts import Parts

# With the growing pauses this is about a day; then a person is asked.
MAX_ATTEMPTS = 150
# Set when something goes wrong for a while, and taken back when it works again.
ALL_WELL = {"missing_since": None, "busy_since": None}


def after_error(run: Run, error: ServiceError, parts: Parts) -> Step:
    """Decide what follows from an error of a step; docs/runs.md has the table."""
    now = parts.clock()
    if isinstance(error, TrainerBusy):
        return wait(run, error, parts)
    if isinstance(error, ModelNotReady | JobMissing):
        missing = since(run, "missing_since", now)
        if now - missing < MISSING_PATIENCE:
            due_at = now + min(backoff(run.attempts), MISSING_PAUSE)
            remedy = _meanwhile(error, until=missing + MISSING_PATIENCE)
            return _again(run, error, due_at, remedy=remedy, missing_since=missing.isoformat())
    elif error.retryable and run.attempts < MAX_ATTEMPTS:
        # The sooner the search begins, the better; where the trainer is simply asked again it needs time to mend.
        is_new_doubt = isinstance(error, OutcomeUnknown) and run.intent_at is None
        pause = timedelta(seconds=1) if is_new_doubt else _pause(run, error)
        return _again(run, error, now + pause)
    return end(run, error, parts)


def wait(run: Run, error: TrainerBusy, parts: Parts) -> Step:
    """Come back when the trainer wants it, however long that is; tell a person after a day."""
    now = parts.clock()
    busy = since(run, "busy_since", now)
    if alarm := slow(run, busy, now=now, what=f"Trainer {run.trainer} has been too busy"):
        parts.notices.put(alarm, now=now)
    return _again(run, error, now + _pause(run, error), busy_since=busy.isoformat())


def end(run: Run, error: ServiceError, parts: Parts, *, nothing_created: bool = False) -> Step:
    """Ask a person where money was spent, may have been, or is what is missing; otherwise fail.

    Args:
        run: As it stands.
        error: Why it cannot go on.
        parts: The parts.
        nothing_created: Whether the trainer's answer settles a doubt from before: there is no job.
    """
    is_sure = nothing_created or not in_doubt(run)
    refusal = REFUSALS.get(error.code or "") if isinstance(error, TrainerRefused) else None
    fails = run.job_id is None and is_sure and not (refusal and refusal.asks)
    remedy = remedy_for(run, _remedy(run, error, parts), ended=fails)
    facts: dict[str, Any] = {**told(error), "remedy": remedy, **ALL_WELL}
    if fails:
        # The letter is written when the run is cleared: after this, so that neither comes without the other.
        facts |= {"letter": True, "resume": None}
        return Step(RunState.FAILED, str(error), changes={"intent_at": None}, facts=facts)
    facts |= {"resume": run.state.value, "nothing_created": is_sure}
    changes = {"intent_at": None} if run.job_id is None and is_sure else None
    return Step(RunState.NEEDS_ATTENTION, str(error), changes=changes, facts=facts)


def in_doubt(run: Run) -> bool:
    """Say whether the run may have a job that nobody knows of, although a person has let it go on."""
    asked_before = run.fact("resume") == RunState.UPLOADED and not run.fact("nothing_created")
    return run.job_id is None and (run.intent_at is not None or asked_before)


def backoff(attempts: int) -> timedelta:
    """Wait longer after each attempt: 2 s, doubling, at most 10 minutes."""
    return timedelta(seconds=min(600, 2 ** min(attempts + 1, 10)))


def _pause(run: Run, error: ServiceError) -> timedelta:
    asked_s = error.retry_after_s if isinstance(error, TrainerBusy | TrainerUnreachable) else None
    return max(backoff(run.attempts), timedelta(seconds=asked_s or 0))


def _meanwhile(error: ServiceError, *, until: datetime) -> str:
    """Say what to do while something is missing, and until when that is nothing; its class tells of later."""
    asked = f"the trainer is asked again until {until:%H:%M} UTC."
    return f"Nothing yet: {asked}" if error.remedy == type(error).remedy else f"{error.remedy} Meanwhile {asked}"


def _again(run: Run, error: ServiceError, due_at: datetime, *, remedy: str | None = None, **facts: str) -> Step:
    noted = {**told(error), "remedy": remedy_for(run, remedy or error.remedy, ended=False), **facts}
    return Step(run.state, str(error), facts=noted, due_at=due_at)


def _remedy(run: Run, error: ServiceError, parts: Parts) -> str:
    if isinstance(error, TrainerRefused) and error.code == TRAINING_NOT_AVAILABLE:
        return _train_elsewhere(run, parts)
    if isinstance(error, ModelNotReady):
        return f"{error.remedy} To have it asked again: tuneloop runs approve RUN."
    refusal = REFUSALS.get(error.code or "") if isinstance(error, TrainerRefused) else None
    return refusal.remedy if refusal else error.remedy


def _train_elsewhere(run: Run, parts: Parts) -> str:
    pipeline = parts.pipelines.get(run.pipeline)
    least = least_days(pipeline) if pipeline else 0
    known = replacements(run, parts.pipelines, parts, least=least, now=parts.clock())
    first = next((found for found in known if found.trainer != run.trainer), None)
    others = [name for name in parts.accounts if name != run.trainer]
    return train_elsewhere(command_for(run.pipeline, run.snapshot_id, first), others)
