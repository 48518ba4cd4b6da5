"""What runs leave behind at their trainers."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Protocol

from service.domain.runs import Run


class Aftermath(Protocol):
    """The runs that may have something left at their trainer, and whose it is."""

    def installation(self) -> str:
        """Give this installation's name, 16 hex digits: made when it is first asked for, the same ever after."""

    def due(self, *, now: datetime) -> list[str]:
        """Give the runs that ended, are not cleared, and that nobody has in hand; oldest first, a hundred at most."""

    def take(self, run_id: str, *, until: datetime, now: datetime) -> Run | None:
        """Take a run that ended, to clear it; None while another worker has it or it is not due."""

    def clear(self, run_id: str, *, now: datetime) -> None:
        """Write that nothing of the run is left at its trainer."""

    def postpone(self, run_id: str, *, due_at: datetime, attempts: int) -> None:
        """Give a run back, to be taken again from then on."""

    def attach(self, run_id: str, job_id: str) -> bool:
        """Write that a run that ended without a job has this one after all, and is to be cleared anew."""

    def note_end(self, run_id: str, *, tuned_model: str | None, facts: Mapping[str, Any]) -> None:
        """Write how the job of a run that ended before it came to its end: the model it made, and facts to add."""

    def trainers(self) -> list[str]:
        """Give every trainer that ever had a run."""

    def standing_at(self, trainer: str) -> list[Run]:
        """Give the trainer's runs that are open or not cleared."""

    def owners(self, job_ids: Collection[str]) -> dict[str, Run]:
        """Give the runs of these jobs, by job."""

    def named(self, run_ids: Collection[str]) -> dict[str, Run]:
        """Give the runs of these ids, by id; unknown ones are left out."""
