"""The same examples on the same model are paid for once, unless a person wants them trained again."""

from service.domain.errors import TrainedAlready
from service.domain.runs import RETRAINING, TERMINAL, Run
from service.ports import RunStore

# Where more runs than this came between, what was frozen is still compared.
_LATEST = 20


def require_first(snapshot_id: str, run: Run, runs: RunStore) -> None:
    """Refuse to train a snapshot on a model that has learned it, or is learning it; what failed before may come again.

    Raises:
        TrainedAlready: It was trained on this model by another run, and nobody asked for it again.
    """
    if run.fact("again"):
        return
    for other in runs.of_snapshot(snapshot_id):
        if other.run_id != run.run_id and other.is_paid_for and _is_same_model(other, run):
            raise TrainedAlready(
                f"run {other.run_id} ({other.state}) is of the same snapshot, {snapshot_id[:16]}, on {run.model} at "
                f"{run.trainer}",
                remedy=f"See tuneloop runs show {other.run_id}. To pay for it a second time: tuneloop runs start "
                f"--snapshot {snapshot_id[:16]} --trainer {run.trainer} --model {run.model} --again",
            )


def require_news(run: Run, runs: RunStore) -> None:
    """Refuse a run of examples none of which has changed since its model learned them: sooner than the snapshot shows.

    A run that is open is another door's: whoever opens one meanwhile is told so, and not to pay a second time.

    Raises:
        TrainedAlready: Nothing has changed, and nobody asked for it again.
    """
    if run.fact("again"):
        return
    for other in runs.recent(run.pipeline, _LATEST):
        if other.state in TERMINAL and _is_of_the_same(other, run) and other.is_paid_for and _is_same_model(other, run):
            raise TrainedAlready(
                f"no example has changed since run {other.run_id} ({other.state}) trained them on {run.model} at "
                f"{run.trainer}",
                remedy=f"Wait for new labels. To pay a second time: tuneloop runs start {run.pipeline} --again",
            )


def _is_of_the_same(other: Run, run: Run) -> bool:
    """Say whether it froze what stands now; one of an older snapshot did not."""
    stood = run.fact("stood")
    return other.cause != RETRAINING and other.watermark == run.watermark and other.fact("stood") == stood is not None


def _is_same_model(run: Run, other: Run) -> bool:
    return (run.trainer, run.model) == (other.trainer, other.model)
