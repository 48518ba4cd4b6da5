"""Open a run where one is due, once however many workers ask."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from service.domain.door_remedies import remedies_of
from service.domain.errors import ServiceError
from service.domain.pipelines import Pipeline
from service.domain.runs import Run, RunState
from service.domain.triggers import BY_HAND, BY_ITSELF, Counts, Decision, Reason
from service.ports import Clock, JobQueue, RunStore
from service.usecases.doors import Doorkeepers, ask_whether_listed, weigh, weigh_by_hand
from service.usecases.steps.paid_once import require_news


class RunNotStarted(ServiceError):
    """The run was not started."""

    remedy = "See tuneloop runs list for what is under way."


class Opening(Protocol):
    """What opening a run works on."""

    @property
    def runs(self) -> RunStore:
        """The runs."""

    @property
    def queue(self) -> JobQueue:
        """Where its first step is queued."""


class Starting(Doorkeepers, Opening, Protocol):
    """Everything that starting a run works on."""


def start_if_due(pipeline: Pipeline, stores: Starting, *, clock: Clock) -> tuple[Decision, Run | None]:
    """Decide, and claim the crossing if a run is due.

    Returns:
        The decision, and the run if this caller opened it.
    """
    counts, decision = weigh(pipeline, stores, now=clock())
    if not decision.due:
        return decision, None
    return decision, open_run(new_run(pipeline, counts, BY_ITSELF, now=clock()), stores)


def start_by_hand(
    pipeline: Pipeline,
    stores: Starting,
    *,
    clock: Clock,
    despite_sunset: bool = False,
    despite_list: bool = False,
    again: bool = False,
) -> Run:
    """Start a run now: neither threshold, quiet period, cooldown nor earlier failures count, everything else does.

    Args:
        pipeline: Whose.
        stores: What to ask and where to write.
        clock: The time.
        despite_sunset: Whether a person wants it although the model is about to shut down.
        despite_list: Whether a person wants it although the trainer's list does not have the model, or it is away.
        again: Whether a person wants it although the same examples were trained on this model before.

    Raises:
        RunNotStarted: A door is shut; names all that are.
        TrainedAlready: No example has changed since; where that shows only in the snapshot, the run fails by it.
    """
    despite = {"despite_sunset": despite_sunset, "despite_list": despite_list}
    unlisted = ask_whether_listed(pipeline, stores, now=clock(), despite_list=despite_list)
    counts, shut = weigh_by_hand(pipeline, stores, now=clock(), despite_sunset=despite_sunset, unlisted=unlisted)
    refuse(shut, pipeline)
    run = with_facts(new_run(pipeline, counts, BY_HAND, now=clock()), again=again, **despite)
    require_news(run, stores.runs)
    return opened_by_hand(run, stores)


def refuse(reasons: Sequence[Reason], pipeline: Pipeline) -> None:
    """Say everything that stands in the way, if anything does.

    Raises:
        RunNotStarted: Something does.
    """
    if reasons:
        raise RunNotStarted("; ".join(reason.text for reason in reasons), remedy=remedies_of(reasons, pipeline.name))


def opened_by_hand(run: Run, stores: Opening) -> Run:
    """Open a run that a person wants.

    Raises:
        RunNotStarted: Somebody else opened one.
    """
    opened = open_run(run, stores)
    if opened is None:
        other = next(iter(stores.runs.recent(run.pipeline, 1)), None)
        named = f"run {other.run_id} ({other.state})" if other else "another run"
        raise RunNotStarted(f"{named} was opened at the same moment")
    return opened


def with_facts(run: Run, **facts: object) -> Run:
    """Give the run with these facts as well."""
    return replace(run, facts={**(run.facts or {}), **facts})


def new_run(pipeline: Pipeline, counts: Counts, cause: str, *, now: datetime) -> Run:
    """Make the pipeline's next run, not opened yet."""
    ordinal = counts.last_run + 1
    # Made of what is unique about it: two workers that claim the same crossing mean the same run.
    run_id = "run-" + hashlib.sha256(f"{pipeline.name}\n{ordinal}\n{now.isoformat()}".encode()).hexdigest()[:20]
    return Run(
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
            "stood": _standing(pipeline, counts),
        },
    )


def _standing(pipeline: Pipeline, counts: Counts) -> str:
    """Name what would be frozen: it may be called differently though it is the same, hardly ever the other way."""
    sizes = (counts.train, counts.validation, counts.held_out, counts.train_tokens)
    shape = (pipeline.system, pipeline.form, pipeline.dataset, pipeline.checks)
    return hashlib.sha256(repr((sizes, shape)).encode()).hexdigest()[:16]


def open_run(run: Run, stores: Opening) -> Run | None:
    """Claim a run's crossing and have it advanced; None where another caller opened one first."""
    claimed = stores.runs.claim(run)
    if claimed is not None:
        # Claimed before queued: a crash here leaves a row that the sweep queues again, whereas a job without
        # its row could never be explained.
        stores.queue.wake("advance_run", claimed.run_id)
    return claimed
