"""Take a run one step further: lease it, do the step of its state, write what it decided."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from service.domain.errors import OutcomeUnknown, RunMoved, ServiceError
from service.domain.runs import TERMINAL, WAITS_FOR_A_PERSON, Run, RunState, Step
from service.usecases.steps.clean_up import clean_up
from service.usecases.steps.deploy import deploy
from service.usecases.steps.evaluate import evaluate
from service.usecases.steps.follow import follow
from service.usecases.steps.freeze import freeze
from service.usecases.steps.parts import Parts
from service.usecases.steps.submit import backoff, in_doubt, submit
from service.usecases.steps.upload import upload

# With the growing pauses this is about a day; then a person is asked.
MAX_ATTEMPTS = 150

_STEPS: Mapping[RunState, Callable[[Run, Parts], Step]] = {
    RunState.CLAIMED: freeze,
    RunState.SNAPSHOTTED: upload,
    RunState.UPLOADED: submit,
    RunState.SUBMITTED: follow,
    RunState.TRAINING: follow,
    RunState.DEPLOYING: deploy,
}


def advance_run(run_id: str, parts: Parts) -> Run | None:
    """Do one step of a run.

    Returns:
        The run as it stands now; None if another worker has it, or nothing is due.
    """
    now = parts.clock()
    run = parts.runs.lease(run_id, until=now + parts.timing.lease, now=now)
    if run is None:
        return None
    try:
        after = _do_or_note(run, parts)
    except RunMoved:
        return None
    if after.state not in TERMINAL | WAITS_FOR_A_PERSON and after.due_at is None:
        parts.queue.wake("advance_run", run_id)
    return after


def note_crash(run_id: str, error: Exception, parts: Parts) -> None:
    """Write that a step ended with an error nobody foresaw: the next attempt waits, and at last a person is asked."""
    run = parts.runs.get(run_id)
    if run.state in TERMINAL | WAITS_FOR_A_PERSON:
        return
    unforeseen = ServiceError(type(error).__name__, remedy="See the worker's log, and report it.")
    unforeseen.retryable = True
    parts.runs.record(run, _after_error(run, unforeseen, parts), now=parts.clock())


def _do_or_note(run: Run, parts: Parts) -> Run:
    try:
        return _do(run, parts)
    except RunMoved:
        raise
    except ServiceError as error:
        return parts.runs.record(run, _after_error(run, error, parts), now=parts.clock())


def _do(run: Run, parts: Parts) -> Run:
    if run.state != RunState.EVALUATING:
        return parts.runs.record(run, _STEPS[run.state](run, parts), now=parts.clock())
    step, evaluation = evaluate(run, parts)
    if evaluation is None:
        return parts.runs.record(run, step, now=parts.clock())
    return parts.evaluations.conclude(run, step, evaluation, now=parts.clock())


def _after_error(run: Run, error: ServiceError, parts: Parts) -> Step:
    now = parts.clock()
    facts = {"error": f"{type(error).__name__}: {error}", "remedy": error.remedy}
    if error.retryable and run.attempts < MAX_ATTEMPTS:
        pause = timedelta(seconds=1) if isinstance(error, OutcomeUnknown) else backoff(run.attempts)
        return Step(run.state, str(error), facts=facts, due_at=now + pause)
    if run.job_id is not None or in_doubt(run):
        # Money was spent, or may have been: nothing is thrown away without a person.
        return Step(RunState.NEEDS_ATTENTION, str(error), facts={**facts, "resume": run.state.value})
    clean_up(run, parts)
    parts.letters.put("run", run.run_id, error, content=None, now=now)
    return Step(RunState.FAILED, str(error), facts=facts)
