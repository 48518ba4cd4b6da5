"""What is left to do for a run that ended: settle its money, stop a job that still runs, delete its uploads.

Done at once by whoever ended the run, and by the sweep where that was killed or the trainer did not answer: a run is
written as ended first, so that nobody works on it, and as cleared last. Everything between may be done twice.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.domain.errors import JobMissing, JobNotStopped, ServiceError, TrainerRefused
from service.domain.outcomes import MISSING_PATIENCE
from service.domain.runs import TERMINAL, Run, RunState
from service.ports import RemoteJob, Trainer
from service.usecases.steps.endings import MAX_ATTEMPTS, backoff, in_doubt
from service.usecases.steps.gather import gather
from service.usecases.steps.money import bill, bill_estimate, close_reservation
from service.usecases.steps.parts import Parts
from service.usecases.steps.submit import adopt

# A job that is in doubt is looked for this often, and for this long after its run ended.
SEARCH_EVERY = timedelta(hours=1)
SEARCH_FOR = timedelta(days=1)
# So many requests to stop a job may go unheeded before a person is told; it is asked for on and on.
STOP_ATTEMPTS = 20
_WENT_WELL = frozenset({RunState.PROMOTED, RunState.KEPT})
# What the ledger says where money was given back for want of a job.
_NO_JOB = "the run has no job"
_NOT_FOUND = "no job was found within a day"
_GUESSED = "nobody can say what it cost: taken to be the estimate"


def clear_run(run_id: str, parts: Parts) -> None:
    """Clear a run that ended, as far as that can be done now; what cannot be done at all becomes a dead letter."""
    now = parts.clock()
    run = parts.aftermath.take(run_id, until=now + parts.timing.lease, now=now)
    if run is None:
        return
    try:
        later = _clear(run, parts)
    except ServiceError as error:
        _put_off(run, error, parts)
        return
    if later is None:
        parts.aftermath.clear(run_id, now=parts.clock())
    else:
        parts.aftermath.postpone(run_id, due_at=later.due_at, attempts=later.attempts)


def note_clearing_crash(run_id: str, error: Exception, parts: Parts) -> None:
    """Write that clearing a run ended with an error nobody foresaw: it is put off, and at last given up."""
    unforeseen = ServiceError(type(error).__name__, remedy="See the worker's log, and report it.")
    unforeseen.retryable = True
    _put_off(parts.aftermath.named([run_id])[run_id], unforeseen, parts)


@dataclass(frozen=True, slots=True)
class _Later:
    """When to come back, and how often a job was told in vain to stop."""

    due_at: datetime
    attempts: int = 0


def _clear(run: Run, parts: Parts) -> _Later | None:
    """Do all that can be done; give when to come back, None where nothing is left."""
    if run.state == RunState.FAILED and run.fact("letter"):
        # Once: a person may have dismissed it meanwhile.
        parts.letters.put(
            "run", run.run_id, _as_told(run), content=None, now=parts.clock(), pipeline=run.pipeline, once=True
        )
    if run.state in _WENT_WELL:
        _settle_letters_before(run, parts)
    if in_doubt(run):
        return _look_for_job(run, parts)
    if run.job_id is None:
        parts.ledger.release(run, note=_NO_JOB, now=parts.clock())
    elif not run.fact("job_over"):
        if later := _end_job(run, parts):
            return later
        parts.letters.settle("aftermath", [run.run_id], now=parts.clock())
    return _delete_uploads(run, parts)


def _settle_letters_before(run: Run, parts: Parts) -> None:
    """Close the letters of the pipeline's earlier runs: what kept them from ending well is mended."""
    # Runs are numbered from 1, so that these are all that came before.
    before = [earlier.run_id for earlier in parts.runs.recent(run.pipeline, run.ordinal) if earlier.fact("letter")]
    parts.letters.settle("run", before, now=parts.clock())


def _look_for_job(run: Run, parts: Parts) -> _Later | None:
    """Search for the job of a run that was given up while nobody could say whether it has one."""
    job = adopt(run, parts.account(run.trainer).connect(), parts)
    now = parts.clock()
    if job is not None:
        parts.aftermath.attach(run.run_id, job.job_id)
        return _Later(now)
    if now < run.updated_at + SEARCH_FOR:
        return _Later(min(now + SEARCH_EVERY, run.updated_at + SEARCH_FOR))
    # Any list shows it by now: there is none.
    parts.ledger.release(run, note=_NOT_FOUND, now=now)
    return _delete_uploads(run, parts)


