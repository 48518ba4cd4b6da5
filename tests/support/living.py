"""A run lived through whatever happens to it: the schedule comes again, the trainer trains, a person approves."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_engine import make_engine
from service.domain.pipelines import Budget
from service.domain.runs import TERMINAL, Run, RunState
from service.ports import RemoteJob
from service.usecases.advance_run import advance_run
from service.usecases.clear_run import clear_run
from service.usecases.reconcile_trainer import reconcile_trainer
from service.usecases.start_run import RunNotStarted, start_by_hand
from service.usecases.steer_run import approve_run
from service.usecases.steps.parts import Parts
from tests.support.dying import Fate, Killed, watched
from tests.support.fakes import FakeTrainer
from tests.support.workshop import EXPENSIVE, Workshop, good_answer

MOST_TURNS = 300
# Longer than a lease, so that whoever was killed is followed by another.
A_TURN = timedelta(seconds=61)
COMPARED_EVERY = 3
KEEP_FILES = timedelta(days=2)
TOKENS = 5000


@dataclass
class LivingTrainer(FakeTrainer):
    """A trainer whose jobs get on by themselves, and whose lists may lag.

    Attributes:
        lag: So many turns a new job or file is not listed.
        uploads: How many files were really made.
    """

    lag: int = 0
    uploads: int = 0
    _hidden: dict[str, int] = field(default_factory=dict)

    def add_file(self, name: str, content: bytes = b"") -> str:
        self.uploads += 1
        return self._hide(super().add_file(name, content))

    def add_job(self, run_id: str, training_file: str | None, *, installation: str | None = None) -> RemoteJob:
        job = super().add_job(run_id, training_file, installation=installation)
        self._hide(job.job_id)
        return job

    def live(self) -> None:
        """Let a turn pass."""
        self._hidden = {thing: turns - 1 for thing, turns in self._hidden.items() if turns > 1}
        self.unlisted = set(self._hidden)
        for job_id, job in list(self.jobs.items()):
            following = {"validating_files": "running", "running": "succeeded"}.get(job.status)
            if following == "succeeded":
                model = f"ft:{job_id}"
                self.voices[model] = good_answer
                self.becomes(job_id, following, tuned_model=model, trained_tokens=TOKENS)
            elif following:
                self.becomes(job_id, following)

    def _hide(self, thing_id: str) -> str:
        if self.lag:
            self._hidden[thing_id] = self.lag
            self.unlisted.add(thing_id)
        return thing_id


@dataclass
class Life:
    """One installation, from the first label to the cleared run.

    Attributes:
        asked: How often a person had to approve.
    """

    shop: Workshop
    asked: int = 0

    def through(self, fate: Fate) -> Run:
        """Live until the run has ended and nothing is left of it; the worker that dies is followed by others."""
        parts = watched(self.shop.parts, fate)
        for turn in count(1):
            assert turn < MOST_TURNS, f"{self._run()} after {fate.calls[-3:]}"
            try:
                self._turn(parts, turn)
            except Killed:
                # Another process, with ports of its own.
                parts = self.shop.parts
            self._trainer.live()
            self.shop.clock.forward(A_TURN.total_seconds())
            if (run := self._run()) is not None and run.state in TERMINAL:
                if not self.shop.aftermath.standing_at("box"):
                    break
                self.shop.clock.forward(KEEP_FILES.total_seconds())
        # Twice: what is found at the first comparison is gone at the second.
        for _ in range(2):
            reconcile_trainer("box", self.shop.parts)
        run = self._run()
        assert run is not None
        return run

    def _turn(self, parts: Parts, turn: int) -> None:
        now = self.shop.clock.now
        run = self._run()
        if run is None:
            # Refused where the trainer's answer is lost; nothing is opened, and a person gives the command again.
            with suppress(RunNotStarted):
                start_by_hand(parts.pipelines["summaries"], parts, clock=parts.clock)
        elif run.state == RunState.NEEDS_ATTENTION:
            self.asked += 1
            approve_run(run.run_id, parts)
        for standing in parts.runs.standing(now=now):
            advance_run(standing.run_id, parts)
        for run_id in parts.aftermath.due(now=now):
            clear_run(run_id, parts)
        if turn % COMPARED_EVERY == 0:
            reconcile_trainer("box", parts)

    def _run(self) -> Run | None:
        found = self.shop.runs.recent(None, 2)
        assert len(found) <= 1
        return found[0] if found else None

    @property
    def _trainer(self) -> Any:  # noqa: ANN401 - a LivingTrainer, or a real one that lives by itself
        return self.shop.trainer


def prepared(engine: sa.Engine, folder: Path) -> None:
    """Have enough labelled for a run, in a database that is then copied for each life."""
    Workshop(engine, folder).fill(0, 32)
    engine.dispose()


def lives(engine: sa.Engine, folder: Path) -> Iterator[tuple[Path, sa.Engine]]:
    """Give a folder and a copy of a prepared SQLite database again and again."""
    for number in count():
        mine = folder / f"life-{number}"
        mine.mkdir()
        shutil.copyfile(str(engine.url.database), mine / "tuneloop.db")
        copy = make_engine(f"sqlite:///{mine / 'tuneloop.db'}")
        # Nobody pulls the plug, and there are hundreds of lives.
        sa.event.listen(copy, "connect", lambda made, _: made.execute("PRAGMA synchronous=OFF"))
        try:
            yield mine, copy
        finally:
            copy.dispose()
            shutil.rmtree(mine)


def life(engine: sa.Engine, folder: Path, **trainer: Any) -> Life:  # noqa: ANN401 - the fields of LivingTrainer
    """Begin a life with money at stake."""
    shop = Workshop(
        engine,
        folder / "files",
        budget=Budget(month_usd=1e9),
        price=EXPENSIVE,
        trainer=LivingTrainer(**trainer),
    )
    shop.accounts["box"] = replace(shop.accounts["box"], keep_files=KEEP_FILES)
    shop.clock.forward(60)
    return Life(shop)
