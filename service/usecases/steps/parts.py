"""What the steps of a run work with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from service.domain.budgets import Price
from service.domain.errors import NotFound
from service.domain.pipelines import Budget, Pipeline
from service.ports import (
    Aftermath,
    Clock,
    DeadLetters,
    EvaluationStore,
    JobQueue,
    Ledger,
    NoticeStore,
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
        keep_files: How long uploads stay at the trainer after their run ended.
    """

    name: str
    budget: Budget
    prices: Mapping[str, Price]
    connect: Callable[[], Trainer]
    keep_files: timedelta = timedelta(days=7)


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
    """Everything that a step may need."""

    pipelines: Mapping[str, Pipeline]
    accounts: Mapping[str, TrainerAccount]
    archive: Archive
    appraisers: Appraisers
    runs: RunStore
    aftermath: Aftermath
    evaluations: EvaluationStore
    ledger: Ledger
    letters: DeadLetters
    notices: NoticeStore
    queue: JobQueue
    clock: Clock
    timing: Timing

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
