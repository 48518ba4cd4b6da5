"""Opening a run where one is due: the jobs and the schedule both do it, and the database lets one win."""

from structlog import get_logger

from service.bootstrap import Deps, now
from service.usecases.start_run import start_if_due
from service.usecases.sunset import sunset_door

logger = get_logger()


def begin_if_due(deps: Deps, pipeline: str) -> None:
    """Open the pipeline's next run if it is due."""
    policy = deps.settings.pipelines[pipeline]
    decision, run = start_if_due(
        policy,
        examples=deps.examples,
        runs=deps.runs,
        queue=deps.queue,
        clock=now,
        more=sunset_door(policy, deps, now=now()),
    )
    if run is not None:
        logger.info("run_claimed", pipeline=pipeline, run=run.run_id, ordinal=run.ordinal)
    elif decision.due:
        logger.info("run_claimed_elsewhere", pipeline=pipeline)
