"""Open a run where one is due, once however many workers ask."""

import hashlib

from service.domain.errors import ServiceError
from service.domain.pipelines import Pipeline
from service.domain.runs import Run, RunState
from service.domain.triggers import Counts, Decision, blocks_manual_start, decide
from service.ports import Clock, ExampleStore, JobQueue, RunStore


class RunNotStarted(ServiceError):
    """The run was not started."""

    remedy = "See tuneloop why PIPELINE for everything that stands in the way."


def start_if_due(
    pipeline: Pipeline, *, examples: ExampleStore, runs: RunStore, queue: JobQueue, clock: Clock
) -> tuple[Decision, Run | None]:
    """Decide, and claim the crossing if a run is due.

    Returns:
        The decision, and the run if this caller opened it.
    """
    counts = examples.counts(pipeline.name)
    decision = decide(pipeline.trigger, pipeline.dataset, counts, now=clock())
    if not decision.due:
        return decision, None
    return decision, _claim(pipeline, counts, "threshold", runs, queue, clock)


def start_by_hand(pipeline: Pipeline, *, examples: ExampleStore, runs: RunStore, queue: JobQueue, clock: Clock) -> Run:
    """Start a run now: neither threshold nor quiet period count, everything else does.

    Raises:
        RunNotStarted: Too few examples, or a run is open already.
    """
    counts = examples.counts(pipeline.name)
    if reasons := blocks_manual_start(pipeline.dataset, counts):
        raise RunNotStarted("; ".join(reason.text for reason in reasons))
    run = _claim(pipeline, counts, "by hand", runs, queue, clock)
    if run is None:
        raise RunNotStarted("another run was opened at the same moment")
    return run


def _claim(  # noqa: PLR0917 - private, two callers
    pipeline: Pipeline, counts: Counts, cause: str, runs: RunStore, queue: JobQueue, clock: Clock
) -> Run | None:
    now = clock()
    ordinal = counts.last_run + 1
    # Made of what is unique about it: two workers that claim the same crossing mean the same run.
    run_id = "run-" + hashlib.sha256(f"{pipeline.name}\n{ordinal}\n{now.isoformat()}".encode()).hexdigest()[:20]
    claimed = runs.claim(
        Run(
            run_id=run_id,
            pipeline=pipeline.name,
            ordinal=ordinal,
            state=RunState.CLAIMED,
            watermark=counts.watermark,
            trainer=pipeline.train.trainer,
            model=pipeline.train.model,
            created_at=now,
            updated_at=now,
            cause=cause,
            facts={
                "method": pipeline.train.method,
                "hyperparameters": dict(pipeline.train.hyperparameters),
                "suffix": pipeline.train.suffix,
                "new_examples": counts.new,
            },
        )
    )
    if claimed is not None:
        # Claimed before queued: a crash here leaves a row that the sweep queues again, whereas a job without
        # its row could never be explained.
        queue.wake("advance_run", claimed.run_id)
    return claimed
