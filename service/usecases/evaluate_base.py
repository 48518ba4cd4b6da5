"""Measure an untuned model on the held-out examples, before anything is trained."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.domain.comparisons import interval
from service.domain.errors import ConfigurationError, ServiceError, TooFewExamples
from service.domain.metrics import Context, Metric, described, score
from service.domain.pipelines import Pipeline
from service.domain.questions import Question, at_most
from service.domain.slices import score_slices, slices_of
from service.domain.snapshots import Snapshot
from service.ports import BaseEvaluation
from service.usecases.mend_snapshot import whole_snapshot
from service.usecases.question_facts import question_facts
from service.usecases.steps.answer_money import Asked, Payer, bill_answers, require_money
from service.usecases.steps.endings import backoff
from service.usecases.steps.evaluate import held_out_questions
from service.usecases.steps.gather_answers import Gathered, gather, stored_name
from service.usecases.steps.judge_run import judged_by, members_of, rules_of
from service.usecases.steps.lease import kept
from service.usecases.steps.parts import Parts
from service.usecases.turns import Turns

# Who waits at a terminal is told soon; what was answered until then is stored.
MOST_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class BaseWanted:
    """What to measure.

    Attributes:
        model: The pipeline's own where there is none.
        trainer: Where it is asked; the pipeline's own where there is none.
        snapshot: Whose held-out examples; the newest where there is none, or one that is frozen now.
    """

    pipeline: str
    model: str | None = None
    trainer: str | None = None
    snapshot: str | None = None


def evaluate_base(
    wanted: BaseWanted, parts: Parts, *, wait: Callable[[float], object], tell: Callable[[str], object]
) -> BaseEvaluation:
    """Ask an untuned model every held-out question that it has not answered yet, score it, and store that.

    Args:
        wanted: What to measure.
        parts: What steps work with.
        wait: Waits for so many seconds.
        tell: Told how far it is.

    Raises:
        NotFound: There is no such pipeline, trainer or snapshot.
        ConfigurationError: The snapshot is another pipeline's, or nothing but judges measure.
        TooFewExamples: Nothing is held out yet.
        ServiceError: The trainer does not answer; what it has answered is stored, and the next call goes on.
    """
    pipeline = parts.pipeline(wanted.pipeline)
    trainer, model = wanted.trainer or pipeline.train.trainer, wanted.model or pipeline.train.model
    parts.account(trainer)
    metrics = [metric for metric in judged_by(pipeline, parts.metrics(pipeline)) if metric.judge is None]
    if not metrics:
        raise ConfigurationError(
            f"pipeline {pipeline.name} is judged by judges alone, who only say which of two answers is better",
            remedy="Name a metric that measures single answers as a guard in [pipelines.NAME.verdict].",
        )
    now = parts.clock()
    named = hashlib.sha256(f"{pipeline.name} {trainer} {model} {wanted.snapshot} {now}".encode()).hexdigest()
    payer = Payer(f"eval-{named[:20]}", pipeline.name)
    turns = Turns(payer.name, parts)
    turns.begin()
    try:
        return _measured(wanted, Asked(trainer, model, model), metrics, turns, payer=payer, wait=wait, tell=tell)
    finally:
        turns.end()


def _measured(
    wanted: BaseWanted,
    asked: Asked,
    metrics: Sequence[Metric],
    turns: Turns,
    *,
    payer: Payer,
    wait: Callable[[float], object],
    tell: Callable[[str], object],
) -> BaseEvaluation:
    parts, trainer, model = turns.parts, asked.trainer, asked.model
    pipeline = parts.pipeline(wanted.pipeline)
    named = _snapshot(wanted, pipeline, model, parts).snapshot_id

    def held_out() -> list[Question]:
        snapshot = whole_snapshot(named, parts.archive, keep=turns.keep)
        questions = at_most(held_out_questions(snapshot, parts, keep=turns.keep), pipeline.verdict.max_questions)
        if not questions:
            raise TooFewExamples(f"no example of pipeline {pipeline.name} is held out")
        return questions

    require_money(payer, [asked], held_out(), parts)
    questions, answers = _gather(asked, held_out, turns, payer=payer, wait=wait, tell=tell)
    snapshot = parts.archive.snapshots.find(named)
    context = Context(question_facts(snapshot, parts.archive, keep=turns.keep))
    with kept(turns.keep):
        scored = _scored(metrics, questions, answers, context)
    facts = scored | {
        **rules_of(pipeline),
        "answers_in": {"base": stored_name(trainer, model)},
        "finished": {"base": parts.evaluations.finishes(stored_name(trainer, model), answers)},
        "models": {"base": model},
        "snapshot_id": snapshot.snapshot_id,
        "sampling": parts.sampling_of(trainer),
    }
    made = BaseEvaluation(payer.name, pipeline.name, trainer, model, snapshot.snapshot_id, facts, parts.clock())
    parts.evaluations.add_base(made)
    return made


def _snapshot(wanted: BaseWanted, pipeline: Pipeline, model: str, parts: Parts) -> Snapshot:
    """Give the snapshot that was asked for, the newest, or one of the examples as they stand now."""
    archive = parts.archive
    if wanted.snapshot is None and not archive.snapshots.recent(pipeline.name, 1):
        watermark, built = archive.build(
            pipeline, model=model, expect=lambda names: archive.snapshots.expect(names, now=parts.clock())
        )
        archive.snapshots.add(
            Snapshot(built.snapshot_id, pipeline.name, watermark, parts.clock(), built.files, built.head)
        )
    named = wanted.snapshot or archive.snapshots.recent(pipeline.name, 1)[0].snapshot_id
    snapshot = whole_snapshot(named, archive, keep=lambda: None)
    if snapshot.pipeline != pipeline.name:
        raise ConfigurationError(
            f"snapshot {snapshot.snapshot_id[:16]} is of pipeline {snapshot.pipeline}, not of {pipeline.name}",
            remedy="See tuneloop datasets list.",
        )
    return snapshot


def _gather(
    asked: Asked,
    held_out: Callable[[], list[Question]],
    turns: Turns,
    *,
    payer: Payer,
    wait: Callable[[float], object],
    tell: Callable[[str], object],
) -> tuple[list[Question], dict[str, str]]:
    """Ask in turns, each time what is still held out: some of it may have been forgotten."""
    parts, attempts, answered = turns.parts, 0, -1
    while True:
        turns.begin()
        try:
            questions = held_out()
            found = gather(
                asked.trainer,
                asked.model,
                questions,
                parts,
                until=parts.clock() + parts.timing.slice,
                keep=turns.keep,
                bill=lambda tokens: bill_answers(payer, asked, tokens, parts),
            )
        except ServiceError as error:
            attempts += 1
            if not error.retryable or attempts >= MOST_ATTEMPTS:
                raise
            tell(f"{error}; trying again")
            asked_s: float = getattr(error, "retry_after_s", None) or 0.0
            wait(max(backoff(attempts).total_seconds(), asked_s))
            continue
        if found.is_whole:
            return questions, found.answers
        attempts = 0 if len(found.answers) > answered else attempts
        answered = len(found.answers)
        tell(f"{answered} of {len(questions)} answers of {asked.model}")
        _wait_until_due(found, parts, wait)


def _wait_until_due(found: Gathered, parts: Parts, wait: Callable[[float], object]) -> None:
    if found.due_at is not None and (left := (found.due_at - parts.clock()).total_seconds()) > 0:
        wait(left)


def _scored(
    metrics: Sequence[Metric], questions: Sequence[Question], answers: Mapping[str, str], context: Context
) -> dict[str, Any]:
    scores = score(metrics, questions, {"base": answers}, context)
    table = scores.table("base")
    slices = slices_of(questions, context.facts)
    return {
        "held_out": len(questions),
        "questions": [question.key for question in questions],
        "metrics": {metric.name: described(metric) for metric in metrics},
        "scores": table,
        "intervals": {
            metric.name: {"base": interval(metric, table[metric.name]["base"])._asdict()} for metric in metrics
        },
        "figures": scores.figures,
        "slices": score_slices(metrics, table, questions, slices),
        "slice_members": members_of(questions, slices),
    }
