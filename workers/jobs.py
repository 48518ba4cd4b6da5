"""The RQ jobs: ids in, one use case, nothing out. RQ may run any of them twice or lose one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rq.timeouts import JobTimeoutException
from structlog import get_logger
from structlog.contextvars import bound_contextvars

from service.bootstrap import now
from service.domain.errors import ServiceError
from service.domain.leaks import LEAK
from service.domain.runs import Run, RunState
from service.usecases.advance_run import advance_run as advance
from service.usecases.advance_run import note_crash
from service.usecases.clear_run import clear_run as clear
from service.usecases.clear_run import note_clearing_crash
from service.usecases.gather_reports import gather_reports as gather
from service.usecases.name_champion import forget_names
from service.usecases.name_champion import name_champion as set_name
from service.usecases.reconcile_trainer import reconcile_trainer as compare
from service.usecases.ring_job import poke
from service.usecases.send_gaps import send_due_gaps
from service.usecases.steps.parts import Parts
from service.usecases.watch_sunsets import look_at_models, warn_of_ends
from workers.beginning import begin_if_due
from workers.edge import without_texts
from workers.environment import deps

logger = get_logger()
# A run ends in one of these with its verdict.
JUDGED = frozenset({RunState.PROMOTED, RunState.KEPT})


@without_texts
def convert_deliveries() -> None:
    """Convert what can be converted now, then see whether a run is due."""
    with bound_contextvars(job="convert_deliveries"):
        done = deps().convert_deliveries()
        for where in dict.fromkeys(done.crashes):
            logger.error("conversion_crashed", error=where)
        if done.taken or done.settled:
            logger.info(
                "deliveries_converted",
                taken=done.taken,
                settled=done.settled,
                changes=done.changes,
                waiting=done.waiting,
            )
        if done.is_cut:
            # Another job, so that whoever waits in the queue has a turn between.
            deps().queue.wake("convert_deliveries")
        for name in deps().settings.pipelines:
            begin_if_due(deps(), name)


@without_texts
def advance_run(run_id: str) -> None:
    """Take a run one step further."""
    with bound_contextvars(job="advance_run", run=run_id):
        with noting_crashes(run_id, deps().parts):
            run = advance(run_id, deps().parts)
        if run is not None:
            logger.info("run_advanced", state=run.state, attempts=run.attempts)
            if run.state == RunState.SNAPSHOTTED:
                tell_snapshot(run)
            if run.state in JUDGED:
                call_for_gaps(run.pipeline)
            if run.attempts == 0:
                # It may have moved, which people want to hear; the sweep would tell them as well.
                deps().telling.call()


def call_for_gaps(pipeline: str) -> None:
    """Have gaps looked for where they go by themselves; the schedule would come for them later."""
    policy = deps().settings.pipelines.get(pipeline)
    if policy is not None and policy.gaps.automatic:
        deps().queue.wake("send_gaps", pipeline)


@contextmanager
def noting_crashes(
    run_id: str, parts: Parts, note: Callable[[str, Exception, Parts], None] = note_crash
) -> Iterator[None]:
    """Write a fault of ours down with the run: it must not come back every minute unseen for ever."""
    try:
        yield
    except JobTimeoutException:
        # RQ's clock, and no fault of the step: it is begun again, and counted by the run's turns.
        logger.warning("step_timed_out")
        raise
    except Exception as error:
        note(run_id, error, parts)
        raise


@without_texts
def clear_run(run_id: str) -> None:
    """Do what is left to do for a run that ended."""
    with bound_contextvars(job="clear_run", run=run_id), noting_crashes(run_id, deps().parts, note_clearing_crash):
        clear(run_id, deps().parts)


@without_texts
def reconcile_trainer(name: str) -> None:
    """Search a trainer for what no run of ours knows."""
    with bound_contextvars(job="reconcile_trainer", trainer=name):
        done = compare(name, deps().parts)
        forget_left_names(name)
        for orphan in done.orphans:
            logger.warning(
                "orphan_found", kind=orphan.kind, id=orphan.thing_id, orphan_of=orphan.run_id, done=orphan.done
            )
        for error in done.errors:
            logger.warning("trainer_not_compared", error=error)


def forget_left_names(trainer: str) -> None:
    """Remove stable names at a trainer whose champions went elsewhere, as far as that was not done at once."""
    try:
        forgotten = forget_names(trainer, deps().parts)
    except ServiceError as error:
        logger.warning("names_not_forgotten", error=type(error).__name__, remedy=error.remedy)
    else:
        if forgotten:
            logger.info("names_forgotten", names=forgotten)


def tell_snapshot(run: Run) -> None:
    """Log what was left out of a run's snapshot, or noted: numbers, no texts."""
    reasons = run.fact("reasons") or {}
    # What is held out was about to be trained on: some row's group, prompt or split is wrong.
    log = logger.warning if reasons.get(LEAK) else logger.info
    log("snapshot_built", snapshot=run.snapshot_id, **reasons)


