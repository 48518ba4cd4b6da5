"""The last looks at a model, before money is set aside and before the job: the trainer itself is asked."""

from datetime import datetime

from service.domain.errors import ModelEnds, ModelNotListed, ServiceError
from service.domain.runs import Run
from service.usecases.model_lists import list_door, look_at_model
from service.usecases.replacements import command_for, replacements, trained_elsewhere, what_exists
from service.usecases.steps.parts import Parts
from service.usecases.sunset import door_of

# A trainer that answers everything but this is trusted to be as it was seen last.
_PATIENCE = 8


def require_lasting(run: Run, parts: Parts) -> None:
    """Refuse to pay for a model that is not there or about to shut down, unless a person wanted just that.

    Raises:
        ModelNotListed: The trainer does not have it.
        ModelEnds: It shuts down too soon, or its trainer takes no more jobs.
    """
    least = 0 if run.fact("despite_sunset") else parts.pipeline(run.pipeline).train.min_days_left
    list_counts = parts.account(run.trainer).dialect.model_list == "complete" and not run.fact("despite_list")
    if not least and not list_counts:
        return
    instead = look_at(run.trainer, run.model, parts, patient=run.attempts < _PATIENCE)
    if list_counts and (reasons := list_door(run.trainer, run.model, parts, others=instead)):
        raise ModelNotListed(reasons[0].text)
    now = parts.clock()
    if reasons := door_of(run.trainer, run.model, parts, min_days_left=least, now=now):
        elsewhere = _elsewhere(run, parts, least, now)
        raise ModelEnds("; ".join(reason.text for reason in reasons), remedy=f"{elsewhere}{ModelEnds.remedy}")


def _elsewhere(run: Run, parts: Parts, least: int, now: datetime) -> str:
    if done := trained_elsewhere(run, parts, least=least, now=now):
        return f"{what_exists(done)}. "
    others = replacements(run, parts.pipelines, parts, least=least, now=now)
    return f"Elsewhere: {command_for(run.pipeline, run.snapshot_id, others[0])}. " if others else ""


def look_at(trainer: str, model: str, parts: Parts, *, patient: bool) -> tuple[str, ...]:
    """Ask a trainer about a model and remember the answer; if ``patient``, what may be mended is raised.

    Returns:
        The models that it has instead, where its list is complete and does not have this one.
    """
    try:
        look = look_at_model(parts.account(trainer), model, parts)
    except ServiceError as error:
        if error.retryable and patient:
            raise
        # A key that is wrong is refused with its own words where it matters.
        return ()
    parts.models_seen.note(trainer, model, look.found, now=parts.clock())
    return look.others
