"""Gather a model's answers to the held-out questions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from service.domain.questions import Question
from service.ports import Answer
from service.usecases.steps.answer_money import bill_answers
from service.usecases.steps.asking import Asked, Payer, ask
from service.usecases.steps.parts import Parts


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a while of asking brought.

    Attributes:
        answers: The texts by question's key.
        is_whole: Whether every question is answered.
        due_at: When to go on asking; None for at once.
    """

    answers: dict[str, str]
    is_whole: bool
    due_at: datetime | None = None


def gather(
    asked: Asked,
    questions: Sequence[Question],
    parts: Parts,
    *,
    payer: Payer,
    until: datetime,
    keep: Callable[[], object],
) -> Gathered:
    """Ask a model what it has not answered yet; the trainer is needed only while an answer is missing.

    Args:
        asked: The model.
        questions: The held-out examples.
        parts: What steps work with.
        payer: Who is billed for the new answers.
        until: See ``ask``, as for ``keep`` and the errors.
        keep: Called again and again meanwhile.

    Returns:
        What is stored now.
    """
    keys = [question.key for question in questions]
    found = parts.evaluations.answers(asked.name, keys)
    missing = [question for question in questions if question.key not in found]
    if not missing:
        return Gathered(found, is_whole=True)

    def store(key: str, answer: Answer) -> None:
        debt = payer.owes(asked, answer)
        parts.evaluations.add_answer(asked.name, key, answer, now=parts.clock(), debt=debt)

    def owe(answer: Answer) -> None:
        parts.ledger.owe(payer.owes(asked, answer), now=parts.clock())

    try:
        outcome = ask(asked, missing, parts, until=until, keep=keep, store=store, owe=owe)
    finally:
        bill_answers(payer, parts)
    # What counts is what is stored: somebody else's answer may have come first.
    found = parts.evaluations.answers(asked.name, keys)
    return Gathered(found, is_whole=outcome.is_whole, due_at=outcome.due_at)
