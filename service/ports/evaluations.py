"""Answers, verdicts and champions."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from service.domain.reigns import BY_HAND, Grounds
from service.domain.repeated_looks import EarlierLook
from service.domain.runs import Run, Step
from service.ports.trainers import Answer


class EvaluationStore(Protocol):
    """Answers, verdicts and champions."""

    def answers(self, model: str, keys: Iterable[str]) -> dict[str, str]:
        """Give the answers a model has already given, by key."""

    def add_answer(self, model: str, key: str, answer: Answer, *, now: datetime) -> None:
        """Remember an answer; the first one stays."""

    def conclude(self, run: Run, step: Step, evaluation: Mapping[str, Any], *, now: datetime) -> Run:
        """Write the evaluation, the run's end and, if promoted, the champion in one transaction.

        Raises:
            ChampionMoved: It would be promoted, and was judged against another champion than the one that serves now.
        """

    def promote(self, run: Run, cause: str, *, now: datetime, grounds: Grounds = BY_HAND) -> bool:
        """Make a run's model the champion, with its history; False where it was taken down.

        Raises:
            ChampionMoved: Somebody else serves than the grounds say may be replaced.
        """

    def retire(self, run: Run) -> bool:
        """Write that the model of a run that has ended is taken down; False where it is the champion."""

    def note_gone(self, champion: Mapping[str, Any], *, since: datetime | None, now: datetime) -> bool:
        """Write that a champion's model is gone, or (None) is there again; False where that is known."""

    def to_be_named(self) -> list[Mapping[str, Any]]:
        """Give the champions that no stable name was set for yet, as far as their trainers have any."""

    def note_named(self, champion: Mapping[str, Any]) -> bool:
        """Write that the stable name means this champion; False, and to be named anew, where it serves no longer."""

    def evaluation(self, run_id: str) -> Mapping[str, Any] | None:
        """Give the evaluation of a run."""

    def earlier_looks(self, pipeline: str, *, but: str) -> Iterator[EarlierLook]:
        """Give what every evaluation of a pipeline asked, but that of one run, which may be judged anew."""

    def champion(self, pipeline: str) -> Mapping[str, Any] | None:
        """Give who serves now: model, run and when it was promoted."""

    def champion_history(self, pipeline: str) -> list[Mapping[str, Any]]:
        """Give every champion, newest first."""
