"""The sunset guard's last looks, before money is set aside and before the job: the trainer itself is asked."""

from datetime import datetime

from service.domain.errors import ModelEnds, ServiceError
from service.domain.runs import Run
from service.usecases.replacements import command_for, replacements, trained_elsewhere, what_exists
from service.usecases.steps.parts import Parts
from service.usecases.sunset import door_of

# A trainer that answers everything but this is trusted to be as it was seen last.
_PATIENCE = 8


def require_lasting(run: Run, parts: Parts) -> None:
    """Refuse to pay for a model that is about to shut down, unless a person wanted just that.

    Raises:
        ModelEnds: It shuts down too soon, or its trainer takes no more jobs.
    """
    least = parts.pipeline(run.pipeline).train.min_days_left
    if run.fact("despite_sunset") or not least:
        return
    look_at(run.trainer, run.model, parts, patient=run.attempts < _PATIENCE)
    now = parts.clock()
    if reasons := door_of(run.trainer, run.model, parts, min_days_left=least, now=now):
        elsewhere = _elsewhere(run, parts, least, now)
        raise ModelEnds("; ".join(reason.text for reason in reasons), remedy=f"{elsewhere}{ModelEnds.remedy}")


def _elsewhere(run: Run, parts: Parts, least: int, now: datetime) -> str:
    if done := trained_elsewhere(run, parts, least=least, now=now):
        return f"{what_exists(done)}. "
    others = replacements(run, parts.pipelines, parts, least=least, now=now)
    return f"Elsewhere: {command_for(run.pipeline, run.snapshot_id, others[0])}. " if others else ""


def look_at(trainer: str, model: str, parts: Parts, *, patient: bool) -> None:
    """Ask a trainer about a model and remember the answer; if ``patient``, what may be mended is raised."""
    try:
        found = parts.account(trainer).connect().model(model)
    except ServiceError as error:
        if error.retryable and patient:
            raise
        # A key that is wrong is refused with its own words where it matters.
        return
    parts.models_seen.note(trainer, model, found, now=parts.clock())
