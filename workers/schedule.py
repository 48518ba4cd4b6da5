"""The schedule: on the clock, queue again whatever stands still. Running it twice does no harm."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from threading import Event

import sqlalchemy as sa
from structlog import get_logger

from service.adapters.sql_exports import forget_exports
from service.adapters.sql_notices import forget_notices
from service.adapters.sql_records import forget_audit
from service.adapters.sql_recounts import mend_tallies
from service.bootstrap import Deps, now
from service.domain.errors import ServiceError
from service.usecases.exporting import call_for
from service.usecases.name_champion import champions_to_name
from service.usecases.redact_snapshot import remove_loose_files
from service.usecases.steps.answer_money import bill_late_answers
from service.usecases.warn import warn
from workers.beginning import begin_if_due
from workers.watching import watch

logger = get_logger()
AUDIT_KEPT = timedelta(days=90)
# They are many, and each names up to two thousand rows.
EXPORTS_KEPT = timedelta(days=7)
# No file takes that long to be written: its process was killed.
INCOMING_KEPT = timedelta(days=1)


@dataclass(slots=True)
class Beat:
    """One thing done every so often.

    Attributes:
        due_s: When it is next done, on the monotonic clock.
    """

    name: str
    every: timedelta
    act: Callable[[], None]
    due_s: float = 0.0


def run_schedule(deps: Deps, stop: Event) -> None:
    """Keep the beats until ``stop`` is set; one that fails is logged and comes again."""
    beats = make_beats(deps)
    while not stop.is_set():
        for beat in beats:
            if time.monotonic() >= beat.due_s:
                _keep(beat)
        stop.wait(min(beat.due_s for beat in beats) - time.monotonic())


def make_beats(deps: Deps) -> list[Beat]:
    """Give what the schedule does."""
    service = deps.settings.service
    return [
        Beat("sweep", service.sweep_every, lambda: sweep(deps)),
        Beat("forget", timedelta(days=1), lambda: _forget(deps)),
        Beat("watch", timedelta(hours=1), lambda: watch(deps)),
        Beat("recount", timedelta(days=1), lambda: _recount(deps)),
        # Hourly, for what could not be asked: each model is asked about once a day.
        Beat("sunsets", timedelta(hours=1), lambda: deps.queue.wake("watch_sunsets")),
        # What is due is asked by the job; it reads Labelbox only then.
        Beat("gaps", timedelta(minutes=10), lambda: _send_gaps(deps)),
        Beat("warn", timedelta(minutes=1), lambda: _warn(deps)),
        Beat("reconcile", service.reconcile_every, lambda: _reconcile_all(deps)),
        Beat("trainers", service.trainers_every, lambda: _compare_trainers(deps)),
    ]


def sweep(deps: Deps) -> None:
    """Queue what stands still: deliveries, exports, runs and reports nobody has in hand, pipelines that are due."""
    if deps.inbox.depth():
        deps.queue.wake("convert_deliveries")
    call_for(deps.export_store, deps.queue, now=now())
    for run in deps.runs.standing(now=now()):
        deps.queue.wake("advance_run", run.run_id)
    for run_id in deps.reports.due(now=now()):
        deps.queue.wake("gather_reports", run_id)
    for run_id in deps.aftermath.due(now=now()):
        deps.queue.wake("clear_run", run_id)
    for name in champions_to_name(deps.parts):
        deps.queue.wake("name_champion", name)
    if billed := bill_late_answers(deps.parts):
        logger.info("late_answers_billed", bills=billed)
    for name in deps.settings.pipelines:
        # Here and not in a job: it is two counts, and quiet periods end without any delivery.
        begin_if_due(deps, name)
    deps.telling.call()


def _forget(deps: Deps) -> None:
    rows = forget_audit(deps.engine, before=now() - AUDIT_KEPT)
    rows += forget_notices(deps.engine, before=now() - AUDIT_KEPT)
    exports = forget_exports(deps.engine, before=now() - EXPORTS_KEPT)
    files = deps.files.forget_incoming(before=now() - INCOMING_KEPT)
    files += remove_loose_files(deps.archive, until=now() - INCOMING_KEPT)
    logger.info("audit_forgotten", rows=rows, exports=exports, files=files)


def _recount(deps: Deps) -> None:
    for name in deps.settings.pipelines:
        if mended := mend_tallies(deps.engine, name):
            # Some fault of ours, or somebody wrote to the database by hand: the trigger was asked with wrong numbers.
            found = {tally: f"{kept} -> {right}" for tally, (kept, right) in mended.items()}
            logger.warning("tallies_mended", pipeline=name, tallies=found)


def _warn(deps: Deps) -> None:
    if notices := warn(deps.settings.pipelines, deps, now=now()):
        logger.warning("people_warned", notices=notices)


def _send_gaps(deps: Deps) -> None:
    for name, pipeline in deps.settings.pipelines.items():
        if pipeline.gaps.automatic:
            deps.queue.wake("send_gaps", name)


def _reconcile_all(deps: Deps) -> None:
    for project in dict.fromkeys(pipeline.labels.project for pipeline in deps.settings.pipelines.values()):
        # Written down first: a message that is lost delays it, and it is done once for all that want it.
        deps.export_store.want(project, "window", {}, now=now())
        deps.queue.wake("reconcile", project)


def _compare_trainers(deps: Deps) -> None:
    # Where no run ever went there is nothing of ours.
    for name in set(deps.aftermath.trainers()) & deps.settings.trainers.keys():
        deps.queue.wake("reconcile_trainer", name)


def _keep(beat: Beat) -> None:
    try:
        beat.act()
    except (ServiceError, sa.exc.SQLAlchemyError) as error:
        logger.warning("beat_failed", beat=beat.name, error=type(error).__name__)
    beat.due_s = time.monotonic() + beat.every.total_seconds()