@without_texts
def poke_job(job_id: str, *trainers: str) -> None:
    """Look at a trainer's job now, because it said that something happened."""
    if not poke(job_id, trainers, runs=deps().runs, queue=deps().queue):
        # Perhaps the event overtook the answer to the creation; polling finds it anyway.
        logger.info("event_of_unknown_job", remote_job=job_id, trainers=trainers)


@without_texts
def gather_reports(run_id: str) -> None:
    """Fetch what a job that has ended reported."""
    with bound_contextvars(job="gather_reports", run=run_id):
        done = gather(run_id, deps().parts)
        if done is None:
            return
        missing = done.facts["missing"]
        if missing and done.due_at is None:
            logger.warning("reports_incomplete", missing=missing, attempts=done.attempts)
        else:
            logger.info("reports_gathered", missing=missing, attempts=done.attempts)


@without_texts
def name_champion(pipeline: str) -> None:
    """Let a pipeline's stable name mean its champion."""
    with bound_contextvars(job="name_champion", pipeline=pipeline):
        try:
            named = set_name(pipeline, deps().parts)
        except ServiceError as error:
            # The sweep comes again until it is so.
            logger.warning("champion_not_named", error=type(error).__name__, remedy=error.remedy)
        else:
            logger.info("champion_named", named=named)


@without_texts
def watch_sunsets() -> None:
    """Ask the trainers when their models end, once a day, and warn early."""
    parts = deps()
    with bound_contextvars(job="watch_sunsets"):
        for trainer, error in look_at_models(parts.settings.pipelines, parts, clock=now).items():
            # It is asked again in an hour; until then what was seen last counts.
            logger.warning("models_not_seen", trainer=trainer, error=type(error).__name__, remedy=error.remedy)
        for notice in warn_of_ends(parts.settings.pipelines, parts, now=now()):
            logger.warning(notice.kind, **notice.facts)


@without_texts
def send_gaps(pipeline: str) -> None:
    """Send work back to a pipeline's labelers, if it is due."""
    parts = deps()
    with bound_contextvars(job="send_gaps", pipeline=pipeline):
        if pipeline not in parts.settings.pipelines:
            return  # it left the configuration while the message waited
        try:
            draft = send_due_gaps(parts.settings.pipelines[pipeline], parts.gap_parts)
        except ServiceError as error:
            # It comes again with the schedule; what was sent is written.
            logger.warning("gaps_not_sent", error=type(error).__name__, message=str(error), remedy=error.remedy)
            return
        if draft is not None:
            states = [row.state for row in draft.plan.rows]
            logger.info(
                "gaps_sent", plan=draft.plan.plan_id, sent=states.count("sent"), watched=states.count("control")
            )


@without_texts
def reconcile(project: str) -> None:
    """Go on with the project's reconcile, if one is wanted: what had activity, and once a day all of it."""
    parts = deps()
    with bound_contextvars(job="reconcile", project=project):
        done = parts.reconcile(project)
        if done.error is not None:
            # It is tried again; what stays wrong stays visible as the age of the last reconcile.
            error = done.error
            logger.warning("reconcile_failed", error=type(error).__name__, message=str(error), remedy=error.remedy)
        for name, words in done.refused.items():
            logger.warning("pipeline_unreadable", pipeline=name, message=words)
        for name, facts in done.facts.items():
            logger.info("reconciled", pipeline=name, **facts)
            begin_if_due(parts, name)


@without_texts
def send_notices(channel: str) -> None:
    """Hand over what waits for a channel."""
    with bound_contextvars(job="send_notices", channel=channel):
        told = deps().telling.send(channel)
        if told.sent:
            logger.info("notices_sent", sent=told.sent)
        if told.failure is not None:
            # It comes again after its pause, and at last stands in the dead letters.
            error = told.failure
            logger.warning("notice_failed", error=type(error).__name__, message=str(error), remedy=error.remedy)
