"""Open a run where one is due, once however many workers ask."""

import hashlib
from datetime import datetime
from typing import Protocol

from service.domain.errors import ServiceError
from service.domain.pipelines import Pipeline
from service.domain.runs import Run, RunState
from service.domain.triggers import BY_HAND, BY_ITSELF, Counts, Decision
from service.ports import Clock, JobQueue, RunStore
from service.usecases.doors import Doorkeepers, weigh, weigh_by_hand


class RunNotStarted(ServiceError):
    """The run was not started."""

    remedy = "See tuneloop why PIPELINE for everything that stands in the way."


class Starting(Doorkeepers, Protocol):
    """Everything that starting a run works on."""

    @property
    def runs(self) -> RunStore:
        """The runs."""

    @property
    def queue(self) -> JobQueue:
        """Where its first step is queued."""


def start_if_due(pipeline: Pipeline, stores: Starting, *, clock: Clock) -> tuple[Decision, Run | None]:
    """Decide, and claim the crossing if a run is due.

    Returns:
        The decision, and the run if this caller opened it.
    """
    counts, decision = weigh(pipeline, stores, now=clock())
    return decision, _claim(pipeline, counts, BY_ITSELF, stores, clock()) if decision.due else None


def start_by_hand(pipeline: Pipeline, stores: Starting, *, clock: Clock) -> Run:
    """Start a run now: neither threshold, quiet period, cooldown nor earlier failures count, everything else does.

    Raises:
        RunNotStarted: A door is shut; names all that are.
    """
    counts, shut = weigh_by_hand(pipeline, stores, now=clock())
    if shut:
        raise RunNotStarted("; ".join(reason.text for reason in shut))
    run = _claim(pipeline, counts, BY_HAND, stores, clock())
    if run is None:
        raise RunNotStarted("another run was opened at the same moment")
    return run


def _claim(pipeline: Pipeline, counts: Counts, cause: str, stores: Starting, now: datetime) -> Run | None:
    ordinal = counts.last_run + 1
    # Made of what is unique about it: two workers that claim the same crossing mean the same run.
    run_id = "run-" + hashlib.sha256(f"{pipeline.name}\n{ordinal}\n{now.isoformat()}".encode()).hexdigest()[:20]
    claimed = stores.runs.claim(
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
        stores.queue.wake("advance_run", claimed.run_id)
    return claimed
