"""What a person should hear of a run that neither ends nor fails."""

from datetime import datetime

from service.domain.notices import Notice
from service.domain.outcomes import PAUSED_AFTER, SLOW_AFTER
from service.domain.run_notices import as_name
from service.domain.runs import Run


def since(run: Run, fact: str, now: datetime) -> datetime:
    """Give the moment that a step wrote down under this name, or now where none did yet."""
    return datetime.fromisoformat(noted) if (noted := run.fact(fact)) else now


def slow(run: Run, begun_at: datetime, *, now: datetime, what: str) -> Notice | None:
    """Tell of a run that has been at one thing for a day; nothing is stopped for that."""
    if now - begun_at < SLOW_AFTER:
        return None
    hours = int((now - begun_at).total_seconds() // 3600)
    return Notice(
        kind="run_slow",
        key=f"{run.run_id}/{begun_at.isoformat()}",
        title=f"{run.pipeline}: run no. {run.ordinal} takes long",
        text=f"{what} for {hours} hours. It goes on. Look at the trainer's console; tuneloop runs cancel {run.run_id} "
        "gives it up.",
        pipeline=run.pipeline,
        facts={"run_id": run.run_id, "job_id": as_name(run.job_id), "hours": hours},
    )


def paused(run: Run, paused_at: datetime, *, now: datetime) -> Notice | None:
    """Tell of a job that somebody paused and nobody resumed."""
    if now - paused_at < PAUSED_AFTER:
        return None
    return Notice(
        kind="run_paused",
        key=f"{run.run_id}/{paused_at.isoformat()}",
        title=f"{run.pipeline}: the job of run no. {run.ordinal} is paused",
        text=f"Its job was paused at trainer {run.trainer}, not by this service, which waits. Resume it "
        f"there, or give it up: tuneloop runs cancel {run.run_id}",
        pipeline=run.pipeline,
        facts={"run_id": run.run_id, "job_id": as_name(run.job_id)},
    )
