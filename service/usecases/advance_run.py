"""Take a run one step further: lease it, do the step of its state, write what it decided."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from service.domain.errors import ChampionMoved, RunMoved, ServiceError, WorkersDie
from service.domain.runs import TERMINAL, WAITS_FOR_A_PERSON, Run, RunState, Step
from service.usecases.clear_run import clear_run
from service.usecases.name_champion import champions_to_name
from service.usecases.steps.deploy import deploy
from service.usecases.steps.endings import after_error, end
from service.usecases.steps.evaluate import evaluate
from service.usecases.steps.follow import follow
from service.usecases.steps.freeze import freeze
from service.usecases.steps.parts import Parts
from service.usecases.steps.submit import submit
from service.usecases.steps.upload import upload

# A step that was begun this often and never ended takes its worker with it, out of memory perhaps.
MAX_TURNS = 20

_NO_MISSES = {"champion_misses": 0}

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
    if after.state in TERMINAL:
        # Whoever is killed here leaves that to the sweep.
        if after.pipeline in champions_to_name(parts):
            parts.queue.wake("name_champion", after.pipeline)
        clear_run(run_id, parts)
    elif after.state not in WAITS_FOR_A_PERSON and after.due_at is None:
        parts.queue.wake("advance_run", run_id)
    return after


def note_crash(run_id: str, error: Exception, parts: Parts) -> None:
    """Write that a step ended with an error nobody foresaw: the next attempt waits, and at last a person is asked."""
    run = parts.runs.get(run_id)
    if run.state in TERMINAL | WAITS_FOR_A_PERSON:
        return
    unforeseen = ServiceError(type(error).__name__, remedy="See the worker's log, and report it.")
    unforeseen.retryable = True
    parts.runs.record(run, after_error(run, unforeseen, parts), now=parts.clock())


def _do_or_note(run: Run, parts: Parts) -> Run:
    if run.turns > MAX_TURNS:
        died = WorkersDie(f"{MAX_TURNS} workers began this step of {run.state} and none came to its end")
        return parts.runs.record(run, end(run, died, parts), now=parts.clock())
    try:
        return _do(run, parts)
    except RunMoved:
        raise
    except ServiceError as error:
        noted = _as_noted(run, parts)
        return parts.runs.record(noted, after_error(noted, error, parts), now=parts.clock())


def _do(run: Run, parts: Parts) -> Run:
    if run.state != RunState.EVALUATING:
        return parts.runs.record(run, _STEPS[run.state](run, parts), now=parts.clock())
    try:
        step, evaluation = evaluate(run, parts)
        if evaluation is None:
            return parts.runs.record(run, step, now=parts.clock())
        return parts.evaluations.conclude(run, step, evaluation, now=parts.clock())
    except ChampionMoved:
        # Every answer is kept: only the new champion's are missing.
        cause = "judged again: the champion changed meanwhile"
        again = Step(run.state, cause, changes={"attempts": 0}, facts=_NO_MISSES)
        return parts.runs.record(_as_noted(run, parts), again, now=parts.clock())


def _as_noted(run: Run, parts: Parts) -> Run:
    """Give a run with what its own step noted before it came to nothing: that its model is taken down, for one.

    Whether it is still ours is asked when the step is written.
    """
    return replace(run, facts=parts.runs.get(run.run_id).facts)
