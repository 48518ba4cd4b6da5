"""Go on until all answers are there, for whoever waits at a terminal: what was answered until then is stored."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from service.domain.errors import ModelNotReady, ServiceError
from service.domain.questions import Question
from service.usecases.steps.asking import Asked, Payer
from service.usecases.steps.endings import backoff
from service.usecases.steps.gather_answers import gather
from service.usecases.steps.parts import Parts
from service.usecases.turns import Turns

# Who waits is told soon.
MOST_ATTEMPTS = 5
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Waiting:
    """It goes on at ``due_at``, None for at once; ``told`` says how far it is."""

    told: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Patience:
    """How to wait, in seconds, and whom to tell how far it is."""

    wait: Callable[[float], object]
    tell: Callable[[str], object]


def go_on(act: Callable[[], T | Waiting], parts: Parts, patience: Patience) -> T:
    """Act again and again until there is a result.

    Raises:
        ServiceError: What does not help to repeat, or failed too often without getting any further.
    """
    attempts, before = 0, ""
    while True:
        try:
            found = act()
        except ServiceError as error:
            attempts += 1
            # A name that nobody knows is hardly known in a minute.
            is_hopeless = not error.retryable or isinstance(error, ModelNotReady)
            if is_hopeless or attempts >= MOST_ATTEMPTS:
                raise
            patience.tell(f"{error}; trying again")
            asked_s: float = getattr(error, "retry_after_s", None) or 0.0
            patience.wait(max(backoff(attempts).total_seconds(), asked_s))
            continue
        if not isinstance(found, Waiting):
            return found
        attempts = 0 if found.told != before else attempts
        before = found.told
        patience.tell(found.told)
        if found.due_at is not None and (left := (found.due_at - parts.clock()).total_seconds()) > 0:
            patience.wait(left)


def ask_patiently(
    asked: Asked, read: Callable[[], list[Question]], turns: Turns, *, payer: Payer, patience: Patience
) -> tuple[list[Question], dict[str, str]]:
    """Give a model's answers by question's key, each asked for once and billed, and what was asked last.

    Args:
        asked: The model.
        read: Reads the questions, in each turn anew: some may have been forgotten.
        turns: What whoever forgets waits for.
        payer: Who is billed.
        patience: How to wait.

    Raises:
        ServiceError: See ``go_on``.
    """
    parts = turns.parts

    def some() -> tuple[list[Question], dict[str, str]] | Waiting:
        turns.begin()
        questions = read()
        until = parts.clock() + parts.timing.slice
        found = gather(asked, questions, parts, payer=payer, until=until, keep=turns.keep)
        told = f"{len(found.answers)} of {len(questions)} answers of {asked.model}"
        return (questions, found.answers) if found.is_whole else Waiting(told, found.due_at)

    return go_on(some, parts, patience)
