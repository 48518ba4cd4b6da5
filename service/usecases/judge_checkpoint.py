"""Judge an earlier checkpoint on the held-out examples, as a look of its own (ADR 0019)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from service.domain.checkpoints import at_checkpoint
from service.domain.errors import ModelNotReady
from service.domain.runs import Run
from service.usecases.ask_patiently import Patience, Waiting, ask_patiently, go_on
from service.usecases.find_checkpoints import CheckpointGone, earlier_checkpoint
from service.usecases.promote_run import require_judged
from service.usecases.steps.answer_money import answers_needed, require_money
from service.usecases.steps.asking import payer_of
from service.usecases.steps.evaluate import models_asked, questions_asked, weigh
from service.usecases.steps.parts import Parts
from service.usecases.turns import Turns


@dataclass(frozen=True, slots=True)
class JudgedCheckpoint:
    """A checkpoint with its evaluation; ``is_new`` unless it was judged before: a look is taken once."""

    run_id: str
    model: str
    evaluation: Mapping[str, Any]
    is_new: bool


def judge_checkpoint(run_id: str, step: int, parts: Parts, patience: Patience) -> JudgedCheckpoint:
    """Compare a checkpoint with champion and base on the held-out examples; nothing is promoted.

    Args:
        run_id: The run's id or the beginning of it.
        step: Of its training.
        parts: What steps work with.
        patience: How to wait.

    Raises:
        NotJudged: The run itself was not judged yet.
        UnknownCheckpoint: There is no checkpoint of this step.
        IsFinal: It is the run's own model.
        CheckpointGone: Its model does not answer.
        OverBudget: The answers would cost more than there is.
        ServiceError: A model does not answer; what was answered is stored, and the next call goes on.
    """
    run = parts.runs.get(run_id)
    known = parts.evaluations.evaluation(run.run_id, checkpoint=step)
    if known is not None:
        return JudgedCheckpoint(run.run_id, known["models"]["challenger"], known, is_new=False)
    require_judged(run, parts)
    judged = at_checkpoint(_heard_anew(run, parts), earlier_checkpoint(run, step, parts))
    with Turns(f"of run {run.run_id} at {parts.clock().isoformat()}", parts) as turns:
        _ask(judged, turns, patience)
        evaluation = _weigh(judged, turns, patience)
        parts.evaluations.add_checkpoint(judged, step, {**evaluation, "checkpoint": step}, now=parts.clock())
    # Whoever judged it in the same moment may have been first.
    stored = parts.evaluations.evaluation(run.run_id, checkpoint=step) or evaluation
    return JudgedCheckpoint(run.run_id, str(judged.answers_as), stored, is_new=True)


def _heard_anew(run: Run, parts: Parts) -> Run:
    """Give a run that knows nothing of a champion's silence when it was judged itself, unless that lasts."""
    champion = parts.evaluations.champion(run.pipeline)
    is_gone = champion is not None and champion["gone_since"] is not None
    over = {"champion_misses"} if is_gone else {"champion_misses", "champion_gone"}
    return replace(run, facts={name: fact for name, fact in (run.facts or {}).items() if name not in over})


def _ask(run: Run, turns: Turns, patience: Patience) -> None:
    """Ask the checkpoint first, so that one that is gone costs no other answers; never without money for all."""
    parts, payer = turns.parts, payer_of(run)
    held_out = partial(questions_asked, run.snapshot_id or "", run.pipeline, parts, keep=turns.keep)
    questions = held_out()
    models = models_asked(run, parts.evaluations.champion(run.pipeline), parts)
    require_money(payer, [answers_needed(asked, questions, parts) for asked in models.values()], parts)
    asked = models["challenger"]
    try:
        ask_patiently(asked, held_out, turns, payer=payer, patience=patience)
    except ModelNotReady as error:
        raise CheckpointGone(f"checkpoint {asked.model} of run {run.run_id} does not answer: {error}") from error


def _weigh(run: Run, turns: Turns, patience: Patience) -> Mapping[str, Any]:
    parts, standing = turns.parts, run

    def some() -> Mapping[str, Any] | Waiting:
        nonlocal standing
        turns.begin()
        step, evaluation = weigh(standing, parts, but="", keep=turns.keep)
        # What is gone meanwhile, for instance; the run itself has ended and keeps what it knows.
        standing = replace(standing, facts={**(standing.facts or {}), **(step.facts or {})})
        return Waiting(step.cause, step.due_at) if evaluation is None else evaluation

    return go_on(some, parts, patience)
