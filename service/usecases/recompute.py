"""Reproduce every number of an evaluation from stored answers; no model is asked anything."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from service.ports import EvaluationStore, JudgementStore, RunStore
from service.usecases.archive import Archive
from service.usecases.evaluate_base import BaseWanted
from service.usecases.question_facts import question_facts
from service.usecases.report_evaluation import NoEvaluation, evaluation_of
from service.usecases.steps.judge_run import judge, judge_base, judged_by
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

    name: str
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
    names = answer_names(run, stored, runs=stores.runs, evaluations=stores.evaluations)
    return _again(_Asked(run.run_id, run.pipeline, run.trainer, run.model, stored, names, stores), metrics_of)


def recompute_base(wanted: BaseWanted, stores: RecomputeStores, metrics_of: MetricsOf) -> Recomputed:
    """Measure an untuned model again from what is stored: its newest evaluation that is wanted.

    Raises:
        NoEvaluation: There is none.
        CorruptFile: The held-out file is broken, and SQL no longer has all that it held.
    """
    found = next(filter(wanted.is_met_by, stores.evaluations.base_evaluations(wanted.pipeline)), None)
    if found is None:
        raise NoEvaluation(
            f"no untuned model of pipeline {wanted.pipeline!r} was measured so",
            remedy="Measure it: tuneloop evaluate PIPELINE --base.",
        )
    stored, names = found.facts, found.facts["answers_in"]
    whose = (found.evaluation_id, found.pipeline, found.trainer, found.model)
    return _again(_Asked(*whose, stored, names, stores), metrics_of)


def _again(asked: "_Asked", metrics_of: MetricsOf) -> Recomputed:
    stored, pipeline = asked.stored, asked.pipeline
    metrics = judged_by(pipeline, metrics_of(pipeline))
    if asked.is_base:
        metrics = [metric for metric in metrics if metric.judge is None]
    questions, answers = asked.answered()
    gone = len(stored["questions"]) - len(questions)
    again = asked.some(metrics, questions, answers) if gone else asked.everything(metrics, questions, answers)
    compared = {name: stored.get(name) for name in again} | ({"scores": asked.scores_of(questions)} if gone else {})
    found = tuple(differences(compared, json.loads(json.dumps(again))))
    return Recomputed(asked.name, count_values(compared), found, gone, stored["edition"], version("tuneloop"))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a stored evaluation asked, and by which rules it was judged.

    Attributes:
        name: The id of a run, or of a base model's evaluation.
        names: By role, the name that the answers are stored under.
    """

    name: str
    pipeline_name: str
    trainer: str
    model: str
    stored: Facts
    names: Mapping[str, str]
    stores: RecomputeStores

    @property
    def is_base(self) -> bool:
        """Whether a single model was measured, and compared with nobody."""
        return "outcome" not in self.stored

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
            name=self.pipeline_name,
            labels=LabelPolicy(project=""),
            train=TrainPolicy(self.trainer, self.model),
            checks=ChecksPolicy(phone_regions=tuple(rules["phone_regions"])),
            verdict=policy,
            metrics={name: spec_in(spec) for name, spec in rules["specs"].items()},
        )

    def answered(self) -> tuple[list[Question], Answers]:
        """Give the questions that are still there with every model's answer, in the order of the evaluation."""
        keys = [key for key in self.stored["questions"] if key]
        answers = {role: self.stores.evaluations.answers(name, keys) for role, name in self.names.items()}
        snapshot = self.stores.archive.snapshots.find(self.stored["snapshot_id"])
        texts = held_out_texts(snapshot, self.stores.archive, keys=set(keys))
        there = [key for key in keys if key in texts and all(key in given for given in answers.values())]
        return [texts[key] for key in there], answers

    def everything(self, metrics: Sequence[Metric], questions: Sequence[Question], answers: Answers) -> Facts:
        """Judge again."""
        context = self._context(metrics, questions, answers)
        slices = {
            name: frozenset(questions[place].key for place in places)
            for name, places in self.stored["slice_members"].items()
        }
        if self.is_base:
            return judge_base(metrics, questions, answers["base"], context, slices=slices)
        look = Look(**self.stored["look"])
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
        return {"scores": scores.table(self.stored.get("incumbent", "base")), "intervals": intervals}

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
        context = Context(question_facts(snapshot, self.stores.archive), unfinished=self._unfinished(answers))
        keys = [
            request.key
            for spec in (metric.judge for metric in metrics if metric.judge)
            for duel in duels_for(spec, questions, answers, context)
            for request in requests_of(spec, duel)
        ]
        known = self.stores.judgements.judgements(keys)
        return replace(context, judgements={key: judgement.choice for key, judgement in known.items()})

    def _unfinished(self, answers: Answers) -> Mapping[str, frozenset[str]]:
        """Give the answers that are none; nothing of the time when such answers were measured as they are."""
        if "unfinished" not in self.stored:
            return {}
        find = self.stores.evaluations.unfinished
        return {role: find(name, answers[role]) for role, name in self.names.items()}
