"""Measure an untuned model on the held-out examples, before anything is trained."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from service.domain.errors import ConfigurationError, NotFound, TooFewExamples
from service.domain.metrics import Context, Metric
from service.domain.pipelines import Pipeline
from service.domain.questions import Question
from service.domain.snapshots import Snapshot
from service.ports import BaseEvaluation
from service.usecases.ask_patiently import Patience, ask_patiently
from service.usecases.mend_snapshot import whole_snapshot
from service.usecases.question_facts import question_facts
from service.usecases.steps.answer_money import answers_needed, bill_answers, require_money
from service.usecases.steps.asking import Asked, Payer
from service.usecases.steps.evaluate import questions_asked
from service.usecases.steps.judge_run import judge_base, judged_by, rules_of
from service.usecases.steps.lease import kept
from service.usecases.steps.parts import Parts
from service.usecases.turns import Turns


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

    def is_met_by(self, evaluation: BaseEvaluation) -> bool:
        """Say whether an evaluation is of what is wanted, of whatever model and snapshot where none is named."""
        return (
            self.model in {None, evaluation.model}
            and self.trainer in {None, evaluation.trainer}
            and evaluation.snapshot_id.startswith(self.snapshot or "")
        )


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
    pipeline = parts.settled(parts.pipeline(wanted.pipeline))
    trainer, model = wanted.trainer or pipeline.train.trainer, wanted.model or pipeline.train.model
    if trainer not in parts.accounts:
        raise NotFound(f"no trainer {trainer!r}", remedy=f"There are: {', '.join(parts.accounts)}")
    metrics = [metric for metric in judged_by(pipeline, parts.metrics(pipeline)) if metric.judge is None]
    if not metrics:
        raise ConfigurationError(
            f"pipeline {pipeline.name} is judged by judges alone, who only say which of two answers is better",
            remedy=f"Name a metric that measures single answers as a guard in [pipelines.{pipeline.name}.verdict].",
        )
    asked = Asked(trainer, model, model, parts.sampling_of(trainer, pipeline.verdict.sampling))
    with Turns(_named(pipeline.name, asked.name, wanted.snapshot, parts.clock()), parts) as turns:
        return _measured(wanted, asked, metrics, turns, patience=Patience(wait, tell))


def _measured(
    wanted: BaseWanted, asked: Asked, metrics: Sequence[Metric], turns: Turns, *, patience: Patience
) -> BaseEvaluation:
    parts, trainer, model = turns.parts, asked.trainer, asked.model
    pipeline = parts.pipeline(wanted.pipeline)
    named = _snapshot(wanted, pipeline, model, parts).snapshot_id
    # The same for every call: what an earlier one spent on these answers counts.
    payer = Payer(_named(pipeline.name, asked.name, named), pipeline.name, "the same command again")

    def held_out() -> list[Question]:
        questions = questions_asked(named, pipeline.name, parts, keep=turns.keep)
        if not questions:
            remedy = f"Have more labelled; tuneloop why {pipeline.name} tells how many there are."
            raise TooFewExamples(f"no example of pipeline {pipeline.name} is held out", remedy=remedy)
        return questions

    # A call that was killed may have left some.
    bill_answers(payer, parts)
    require_money(payer, [answers_needed(asked, held_out(), parts)], parts)
    questions, answers = ask_patiently(asked, held_out, turns, payer=payer, patience=patience)
    snapshot = parts.archive.snapshots.find(named)
    unfinished = {"base": parts.evaluations.unfinished(asked.name, answers)}
    context = Context(question_facts(snapshot, parts.archive, keep=turns.keep), unfinished=unfinished)
    with kept(turns.keep):
        scored = judge_base(metrics, questions, answers, context)
    facts = scored | {
        **rules_of(pipeline),
        "answers_in": {"base": asked.name},
        "finished": {"base": parts.evaluations.finishes(asked.name, answers)},
        "models": {"base": model},
        "paid_as": payer.name,
        "snapshot_id": snapshot.snapshot_id,
        "sampling": asdict(asked.sampling),
    }
    made = BaseEvaluation(turns.name, pipeline.name, trainer, model, snapshot.snapshot_id, facts, parts.clock())
    parts.evaluations.add_base(made)
    return made


def _named(*what: object) -> str:
    return "eval-" + hashlib.sha256(" ".join(map(str, what)).encode()).hexdigest()[:20]


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
