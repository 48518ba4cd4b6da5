"""Take down a model that serves no longer: a former champion, whose deployment may cost by the hour."""

from service.domain.errors import ServiceError
from service.domain.runs import TERMINAL, Run
from service.usecases.steps.deploy import may_be_deployed, undeploy
from service.usecases.steps.parts import Parts


class StaysDeployed(ServiceError):
    """The model is not taken down."""


def undeploy_run(run_id: str, parts: Parts) -> Run:
    """Run the trainer's undeploy command for a run's model.

    Raises:
        StaysDeployed: It is the champion, its run is open, it was never deployed, or there is no command for it.
        CommandFailed: The command did not end with 0.
    """
    run = parts.runs.get(run_id)
    see = f"See tuneloop models show {run.pipeline} and the trainer's undeploy command in tuneloop.toml."
    if run.state not in TERMINAL:
        raise StaysDeployed(f"run {run.run_id} is {run.state}", remedy=f"tuneloop runs cancel {run.run_id} ends it.")
    if not may_be_deployed(run):
        raise StaysDeployed(f"run {run.run_id} has deployed no model", remedy=see)
    if not parts.account(run.trainer).deployment.undeploy:
        raise StaysDeployed(f"trainer {run.trainer} has no undeploy command", remedy=see)
    # Written before the command runs: from now on nobody crowns it.
    if not parts.evaluations.retire(run):
        raise StaysDeployed(f"{run.answers_as} is the champion of {run.pipeline}", remedy=see)
    undeploy(run, parts)
    parts.letters.settle("deployment", [run.run_id], now=parts.clock())
    return run