def _end_job(run: Run, parts: Parts) -> _Later | None:
    """Stop the job and write what it cost; give when to come back while it still runs."""
    trainer = parts.account(run.trainer).connect()
    try:
        job = trainer.job(str(run.job_id))
    except JobMissing:
        return _stop_unseen(run, trainer, parts)
    if job.outcome == "open":
        # One that ended meanwhile is refused, and needs no stopping.
        with suppress(TrainerRefused):
            trainer.cancel(job.job_id)
        return _stop_again(run, job, parts)
    bill(run, job, parts)
    facts = {"job_status": job.status, "trained_tokens": job.trained_tokens, "job_over": True}
    # What it made is paid for: a person may still want it.
    made = job.tuned_model if job.outcome == "succeeded" else None
    parts.aftermath.note_end(run.run_id, tuned_model=made, facts={**gather(run, job, trainer, parts), **facts})
    return None


def _stop_unseen(run: Run, trainer: Trainer, parts: Parts) -> _Later | None:
    """Stop a job that the trainer does not show: for some minutes it may be there all the same."""
    now, until = parts.clock(), run.updated_at + MISSING_PATIENCE
    if now >= until:
        _count_lost_as_spent(run, parts)
        return None
    with suppress(TrainerRefused):
        trainer.cancel(str(run.job_id))
    return _Later(min(now + parts.timing.poll, until), run.attempts)


def _stop_again(run: Run, job: RemoteJob, parts: Parts) -> _Later:
    """Come back for a job that was told to stop; tell a person where that helps nothing."""
    attempts = min(run.attempts + 1, STOP_ATTEMPTS)
    if attempts == STOP_ATTEMPTS:
        error = JobNotStopped(f"job {job.job_id} at trainer {run.trainer} is {job.status}, whatever it is told")
        parts.letters.put(
            "aftermath", run.run_id, error, content=None, now=parts.clock(), pipeline=run.pipeline, once=True
        )
    return _Later(parts.clock() + parts.timing.poll, attempts)


def _delete_uploads(run: Run, parts: Parts) -> _Later | None:
    """Delete the uploads: at once where there is no job, else when they were kept for long enough."""
    uploads = [str(run.fact(name)) for name in ("training_file", "validation_file") if run.fact(name)]
    if not uploads:
        return None
    account = parts.account(run.trainer)
    keep_until = run.updated_at + account.keep_files
    if run.job_id is not None and parts.clock() < keep_until:
        return _Later(keep_until)
    needed = needed_files(run.trainer, parts)
    for file_id in uploads:
        if file_id not in needed:
            _delete(file_id, account.connect(), parts)
    return None


def needed_files(trainer: str, parts: Parts) -> set[str]:
    """Give the files of open runs: some servers give the same content the same id."""
    open_runs = [run for run in parts.aftermath.standing_at(trainer) if run.state not in TERMINAL]
    return {str(run.fact(name)) for run in open_runs for name in ("training_file", "validation_file")}


def _delete(file_id: str, trainer: Trainer, parts: Parts) -> None:
    try:
        trainer.delete_file(file_id)
    except TrainerRefused as error:
        parts.letters.put("file", file_id, error, content=None, now=parts.clock())


def _put_off(run: Run, error: ServiceError, parts: Parts) -> None:
    if error.retryable and run.attempts < MAX_ATTEMPTS:
        due_at = parts.clock() + backoff(run.attempts)
        parts.aftermath.postpone(run.run_id, due_at=due_at, attempts=run.attempts + 1)
        return
    parts.letters.put("aftermath", run.run_id, error, content=None, now=parts.clock(), pipeline=run.pipeline)
    _count_as_spent(run, parts)
    parts.aftermath.clear(run.run_id, now=parts.clock())


def _count_lost_as_spent(run: Run, parts: Parts) -> None:
    """Count a job that nobody knows any more, also where the money went back before it came to light."""
    entries = parts.ledger.entries_of(run.run_id)
    if any(entry.kind == "released" and entry.note in {_NO_JOB, _NOT_FOUND} for entry in entries):
        bill_estimate(run, parts, note=_GUESSED)
    else:
        _count_as_spent(run, parts)


def _count_as_spent(run: Run, parts: Parts) -> None:
    # Nobody can say what it cost: nothing would be the worst guess.
    close_reservation(run, parts, note=_GUESSED)


def _as_told(run: Run) -> ServiceError:
    """Give the error that ended a run, as it was written down."""
    name, _, message = str(run.fact("error")).partition(": ")
    made: ServiceError = type(name, (ServiceError,), {"__doc__": name})(message, remedy=str(run.fact("remedy") or ""))
    return made
