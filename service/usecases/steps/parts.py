"""What the steps of a run work with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from service.domain.budgets import Price
from service.domain.deployments import Deployment
from service.domain.dialects import Dialect
from service.domain.errors import NotFound
from service.domain.metric_specs import JudgeSpec
from service.domain.metrics import Metric
from service.domain.pipelines import Budget, Pipeline
from service.domain.runs import Run
from service.domain.sampling import USUAL, Sampling
from service.domain.spending import ScopedBudget, scoped_budgets
from service.domain.sunsets import Sunsets
from service.ports import (
    Aftermath,
    Clock,
    Commands,
    DeadLetters,
    EvaluationStore,
    ExampleStore,
    JobQueue,
    JudgementStore,
    Ledger,
    ModelsSeen,
    NoticeStore,
    ReportStore,
    RunStore,
    Trainer,
)
from service.usecases.archive import Archive
from service.usecases.write_examples import Appraisers


@dataclass(frozen=True, slots=True)
class TrainerAccount:
    """A trainer with what it may cost.

    Attributes:
        prices: By base model.
        deployment: What follows a training.
        dialect: What it does differently.
        dialect_name: What the configuration calls that, a key of ``DIALECTS``.
        sunsets: When its models end.
        keep_files: How long uploads stay at the trainer after their run ended.
        concurrency: How many questions it may be asked at once.
        requests_per_minute: How many it may be asked in a minute, by everybody together; None for no limit.
        sampling: How its models are asked, where a pipeline or a judge says nothing else.
    """

    name: str
    budget: Budget
    prices: Mapping[str, Price]
    connect: Callable[[], Trainer]
    deployment: Deployment = field(default_factory=Deployment)
    dialect: Dialect = field(default_factory=Dialect)
    dialect_name: str = ""
    sunsets: Sunsets = field(default_factory=Sunsets)
    keep_files: timedelta = timedelta(days=7)
    concurrency: int = 4
    requests_per_minute: int | None = None
    sampling: Sampling = USUAL


@dataclass(frozen=True, slots=True)
class Timing:
    """How patient the steps are.

    Attributes:
        lease: How long a worker has a run to itself before another may take it over.
        poll: How often a training job is looked at.
        settle: How long a trainer is searched for a job whose creation had no answer, before a person is asked.
        slice: How long one evaluation step gathers answers before it makes room for others.
    """

    lease: timedelta = timedelta(seconds=60)
    poll: timedelta = timedelta(seconds=30)
    settle: timedelta = timedelta(minutes=10)
    slice: timedelta = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that a step may need.

    Attributes:
        metrics: Gives those that a pipeline can be judged by, by name.
        overall_budget: What may be spent by everything together.
    """

    pipelines: Mapping[str, Pipeline]
    accounts: Mapping[str, TrainerAccount]
    archive: Archive
    appraisers: Appraisers
    runs: RunStore
    reports: ReportStore
    aftermath: Aftermath
    evaluations: EvaluationStore
    judgements: JudgementStore
    metrics: Callable[[Pipeline], Mapping[str, Metric]]
    ledger: Ledger
    letters: DeadLetters
    notices: NoticeStore
    models_seen: ModelsSeen
    queue: JobQueue
    commands: Commands
    clock: Clock
    timing: Timing
    overall_budget: Budget = field(default_factory=Budget)

    @property
    def examples(self) -> ExampleStore:
        """The examples."""
        return self.archive.examples

    @property
    def count_tokens(self) -> Callable[[str, str], int]:
        """Counts a text's tokens as a model does."""
        return self.archive.count_tokens

    def budgets_over(self, run: Run) -> tuple[ScopedBudget, ...]:
        """Give every budget that a run counts against; that of a pipeline which left the configuration is gone."""
        pipeline = self.pipelines.get(run.pipeline)
        return scoped_budgets(
            self.overall_budget,
            trainers={run.trainer: self.account(run.trainer).budget},
            pipelines={run.pipeline: pipeline.budget} if pipeline else {},
        )

    def sampling_of(self, trainer: str, ways: Mapping[str, Any]) -> Sampling:
        """Give how a trainer's models are asked by a pipeline or a judge with these settings of its own."""
        account = self.accounts.get(trainer)
        return (account.sampling if account else USUAL).but(ways)

    def settled(self, pipeline: Pipeline) -> Pipeline:
        """Give a pipeline whose judges say themselves how they are asked, whatever their trainers are told later."""
        metrics = {
            name: replace(spec, sampling=self.sampling_of(spec.trainer, spec.sampling).changes)
            if isinstance(spec, JudgeSpec)
            else spec
            for name, spec in pipeline.metrics.items()
        }
        return replace(pipeline, metrics=metrics)

    def pipeline(self, name: str) -> Pipeline:
        """Give a run's pipeline.

        Raises:
            NotFound: It left the configuration while its run was open.
        """
        if name not in self.pipelines:
            raise NotFound(f"pipeline {name} is no longer configured", remedy=_GONE)
        return self.pipelines[name]

    def account(self, name: str) -> TrainerAccount:
        """Give a run's trainer.

        Raises:
            NotFound: It left the configuration while its run was open.
        """
        if name not in self.accounts:
            raise NotFound(f"trainer {name} is no longer configured", remedy=_GONE)
        return self.accounts[name]


_GONE = "Put it back, or cancel the run."
