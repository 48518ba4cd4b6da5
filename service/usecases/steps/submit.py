"""Uploaded -> submitted: create the job, at most once.

The intent is written before the request. Whoever finds an intent without a job searches the trainer and adopts
what it finds. It asks for a job again only where the trainer itself promises that this gives no second one.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from service.domain.errors import OutcomeUnknown, TrainerBusy, TrainerRefused, TrainerUnreachable
from service.domain.run_notices import told
from service.domain.runs import Run, RunState, Step
from service.ports import RemoteJob, Trainer
from service.usecases.steps.endings import ALL_WELL, after_error, end, in_doubt
from service.usecases.steps.lasting import require_lasting
from service.usecases.steps.parts import Parts

SEARCH_AGAIN = timedelta(seconds=5)
# The trainer's clock may be this far from ours.
_SKEW = timedelta(minutes=5)


def submit(run: Run, parts: Parts) -> Step:
    """Create the run's job or find the one that an earlier attempt created.

    Raises:
        OutcomeUnknown: The request had no answer; the intent stays, and the next attempt searches.
        ModelEnds: The model has come too near to its end since its files were uploaded.
    """
    trainer = parts.account(run.trainer).connect()
    if in_doubt(run) and (job := adopt(run, trainer, parts)):
        return submitted(job, "job found at the trainer and adopted")
    if run.intent_at is not None and not trainer.creates_once:
        return _search_on(run, parts)
    return _create(run, trainer, parts)


def adopt(run: Run, trainer: Trainer, parts: Parts) -> RemoteJob | None:
    """Give the oldest job of this run and cancel the others, if there are any."""
    found = _jobs_of(run, trainer, parts)
    for double in found[1:]:
        if double.outcome == "open":
            # One that ended meanwhile is refused, and needs no stopping.
            with suppress(TrainerRefused):
                trainer.cancel(double.job_id)
    return found[0] if found else None


def _jobs_of(run: Run, trainer: Trainer, parts: Parts) -> list[RemoteJob]:
    """Search for the jobs of a run that knows none, oldest first.

    A server that keeps no metadata finds jobs by their file alone, and some give the same content the same file: a job
    that another run knows, of another suffix, or from before this run is not ours.
    """
    found = trainer.find_jobs(run.run_id, str(run.fact("training_file")))
    owners = parts.aftermath.owners([job.job_id for job in found])
    return [job for job in found if _is_ours(job, run, owners.get(job.job_id))]


def submitted(job: RemoteJob, cause: str) -> Step:
    """Give the step that names a run's job."""
    facts = {"job_status": job.status, **ALL_WELL}
    return Step(RunState.SUBMITTED, cause, changes={"job_id": job.job_id}, facts=facts)


def _create(run: Run, trainer: Trainer, parts: Parts) -> Step:
    before = run
    if run.intent_at is None:
        # It may have waited for weeks, for money or for room.
        require_lasting(run, parts)
        run = parts.runs.note_intent(run, now=parts.clock())
    training_file, validation_file = run.fact("training_file"), run.fact("validation_file")
    try:
        job = trainer.create_job(run, training_file=training_file, validation_file=validation_file)
    except (TrainerBusy, TrainerUnreachable) as error:
        # This request created nothing, or was not even sent: of an intent of its own nothing is left to search for.
        return replace(after_error(before, error, parts), changes={"intent_at": before.intent_at})
    except TrainerRefused as error:
        # Where the server creates once this answers for every request before it too.
        return end(before, error, parts, nothing_created=trainer.creates_once)
    return submitted(job, "job created")


def _is_ours(job: RemoteJob, run: Run, owner: Run | None) -> bool:
    if owner is not None and owner.run_id != run.run_id:
        return False
    if job.metadata.get("run_id"):
        return True
    is_older = 0 < job.created_at < (run.created_at - _SKEW).timestamp()
    return not is_older and (job.suffix is None or job.suffix == run.fact("suffix"))


def _search_on(run: Run, parts: Parts) -> Step:
    now = parts.clock()
    until = run.intent_at + parts.timing.settle if run.intent_at is not None else now
    if now < until:
        # The list may lag behind the creation.
        lost = OutcomeUnknown(f"the answer to the creation was lost; searching the trainer until {until:%H:%M} UTC")
        facts = {**told(lost), "remedy": lost.remedy}
        return Step(run.state, str(lost), changes={"attempts": 0}, facts=facts, due_at=now + SEARCH_AGAIN)
    unknown = OutcomeUnknown("nobody can say whether the job was created")
    return Step(
        RunState.NEEDS_ATTENTION,
        str(unknown),
        facts={
            **told(unknown),
            "remedy": "Look for a job of this run in the trainer's console. If there is none: tuneloop runs approve "
            f"{run.run_id}, which creates it; if there is one, wait for its list to show it and approve as well.",
            "resume": run.state.value,
            "nothing_created": False,
        },
    )
