"""What a held-out example asks a model: everything but its last message, which is the human's answer."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from service.domain.contents import Message


@dataclass(frozen=True, slots=True)
class Question:
    """One held-out example: what is asked, and the human's answer.

    Attributes:
        key: SHA-256 over the messages; what a model answered is kept under it.
    """

    key: str
    messages: tuple[Message, ...]
    prompt: str
    reference: str


@dataclass(frozen=True, slots=True)
class QuestionFacts:
    """What is known of a held-out example beside its line.

    Attributes:
        metadata: What the uploader noted of its data row, by the fields' names.
        is_choice: Whether its answer is one of few, and not a text of the labeler's own.
        rejected: Answers that the human placed below the reference, best first.
    """

    metadata: Mapping[str, str] = field(default_factory=dict)
    is_choice: bool = False
    rejected: tuple[str, ...] = ()


def at_most(questions: Sequence[Question], number: int | None) -> list[Question]:
    """Give so many questions, in their order: those with the smallest hashes.

    Which ones depends on the questions alone, and a larger number holds the smaller one's.
    """
    if number is None:
        return list(questions)
    chosen = set(sorted(question.key for question in questions)[:number])
    return [question for question in questions if question.key in chosen]


def question_in(messages: Sequence[Message]) -> Question:
    """Give the question in a chat of a held-out file."""
    # A weight is for training only; no server wants it in a question.
    asked = tuple({"role": item["role"], "content": item["content"]} for item in messages[:-1])
    key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    return Question(key, asked, asked[-1]["content"], messages[-1]["content"])
