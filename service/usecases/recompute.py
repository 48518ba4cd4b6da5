"""Reproduce every number of an evaluation from stored answers; no model is asked anything."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Protocol

from service.domain.comparisons import interval
from service.domain.errors import ServiceError
from service.domain.judging.duels import requests_of
from service.domain.metric_specs import spec_in
from service.domain.metrics import Context, Metric, score
from service.domain.metrics.scoring import duels_for
from service.domain.pipelines import ChecksPolicy, LabelPolicy, Pipeline, TrainPolicy, VerdictPolicy
from service.domain.questions import Question
from service.domain.recomputations import Difference, count_values, differences
from service.domain.repeated_looks import Look
from service.domain.runs import Run
from service.ports import EvaluationStore, JudgementStore, RunStore
from service.usecases.archive import Archive
from service.usecases.question_facts import question_facts
from service.usecases.report_evaluation import evaluation_of
from service.usecases.steps.judge_run import judge, judged_by
from service.usecases.stored_answers import answer_names, held_out_texts

Facts = Mapping[str, Any]
Answers = Mapping[str, Mapping[str, str]]
MetricsOf = Callable[[Pipeline], Mapping[str, Metric]]


class TooOld(ServiceError):
    """The evaluation was written by a release that did not note what its numbers rest on."""

    remedy = "Train its snapshot once more: tuneloop runs start --snapshot SNAPSHOT --again."


class RecomputeStores(Protocol):
    """Where it is read from."""

    @property
    def runs(self) -> RunStore:
        """The runs."""

    @property
    def evaluations(self) -> EvaluationStore:
        """Verdicts and answers."""

    @property
    def judgements(self) -> JudgementStore:
        """What judges replied."""

    @property
    def archive(self) -> Archive:
        """The snapshots' files."""


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What became of it.

    Attributes:
        values: How many values were compared.
        differences: Those that came out otherwise.
        gone: Held-out examples whose text or answers are no longer there: without them only the scores of the others,
            and the intervals over all stored scores, can be had again.
        judged_by: The edition that wrote the evaluation.
        recomputed_by: This edition.
    """

    run_id: str
    values: int
    differences: tuple[Difference, ...]
    gone: int
    judged_by: str
    recomputed_by: str

    @property
    def is_equal(self) -> bool:
        """Whether every number was reproduced."""
        return not self.differences and not self.gone


def recompute(
    run_id: str, stores: RecomputeStores, metrics_of: MetricsOf, *, checkpoint: int | None = None
) -> Recomputed:
    """Judge a run again from what is stored, by the rules that were stored with it, and compare.

    Args:
        run_id: The run's id or the beginning of it.
        stores: Where everything is read from; nothing is written.
        metrics_of: Gives a pipeline's metrics by name.
        checkpoint: The step of an earlier checkpoint; None for the run's own model.

    Raises:
        NotFound: There is no such run.
        NoEvaluation: It was not judged.
        TooOld: The evaluation does not hold its rules.
        CorruptFile: The held-out file is broken, and SQL no longer has all that it held.
    """
    run = stores.runs.get(run_id)
    stored = evaluation_of(run, stores.evaluations, checkpoint=checkpoint)
    if "rules" not in stored:
        raise TooOld(f"the evaluation of run {run.run_id} does not hold its rules")
    asked = _Asked(run, stored, stores)
    pipeline = asked.pipeline
    metrics = judged_by(pipeline, metrics_of(pipeline))
    questions, answers = asked.answered()
    gone = len(stored["questions"]) - len(questions)
    again = asked.some(metrics, questions, answers) if gone else asked.everything(metrics, questions, answers)
    compared = {name: stored.get(name) for name in again} | ({"scores": asked.scores_of(questions)} if gone else {})
    found = tuple(differences(compared, json.loads(json.dumps(again))))
    return Recomputed(run.run_id, count_values(compared), found, gone, stored["edition"], version("tuneloop"))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a stored evaluation asked, and by which rules it was judged."""

    run: Run
    stored: Facts
    stores: RecomputeStores

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline as it was then, as far as a verdict depends on it."""
        rules = self.stored["rules"]
        policy = VerdictPolicy(
            primary=rules["primary"],
            guard=tuple(rules["guard"]),
            guard_margin=rules["guard_margin"],
            guard_proven=rules["guard_proven"],
        )
        return Pipeline(
            name=self.run.pipeline,
            labels=LabelPolicy(project=""),
            train=TrainPolicy(self.run.trainer, self.run.model),
            checks=ChecksPolicy(phone_regions=tuple(rules["phone_regions"])),
            verdict=policy,
            metrics={name: spec_in(spec) for name, spec in rules["specs"].items()},
        )

    def answered(self) -> tuple[list[Question], Answers]:
        """Give the questions that are still there with every model's answer, in the order of the evaluation."""
        keys = [key for key in self.stored["questions"] if key]
        names = answer_names(self.run, self.stored, runs=self.stores.runs, evaluations=self.stores.evaluations)
        answers = {role: self.stores.evaluations.answers(name, keys) for role, name in names.items()}
        snapshot = self.stores.archive.snapshots.find(self.stored["snapshot_id"])
        texts = held_out_texts(snapshot, set(keys), self.stores.archive)
        there = [key for key in keys if key in texts and all(key in given for given in answers.values())]
        return [texts[key] for key in there], answers

    def everything(self, metrics: Sequence[Metric], questions: Sequence[Question], answers: Answers) -> Facts:
        """Judge again."""
        context = self._context(metrics, questions, answers)
        look = Look(**self.stored["look"])
        slices = {
            name: frozenset(questions[place].key for place in places)
            for name, places in self.stored["slice_members"].items()
        }
        return judge(self.pipeline.verdict, metrics, questions, answers, context, look=look, slices=slices)

    def some(self, metrics: Sequence[Metric], questions: Sequence[Question], answers: Answers) -> Facts:
        """Measure what is left again, and make the intervals of the stored scores."""
        scores = score(metrics, questions, answers, self._context(metrics, questions, answers))
        intervals = {
            metric.name: {
                role: interval(metric, given)._asdict() for role, given in self.stored["scores"][metric.name].items()
            }
            for metric in metrics
        }
        return {"scores": scores.table(self.stored["incumbent"]), "intervals": intervals}

    def scores_of(self, questions: Sequence[Question]) -> Facts:
        """Give the stored scores of these questions."""
        left = {question.key for question in questions}
        places = [place for place, key in enumerate(self.stored["questions"]) if key in left]
        return {
            name: {role: [values[place] for place in places] for role, values in by_role.items()}
            for name, by_role in self.stored["scores"].items()
        }

    def _context(self, metrics: Sequence[Metric], questions: Sequence[Question], answers: Answers) -> Context:
        snapshot = self.stores.archive.snapshots.find(self.stored["snapshot_id"])
        context = Context(question_facts(snapshot, self.stores.archive))
        keys = [
            request.key
            for spec in (metric.judge for metric in metrics if metric.judge)
            for duel in duels_for(spec, questions, answers, context)
            for request in requests_of(spec, duel)
        ]
        known = self.stores.judgements.judgements(keys)
        return Context(context.facts, {key: judgement.choice for key, judgement in known.items()})
