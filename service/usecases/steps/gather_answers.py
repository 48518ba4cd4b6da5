"""Gather a model's answers: several at once, within its trainer's limits, each stored as it arrives."""

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from service.domain.errors import ServiceError, TrainerBusy, TrainerUnreachable
from service.domain.pacing import MINUTE, free_at
from service.domain.questions import Question
from service.ports import Answer
from service.usecases.steps.parts import Parts, TrainerAccount

# After so many requests in a row that came to nothing the others wait as well.
MOST_FAILURES_IN_A_ROW = 3
_SOFT = (TrainerBusy, TrainerUnreachable)
_LEAST_PAUSE = timedelta(seconds=2)
# So that whoever waits for slow answers says now and then that it is alive.
_LOOK_EVERY_S = 1.0


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


def stored_name(trainer: str, model: str) -> str:
    """Give the name that a model's answers are kept under: two trainers may call different models the same."""
    return f"{trainer}/{model}"


def gather(
    trainer: str,
    model: str,
    questions: Sequence[Question],
    parts: Parts,
    *,
    until: datetime,
    keep: Callable[[], object],
    bill: Callable[[tuple[int, int]], object] = lambda _tokens: None,
) -> Gathered:
    """Ask a model what it has not answered yet.

    Args:
        trainer: Where it is asked; needed only while an answer is missing.
        model: Its name there.
        questions: The held-out examples.
        parts: What steps work with.
        until: From then on nothing new is asked, but for the time that requests from before are still on their way.
        keep: Called again and again meanwhile.
        bill: Told at the end how many tokens the new answers took: those of the questions, and of the answers.

    Returns:
        What is stored now. A question that failed is asked again the next time, behind the others.

    Raises:
        NotFound: The trainer left the configuration.
        ServiceError: The first error, where nothing at all was answered, or where asking again would not help.
    """
    found = parts.evaluations.answers(stored_name(trainer, model), [question.key for question in questions])
    missing = [question for question in questions if question.key not in found]
    if not missing:
        return Gathered(found, is_whole=True)
    asking = _Asking(trainer, model, parts.account(trainer), parts, until, deque(missing), found)
    try:
        asking.go(keep)
    finally:
        if asking.arrived:
            bill((asking.prompt_tokens, asking.completion_tokens))
    return asking.result(len(questions))


@dataclass(slots=True)
class _Asking:
    """Some questions to one model, on their way.

    Attributes:
        failed: Errors in their order; ``in_a_row`` counts those since the last answer.
        early: What was asked while there was time.
    """

    trainer: str
    model: str
    account: TrainerAccount
    parts: Parts
    until: datetime
    missing: deque[Question]
    found: dict[str, str]
    arrived: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    in_a_row: int = 0
    is_stopped: bool = False
    failed: list[ServiceError] = field(default_factory=list)
    sent: list[datetime] = field(default_factory=list)
    on_the_way: dict[Future[Answer], Question] = field(default_factory=dict)
    early: set[Future[Answer]] = field(default_factory=set)

    def go(self, keep: Callable[[], object]) -> None:
        """Keep as many requests on their way as the trainer may have, until time, questions or patience end."""
        if self.account.requests_per_minute is not None:
            # What other workers asked counts as well.
            self.sent = self.parts.evaluations.answered_since(self.trainer, self.parts.clock() - MINUTE)
        connection = self.account.connect()
        with ThreadPoolExecutor(self.account.concurrency) as pool:
            while True:
                while self._may_ask(now := self.parts.clock()):
                    question = self.missing.popleft()
                    request = pool.submit(connection.answer, self.model, question.messages)
                    self.on_the_way[request] = question
                    self.sent.append(now)
                    if now < self.until:
                        self.early.add(request)
                if not self.on_the_way:
                    return
                # Only this thread stores, and it asks nothing new before it did: whoever is killed has lost no more
                # answers than may be on their way at once.
                done, _ = wait(self.on_the_way, timeout=_LOOK_EVERY_S, return_when=FIRST_COMPLETED)
                keep()
                for request in done:
                    self._take(request)

    def _may_ask(self, now: datetime) -> bool:
        if self.is_stopped or not self.missing or len(self.on_the_way) >= self.account.concurrency:
            return False
        # While a slow answer holds us up anyway, the others need not wait for it.
        has_time = now < self.until or bool(self.early)
        free = free_at(self.sent, self.account.requests_per_minute)
        return has_time and (free is None or free <= now)

    def _take(self, request: Future[Answer]) -> None:
        question = self.on_the_way.pop(request)
        self.early.discard(request)
        try:
            answer = request.result()
        except ServiceError as error:
            self.failed.append(error)
            self.in_a_row += 1
            can_go_on = isinstance(error, TrainerUnreachable) and self.in_a_row < MOST_FAILURES_IN_A_ROW
            self.is_stopped = self.is_stopped or not can_go_on
            return
        name = stored_name(self.trainer, self.model)
        self.parts.evaluations.add_answer(name, question.key, answer, now=self.parts.clock())
        self.found[question.key] = answer.text
        self.arrived += 1
        self.prompt_tokens += answer.prompt_tokens
        self.completion_tokens += answer.completion_tokens
        self.in_a_row = 0

    def result(self, number: int) -> Gathered:
        """Say how far it is, or raise what stands in the way."""
        hard = [error for error in self.failed if not isinstance(error, _SOFT)]
        if hard or (self.failed and not self.arrived):
            raise (hard or self.failed)[0]
        if len(self.found) == number:
            return Gathered(self.found, is_whole=True)
        return Gathered(self.found, is_whole=False, due_at=self._due_at())

    def _due_at(self) -> datetime | None:
        now = self.parts.clock()
        if not self.failed:
            return free_at(self.sent, self.account.requests_per_minute) if self.missing else None
        asked_s = max(
            (error.retry_after_s or 0.0) for error in self.failed if isinstance(error, TrainerBusy | TrainerUnreachable)
        )
        # Runs that were turned away together do not come back together.
        spread = hashlib.sha256(f"{self.model} {now}".encode()).digest()[0] / 255
        return now + max(timedelta(seconds=asked_s), _LEAST_PAUSE) + _LEAST_PAUSE * spread
