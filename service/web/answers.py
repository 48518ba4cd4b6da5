"""What the API answers, as types: the encoder and the OpenAPI document both read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from service.domain.repeated_looks import Look
from service.domain.runs import Run, RunState
from service.domain.spending import LedgerEntry
from service.domain.triggers import Decision
from service.usecases.report_run import RunReport
from service.usecases.take_stock import Drift


@dataclass(frozen=True, slots=True)
class PipelineSummary:
    """A pipeline as it is configured."""

    name: str
    project: str
    trainer: str
    model: str


@dataclass(frozen=True, slots=True)
class PipelineList:
    """Every pipeline of the configuration."""

    pipelines: tuple[PipelineSummary, ...]


@dataclass(frozen=True, slots=True)
class ExampleCounts:
    """Examples that stand now, by split; ``new`` ones since the last run, and when the first and last came.

    ``held`` ones wait for a person's decision and are in no split's number.
    """

    train: int
    validation: int
    held_out: int
    new: int
    held: int
    threshold: int
    first_new_at: datetime | None
    last_new_at: datetime | None


@dataclass(frozen=True, slots=True)
class Champion:
    """The model that serves, and the run that made it.

    ``shutdown_on`` is null where no end is known, ``gone_since`` where it answered when it was last asked.
    """

    model: str
    trainer: str
    run_id: str
    promoted_at: datetime
    shutdown_on: date | None
    gone_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why it serves: the verdict on held-out examples, all of which the run's evaluation has.

    Null where a person promoted it before evidence was kept with the champion.

    Attributes:
        checkpoint: The step of an earlier checkpoint of the run; null for the model that its training ended with.
    """

    run_id: str
    outcome: str | None = None
    sentence: str | None = None
    held_out: int | None = None
    incumbent: str | None = None
    look: int | None = None
    checkpoint: int | None = None


@dataclass(frozen=True, slots=True)
class Serving:
    """What an application needs to ask the model that serves.

    Attributes:
        model: What to ask for, at ``base_url`` with a key of the application's own.
        base_url: Null where the trainer is no longer configured.
        stable_name: A name that follows the champion at that trainer; null where it has none, or not yet.
        system: The system text that it was trained with, to be sent with every question; null where there was none.
        decided: ``automatic``, ``by hand`` or ``rollback``; null for champions of earlier versions.
        shutdown_on: Null where no end is known.
        gone: Whether it did not answer when it was last asked.
    """

    pipeline: str
    model: str
    trainer: str
    base_url: str | None
    stable_name: str | None
    system: str | None
    since: datetime
    run_id: str
    snapshot_id: str | None
    decided: str | None
    evidence: Evidence | None
    shutdown_on: date | None
    gone: bool
    gone_since: datetime | None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run as it stands; ``error`` and ``remedy`` say what is in its way now, or made it fail, and are null otherwise.

    ``answers_as`` is the name its model is asked by, where it was deployed under another than ``tuned_model``;
    ``training_file`` and ``validation_file`` are the trainer's ids of what was uploaded.
    """

    run_id: str
    pipeline: str
    ordinal: int
    state: RunState
    cause: str
    trainer: str
    model: str
    snapshot_id: str | None
    job_id: str | None
    tuned_model: str | None
    answers_as: str | None
    training_file: str | None
    validation_file: str | None
    attempts: int
    error: str | None
    remedy: str | None
    created_at: datetime
    updated_at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class RunList:
    """The newest runs first."""

    runs: tuple[RunSummary, ...]


@dataclass(frozen=True, slots=True)
class Transition:
    """A run's way from one state to the next; ``before`` is empty for the first."""

    at: datetime
    before: str
    after: str
    cause: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A verdict: the tuned model against the incumbent and the base on held-out examples, by metric.

    ``look`` says which look at these examples it was, and below which p a difference counted as proven.
    """

    at: datetime
    outcome: str
    sentence: str
    incumbent: str
    held_out: int
    further_examples_needed: int | None
    failed_guards: tuple[str, ...]
    models: Mapping[str, str]
    intervals: Mapping[str, Any]
    comparisons: Mapping[str, Any]
    # Evaluations of earlier versions lack these.
    below_base: bool = False
    look: Look | None = None


@dataclass(frozen=True, slots=True)
class RunDetail:
    """A run with its history and its money, oldest first, what its job reported, and its evaluation if there is one."""

    run: RunSummary
    report: RunReport
    history: tuple[Transition, ...]
    evaluation: Evaluation | None
    ledger: tuple[LedgerEntry, ...]


@dataclass(frozen=True, slots=True)
class PipelineDetail:
    """Where a pipeline stands, with every reason why no run has started yet."""

    name: str
    project: str
    trainer: str
    model: str
    examples: ExampleCounts
    decision: Decision
    reconciled_at: datetime | None
    drift: Drift | None
    champion: Champion | None
    last_run: RunSummary | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Work set aside, without its content."""

    letter_id: str
    kind: str
    subject: str
    error: str
    message: str
    remedy: str
    topic: str | None
    pipeline: str | None
    received_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DeadLetterList:
    """The newest first; ``total`` counts those beyond the limit as well."""

    total: int
    dead_letters: tuple[DeadLetter, ...]


def summarize_run(run: Run) -> RunSummary:
    """Choose what the API shows of a run: not all its facts, which grow with the steps."""
    return RunSummary(
        run_id=run.run_id,
        pipeline=run.pipeline,
        ordinal=run.ordinal,
        state=run.state,
        cause=run.cause,
        trainer=run.trainer,
        model=run.model,
        snapshot_id=run.snapshot_id,
        job_id=run.job_id,
        tuned_model=run.tuned_model,
        answers_as=run.answers_as,
        training_file=run.fact("training_file"),
        validation_file=run.fact("validation_file"),
        attempts=run.attempts,
        error=run.error,
        remedy=run.remedy,
        created_at=run.created_at,
        updated_at=run.updated_at,
        due_at=run.due_at,
    )
