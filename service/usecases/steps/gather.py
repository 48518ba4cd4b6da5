"""What is gathered at each look at a job; what is left after its end is fetched beside the run, never before it."""

from collections.abc import Callable, Mapping
from typing import Any

from service.domain.errors import ServiceError
from service.domain.runs import Run
from service.ports import JobEvent, RemoteJob, Trainer
from service.usecases.steps.lease import keeper
from service.usecases.steps.parts import Parts


def gather(run: Run, job: RemoteJob, trainer: Trainer, parts: Parts) -> Mapping[str, Any]:
    """Write down the events that are new, and at the job's end that its reports are to be fetched.

    No error of these is the run's: the next look, or ``gather_reports`` after the end, tries again.

    Returns:
        Facts of the run: when it was looked at, what is expected, and which error kept events back.
    """
    known = parts.reports.event_ids(run.run_id)
    error = remember_events(run, trainer, parts, known=known, keep=keeper(run, parts))
    if job.outcome != "open":
        parts.reports.begin(run.run_id, now=parts.clock())
    return {
        "looked_at": parts.clock().isoformat(),
        "estimated_finish": job.estimated_finish,
        "events_missed": type(error).__name__ if error else None,
    }


def remember_events(
    run: Run, trainer: Trainer, parts: Parts, *, known: set[str], keep: Callable[[], None] = lambda: None
) -> ServiceError | None:
    """Write down events, read newest first until one that is known.

    Args:
        run: Whose job it is.
        trainer: Where it runs.
        parts: Where they are written.
        known: Ids that end the reading; with none the whole list is read, and its order counts.
        keep: Called for each event: there may be thousands of pages.

    Returns:
        What ended the reading too early, if anything did; what came before it is kept.
    """
    fresh: list[JobEvent] = []
    failure: ServiceError | None = None
    try:
        for event in trainer.events(str(run.job_id)):
            keep()
            if event.event_id in known:
                break
            fresh.append(event)
    except ServiceError as error:
        failure = error
    parts.runs.add_job_events(run.run_id, fresh[::-1], whole=not known and failure is None)
    return failure
