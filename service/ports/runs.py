"""Runs and what they cost."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from service.domain.budgets import Estimate
from service.domain.runs import Run, Step
from service.domain.spending import Debt, LedgerEntry, ScopedBudget, Spent
from service.domain.triggers import Reason
from service.ports.trainers import JobEvent


class RunStore(Protocol):
    """The runs, their history and what the trainer said."""

    def claim(self, run: Run) -> Run | None:
        """Open a run under its ordinal; None where another caller opened it first."""

    def get(self, run_id: str) -> Run:
        """Give a run by its id."""

    def lease(self, run_id: str, *, until: datetime, now: datetime) -> Run | None:
        """Take the run for one step; None while another worker has it or nothing is due."""

    def extend(self, run: Run, *, until: datetime) -> None:
        """Keep a leased run for longer; RunMoved where another worker took it meanwhile."""

    def record(self, run: Run, step: Step, *, now: datetime) -> Run:
        """Write what a step decided, with its history, and give the run back.

        Raises:
            RunMoved: Another worker took the run, or wrote a step of it, since the caller has it.
        """

    def note_intent(self, run: Run, *, now: datetime) -> Run:
        """Write, before any request, that a job is about to be created; RunMoved as with ``record``."""

    def standing(self, *, now: datetime) -> list[Run]:
        """Give the open runs that are due and that nobody works on."""

    def in_hand(self, *, now: datetime) -> list[Run]:
        """Give the runs that a worker has for a step right now."""

    def waiting(self) -> list[Run]:
        """Give the runs that wait for a person, those that have waited longest first."""

    def by_job(self, job_id: str, trainer: str) -> Run | None:
        """Find the run of a trainer's job; another trainer may give the same id to a job of its own."""

    def of_snapshot(self, snapshot_id: str) -> list[Run]:
        """Give every run of a snapshot, oldest first."""

    def hurry(self, run_id: str) -> None:
        """Make a run due at once, or at once after the step that is under way."""

    def hold_up(self, run_id: str, *, until: datetime) -> None:
        """Let a run that a worker has rest after the step under way, until then or until it is hurried."""

    def recent(self, pipeline: str | None, limit: int) -> list[Run]:
        """Give the newest runs first."""

    def history(self, run_id: str) -> list[Mapping[str, Any]]:
        """Give the run's transitions, oldest first."""

    def add_job_events(self, run_id: str, events: Sequence[JobEvent], *, whole: bool = False) -> None:
        """Remember what the trainer reported, oldest first, and the steps it tells of; known events stay as they are.

        ``whole`` says that this is all of the trainer's list: its order counts from now on.
        """

    def job_events(self, run_id: str) -> list[JobEvent]:
        """Give what the trainer reported, oldest first."""


class Ledger(Protocol):
    """Money, append-only."""

    def reserve(
        self, run: Run, estimate: Estimate, budgets: Sequence[ScopedBudget], *, now: datetime
    ) -> tuple[Reason, ...]:
        """Set the estimate aside, unless it passes a limit of these budgets by what everybody else spends by now.

        Returns:
            Every limit that it would pass; nothing if it is set aside. A second time changes nothing.
        """

    def bill(self, run: Run, usd: float, *, tokens: int | None, note: str, now: datetime) -> None:
        """Write what the run's job cost; the first word counts."""

    def debts(self, *, payer: str | None = None, before: datetime | None = None) -> list[Debt]:
        """Give answers that are not billed yet: those of one evaluation, and none that got more since a moment."""

    def owe(self, debt: Debt, *, now: datetime) -> None:
        """Write that an answer is to be billed which is not kept."""

    def settle(self, debt: Debt, entry: LedgerEntry) -> bool:
        """Write what some answers of an evaluation cost in place of the debt; False where it is no longer this one."""

    def release(self, run: Run, *, note: str, now: datetime) -> None:
        """Write that nothing of what was set aside is needed; nothing if nothing was, or it is billed already."""

    def reserved_usd(self, run_id: str) -> float:
        """Give what this run has set aside, 0 if nothing."""

    def entries_of(self, run_id: str) -> list[LedgerEntry]:
        """Give everything about a run, oldest first."""

    def month(self, *, now: datetime) -> list[Spent]:
        """Give what each run takes of this month's budgets: what was billed in it, and what is still set aside."""

    def spent_this_month(self, trainer: str, *, now: datetime) -> float:
        """Sum what ``month`` gives for a trainer, in US dollars."""

    def totals(self) -> Mapping[tuple[str, str], float]:
        """Sum what was ever billed, by pipeline and trainer, in US dollars."""
