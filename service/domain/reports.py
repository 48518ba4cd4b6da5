"""An evaluation told whole, for people and programs; plain values only, which JSON holds as they are.

``docs/report.md`` says what each field means; what is added keeps the schema's number, what changes raises it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from service.domain.contents import Message
from service.domain.learning_curves import LearningCurve
from service.domain.word_marks import Mark

SCHEMA = "tuneloop.evaluation-report/1"
WORST = 200

Interval = Mapping[str, float | None]
ByRole = Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Whose evaluation it is; ``checkpoint`` is the step of an earlier one, None for the run's own model."""

    run_id: str
    pipeline: str
    ordinal: int
    state: str
    trainer: str
    base_model: str
    judged_at: datetime
    checkpoint: int | None = None


@dataclass(frozen=True, slots=True)
class VerdictFacts:
    """What was decided.

    Attributes:
        incumbent: Who had to be beaten: ``champion`` or ``base``.
        look: Which look at these examples it was, and below which p a difference counted as proven, where counted.
        notes: What one has to know beside the sentence.
    """

    outcome: str
    sentence: str
    incumbent: str
    further_examples_needed: int | None
    failed_guards: tuple[str, ...]
    look: Mapping[str, Any] | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MetricFacts:
    """One metric of the verdict.

    Attributes:
        part: ``primary`` has to get better, a ``guard`` must not get worse.
        scores: By role: mean, low and high (95 %), in the metric's unit.
        differences: By rival: the challenger's comparison with it, see ``comparisons.Comparison``.
    """

    name: str
    words: str
    kind: str
    higher_is_better: bool
    low: float
    high: float
    part: Literal["primary", "guard"]
    is_failed: bool
    scores: ByRole
    differences: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class SliceFacts:
    """A part of the held-out examples; ``scores`` is by metric and role, None where there are too few to say."""

    name: str
    n: int
    scores: Mapping[str, ByRole] | None


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """What the challenger was trained on.

    Attributes:
        sizes: By split: examples, lines and tokens.
        left_out: Rows and examples that gave no line, by reason; None where the manifest is lost.
        forgotten: Examples whose texts were erased since.
    """

    snapshot_id: str
    frozen_at: datetime
    sizes: Mapping[str, Mapping[str, int]]
    left_out: Mapping[str, int] | None
    forgotten: int


@dataclass(frozen=True, slots=True)
class CostFacts:
    """What it cost.

    Attributes:
        billed_usd: Of the ledger's rows for training.
        reserved_usd: Set aside and neither billed nor released.
        answers_usd: Of the ledger's rows for answers.
        training_tokens: As billed, with every epoch; None where the trainer does not say.
        answer_tokens: By role: answers, and tokens of questions and answers. Answers that another evaluation paid for
            count here and not in the ledger's rows.
        ledger: Every row.
    """

    billed_usd: float
    reserved_usd: float
    answers_usd: float
    training_tokens: int | None
    answer_tokens: Mapping[str, Mapping[str, int]]
    ledger: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class MarkedText:
    """A text with what is marked in it; ``is_compared`` is false where it was too long to be compared."""

    text: str
    marks: tuple[Mark, ...]
    is_compared: bool = True


@dataclass(frozen=True, slots=True)
class ExampleFacts:
    """One held-out example.

    Attributes:
        key: Of the question.
        change: By metric: how much better the challenger is than the incumbent, in points (hundredths of the range).
        scores: By metric and role.
        slices: Names of the slices that it is in.
        messages: What was asked, without the system text.
        answers: By role.
        unfinished: The roles whose answer was cut or refused, and so counts as the worst.
    """

    key: str
    change: Mapping[str, float]
    scores: Mapping[str, Mapping[str, float]]
    slices: tuple[str, ...]
    messages: tuple[Message, ...]
    human: MarkedText
    answers: Mapping[str, MarkedText]
    unfinished: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """Everything about one evaluation.

    Attributes:
        models: By role.
        figures: What only all examples together say: how far a judge is to be trusted, means over labels.
        figure_lines: The same in words.
        sampling: With which settings the models were asked, as far as it was recorded.
        system: The system text that every question begins with.
        compared_with: What answers are marked against: ``human``, or ``incumbent`` for the challenger's.
        held_out: Examples of the evaluation.
        forgotten: Examples whose texts were erased since.
        missing: Examples that would be shown, an answer to which is no longer stored.
        rest: Examples that are there and not shown.
        examples: The worst first.
    """

    schema: str
    run: RunFacts
    verdict: VerdictFacts
    models: Mapping[str, str]
    metrics: tuple[MetricFacts, ...]
    figures: Mapping[str, Any]
    figure_lines: tuple[str, ...]
    slices: tuple[SliceFacts, ...]
    training: TrainingFacts
    cost: CostFacts
    sampling: Mapping[str, Any] | None
    curve: LearningCurve | None
    system: str | None
    compared_with: str
    held_out: int
    forgotten: int
    missing: int
    rest: int
    examples: tuple[ExampleFacts, ...]
