"""What gaps are found and sent with, and the newest evaluation as far as they need it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from service.domain.gap_slices import Asked
from service.domain.metrics import Metric
from service.domain.pipelines import Pipeline
from service.domain.questions import Question, question_in
from service.domain.snapshots import Snapshot, read_chats
from service.ports import Clock, EvaluationStore, GapStore, LabelQueues
from service.usecases.archive import Archive
from service.usecases.exporting import Keeper
from service.usecases.mend_snapshot import opened, whole_snapshot
from service.usecases.question_facts import question_facts


@dataclass(frozen=True, slots=True)
class GapParts:
    """What gaps are found and sent with.

    Attributes:
        datasets: By pipeline, where unlabelled prompts are if its table does not say so.
        queues: Connects to Labelbox.
        keep: See ``Keeper``.
        metrics: Gives those that a pipeline can be judged by, by name.
        lease: A process that is not heard of for so long no longer has its plan.
    """

    pipelines: Mapping[str, Pipeline]
    datasets: Mapping[str, tuple[str, ...]]
    archive: Archive
    evaluations: EvaluationStore
    gaps: GapStore
    queues: Callable[[], LabelQueues]
    clock: Clock
    keep: Keeper
    metrics: Callable[[Pipeline], Mapping[str, Metric]]
    lease: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Scored:
    """An evaluation: the questions whose texts are there, with the scores of the model that serves.

    Attributes:
        role: Whose scores.
        asked: What is known of each question; every slice is made of this.
    """

    run_id: str
    role: str
    metric: Metric
    questions: Sequence[Question]
    values: Sequence[float]
    asked: Sequence[Asked]

    def by_key(self) -> dict[str, float]:
        """Give the scores by question."""
        return {question.key: value for question, value in zip(self.questions, self.values, strict=True)}


def newest_scores(pipeline: Pipeline, parts: GapParts) -> Scored | None:
    """Read the newest evaluation; None where there is none, or not by the metric that decides now."""
    newest = parts.gaps.evaluation(pipeline.name)
    if newest is None:
        return None
    run_id, _, facts = newest
    role = serving_role(facts, parts.evaluations.champion(pipeline.name))
    return scores_of(pipeline, parts, run_id, role, facts)


def scores_of(pipeline: Pipeline, parts: GapParts, run_id: str, role: str, facts: Mapping[str, Any]) -> Scored | None:
    """Read one model's scores in an evaluation; None where it is not by the metric that decides now."""
    primary = pipeline.verdict.primary
    if role not in facts.get("scores", {}).get(primary, {}):
        return None
    values = dict(zip(facts["questions"], facts["scores"][primary][role], strict=True))
    snapshot = whole_snapshot(facts["snapshot_id"], parts.archive, keep=_nothing)
    questions = [question for question in _held_out(snapshot, parts.archive) if question.key in values]
    scores = [values[question.key] for question in questions]
    known = question_facts(snapshot, parts.archive)
    asked = [
        Asked(text_of(item), item.reference, known[item.key].metadata if item.key in known else None)
        for item in questions
    ]
    return Scored(run_id, role, parts.metrics(pipeline)[primary], questions, scores, asked)


def serving_role(facts: Mapping[str, Any], champion: Mapping[str, Any] | None) -> str:
    """Say which of the models in an evaluation serves, for its weaknesses are the ones to mend; else the newest one."""
    models = facts.get("models", {})
    serves = [role for role, model in models.items() if champion and model == champion["model"]]
    newest = "challenger" if "challenger" in models else "base"
    return next((role for role in ("challenger", "champion") if role in serves), newest)


def text_of(question: Question) -> str:
    """Give what the humans said of a question."""
    return "\n".join(str(item["content"]) for item in question.messages if item["role"] == "user")


def _held_out(snapshot: Snapshot, archive: Archive) -> list[Question]:
    with opened(snapshot, "held_out", archive, keep=_nothing) as lines:
        found = {question.key: question for question in map(question_in, read_chats(iter(lines)))}
    return list(found.values())


def _nothing() -> None:
    """Keep nothing alive: nobody holds a lease while gaps are looked for."""
