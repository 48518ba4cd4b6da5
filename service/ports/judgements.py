"""What judges replied."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.domain.judging.duels import Choice
from service.domain.spending import Debt


@dataclass(frozen=True, slots=True)
class Judgement:
    """A reply of a judge, without its words.

    Attributes:
        key: Of the request, see ``duels.Request``.
        question: The key of the question that it is about.
        judge: Trainer and model.
        prompt_tokens: What asking cost.
        completion_tokens: What the reply cost.
    """

    key: str
    question: str
    judge: str
    choice: Choice
    prompt_tokens: int = 0
    completion_tokens: int = 0


class JudgementStore(Protocol):
    """What judges replied: none is asked the same twice."""

    def judgements(self, keys: Iterable[str]) -> dict[str, Judgement]:
        """Give those of these requests that were answered."""

    def add_judgement(self, judgement: Judgement, *, now: datetime, debt: Debt | None = None) -> None:
        """Remember a reply, the first one stays; and in the same transaction what is owed for this one."""
