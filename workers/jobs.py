"""The RQ jobs: ids in, one use case, nothing out. RQ may run any of them twice or lose one."""

from structlog import get_logger
from structlog.contextvars import bound_contextvars

from service.domain.errors import ServiceError
from service.usecases.advance_run import advance_run as advance
from service.usecases.advance_run import note_crash
from workers.beginning import begin_if_due
from workers.edge import without_texts
from workers.environment import deps

logger = get_logger()


@without_texts
def convert_deliveries() -> None:
    """Convert until the inbox is empty, then see whether a run is due."""
    with bound_contextvars(job="convert_deliveries"):
        while True:
            done = deps().convert_deliveries()
            if done.taken:
                logger.info("deliveries_converted", taken=done.taken, settled=done.settled, changes=done.changes)
            if not done.settled:
                break
        for name in deps().settings.pipelines:
            begin_if_due(deps(), name)


@without_texts
def advance_run(run_id: str) -> None:
    """Take a run one step further."""
    with bound_contextvars(job="advance_run", run=run_id):
        try:
            run = advance(run_id, deps().parts)
        except Exception as error:
            # A fault of ours: the run must not come back every minute unseen for ever.
            note_crash(run_id, error, deps().parts)
            raise
        if run is not None:
            logger.info("run_advanced", state=run.state, attempts=run.attempts)


@without_texts
def poke_job(job_id: str) -> None:
    """Look at a trainer's job now, because it said that something happened."""
    run = deps().runs.by_job(job_id)
    if run is None:
        # Perhaps the event overtook the answer to the creation; polling finds it anyway.
        logger.info("event_of_unknown_job", remote_job=job_id)
        return
    deps().runs.hurry(run.run_id)
    deps().queue.wake("advance_run", run.run_id)


@without_texts
def reconcile(pipeline: str) -> None:
    """Read the pipeline's project: what had activity, and once a day all of it."""
    parts = deps()
    with bound_contextvars(job="reconcile", pipeline=pipeline), parts.reconcile_turn(pipeline) as is_ours:
        if not is_ours:
            # Another worker is at it; two exports of one project would only slow each other.
            return
        try:
            facts = parts.reconcile(pipeline)
        except ServiceError as error:
            # The schedule comes again; what stays wrong stays visible as the age of the last reconcile.
            logger.warning("reconcile_failed", error=type(error).__name__, message=str(error), remedy=error.remedy)
            return
        logger.info("reconciled", **facts)
        begin_if_due(parts, pipeline)
