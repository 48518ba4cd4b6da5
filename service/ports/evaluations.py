"""Answers, verdicts and champions."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from service.domain.reigns import ANYBODY, BY_HAND, Grounds
from service.domain.repeated_looks import EarlierLook
from service.domain.runs import Run, Step
from service.domain.spending import Debt
from service.ports.trainers import Answer


@dataclass(frozen=True, slots=True)
class BaseEvaluation:
    """How an untuned model answered the held-out examples of a snapshot; ``facts`` are as JSON holds them."""

    evaluation_id: str
    pipeline: str
    trainer: str
    model: str
    snapshot_id: str
    facts: Mapping[str, Any]
    at: datetime


class EvaluationStore(Protocol):
    """Answers, verdicts and champions."""

    def answers(self, model: str, keys: Iterable[str]) -> dict[str, str]:
        """Give the answers a model has already given, by key."""

    def finishes(self, model: str, keys: Iterable[str]) -> dict[str, int]:
        """Count a model's answers to these questions by why they ended, as far as it is known."""

    def unfinished(self, model: str, keys: Iterable[str]) -> frozenset[str]:
        """Give the questions to which a model's answers are none: cut at their limit, or refused."""

    def add_answer(self, model: str, key: str, answer: Answer, *, now: datetime, debt: Debt | None = None) -> None:
        """Remember an answer, the first one stays; and in the same transaction what is owed for this one."""

    def answered_since(self, trainer: str, moment: datetime) -> list[datetime]:
        """Give when the models of a trainer answered since then, oldest first; judges as well."""

    def add_base(self, evaluation: BaseEvaluation) -> None:
        """Write how an untuned model answered."""

    def begin_turn(self, evaluation_id: str, *, until: datetime, now: datetime) -> None:
        """Write that an evaluation that is no run begins a turn, and has ended the one before: see ``Turns``."""

    def extend_turn(self, evaluation_id: str, *, until: datetime) -> None:
        """Stay in a turn until then."""

    def end_turns(self, evaluation_id: str) -> None:
        """Write that such an evaluation asks and stores nothing more."""

    def base_evaluations(self, pipeline: str) -> list[BaseEvaluation]:
        """Give how untuned models answered, newest first."""

    def conclude(self, run: Run, step: Step, evaluation: Mapping[str, Any], *, now: datetime) -> Run:
        """Write the evaluation, the run's end and, if promoted, the champion in one transaction.

        Raises:
            ChampionMoved: It was judged against another champion than the one that serves now.
            RunMoved: The run's model was taken down meanwhile, and whoever judged it did not know.
        """

    def add_checkpoint(self, run: Run, step: int, evaluation: Mapping[str, Any], *, now: datetime) -> None:
        """Write the evaluation of a checkpoint beside that of its run; the first one stays."""

    def promote(self, run: Run, cause: str, *, now: datetime, grounds: Grounds = BY_HAND) -> bool:
        """Make a run's model the champion, with its history; False where it was taken down.

        Raises:
            ChampionMoved: Somebody else serves than the grounds say may be replaced.
        """

    def retire(self, run: Run, *, over: int | None = ANYBODY) -> bool:
        """Write that a run's model is about to be taken down; False where it is the champion.

        Raises:
            ChampionMoved: Somebody else serves than the one against whom it lost, see ``Grounds.over``.
        """

    def note_gone(self, champion: Mapping[str, Any], *, since: datetime | None, now: datetime) -> bool:
        """Write that a champion's model is gone, or (None) is there again; False where that is known."""

    def to_be_named(self) -> list[Mapping[str, Any]]:
        """Give the champions that no stable name was set for yet, as far as their trainers have any."""

    def note_named(self, champion: Mapping[str, Any]) -> bool:
        """Write that the stable name means this champion; False, and to be named anew, where it serves no longer.

        A champion without a position is none that serves: then the name means nobody.
        """

    def evaluation(self, run_id: str, *, checkpoint: int | None = None) -> Mapping[str, Any] | None:
        """Give the evaluation of a run, or of its checkpoint of this step."""

    def judged_checkpoints(self, run_id: str) -> dict[int, str]:
        """Give the verdicts on a run's checkpoints by their steps."""

    def earlier_looks(self, pipeline: str, *, but: str) -> Iterator[EarlierLook]:
        """Give what every evaluation of a pipeline asked, checkpoints' too, but that of one run, judged anew."""

    def champion(self, pipeline: str) -> Mapping[str, Any] | None:
        """Give who serves now: model, run and when it was promoted."""

    def champion_history(self, pipeline: str) -> list[Mapping[str, Any]]:
        """Give every champion, newest first."""
