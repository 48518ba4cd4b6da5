"""What trainers said of their models."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from service.ports.trainers import RemoteModel


@dataclass(frozen=True, slots=True)
class SeenModel:
    """What a trainer last said of a model.

    Attributes:
        shutdown_on: None where it named no end.
        known: Whether it knew the model then; the date is of the last time it did.
        at: When it was asked.
    """

    trainer: str
    model: str
    shutdown_on: date | None
    known: bool
    at: datetime


class ModelsSeen(Protocol):
    """The models that trainers were asked about: deciding makes no request."""

    def note(self, trainer: str, model: str, found: RemoteModel | None, *, now: datetime) -> None:
        """Remember an answer; one that does not know the model leaves the date that was known."""

    def find(self, trainer: str, model: str) -> SeenModel | None:
        """Give what was last said of a model, None if nobody asked."""
