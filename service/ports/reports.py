"""What trainers report of a job beside its status, and what is still to be fetched of that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from service.domain.training_series import SeriesPoint
from service.ports.trainers import JobEvent


@dataclass(frozen=True, slots=True)
class CheckpointRecord:
    """A checkpoint as it was reported.

    Attributes:
        created_at: In unix seconds.
        model: What it is asked under, None where the trainer does not say.
        metrics: By our names, see ``training_series.METRICS``.
    """

    checkpoint_id: str
    created_at: int
    step: int | None
    model: str | None
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Gathering:
    """How far the reports of a job that has ended are fetched.

    Attributes:
        ended_at: When the job was first seen to have ended.
        attempts: How often it was begun.
        due_at: When it goes on, None once nothing is left to do.
        facts: ``files``, by the trainer's id what became of each result file, and ``missing``, by name the error.
    """

    run_id: str
    ended_at: datetime
    attempts: int
    due_at: datetime | None
    facts: Mapping[str, Any]


class ReportStore(Protocol):
    """What the jobs of runs reported; every write may be repeated."""

    def event_ids(self, run_id: str) -> set[str]:
        """Give the ids of the events that are known."""

    def count_events(self, run_id: str) -> int:
        """Count the events that are known."""

    def newest_events(self, run_id: str, *, limit: int, before: int | None = None) -> list[tuple[int, JobEvent]]:
        """Give events with their numbers, newest first, of those below a number."""

    def series(self, run_id: str) -> list[SeriesPoint]:
        """Give what was measured, by step."""

    def write_series(self, run_id: str, points: Sequence[SeriesPoint]) -> None:
        """Write what was measured at these steps, one point each, over what is known of them."""

    def checkpoints(self, run_id: str) -> list[CheckpointRecord]:
        """Give the checkpoints, the latest step first."""

    def write_checkpoints(self, run_id: str, found: Sequence[CheckpointRecord]) -> None:
        """Remember checkpoints; those that the trainer dropped since stay."""

    def begin(self, run_id: str, *, now: datetime) -> None:
        """Say that a job has ended, so that its reports are to be fetched; a second time changes nothing."""

    def take(self, run_id: str, *, until: datetime, now: datetime) -> Gathering | None:
        """Take a gathering that is due, and count the attempt; None while another worker has it, or it is done."""

    def put_back(self, gathering: Gathering) -> None:
        """Write how far it came and when it goes on."""

    def gathering(self, run_id: str) -> Gathering | None:
        """Give how far it is; None before the job's end."""

    def due(self, *, now: datetime) -> list[str]:
        """Give the runs whose gathering is due."""


class SeenEvents(Protocol):
    """Which of the trainers' webhooks were taken already, for a while."""

    def has(self, event: str) -> bool:
        """Say whether it was."""

    def add(self, event: str) -> None:
        """Remember one."""
