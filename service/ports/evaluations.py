"""Answers, verdicts and champions."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from service.domain.repeated_looks import EarlierLook
from service.domain.runs import Run, Step
from service.ports.trainers import Answer


class EvaluationStore(Protocol):
    """Answers, verdicts and champions."""

    def answers(self, model: str, keys: Iterable[str]) -> dict[str, str]:
        """Give the answers a model has already given, by key."""

    def add_answer(self, model: str, key: str, answer: Answer, *, now: datetime) -> None:
        """Remember an answer; the first one stays."""

    def answered_since(self, trainer: str, moment: datetime) -> list[datetime]:
        """Give when the models of a trainer answered since then, oldest first."""

    def conclude(self, run: Run, step: Step, evaluation: Mapping[str, Any], *, now: datetime) -> Run:
        """Write the evaluation, the run's end and, if promoted, the champion in one transaction."""

    def promote(self, run: Run, cause: str, *, now: datetime) -> None:
        """Make a run's model the champion, with its history."""

    def evaluation(self, run_id: str) -> Mapping[str, Any] | None:
        """Give the evaluation of a run."""

    def earlier_looks(self, pipeline: str, *, but: str) -> Iterator[EarlierLook]:
        """Give what every evaluation of a pipeline asked, but that of one run, which may be judged anew."""

    def champion(self, pipeline: str) -> Mapping[str, Any] | None:
        """Give who serves now: model, run and when it was promoted."""

    def champion_history(self, pipeline: str) -> list[Mapping[str, Any]]:
        """Give every champion, newest first."""
