"""Compare the checkpoints of a training on its validation examples, and say which one to judge (ADR 0019)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from service.domain.checkpoints import Checkpoint, choose
from service.domain.comparisons import compare, interval
from service.domain.errors import ConfigurationError, ModelNotReady, TooFewExamples
from service.domain.guards import GuardRule
from service.domain.metrics import Context, Metric, score
from service.domain.pipelines import Pipeline
from service.domain.questions import Question, at_most
from service.domain.runs import Run
from service.usecases.ask_patiently import Patience, ask_patiently
from service.usecases.find_checkpoints import CheckpointGone, checkpoints_of
from service.usecases.mend_snapshot import whole_snapshot
from service.usecases.steps.answer_money import answers_needed, require_money
from service.usecases.steps.asking import Asked, payer_of
from service.usecases.steps.judge_run import judged_by
from service.usecases.steps.parts import Parts
from service.usecases.turns import Turns
from service.usecases.validation_questions import validation_questions

# That of the interval told beside it; the verdict on held-out examples is what counts.
_SURE = 0.05


@dataclass(frozen=True, slots=True)
class Compared:
    """A model of a training on the validation examples.

    Attributes:
        gone: Why it does not answer; None where it does.
        unfinished: How many of its answers were cut or refused, and so count as the worst.
        intervals: By metric, mean and 95 % interval.
        against_final: By metric, the comparison with the run's own model; empty for that model itself,
            and where it is gone.
        outcome: The verdict on held-out examples, None before it was judged.
    """

    step: int | None
    model: str
    is_final: bool
    gone: str | None
    unfinished: int
    intervals: Mapping[str, Mapping[str, Any]]
    against_final: Mapping[str, Mapping[str, Any]]
    outcome: str | None


@dataclass(frozen=True, slots=True)
class CheckpointComparison:
    """How the models of a training answered the validation examples.

    Attributes:
        ranked_by: The metric that chose.
        recommended: The step to judge on held-out examples, None for the run's own model.
        is_proven: Whether the gain of the recommended one over the run's own model is more than luck (p below 0.05).
        models: The latest step first.
    """

    run_id: str
    pipeline: str
    snapshot_id: str
    validation: int
    ranked_by: str
    recommended: int | None
    is_proven: bool
    models: tuple[Compared, ...]


def compare_checkpoints(run_id: str, parts: Parts, patience: Patience) -> CheckpointComparison:
    """Ask every checkpoint, and the run's own model, what they have not answered yet of the validation examples.

    Args:
        run_id: The run's id or the beginning of it.
        parts: What steps work with.
        patience: How to wait.

    Raises:
        NoCheckpoints: There is nothing to compare.
        CheckpointGone: No earlier checkpoint answers.
        TooFewExamples: The snapshot has no validation examples.
        ConfigurationError: Nothing but judges measure.
        OverBudget: The answers would cost more than there is.
        ServiceError: A trainer does not answer; what was answered is stored, and the next call goes on.
    """
    run = parts.runs.get(run_id)
    pipeline = parts.pipeline(run.pipeline)
    checkpoints = checkpoints_of(run, parts)
    metrics = _metrics(pipeline, parts)
    ways = parts.sampling_of(run.trainer, pipeline.verdict.sampling)
    asked = [Asked(run.trainer, item.model, run.model, ways) for item in checkpoints]
    with Turns(f"of run {run.run_id} at {parts.clock().isoformat()}", parts) as turns:
        questions, answers, gone = _answers(run, asked, turns, patience)
    keys = [question.key for question in questions]
    lacking = {one.model: parts.evaluations.unfinished(one.name, keys) for one in asked if one.model in answers}
    scores = score(metrics, questions, answers, Context(unfinished=lacking))
    measured = _Measured(run, metrics, scores.table(""), gone, lacking)
    # The latest that answers: the run's own, unless that is gone.
    latest = next(item.model for item in checkpoints if item.model in answers)
    chosen = choose(metrics, measured.scores, final=latest, rule=GuardRule(pipeline.verdict.guard_margin))
    outcomes = _outcomes(run, checkpoints, parts)
    models = tuple(measured.told(item, outcomes.get(item.model)) for item in checkpoints)
    best = next(found for found in models if found.model == chosen)
    return CheckpointComparison(
        run_id=run.run_id,
        pipeline=run.pipeline,
        snapshot_id=str(run.snapshot_id),
        validation=len(questions),
        ranked_by=metrics[0].name,
        recommended=None if best.is_final else best.step,
        is_proven=bool(best.against_final) and best.against_final[metrics[0].name]["p"] < _SURE,
        models=models,
    )


def _metrics(pipeline: Pipeline, parts: Parts) -> list[Metric]:
    found = [metric for metric in judged_by(pipeline, parts.metrics(pipeline)) if metric.judge is None]
    if not found:
        raise ConfigurationError(
            f"pipeline {pipeline.name} is judged by judges alone, who only say which of two answers is better",
            remedy=f"Name a metric that measures single answers as a guard in [pipelines.{pipeline.name}.verdict].",
        )
    return found


def _answers(
    run: Run, asked: Sequence[Asked], turns: Turns, patience: Patience
) -> tuple[list[Question], dict[str, dict[str, str]], dict[str, str]]:
    """Give what all have answered, the answers by model, and of the models that do not answer, why."""
    parts, payer = turns.parts, payer_of(run)
    read = partial(_questions, run, parts, keep=turns.keep)
    questions = read()
    require_money(payer, [answers_needed(one, questions, parts) for one in asked], parts)
    answers, gone = dict[str, dict[str, str]](), dict[str, str]()
    for one in asked:
        try:
            questions, answers[one.model] = ask_patiently(one, read, turns, payer=payer, patience=patience)
        except ModelNotReady as error:
            gone[one.model] = str(error)
    if not answers.keys() - {run.tuned_model}:
        remedy = "A new one takes some minutes. If it lasts, train again; trainers drop earlier ones after a while."
        raise CheckpointGone(
            f"no earlier checkpoint of run {run.run_id} answers: {'; '.join(gone.values())}", remedy=remedy
        )
    # Where some are forgotten meanwhile others may have taken their places among so many at most.
    common = [question for question in questions if all(question.key in given for given in answers.values())]
    return common, answers, gone


def _questions(run: Run, parts: Parts, *, keep: Callable[[], object]) -> list[Question]:
    snapshot = whole_snapshot(run.snapshot_id or "", parts.archive, keep=keep)
    most = parts.pipeline(run.pipeline).verdict.max_questions
    found = at_most(validation_questions(snapshot, parts.archive), most)
    if not found:
        raise TooFewExamples(
            f"snapshot {snapshot.snapshot_id[:16]} has no validation examples to choose by",
            remedy=f"Set validation_percent in [pipelines.{run.pipeline}.dataset] and train again; or judge the run's "
            "own model.",
        )
    return found


def _outcomes(run: Run, checkpoints: Sequence[Checkpoint], parts: Parts) -> dict[str, str]:
    """Give by model the verdicts on held-out examples that there are."""
    own, judged = parts.evaluations.evaluation(run.run_id), parts.evaluations.judged_checkpoints(run.run_id)
    found = {item.model: judged[item.step] for item in checkpoints if item.step is not None and item.step in judged}
    return found | ({str(run.tuned_model): own["outcome"]} if own else {})


@dataclass(frozen=True, slots=True)
class _Measured:
    """What is known of the models of a run."""

    run: Run
    metrics: Sequence[Metric]
    scores: Mapping[str, Mapping[str, Sequence[float]]]
    gone: Mapping[str, str]
    lacking: Mapping[str, Collection[str]]

    def told(self, item: Checkpoint, outcome: str | None) -> Compared:
        final, metrics = str(self.run.tuned_model), () if item.model in self.gone else self.metrics
        is_final = item.model == final
        values = [(metric, self.scores[metric.name]) for metric in metrics]
        return Compared(
            step=item.step,
            model=item.model,
            is_final=is_final,
            gone=self.gone.get(item.model),
            unfinished=len(self.lacking.get(item.model, ())),
            intervals={metric.name: interval(metric, by[item.model])._asdict() for metric, by in values},
            against_final={
                metric.name: asdict(compare(metric, by[item.model], by[final]))
                for metric, by in values
                if not is_final and final not in self.gone
            },
            outcome=outcome,
        )
