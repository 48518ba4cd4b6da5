"""What is read of evaluations to tell about them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class StoredEvaluation:
    """An evaluation as it was written, but for what was forgotten since."""

    run_id: str
    at: datetime
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AnswerTokens:
    """How many answers are stored, and the tokens of their questions and of the answers."""

    answers: int
    prompt_tokens: int
    completion_tokens: int


class EvaluationReads(Protocol):
    """Reads of evaluations and their answers."""

    def newest(self, pipeline: str, *, limit: int, until: str | None = None) -> Iterator[StoredEvaluation]:
        """Give a pipeline's evaluations, newest first, one in memory at a time; from this run's on, if one is named."""

    def answer_tokens(self, model: str, keys: Iterable[str]) -> AnswerTokens:
        """Sum up what a model's answers to these questions took."""
