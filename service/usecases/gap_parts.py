"""What gaps are found and sent with, and the newest evaluation as far as they need it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from service.domain.evaluation_facts import metric_in, slices_in, values_in
from service.domain.metrics import Metric
from service.domain.pipelines import Pipeline
from service.domain.questions import Question
from service.domain.slices import Slices, slices_of
from service.ports import Clock, EvaluationReads, EvaluationStore, GapStore, LabelQueues, StoredEvaluation
from service.usecases.archive import Archive
from service.usecases.exporting import Keeper
from service.usecases.mend_snapshot import whole_snapshot
from service.usecases.question_facts import question_facts
from service.usecases.stored_answers import held_out_texts


@dataclass(frozen=True, slots=True)
class GapParts:
    """What gaps are found and sent with.

    Attributes:
        datasets: By pipeline, where unlabelled prompts are if its table does not say so.
        installation: Names this installation.
        queues: Connects to Labelbox.
        keep: See ``Keeper``.
        lease: A process that is not heard of for so long no longer has its plan.
    """

    pipelines: Mapping[str, Pipeline]
    datasets: Mapping[str, tuple[str, ...]]
    archive: Archive
    evaluations: EvaluationStore
    reads: EvaluationReads
    gaps: GapStore
    installation: Callable[[], str]
    queues: Callable[[], LabelQueues]
    clock: Clock
    keep: Keeper
    lease: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Scored:
    """An evaluation: the questions whose texts are there, with the scores of the model that serves.

    Attributes:
        role: Whose scores.
        slices: Those that were scored.
    """

    run_id: str
    role: str
    metric: Metric
    questions: Sequence[Question]
    values: Sequence[float]
    slices: Slices

    def by_key(self) -> dict[str, float]:
        """Give the scores by question."""
        return {question.key: value for question, value in zip(self.questions, self.values, strict=True)}


def newest_scores(pipeline: Pipeline, parts: GapParts) -> Scored | None:
    """Read the newest evaluation; None where there is none, or not by the metric that decides now."""
    newest = newest_evaluation(pipeline.name, parts)
    if newest is None:
        return None
    role = serving_role(newest.facts, parts.evaluations.champion(pipeline.name))
    return scores_of(pipeline, parts, newest.run_id, role, newest.facts)


def newest_evaluation(name: str, parts: GapParts) -> StoredEvaluation | None:
    """Read a pipeline's newest evaluation; None where there is none."""
    return next(parts.reads.newest(name, limit=1), None)


def scores_of(pipeline: Pipeline, parts: GapParts, run_id: str, role: str, facts: Mapping[str, Any]) -> Scored | None:
    """Read one model's scores in an evaluation, as it was measured then.

    Returns:
        None where it is not by the metric that decides now.
    """
    primary = pipeline.verdict.primary
    values, metric = values_in(facts, primary, role), metric_in(facts, primary)
    if not values or metric is None:
        return None
    snapshot = whole_snapshot(facts["snapshot_id"], parts.archive, keep=_nothing)
    questions = list(held_out_texts(snapshot, parts.archive, keys=values).values())
    scores = [values[question.key] for question in questions]
    slices = slices_in(facts) or slices_of(questions, question_facts(snapshot, parts.archive))
    return Scored(run_id, role, metric, questions, scores, slices)


def serving_role(facts: Mapping[str, Any], champion: Mapping[str, Any] | None) -> str:
    """Say which of the models in an evaluation serves, for its weaknesses are the ones to mend; else the newest one."""
    models = facts.get("models", {})
    serves = [role for role, model in models.items() if champion and model == champion["model"]]
    newest = "challenger" if "challenger" in models else "base"
    return next((role for role in ("challenger", "champion") if role in serves), newest)


def text_of(question: Question) -> str:
    """Give what the humans said of a question."""
    return "\n".join(str(item["content"]) for item in question.messages if item["role"] == "user")


def _nothing() -> None:
    """Keep nothing alive: nobody holds a lease while gaps are looked for."""
