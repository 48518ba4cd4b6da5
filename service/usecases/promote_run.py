"""What a person may decide against or after a verdict: which judged model serves."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from service.domain.checkpoints import Checkpoint, at_checkpoint
from service.domain.errors import NotFound, ServiceError
from service.domain.reigns import Grounds, evidence_of
from service.domain.runs import Run, RunState
from service.domain.sunsets import when
from service.usecases.model_lists import has_lost
from service.usecases.name_champion import name_at_once
from service.usecases.steps.parts import Parts
from service.usecases.sunset import sunset_of


class NotJudged(ServiceError):
    """The run's model was never compared on held-out examples, so there is no evidence for it."""

    remedy = "Only a run that ended as promoted or kept can be promoted: see tuneloop runs list."


class OtherData(ServiceError):
    """The run was trained on the examples of another pipeline."""

    remedy = "Promote a run of this pipeline's own examples: see tuneloop runs list."


class TakenDown(ServiceError):
    """The run's model was undeployed: it would answer nobody."""

    def __init__(self, run: Run) -> None:
        train = f"--snapshot {(run.snapshot_id or '')[:16]} --trainer {run.trainer} --model {run.model} --again"
        super().__init__(
            f"the model of run {run.run_id} was undeployed",
            remedy=f"Train the same examples once more: tuneloop runs start {train}; such a model stays up.",
        )


class ModelGone(ServiceError):
    """The run's model is gone, or about to be: it would answer nobody, or not for long."""

    remedy = "Promote a run of a model that lasts (tuneloop models dying), or give --despite-sunset."


def promote_run(
    run_id: str,
    parts: Parts,
    *,
    checkpoint: int | None = None,
    by: str | None = None,
    reason: str | None = None,
    despite_sunset: bool = False,
) -> Run:
    """Make a judged run's model the champion, whatever the verdict was; the history says who did it, and why.

    Args:
        run_id: The run.
        parts: The parts.
        checkpoint: The step of an earlier checkpoint that was judged; None for the run's own model.
        by: Who decides.
        reason: Why, in that person's words.
        despite_sunset: Although the model is gone or about to shut down, as far as it is known.

    Raises:
        NotJudged: The run has no evidence on held-out examples.
        OtherData: What it was trained on belongs to another pipeline.
        TakenDown: Its model was undeployed.
        ModelGone: Its model does not answer any more, or not for long.

    Returns:
        The run; with a checkpoint, as if that were its model.
    """
    run = parts.runs.get(run_id)
    grounds = Grounds("by hand", evidence_for(run, parts, checkpoint=checkpoint), by=by, reason=reason)
    if checkpoint is not None:
        run = at_checkpoint(run, Checkpoint(checkpoint, _model_of(run, checkpoint, parts)))
    _require_own_data(run, parts)
    require_serving(run)
    if not despite_sunset:
        require_there(run, parts)
        require_lasting(run, parts)
    champion = parts.evaluations.champion(run.pipeline)
    if champion is None or (champion["run_id"], champion["model"]) != (run.run_id, run.answers_as):
        is_crowned = parts.evaluations.promote(run, "by hand", now=parts.clock(), grounds=grounds)
        if not is_crowned:
            raise TakenDown(run)
        name_at_once(run.pipeline, parts)
    return run


def require_serving(run: Run) -> None:
    """Refuse a model that we took down ourselves.

    Raises:
        TakenDown: It was undeployed.
    """
    if run.fact("taken_down"):
        raise TakenDown(run)


def require_there(run: Run, parts: Parts) -> None:
    """Ask the trainer, and refuse a model that it has no more.

    Raises:
        ModelGone: Its list is complete and was read, and the model is not in it.
    """
    if has_lost(parts.accounts.get(run.trainer), str(run.answers_as), run):
        raise ModelGone(f"{run.trainer} does not have {run.answers_as} any more")


def missing_since_promoted(run: Run, parts: Parts) -> bool:
    """Say whether the run's model served once, and did not answer when it was last asked."""
    mine = parts.evaluations.champion_history(run.pipeline)
    newest = next((row for row in mine if (row["run_id"], row["model"]) == (run.run_id, run.answers_as)), None)
    return newest is not None and newest["gone_since"] is not None


def shutdown_of(run: Run, parts: Parts) -> date | None:
    """Give when the run's model shuts down, as far as that is known without asking anybody."""
    ends = (sunset_of(run.trainer, str(name), parts).shutdown_on for name in (run.answers_as, run.model))
    return min((end for end in ends if end is not None), default=None)


def evidence_for(run: Run, parts: Parts, *, checkpoint: int | None = None) -> dict[str, object]:
    """Give what a run's model, or that of a checkpoint of it, has to show.

    Raises:
        NotJudged: Nothing that was measured on held-out examples.
    """
    evaluation = require_judged(run, parts, checkpoint=checkpoint)
    if not evaluation.get("held_out"):
        raise NotJudged(f"run {run.run_id} was judged on no held-out example")
    evidence = evidence_of(evaluation, run_id=run.run_id, snapshot_id=run.snapshot_id)
    if "system" not in evaluation:
        evidence["system"] = _frozen_system(run, parts)
    return evidence


def require_judged(run: Run, parts: Parts, *, checkpoint: int | None = None) -> Mapping[str, Any]:
    """Give the evaluation of a run that has ended, or of a checkpoint of it.

    Raises:
        NotJudged: There is none.
    """
    evaluation = parts.evaluations.evaluation(run.run_id, checkpoint=checkpoint)
    if run.state not in {RunState.PROMOTED, RunState.KEPT} or (evaluation is None and checkpoint is None):
        raise NotJudged(f"run {run.run_id} is {run.state}")
    if evaluation is None:
        judge = f"Judge it first: tuneloop runs judge {run.run_id} --checkpoint {checkpoint}"
        raise NotJudged(f"checkpoint {checkpoint} of run {run.run_id} was not judged", remedy=judge)
    return evaluation


def _model_of(run: Run, checkpoint: int, parts: Parts) -> str:
    """Give the model that was judged under this step."""
    return str(require_judged(run, parts, checkpoint=checkpoint)["models"]["challenger"])


def _frozen_system(run: Run, parts: Parts) -> str | None:
    """Give the system text of a run that was judged before evaluations held it."""
    system = parts.archive.snapshots.get(run.snapshot_id or "").head.get("system")
    return None if system is None else str(system)


def _require_own_data(run: Run, parts: Parts) -> None:
    try:
        snapshot = parts.archive.snapshots.get(run.snapshot_id or "")
    except NotFound as error:
        raise NotJudged(f"the snapshot of run {run.run_id} is unknown") from error
    if snapshot.pipeline != run.pipeline:
        raise OtherData(
            f"run {run.run_id} of {run.pipeline} was trained on examples of {snapshot.pipeline}",
            remedy=f"{OtherData.remedy.removesuffix('.')} --pipeline {run.pipeline}",
        )


def require_lasting(run: Run, parts: Parts) -> None:
    """Refuse a model that is gone, or not there for as long as its pipeline wants.

    Raises:
        ModelGone: It does not answer any more, or not for long.
    """
    if missing_since_promoted(run, parts):
        raise ModelGone(f"{run.answers_as} at {run.trainer} did not answer when it was last asked")
    shutdown_on, today = shutdown_of(run, parts), parts.clock().date()
    pipeline = parts.pipelines.get(run.pipeline)
    least = max(pipeline.train.min_days_left if pipeline else 0, 1)
    if shutdown_on is not None and (shutdown_on - today).days < least:
        raise ModelGone(f"{run.answers_as} at {run.trainer} {when(shutdown_on, today)}")
