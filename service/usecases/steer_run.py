"""What a person may do to a run: approve what waits, cancel what is open."""

from datetime import timedelta

from service.domain.deployments import is_model_name
from service.domain.errors import RunMoved, ServiceError
from service.domain.runs import TERMINAL, WAITS_FOR_A_PERSON, Run, RunState, Step
from service.usecases.clear_run import clear_run
from service.usecases.steps.deploy import may_be_deployed, take_down_loser
from service.usecases.steps.money import approval_of
from service.usecases.steps.parts import Parts


class RunCannot(ServiceError):
    """The run is not in a state that allows this."""

    remedy = "tuneloop runs list shows where runs stand."


def approve_run(run_id: str, parts: Parts, *, answers_as: str | None = None) -> Run:
    """Let a run go on that waits for a person.

    Args:
        run_id: The run.
        parts: The parts.
        answers_as: The name of the deployment that a person made, where the server chose another than was asked for.

    Raises:
        RunCannot: It does not wait, or not for a deployment.
    """
    run = parts.runs.get(run_id)
    if run.state not in WAITS_FOR_A_PERSON:
        raise RunCannot(f"run {run.run_id} is {run.state} and waits for nobody", remedy=_see(run))
    resume = RunState(run.fact("resume") or RunState.SNAPSHOTTED)
    # Approving a submission without a known outcome is a person's word; the trainer is searched once more.
    changes = {"intent_at": None} if resume == RunState.UPLOADED else None
    facts = approval_of(run) if run.state == RunState.AWAITING_APPROVAL else {}
    step = Step(resume, "approved by hand", changes=changes, facts=facts)
    if answers_as is not None:
        step = _named(run, resume, answers_as)
    after = parts.runs.record(run, step, now=parts.clock())
    parts.queue.wake("advance_run", run.run_id)
    return after


def _named(run: Run, resume: RunState, name: str) -> Step:
    if resume not in {RunState.DEPLOYING, RunState.EVALUATING}:
        raise RunCannot(f"run {run.run_id} waits for no deployment", remedy="Approve it without --as.")
    if not is_model_name(name):
        raise RunCannot("no model is called so", remedy="Give the name that the server answers to.")
    cause = f"deployed by hand, answers as {name}"
    return Step(RunState.EVALUATING, cause, facts={"inference_model": name})


def cancel_run(run_id: str, parts: Parts) -> Run:
    """End a run; its job, if it has one, is asked to stop until it has ended.

    The end is written before the trainer is asked: whatever the trainer answers, or its job comes to, is not used.

    Raises:
        RunCannot: It has ended already, or a worker is just sending something to the trainer.
    """
    run = parts.runs.get(run_id)
    if run.state in TERMINAL:
        raise RunCannot(f"run {run.run_id} has ended: {run.state}", remedy=_see(run))
    if run.state in _SENDS or (run.state in _SERVES and may_be_deployed(run)):
        run = _hold(run, parts)
    try:
        take_down_loser(run, parts)
        parts.runs.record(run, Step(RunState.CANCELLED, "cancelled by hand"), now=parts.clock())
    except RunMoved as error:
        raise _is_advanced(run) from error
    # What it has at the trainer is stopped and deleted now, or by the sweep as soon as the trainer answers.
    clear_run(run.run_id, parts)
    return parts.runs.get(run.run_id)


_SENDS = frozenset({RunState.SNAPSHOTTED, RunState.UPLOADED})
# A worker may be deploying, or crowning, the model that is about to be taken down.
_SERVES = frozenset({RunState.DEPLOYING, RunState.EVALUATING})
# Longer than most steps take, and not for ever if nobody comes back to cancel it.
_PAUSE = timedelta(minutes=5)


def _hold(run: Run, parts: Parts) -> Run:
    """Take the run from the workers, so that none creates a job, or deploys, for a run that is no longer there."""
    held = None
    if not _is_asking(run):
        now = parts.clock()
        parts.runs.hurry(run.run_id)
        held = parts.runs.lease(run.run_id, until=now + parts.timing.lease, now=now)
    if held is None and run.state in _SERVES:
        # Workers go from step to step without a pause, so that trying again would always come too late.
        parts.runs.hold_up(run.run_id, until=parts.clock() + _PAUSE)
    if held is None or held.state != run.state or _is_asking(held):
        raise _is_advanced(run)
    return held


def _is_advanced(run: Run) -> RunCannot:
    return RunCannot(f"a worker is just advancing run {run.run_id}", remedy="Try again in a minute.")


def _see(run: Run) -> str:
    return f"See tuneloop runs show {run.run_id}."


def _is_asking(run: Run) -> bool:
    """Say whether a request for a job was sent that nobody knows the end of."""
    return run.intent_at is not None and run.job_id is None
