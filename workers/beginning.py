"""Opening a run where one is due: the jobs and the schedule both do it, and the database lets one win."""

from structlog import get_logger

from service.bootstrap import Deps, now
from service.usecases.start_run import start_if_due

logger = get_logger()


def begin_if_due(deps: Deps, pipeline: str) -> None:
    """Open the pipeline's next run if it is due."""
    decision, run = start_if_due(deps.settings.pipelines[pipeline], deps, clock=now)
    if run is not None:
        logger.info("run_claimed", pipeline=pipeline, run=run.run_id, ordinal=run.ordinal)
    elif decision.due:
        logger.info("run_claimed_elsewhere", pipeline=pipeline)
