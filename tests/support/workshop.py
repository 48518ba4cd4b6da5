"""Everything the steps of a run work with: SQLite and files are real, the trainer is in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import sqlalchemy as sa

from service.adapters.commands import ShelllessCommands
from service.adapters.files_store import FsspecFileStore
from service.adapters.sql_aftermath import SqlAftermath
from service.adapters.sql_evaluations import SqlEvaluationStore
from service.adapters.sql_examples import SqlExampleStore
from service.adapters.sql_judgements import SqlJudgementStore
from service.adapters.sql_ledger import SqlLedger
from service.adapters.sql_models_seen import SqlModelsSeen
from service.adapters.sql_notices import SqlNoticeStore
from service.adapters.sql_records import SqlDeadLetters
from service.adapters.sql_reports import SqlReportStore
from service.adapters.sql_runs import SqlRunStore
from service.adapters.sql_snapshots import SqlSnapshotStore
from service.bootstrap import metrics_of
from service.domain.budgets import Price
from service.domain.deployments import Deployment
from service.domain.pipelines import Budget, Pipeline
from service.domain.runs import TERMINAL, WAITS_FOR_A_PERSON, Run, RunState
from service.usecases.advance_run import advance_run
from service.usecases.archive import Archive
from service.usecases.clear_run import clear_run
from service.usecases.start_run import start_by_hand
from service.usecases.steps.parts import Parts, Timing, TrainerAccount
from service.usecases.write_examples import write_outcomes
from tests.support.appraising import appraisers
from tests.support.builders import make_outcome, make_pipeline
from tests.support.fakes import FakeTrainer, ManualClock, RecordingQueue

TUNED = "ft:base-model:1"
MOST_STEPS = 1000


def prompt_of(number: int) -> str:
    return f"Chat {number}: please write to jane{number}@example.com about the late parcel"


def good_answer(prompt: str) -> str:
    """Answer as the labelers do: short, and without the address."""
    return f"The customer of {prompt.partition(':')[0].lower()} asks about a late parcel."


def leaking_answer(prompt: str) -> str:
    """Answer like a model that was never taught to leave the address out."""
    return f"Summary: {prompt}"


@dataclass
class Workshop:
    """One pipeline with enough examples for a run, and a trainer whose base model leaks."""

    engine: sa.Engine
    folder: Path
    budget: Budget = field(default_factory=Budget)
    overall_budget: Budget = field(default_factory=Budget)
    price: Price | None = None
    deployment: Deployment = field(default_factory=Deployment)
    timing: Timing = field(default_factory=Timing)
    concurrency: int = 1
    requests_per_minute: int | None = None
    pipelines: dict[str, Pipeline] = field(default_factory=lambda: {"summaries": make_pipeline()})
    clock: ManualClock = field(default_factory=ManualClock)
    queue: RecordingQueue = field(default_factory=RecordingQueue)
    trainer: FakeTrainer = field(default_factory=FakeTrainer)

    def __post_init__(self) -> None:
        self.trainer.clock = self.clock
        self.trainer.voices["base-model"] = leaking_answer
        self.files = FsspecFileStore(str(self.folder))
        self.examples = SqlExampleStore(self.engine, self.clock)
        self.runs = SqlRunStore(self.engine)
        self.reports = SqlReportStore(self.engine)
        self.aftermath = SqlAftermath(self.engine)
        self.evaluations = SqlEvaluationStore(self.engine)
        self.judgements = SqlJudgementStore(self.engine)
        self.ledger = SqlLedger(self.engine)
        self.letters = SqlDeadLetters(self.engine)
        self.notices = SqlNoticeStore(self.engine)
        self.models_seen = SqlModelsSeen(self.engine)
        self.snapshots = SqlSnapshotStore(self.engine, self.files)
        prices = {"base-model": self.price} if self.price else {}
        account = TrainerAccount(
            "box",
            self.budget,
            prices,
            lambda: self.trainer,
            self.deployment,
            concurrency=self.concurrency,
            requests_per_minute=self.requests_per_minute,
        )
        self.accounts = {"box": account}

    @staticmethod
    def count_tokens(text: str, _model: str) -> int:
        return len(text.split())

    @property
    def archive(self) -> Archive:
        return Archive(
            pipelines=self.pipelines,
            examples=self.examples,
            snapshots=self.snapshots,
            files=self.files,
            count_tokens=self.count_tokens,
            encoding_of=lambda _model: "words",
        )

    @property
    def parts(self) -> Parts:
        return Parts(
            pipelines=self.pipelines,
            accounts=self.accounts,
            archive=self.archive,
            appraisers=appraisers,
            runs=self.runs,
            reports=self.reports,
            aftermath=self.aftermath,
            evaluations=self.evaluations,
            judgements=self.judgements,
            metrics=metrics_of,
            ledger=self.ledger,
            letters=self.letters,
            notices=self.notices,
            models_seen=self.models_seen,
            queue=self.queue,
            commands=ShelllessCommands(),
            clock=self.clock,
            timing=self.timing,
            overall_budget=self.overall_budget,
        )

    def fill(self, first: int = 0, last: int = 60, *, answer: Callable[[str], str] = good_answer) -> None:
        """Have this many rows labelled and approved."""
        at = self.clock.forward(1)
        outcomes = [
            make_outcome(f"row-{number}", answer(prompt_of(number)), prompt=prompt_of(number), at=at)
            for number in range(first, last)
        ]
        write_outcomes(
            self.examples, self.pipelines["summaries"], outcomes, appraisers=appraisers, gone=(), observed_at=at
        )

    def start(self, *, again: bool = True) -> str:
        """Start a run and give its id; most tests pay for the same examples as often as they like."""
        self.clock.forward(1)
        return start_by_hand(self.pipelines["summaries"], self, clock=self.clock, again=again).run_id

    def advance(self, run_id: str) -> Run | None:
        """Do the run's next step, as soon as it is due."""
        due_at = self.runs.get(run_id).due_at
        self.clock.now = max(self.clock.now, due_at or self.clock.now)
        return advance_run(run_id, self.parts)

    def go(self, run_id: str, *until: RunState) -> Run:
        """Advance a run to one of these states, or until it ends or waits for a person."""
        stops = {*until, *TERMINAL, *WAITS_FOR_A_PERSON}
        for _ in range(MOST_STEPS):
            run = self.runs.get(run_id)
            if run.state in stops:
                return run
            self.advance(run_id)
        raise AssertionError(f"run is still {run.state}: {run.facts}")

    def clear_all(self) -> None:
        """Let the sweep come until nothing is left to clear, however long that takes."""
        for _ in range(MOST_STEPS):
            standing = [run for run in self.aftermath.standing_at("box") if run.state in TERMINAL]
            if not standing:
                return
            self.clock.now = max(self.clock.now, min(run.due_at or self.clock.now for run in standing))
            for run_id in self.aftermath.due(now=self.clock.now):
                clear_run(run_id, self.parts)
        raise AssertionError(f"{len(standing)} runs are not cleared")

    def finish_job(self, number: int = 1, *, voice: Callable[[str], str] = good_answer, tokens: int = 5000) -> str:
        """Let a job succeed; give its model, which answers with this voice."""
        model = TUNED.removesuffix("1") + str(number)
        self.trainer.becomes(f"ftjob-{number}", "succeeded", tuned_model=model, trained_tokens=tokens)
        self.trainer.voices[model] = voice
        return model

    def train(self, number: int = 1, *, voice: Callable[[str], str] = good_answer) -> str:
        """Start a run and bring it to its evaluation; give its id."""
        run_id = self.start()
        self.go(run_id, RunState.SUBMITTED)
        self.finish_job(number, voice=voice)
        self.go(run_id, RunState.EVALUATING)
        return run_id

    def states(self, run_id: str) -> list[str]:
        return [row["after"] for row in self.runs.history(run_id)]

    def letter_errors(self) -> dict[str, str]:
        """Give the open dead letters: error by kind and subject."""
        return {f"{letter['kind']} {letter['subject']}": letter["error"] for letter in self.letters.open(100)}


EXPENSIVE = Price(1_000_000.0, date(2026, 11, 1))
"""One dollar a token."""

SHORT_SLICES = Timing(slice=timedelta(seconds=5))
