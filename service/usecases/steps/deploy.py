"""Deploying -> evaluating: have the tuned model answer, where training alone does not make it."""

from datetime import timedelta

from service.domain.deployments import Deployment, is_model_name
from service.domain.errors import ChampionMoved, CommandFailed, NotDeployed, RunMoved, ServiceError
from service.domain.reigns import ANYBODY
from service.domain.remedies import remedy_for
from service.domain.run_notices import told
from service.domain.runs import Run, RunState, Step
from service.usecases.steps.endings import backoff
from service.usecases.steps.lease import keeper
from service.usecases.steps.parts import Parts

# How often a command may fail before a person is asked.
DEPLOY_ATTEMPTS = 6
# sysexits.h calls it EX_TEMPFAIL: what was asked for is under way.
NOT_YET = 75
ASK_AGAIN = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=2)


def deploy(run: Run, parts: Parts) -> Step:
    """Run the trainer's deploy command, or wait for the person who does it; the name is the same at every attempt."""
    plan = parts.account(run.trainer).deployment
    name = plan.name_for(run)
    if plan.by_hand and not run.fact("asked_to_deploy"):
        return _ask_person(run, name, f"its model answers only once it is deployed, as {name}")
    if not plan.deploy:
        how = "taken to be deployed, as approved by hand" if plan.by_hand else "nothing is to be deployed"
        return _deployed(name, how)
    # Written before the command runs: whoever takes the run over, or cancels it, knows what may be there.
    if run.fact("deploying_since") is None:
        facts = {"deployment": name, "deploying_since": parts.clock().timestamp()}
        return Step(run.state, f"deploying as {name}", changes={"attempts": 0}, facts=facts)
    try:
        return _run_command(run, plan, name, parts)
    except CommandFailed as error:
        if run.attempts + 1 < DEPLOY_ATTEMPTS:
            return Step(
                run.state, str(error), facts=_told(run, error), due_at=parts.clock() + backoff(run.attempts + 2)
            )
        return Step(
            RunState.NEEDS_ATTENTION,
            f"deploying failed {DEPLOY_ATTEMPTS} times: {error}",
            facts={**_told(run, error), "resume": run.state.value, "deploying_since": None},
        )


def take_down_loser(run: Run, parts: Parts, *, over: int | None = ANYBODY) -> bool:
    """Take down the model of a run that did not win, where a command for it is set.

    Args:
        run: The run.
        parts: The parts.
        over: Against whom it did not win, see ``Grounds.over``.

    Returns:
        Whether the command was run; one that failed is a dead letter.

    Raises:
        ChampionMoved: Somebody else serves by now.
    """
    if not may_be_deployed(run):
        return False
    try:
        if not parts.account(run.trainer).deployment.undeploy:
            return False
        # Written before the command runs: whoever takes the run over knows that its model may answer nobody.
        if not parts.evaluations.retire(run, over=over):
            return False
        undeploy(run, parts)
    except (ChampionMoved, RunMoved):
        raise
    except ServiceError as error:
        parts.letters.put("deployment", run.run_id, error, content=None, now=parts.clock(), pipeline=run.pipeline)
    return True


def may_be_deployed(run: Run) -> bool:
    """Say whether something may answer under this run's name: a person may have deployed it and not said so yet."""
    return any(run.fact(name) for name in ("inference_model", "deployment", "asked_to_deploy"))


def undeploy(run: Run, parts: Parts) -> None:
    """Run the trainer's undeploy command for this run's model.

    Raises:
        CommandFailed: It did not end with 0.
    """
    plan = parts.account(run.trainer).deployment
    command = plan.command_for(run, plan.undeploy)
    ran = parts.commands.run(command, timeout_s=plan.timeout.total_seconds(), keep=keeper(run, parts))
    if ran.code != 0:
        raise CommandFailed(f"{command[0]} ended with code {ran.code}")


def _run_command(run: Run, plan: Deployment, name: str, parts: Parts) -> Step:
    command = plan.command_for(run, plan.deploy)
    ran = parts.commands.run(command, timeout_s=plan.timeout.total_seconds(), keep=keeper(run, parts))
    if ran.code == NOT_YET:
        return _wait(run, parts)
    if ran.code != 0:
        raise CommandFailed(f"{command[0]} ended with code {ran.code}")
    if ran.last_line and not is_model_name(ran.last_line):
        # Not repeated: it may be anything, a secret too.
        raise CommandFailed(f"the last line that {command[0]} printed is no model name", remedy=_LAST_LINE)
    return _deployed(ran.last_line or name, f"{command[0]} has deployed the model")


def _wait(run: Run, parts: Parts) -> Step:
    since = float(run.fact("deploying_since"))
    if parts.clock().timestamp() - since > LONGEST_WAIT.total_seconds():
        raise CommandFailed("the deployment is not ready after two hours", remedy=_SLOW)
    due_at = parts.clock() + ASK_AGAIN
    return Step(run.state, "the deployment is not ready yet", changes={"attempts": 0}, due_at=due_at)


def _deployed(name: str, how: str) -> Step:
    return Step(RunState.EVALUATING, f"{how}: it is asked as {name}", facts={"inference_model": name})


def _ask_person(run: Run, name: str, cause: str) -> Step:
    remedy = (
        f"Deploy {run.tuned_model} as {name}, then tuneloop runs approve {run.run_id}; with --as NAME where the server "
        "chose another name; or set the deploy command."
    )
    facts = {"resume": run.state.value, "asked_to_deploy": name, **_told(run, NotDeployed(cause, remedy=remedy))}
    return Step(RunState.NEEDS_ATTENTION, cause, facts=facts)


def _told(run: Run, error: ServiceError) -> dict[str, str]:
    return {**told(error), "remedy": remedy_for(run, error.remedy, ended=False)}


_LAST_LINE = "Let it print the name that the model answers to as its last line, or nothing at all."
_SLOW = "See at the trainer what became of it, then tuneloop runs approve RUN, which runs the command again."
