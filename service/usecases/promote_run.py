"""What a person may decide against or after a verdict: which judged model serves."""

from service.domain.errors import ServiceError
from service.domain.runs import Run, RunState
from service.ports import Clock, EvaluationStore, RunStore


class NotJudged(ServiceError):
    """The run's model was never compared on held-out examples, so there is no evidence for it."""

    remedy = "Only a run that ended as promoted or kept can be promoted: see tuneloop runs list."


class TakenDown(ServiceError):
    """The run's model was undeployed: it would answer nobody."""

    remedy = "Train the same examples once more: tuneloop runs start --snapshot ID --again; such a model stays up."


def promote_run(run_id: str, *, runs: RunStore, evaluations: EvaluationStore, clock: Clock) -> Run:
    """Make a judged run's model the champion, whatever the verdict was; the history says that a person did it.

    Raises:
        NotJudged: The run has no evaluation.
        TakenDown: Its model does not answer any more.
    """
    run = runs.get(run_id)
    if run.state not in {RunState.PROMOTED, RunState.KEPT} or evaluations.evaluation(run.run_id) is None:
        raise NotJudged(f"run {run.run_id} is {run.state}")
    if not evaluations.promote(run, "by hand", now=clock()):
        raise TakenDown(f"the model of run {run.run_id} was undeployed")
    return run
