"""What a person may do to a run: approve what waits, cancel what is open."""

from service.domain.errors import ServiceError
from service.domain.runs import TERMINAL, WAITS_FOR_A_PERSON, Run, RunState, Step
from service.usecases.steps.parts import Parts


class RunCannot(ServiceError):
    """The run is not in a state that allows this."""

    remedy = "See tuneloop runs show RUN."


def approve_run(run_id: str, parts: Parts) -> Run:
    """Let a run go on that waits for a person.

    Raises:
        RunCannot: It does not wait.
    """
    run = parts.runs.get(run_id)
    if run.state not in WAITS_FOR_A_PERSON:
        raise RunCannot(f"run {run.run_id} is {run.state} and waits for nobody")
    resume = RunState(run.fact("resume") or RunState.SNAPSHOTTED)
    # Approving a submission without a known outcome is a person's word that no job exists.
    changes = {"intent_at": None} if resume == RunState.UPLOADED else None
    step = Step(resume, "approved by hand", changes=changes, facts={"approved": True})
    after = parts.runs.record(run, step, now=parts.clock())
    parts.queue.wake("advance_run", run.run_id)
    return after


def cancel_run(run_id: str, parts: Parts) -> Run:
    """Stop a run, and its job if it has one.

    Raises:
        RunCannot: It has ended already, or its job is just being created.
    """
    run = parts.runs.get(run_id)
    if run.state in TERMINAL:
        raise RunCannot(f"run {run.run_id} has ended: {run.state}")
    if run.intent_at is not None and run.job_id is None and run.state == RunState.UPLOADED:
        raise RunCannot(f"the job of run {run.run_id} is just being created", remedy="Try again in a minute.")
    if run.job_id is not None and run.state in {RunState.SUBMITTED, RunState.TRAINING}:
        # The next look at the job ends the run and settles what it cost.
        parts.accounts[run.trainer].connect().cancel(run.job_id)
        parts.runs.hurry(run.run_id)
        parts.queue.wake("advance_run", run.run_id)
        return run
    parts.ledger.settle(run.run_id, run.trainer, 0.0, tokens=None, now=parts.clock())
    return parts.runs.record(run, Step(RunState.CANCELLED, "cancelled by hand"), now=parts.clock())
