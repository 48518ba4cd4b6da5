"""Ask a model many things: several at once, within its trainer's limits, each answer stored as it arrives."""

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from service.domain.contents import Message
from service.domain.errors import RunMoved, ServiceError, TrainerBusy, TrainerUnreachable
from service.domain.pacing import MINUTE, free_at
from service.domain.runs import TERMINAL, Run
from service.domain.sampling import USUAL, Sampling, stored_name
from service.domain.spending import Debt
from service.ports import Answer
from service.usecases.steps.parts import Parts, TrainerAccount

# After so many requests in a row that came to nothing the others wait as well.
MOST_FAILURES_IN_A_ROW = 3
_SOFT = (TrainerBusy, TrainerUnreachable)
_LEAST_PAUSE = timedelta(seconds=2)
# So that whoever waits for slow answers says now and then that it is alive.
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A model that is asked.

    Attributes:
        priced_as: The base model whose prices count where it has none of its own; itself unless given.
        sampling: How it is asked.
    """

    trainer: str
    model: str
    priced_as: str = ""
    sampling: Sampling = USUAL

    @property
    def name(self) -> str:
        """What its answers are kept under."""
        return stored_name(self.trainer, self.model, self.sampling)


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose answers they are.

    Attributes:
        name: The id of a run, or of a base model's evaluation.
        go_on: What lets it go on where it stood.
    """

    name: str
    pipeline: str
    go_on: str

    def owes(self, asked: Asked, answer: Answer) -> Debt:
        """Give what an answer adds to the bill."""
        spent = (answer.prompt_tokens, answer.completion_tokens)
        return Debt(self.name, self.pipeline, asked.trainer, asked.model, asked.priced_as or asked.model, *spent)


def payer_of(run: Run) -> Payer:
    """Give who pays for what is asked about a run, and about the checkpoints of one that has ended."""
    go_on = "the same command again" if run.state in TERMINAL else f"tuneloop runs approve {run.run_id}"
    return Payer(run.run_id, run.pipeline, go_on)


class Item(Protocol):
    """Something to ask."""

    @property
    def key(self) -> str:
        """What the answer is kept under."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """What is sent."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far it is.

    Attributes:
        is_whole: Whether everything is answered.
        due_at: When to go on asking; None for at once.
    """

    is_whole: bool
    due_at: datetime | None = None


def ask(
    asked: Asked,
    items: Sequence[Item],
    parts: Parts,
    *,
    until: datetime,
    keep: Callable[[], object],
    store: Callable[[str, Answer], object],
    owe: Callable[[Answer], object],
) -> Outcome:
    """Ask a model for a while.

    Args:
        asked: The model.
        items: What it is asked.
        parts: What steps work with.
        until: From then on nothing new is asked, but for the time that requests from before are still on their way.
        keep: Called again and again meanwhile.
        store: Given every answer with its item's key, as it arrives, by the calling thread.
        owe: Given those instead that arrive after ``keep`` said that another worker has the run.

    Returns:
        How far it is. What failed is asked again the next time, behind the others.

    Raises:
        NotFound: The trainer left the configuration.
        RunMoved: ``keep`` said so; what was on its way was billed first.
        ServiceError: The first error, where nothing at all was answered, or where asking again would not help.
    """
    asking = _Asking(asked, parts.account(asked.trainer), parts, until, store, owe, deque(items))
    asking.go(keep)
    return asking.outcome(len(items))


@dataclass(slots=True)
class _Asking:
    """Some items to one model, on their way.

    Attributes:
        failed: Errors in their order; ``in_a_row`` counts those since the last answer.
        early: What was asked while there was time.
        moved: That another worker has the run.
    """

    asked: Asked
    account: TrainerAccount
    parts: Parts
    until: datetime
    store: Callable[[str, Answer], object]
    owe: Callable[[Answer], object]
    missing: deque[Item]
    arrived: int = 0
    in_a_row: int = 0
    is_stopped: bool = False
    moved: RunMoved | None = None
    failed: list[ServiceError] = field(default_factory=list)
    sent: list[datetime] = field(default_factory=list)
    on_the_way: dict[Future[Answer], Item] = field(default_factory=dict)
    early: set[Future[Answer]] = field(default_factory=set)

    def go(self, keep: Callable[[], object]) -> None:
        """Keep as many requests on their way as the trainer may have, until time, items or patience end."""
        if self.account.requests_per_minute is not None:
            # What other workers asked counts as well.
            self.sent = self.parts.evaluations.answered_since(self.asked.trainer, self.parts.clock() - MINUTE)
        connection, model, sampling = self.account.connect(), self.asked.model, self.asked.sampling
        with ThreadPoolExecutor(self.account.concurrency) as pool:
            while True:
                while self._may_ask(now := self.parts.clock()):
                    item = self.missing.popleft()
                    request = pool.submit(connection.answer, model, item.messages, sampling)
                    self.on_the_way[request] = item
                    self.sent.append(now)
                    if now < self.until:
                        self.early.add(request)
                if not self.on_the_way:
                    break
                # Only this thread stores, and it asks nothing new before it did: whoever is killed has lost no more
                # answers than may be on their way at once.
                done, _ = wait(self.on_the_way, timeout=_LOOK_EVERY_S, return_when=FIRST_COMPLETED)
                self._keep(keep)
                for request in done:
                    self._take(request)
        if self.moved is not None:
            raise self.moved

    def _keep(self, keep: Callable[[], object]) -> None:
        """Say that this worker is alive; where another one has the run, nothing more is asked, and nothing stored."""
        if self.moved is None:
            try:
                keep()
            except RunMoved as error:
                self.moved, self.is_stopped = error, True

    def _may_ask(self, now: datetime) -> bool:
        if self.is_stopped or not self.missing or len(self.on_the_way) >= self.account.concurrency:
            return False
        # While a slow answer holds us up anyway, the others need not wait for it.
        has_time = now < self.until or bool(self.early)
        free = free_at(self.sent, self.account.requests_per_minute)
        return has_time and (free is None or free <= now)

    def _take(self, request: Future[Answer]) -> None:
        item = self.on_the_way.pop(request)
        self.early.discard(request)
        try:
            answer = request.result()
        except ServiceError as error:
            self.failed.append(error)
            self.in_a_row += 1
            can_go_on = isinstance(error, TrainerUnreachable) and self.in_a_row < MOST_FAILURES_IN_A_ROW
            self.is_stopped = self.is_stopped or not can_go_on
            return
        if self.moved is not None:
            # It is paid for all the same; its text may be of a row that was forgotten meanwhile.
            self.owe(answer)
            return
        self.store(item.key, answer)
        self.arrived += 1
        self.in_a_row = 0

    def outcome(self, number: int) -> Outcome:
        """Say how far it is, or raise what stands in the way."""
        hard = [error for error in self.failed if not isinstance(error, _SOFT)]
        if hard or (self.failed and not self.arrived):
            raise (hard or self.failed)[0]
        return Outcome(is_whole=True) if self.arrived == number else Outcome(is_whole=False, due_at=self._due_at())

    def _due_at(self) -> datetime | None:
        now = self.parts.clock()
        if not self.failed:
            return free_at(self.sent, self.account.requests_per_minute) if self.missing else None
        asked_s = max(
            (error.retry_after_s or 0.0) for error in self.failed if isinstance(error, TrainerBusy | TrainerUnreachable)
        )
        # Runs that were turned away together do not come back together.
        spread = hashlib.sha256(f"{self.asked.model} {now}".encode()).digest()[0] / 255
        return now + max(timedelta(seconds=asked_s), _LEAST_PAUSE) + _LEAST_PAUSE * spread
