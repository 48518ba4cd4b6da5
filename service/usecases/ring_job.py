"""A trainer says that something happened to a job: look at it now, once however often it is said."""

from collections.abc import Sequence
from typing import Literal

from service.domain.runs import Run
from service.ports import JobQueue, RunStore, SeenEvents

Rung = Literal["poked", "repeated"]


def ring_job(job_id: str, event_id: str, trainers: Sequence[str], *, seen: SeenEvents, queue: JobQueue) -> Rung:
    """Have a job looked at, unless this event rang before.

    Args:
        job_id: The trainer's.
        event_id: The same on every retry of one event.
        trainers: Whose secret signed it; several where they share one.
        seen: The events that rang.
        queue: Where the look is asked for.

    Raises:
        InboxUnavailable: It could not be asked for; the sender's next try is then the first again.
    """
    event = "\n".join((*trainers, "", event_id))
    if seen.has(event):
        return "repeated"
    # In this order: a look too many does no harm, one too few would wait for the next poll.
    queue.wake("poke_job", job_id, *trainers)
    seen.add(event)
    return "poked"


def poke(job_id: str, trainers: Sequence[str], *, runs: RunStore, queue: JobQueue) -> list[Run]:
    """Make the runs due that have this job at one of these trainers; none where nobody knows it yet."""
    found = [run for trainer in trainers if (run := runs.by_job(job_id, trainer)) is not None]
    for run in found:
        runs.hurry(run.run_id)
        queue.wake("advance_run", run.run_id)
    return found
