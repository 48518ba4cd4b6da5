"""Work that waits, and work set aside."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from service.domain.deliveries import Delivery
from service.domain.errors import ServiceError


class DeadLetters(Protocol):
    """Work set aside after its last attempt, with its remedy."""

    def put(
        self,
        kind: str,
        subject: str,
        error: ServiceError,
        *,
        content: Delivery | None,
        now: datetime,
        pipeline: str | None = None,
        once: bool = False,
    ) -> None:
        """Set work aside; the same subject again replaces its error, or with ``once`` changes nothing.

        ``pipeline`` names whose it is where there is no content that says it.
        """

    def count(self) -> int:
        """Count what is set aside."""

    def open(self, limit: int) -> list[Mapping[str, Any]]:
        """Give what is set aside, newest first, without content."""

    def find(self, letter_id: str) -> Mapping[str, Any]:
        """Give a letter, open or closed, without content; NotFound unless one alone begins with this id."""

    def dismiss(self, letter_id: str, *, reason: str, now: datetime) -> bool:
        """Put a letter away because a person says so; it stays and is open no more. False if it was not open."""

    def take(self, letter_id: str) -> Delivery | None:
        """Give a letter's delivery for a replay; None if it has none."""

    def settle(self, kind: str, subjects: Sequence[str], *, now: datetime) -> None:
        """Mark the letters about these as mended by themselves, if there are any."""

    def close(self, letter_id: str, *, taken_at: datetime) -> None:
        """Mark a letter as replayed, unless it was put aside again after it was taken."""


class JobQueue(Protocol):
    """RQ: ids only; losing every message loses nothing."""

    def wake(self, job: str, *arguments: str) -> None:
        """Queue a job unless the same one waits already."""


class ReconcileStore(Protocol):
    """How far a pipeline's project was reconciled."""

    def cursor(self, pipeline: str) -> datetime | None:
        """Give the moment from which activity is still to be read."""

    def reconciled(self, pipeline: str, facts: Mapping[str, Any], *, until: datetime, now: datetime) -> None:
        """Write how far, and what was found."""

    def latest(self, pipeline: str) -> Mapping[str, Any] | None:
        """Give what the last reconcile found."""
