"""Which checkpoints of a run's job can be asked as models of their own."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from service.domain.checkpoints import Checkpoint
from service.domain.errors import JobMissing, ServiceError, TrainerRefused
from service.domain.runs import Run
from service.usecases.steps.deploy import may_be_deployed
from service.usecases.steps.parts import Parts


class NoCheckpoints(ServiceError):
    """The run has no checkpoint that could be asked beside its own model."""

    remedy = (
        "Trainers keep one an epoch, OpenAI the last three: tuneloop runs show RUN lists them. Train with n_epochs of "
        "two or more in [pipelines.NAME.train] to have earlier ones."
    )


class UnknownCheckpoint(ServiceError):
    """The run has no checkpoint of this step."""

    remedy = "See its steps: tuneloop models compare RUN, or tuneloop runs show RUN."


class NotServed(ServiceError):
    """The trainer's models answer only once they are deployed, and a checkpoint is not."""

    remedy = (
        "Only a run's own model can be deployed, judged and promoted at this trainer. Train again with as many epochs "
        "as the best checkpoint had: n_epochs in [pipelines.NAME.train]."
    )


class IsFinal(ServiceError):
    """The checkpoint is the model that the training ended with: it is judged and promoted as the run's own."""

    remedy = "Leave --checkpoint out."


class CheckpointGone(ServiceError):
    """The trainer does not know the checkpoint's model: it is dropped, or so new that it is not ready."""

    remedy = (
        "A new one takes some minutes. Trainers drop earlier ones after a while: choose one that is left (tuneloop "
        "models compare RUN), or train again."
    )


def checkpoints_of(run: Run, parts: Parts) -> list[Checkpoint]:
    """Give the models of a training, the latest first: the run's own, and those of earlier steps.

    What the trainer has dropped since is among them.

    Raises:
        NoCheckpoints: There is none, or the training has not succeeded.
        NotServed: The trainer's models have to be deployed.
        NotFound: The trainer left the configuration.
        ServiceError: It had to be asked, and does not answer.
    """
    if run.job_id is None or run.tuned_model is None:
        raise NoCheckpoints(f"run {run.run_id} is {run.state} and has no model yet")
    if parts.account(run.trainer).deployment.is_needed or may_be_deployed(run):
        raise NotServed(f"trainer {run.trainer} serves what is deployed, and run {run.run_id} has deployed one model")
    # Runs from before there was a place for them have theirs in their facts.
    found = [asdict(item) for item in parts.reports.checkpoints(run.run_id)] or run.fact("checkpoints")
    named = {
        item["step"]: Checkpoint(item["step"], item["model"])
        for item in found or _asked_for(run, run.job_id, parts)
        # Servers of odd manners tell no step, or no model: such a checkpoint cannot be named, or not be asked.
        if isinstance(item.get("step"), int) and item.get("model")
    }
    if all(item.model == run.tuned_model for item in named.values()):
        raise NoCheckpoints(f"the job of run {run.run_id} kept no checkpoint but its model")
    listed = [named[step] for step in sorted(named, reverse=True)]
    has_final = any(item.model == run.tuned_model for item in listed)
    return listed if has_final else [Checkpoint(None, run.tuned_model), *listed]


def earlier_checkpoint(run: Run, step: int, parts: Parts) -> Checkpoint:
    """Give the checkpoint of a step before the last.

    Raises:
        UnknownCheckpoint: There is none of this step.
        IsFinal: It is the run's own model.
        ServiceError: See ``checkpoints_of``.
    """
    found = {item.step: item for item in checkpoints_of(run, parts)}
    if step not in found:
        steps = ", ".join(map(str, sorted(other for other in found if other is not None)))
        raise UnknownCheckpoint(f"run {run.run_id} has no checkpoint of step {step}; there are {steps}")
    if found[step].model == run.tuned_model:
        raise IsFinal(f"step {step} is the last one of run {run.run_id}")
    return found[step]


def _asked_for(run: Run, job_id: str, parts: Parts) -> list[Mapping[str, Any]]:
    """Ask the trainer, where the reports of the job are not fetched yet."""
    try:
        return parts.account(run.trainer).connect().checkpoints(job_id)
    except (TrainerRefused, JobMissing) as error:
        raise NoCheckpoints(f"trainer {run.trainer} tells no checkpoints of run {run.run_id}: {error}") from error
