"""What is left to do for a run that ended: settle its money, stop a job that still runs, delete its uploads.

Done at once by whoever ended the run, and by the sweep where that was killed or the trainer did not answer: a run is
written as ended first, so that nobody works on it, and as cleared last. Everything between may be done twice.
"""

from contextlib import suppress
from datetime import datetime, timedelta

from service.domain.errors import JobMissing, ServiceError, TrainerRefused
from service.domain.runs import TERMINAL, Run, RunState
from service.ports import Trainer
from service.usecases.steps.endings import MAX_ATTEMPTS, backoff, in_doubt
from service.usecases.steps.money import bill, close_reservation
from service.usecases.steps.parts import Parts
from service.usecases.steps.submit import adopt

# A job that is in doubt is looked for this often, and for this long after its run ended.
SEARCH_EVERY = timedelta(hours=1)
SEARCH_FOR = timedelta(days=1)


def clear_run(run_id: str, parts: Parts) -> None:
    """Clear a run that ended, as far as that can be done now; what cannot be done at all becomes a dead letter."""
    now = parts.clock()
    run = parts.aftermath.take(run_id, until=now + parts.timing.lease, now=now)
    if run is None:
        return
    try:
        due_at = _clear(run, parts)
    except ServiceError as error:
        _put_off(run, error, parts)
        return
    if due_at is None:
        parts.aftermath.clear(run_id, now=parts.clock())
    else:
        parts.aftermath.postpone(run_id, due_at=due_at, attempts=0)


def note_clearing_crash(run_id: str, error: Exception, parts: Parts) -> None:
    """Write that clearing a run ended with an error nobody foresaw: it is put off, and at last given up."""
    unforeseen = ServiceError(type(error).__name__, remedy="See the worker's log, and report it.")
    unforeseen.retryable = True
    _put_off(parts.aftermath.named([run_id])[run_id], unforeseen, parts)


def _clear(run: Run, parts: Parts) -> datetime | None:
    """Do all that can be done; give when to come back, None where nothing is left."""
    if run.state == RunState.FAILED and run.fact("letter"):
        parts.letters.put("run", run.run_id, _as_told(run), content=None, now=parts.clock())
    if in_doubt(run):
        return _look_for_job(run, parts)
    if run.job_id is None:
        parts.ledger.release(run, note="the run has no job", now=parts.clock())
    elif not run.fact("job_over") and not _end_job(run, parts):
        return parts.clock() + parts.timing.poll
    return _delete_uploads(run, parts)


def _look_for_job(run: Run, parts: Parts) -> datetime | None:
    """Search for the job of a run that was given up while nobody could say whether it has one."""
    job = adopt(run, parts.account(run.trainer).connect(), parts)
    now = parts.clock()
    if job is not None:
        parts.aftermath.attach(run.run_id, job.job_id)
        return now
    if now < run.updated_at + SEARCH_FOR:
        return min(now + SEARCH_EVERY, run.updated_at + SEARCH_FOR)
    # Any list shows it by now: there is none.
    parts.ledger.release(run, note="no job was found within a day", now=now)
    return _delete_uploads(run, parts)


def _end_job(run: Run, parts: Parts) -> bool:
    """Stop the job and write what it cost; False while it still runs."""
    trainer = parts.account(run.trainer).connect()
    try:
        job = trainer.job(str(run.job_id))
    except JobMissing:
        _count_as_spent(run, parts)
        return True
    if job.outcome == "open":
        # One that ended meanwhile is refused, and needs no stopping.
        with suppress(TrainerRefused):
            trainer.cancel(job.job_id)
        return False
    bill(run, job, parts)
    return True


def _delete_uploads(run: Run, parts: Parts) -> datetime | None:
    """Delete the uploads: at once where there is no job, else when they were kept for long enough."""
    uploads = [str(run.fact(name)) for name in ("training_file", "validation_file") if run.fact(name)]
    if not uploads:
        return None
    account = parts.account(run.trainer)
    keep_until = run.updated_at + account.keep_files
    if run.job_id is not None and parts.clock() < keep_until:
        return keep_until
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
    parts.letters.put("aftermath", run.run_id, error, content=None, now=parts.clock())
    _count_as_spent(run, parts)
    parts.aftermath.clear(run.run_id, now=parts.clock())


def _count_as_spent(run: Run, parts: Parts) -> None:
    # Nobody can say what it cost: nothing would be the worst guess.
    close_reservation(run, parts, note="nobody can say what it cost: taken to be the estimate")


def _as_told(run: Run) -> ServiceError:
    """Give the error that ended a run, as it was written down."""
    name, _, message = str(run.fact("error")).partition(": ")
    made: ServiceError = type(name, (ServiceError,), {"__doc__": name})(message, remedy=str(run.fact("remedy") or ""))
    return made
