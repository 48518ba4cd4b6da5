"""Tell an evaluation whole, from what is stored: no model and no trainer is asked anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from service.domain.errors import CorruptFile, ServiceError
from service.domain.evaluation_facts import Facts, Ranked, metrics_in, rank_examples, slices_in, verdict_in
from service.domain.metrics import figure_lines
from service.domain.personal_data import leaks
from service.domain.phone_numbers import DEFAULT_REGIONS
from service.domain.questions import Question
from service.domain.report_slices import score_slices
from service.domain.reports import (
    SCHEMA,
    WORST,
    EvaluationReport,
    ExampleFacts,
    MarkedText,
    RunFacts,
    TrainingFacts,
)
from service.domain.runs import Run
from service.domain.slices import Slices, slices_of
from service.domain.snapshots import SPLITS, Snapshot, sizes_of
from service.domain.word_marks import Mark, differences, personal_marks
from service.ports import EvaluationReads, EvaluationStore, Ledger, RunStore, SnapshotStore
from service.usecases.archive import Archive
from service.usecases.draw_pipeline_curve import draw_pipeline_curve
from service.usecases.question_facts import question_facts
from service.usecases.report_cost import cost_of
from service.usecases.stored_answers import answer_names, held_out_texts

ComparedWith = Literal["human", "incumbent"]


class NoEvaluation(ServiceError):
    """The run was not judged, so there is nothing to report."""

    remedy = "Wait until it is promoted or kept: tuneloop runs list tells where it stands."


class ReportStores(Protocol):
    """Where it is read from."""

    @property
    def runs(self) -> RunStore:
        """The runs."""

    @property
    def snapshots(self) -> SnapshotStore:
        """What they were trained on."""

    @property
    def evaluations(self) -> EvaluationStore:
        """Verdicts and answers."""

    @property
    def evaluation_reads(self) -> EvaluationReads:
        """What is told of them."""

    @property
    def ledger(self) -> Ledger:
        """What was spent."""

    @property
    def archive(self) -> Archive:
        """The snapshots' files."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a report shall hold.

    Attributes:
        worst: At most so many examples; None for all.
        compared_with: What the challenger's answers are marked against; all others are marked against the human's.
        checkpoint: The step of an earlier checkpoint; None for the run's own model.
    """

    worst: int | None = WORST
    compared_with: ComparedWith = "human"
    checkpoint: int | None = None


def evaluation_of(run: Run, evaluations: EvaluationStore, *, checkpoint: int | None) -> Facts:
    """Give how a run, or an earlier checkpoint of it, was judged.

    Raises:
        NoEvaluation: It was not.
    """
    evaluation = evaluations.evaluation(run.run_id, checkpoint=checkpoint)
    if evaluation is not None:
        return evaluation
    if checkpoint is None:
        raise NoEvaluation(f"run {run.run_id} is {run.state}, and has no evaluation")
    raise NoEvaluation(
        f"checkpoint {checkpoint} of run {run.run_id} has no evaluation",
        remedy=f"Judge it: tuneloop runs judge {run.run_id} --checkpoint {checkpoint}",
    )


def report_evaluation(run_id: str, stores: ReportStores, wanted: Wanted = Wanted()) -> EvaluationReport:
    """Make the report of a judged run.

    Args:
        run_id: The run's id or the beginning of it.
        stores: Where everything is read from.
        wanted: What it shall hold.

    Raises:
        NotFound: There is no such run.
        NoEvaluation: It was not judged.
        CorruptFile: The held-out file is broken, and SQL no longer has all that it held.
    """
    run = stores.runs.get(run_id)
    evaluation = evaluation_of(run, stores.evaluations, checkpoint=wanted.checkpoint)
    snapshot = _with_head(stores.snapshots.find(evaluation["snapshot_id"]), stores)
    ranked = rank_examples(evaluation)
    questions = held_out_texts(snapshot, stores.archive, keys={one.key for one in ranked})
    there = [one for one in ranked if one.key in questions]
    chosen = there if wanted.worst is None else there[: wanted.worst]
    names = answer_names(run, evaluation, runs=stores.runs, evaluations=stores.evaluations)
    answers = {role: stores.evaluations.answers(name, [one.key for one in chosen]) for role, name in names.items()}
    shown = [one for one in chosen if all(one.key in given for given in answers.values())]
    # Evaluations of the first release do not say what was asked.
    forgotten = evaluation["held_out"] - len(there) if "questions" in evaluation else 0
    slices = slices_in(evaluation) or slices_of(list(questions.values()), question_facts(snapshot, stores.archive))
    writer = _Writer(questions, answers, slices, evaluation["incumbent"], wanted, _regions(run, stores))
    return EvaluationReport(
        schema=SCHEMA,
        run=_run_facts(run, evaluation),
        verdict=verdict_in(evaluation),
        models=evaluation["models"],
        metrics=tuple(metrics_in(evaluation)),
        figures=evaluation.get("figures", {}),
        figure_lines=tuple(figure_lines(evaluation.get("figures", {}))),
        slices=tuple(score_slices(evaluation, slices)),
        training=_training(snapshot),
        cost=cost_of(run, names, [one.key for one in ranked], stores),
        sampling=evaluation.get("sampling"),
        curve=draw_pipeline_curve(run.pipeline, stores, until=run.run_id),
        system=snapshot.head.get("system"),
        compared_with=wanted.compared_with,
        held_out=evaluation["held_out"],
        forgotten=forgotten,
        missing=len(chosen) - len(shown),
        rest=evaluation["held_out"] - len(chosen) - forgotten,
        examples=tuple(map(writer.example, shown)),
    )


def _with_head(snapshot: Snapshot, stores: ReportStores) -> Snapshot:
    try:
        return stores.snapshots.get(snapshot.snapshot_id)
    except CorruptFile:
        # Without it nobody knows what was left out; the examples are in a file of their own.
        return snapshot


def _run_facts(run: Run, evaluation: Facts) -> RunFacts:
    whose = (run.run_id, run.pipeline, run.ordinal, run.state.value, run.trainer, run.model)
    return RunFacts(*whose, judged_at=evaluation["at"], checkpoint=evaluation.get("checkpoint"))


def _regions(run: Run, stores: ReportStores) -> tuple[str, ...]:
    pipeline = stores.archive.pipelines.get(run.pipeline)
    return pipeline.checks.phone_regions if pipeline else DEFAULT_REGIONS


def _training(snapshot: Snapshot) -> TrainingFacts:
    examples = sizes_of(snapshot.files)
    sizes: dict[str, Mapping[str, int]] = {
        split: {
            "examples": examples[split],
            "lines": snapshot.files[split].lines,
            "tokens": snapshot.files[split].tokens,
        }
        for split in SPLITS
    }
    left_out = snapshot.head.get("reasons", {}) if snapshot.head else None
    return TrainingFacts(snapshot.snapshot_id, snapshot.created_at, sizes, left_out, len(snapshot.forgotten))


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes examples down, with what is marked in them."""

    questions: Mapping[str, Question]
    answers: Mapping[str, Mapping[str, str]]
    slices: Slices
    incumbent: str
    wanted: Wanted
    regions: tuple[str, ...]

    def example(self, one: Ranked) -> ExampleFacts:
        """Write one."""
        question = self.questions[one.key]
        given = {role: answers[one.key] for role, answers in self.answers.items()}
        return ExampleFacts(
            key=one.key,
            change=one.change,
            scores=one.scores,
            slices=tuple(name for name, keys in self.slices.items() if one.key in keys),
            messages=tuple(message for message in question.messages if message["role"] != "system"),
            human=MarkedText(question.reference, self._personal(question, question.reference)),
            answers={role: self._marked(role, question, given) for role in given},
        )

    def _marked(self, role: str, question: Question, given: Mapping[str, str]) -> MarkedText:
        with_incumbent = role == "challenger" and self.wanted.compared_with == "incumbent"
        found = differences(given[self.incumbent] if with_incumbent else question.reference, given[role])
        personal = self._personal(question, given[role])
        return MarkedText(given[role], (*(found or ()), *personal), is_compared=found is not None)

    def _personal(self, question: Question, text: str) -> tuple[Mark, ...]:
        found = leaks(question.prompt, text, regions=self.regions)
        return personal_marks(text, {finding.text for finding in found})
