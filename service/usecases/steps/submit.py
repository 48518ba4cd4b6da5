"""Uploaded -> submitted: create the job, at most once.

The intent is written before the request. Whoever finds an intent without a job searches the trainer and adopts
what it finds. It asks for a job again only where the trainer itself promises that this gives no second one.
"""

from contextlib import suppress
from datetime import timedelta

from service.domain.errors import TrainerBusy, TrainerRefused, TrainerUnreachable
from service.domain.runs import Run, RunState, Step
from service.ports import RemoteJob, Trainer
from service.usecases.steps.parts import Parts

SEARCH_AGAIN = timedelta(seconds=5)


def submit(run: Run, parts: Parts) -> Step:
    """Create the run's job or find the one that an earlier attempt created.

    Raises:
        OutcomeUnknown: The request had no answer; the intent stays, and the next attempt searches.
    """
    trainer = parts.account(run.trainer).connect()
    if in_doubt(run) and (job := _adopt(run, trainer, parts)):
        return _submitted(job, "job found at the trainer and adopted")
    if run.intent_at is None:
        run = parts.runs.note_intent(run, now=parts.clock())
    elif not trainer.creates_once:
        return _search_on(run, parts)
    training_file, validation_file = run.fact("training_file"), run.fact("validation_file")
    try:
        job = trainer.create_job(run, training_file=training_file, validation_file=validation_file)
    except (TrainerBusy, TrainerUnreachable) as error:
        # Nothing was created, or not even sent: there is no intent to search for.
        due_at = parts.clock() + backoff(run.attempts)
        return Step(run.state, str(error), changes={"intent_at": None}, due_at=due_at)
    return _submitted(job, "job created")


def in_doubt(run: Run) -> bool:
    """Say whether the run may have a job that nobody knows of, although a person has let it go on."""
    asked_before = run.intent_at is not None or run.fact("resume") == RunState.UPLOADED
    return run.job_id is None and asked_before


def backoff(attempts: int) -> timedelta:
    """Wait longer after each attempt: 2 s, doubling, at most 10 minutes."""
    return timedelta(seconds=min(600, 2 ** min(attempts + 1, 10)))


def _adopt(run: Run, trainer: Trainer, parts: Parts) -> RemoteJob | None:
    """Give the oldest job of this run and cancel the others, if there are any.

    A server that keeps no metadata finds jobs by their file alone, which an earlier run of the same snapshot has too:
    a job that another run knows is not ours.
    """
    found = [
        job
        for job in trainer.find_jobs(run.run_id, str(run.fact("training_file")))
        if (owner := parts.runs.by_job(job.job_id, run.trainer)) is None or owner.run_id == run.run_id
    ]
    for double in found[1:]:
        if double.outcome == "open":
            # One that ended meanwhile is refused, and needs no stopping.
            with suppress(TrainerRefused):
                trainer.cancel(double.job_id)
    return found[0] if found else None


def _search_on(run: Run, parts: Parts) -> Step:
    now = parts.clock()
    if run.intent_at is not None and now < run.intent_at + parts.timing.settle:
        # The list may lag behind the creation.
        return Step(run.state, "searching the trainer for the job", changes={"attempts": 0}, due_at=now + SEARCH_AGAIN)
    return Step(
        RunState.NEEDS_ATTENTION,
        "nobody can say whether the job was created",
        facts={
            "remedy": "Look for a job of this run in the trainer's console. If there is none: tuneloop runs approve "
            "RUN, which creates it; if there is one, wait for its list to show it and approve as well.",
            "resume": run.state.value,
        },
    )


def _submitted(job: RemoteJob, cause: str) -> Step:
    return Step(RunState.SUBMITTED, cause, changes={"job_id": job.job_id}, facts={"job_status": job.status})
