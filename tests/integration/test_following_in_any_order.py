"""Polls and webhooks, in any order, lost, doubled and late, give the same events and one end."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st

from service.domain.errors import InboxUnavailable, TrainerUnreachable
from service.domain.runs import RunState
from service.domain.training_series import SeriesPoint
from service.ports import JobEvent
from service.usecases.advance_run import advance_run
from service.usecases.gather_reports import gather_reports
from service.usecases.ring_job import poke, ring_job
from tests.support.builders import make_run
from tests.support.fakes import FakeTrainer, ManualClock, MemorySeenEvents, RecordingQueue
from tests.support.workshop import TUNED, Workshop

JOB, FILE = "ftjob-1", "file-result"
RESULT = b"step,train_loss,valid_loss\n1,0.9,\n2,0.8,\n3,0.7,1.5\n"
FOLLOWED = {RunState.SUBMITTED, RunState.TRAINING}


def metric(number: int, step: int) -> JobEvent:
    facts = {"step": step, "total_steps": 3, "train_loss": 10.0 + number}
    # All in one second, and the second step twice: the job was paused and went on.
    return JobEvent(f"e{number}", 1_700_000_000, "info", "metrics", f"Step {step}", facts)


TOLD = [
    JobEvent("created", 1_700_000_000, "info", "message", "Created", {}),
    *(metric(number, step) for number, step in enumerate((1, 2, 2, 3))),
    JobEvent("done", 1_700_000_009, "info", "message", "Done", {}),
]


@dataclass
class Follower:
    """A run whose job runs, with everything that may happen to it.

    Attributes:
        hidden: Events that the list does not show yet.
        waiting: Messages that wait for a worker.
    """

    shop: Workshop
    run_id: str
    trainer: str
    told: int = 0
    hidden: set[str] = field(default_factory=set)
    seen: MemorySeenEvents = field(default_factory=MemorySeenEvents)
    outcomes: list[str] = field(default_factory=list)

    @property
    def waiting(self) -> list[tuple[str, ...]]:
        return self.shop.queue.woken

    def tell(self) -> None:
        self.told = min(self.told + 1, len(TOLD))
        self._show()

    def tell_late(self) -> None:
        """Let the next event stay out of the list, although later ones are in it."""
        if self.told < len(TOLD):
            self.hidden.add(TOLD[self.told].event_id)
            self.tell()

    def end(self) -> None:
        self.shop.trainer.files[FILE] = RESULT
        self.shop.trainer.becomes(JOB, "succeeded", tuned_model=TUNED, trained_tokens=9, result_files=(FILE,))

    def show_all(self) -> None:
        self.hidden.clear()
        self._show()

    def run_on(self) -> None:
        if self.shop.trainer.jobs[JOB].outcome == "open":
            self.shop.trainer.becomes(JOB, "running")

    def poll(self) -> None:
        """Do what the schedule's sweep would do some time later."""
        self.shop.clock.forward(20)
        for run in self.shop.runs.standing(now=self.shop.clock.now):
            if run.run_id == self.run_id and run.state in FOLLOWED:
                advance_run(run.run_id, self.shop.parts)

    def gather(self) -> None:
        gather_reports(self.run_id, self.shop.parts)

    def ring(self, event_id: str, job_id: str = JOB, trainer: str = "") -> None:
        trainers = [trainer or self.trainer]
        outcome = ring_job(job_id, event_id, trainers, seen=self.seen, queue=self.shop.queue)
        self.outcomes.append(outcome)

    def work(self, which: int) -> None:
        """Have a worker take any of the messages."""
        if not self.waiting:
            return
        name, *arguments = self.waiting.pop(which % len(self.waiting))
        if name == "poke_job":
            poke(arguments[0], arguments[1:], runs=self.shop.runs, queue=self.shop.queue)
        elif self.shop.runs.get(self.run_id).state in FOLLOWED:
            advance_run(arguments[0], self.shop.parts)

    def lose_messages(self) -> None:
        self.waiting.clear()

    def break_off(self) -> None:
        self.shop.trainer.goes_wrong("events", TrainerUnreachable())

    def _show(self) -> None:
        shown = [event for event in TOLD[: self.told] if event.event_id not in self.hidden]
        self.shop.trainer.reported = shown[::-1]


Action = Callable[[Follower], object]
actions: st.SearchStrategy[Action] = st.one_of(
    st.sampled_from(
        [
            Follower.tell,
            Follower.tell,
            Follower.tell_late,
            Follower.show_all,
            Follower.run_on,
            Follower.poll,
            Follower.gather,
            Follower.end,
            Follower.lose_messages,
            Follower.break_off,
        ]
    ),
    st.integers(0, 2).map(lambda number: lambda follower: follower.ring(f"wh_{number}")),
    st.sampled_from([("other job", ""), (JOB, "other trainer")]).map(
        lambda where: lambda follower: follower.ring("wh_9", *where)
    ),
    st.integers(0, 9).map(lambda which: lambda follower: follower.work(which)),
)


@pytest.fixture
def workshop(sqlite_engine: sa.Engine, tmp_path: Path) -> Workshop:
    return Workshop(sqlite_engine, tmp_path / "files")


@pytest.fixture
def numbers() -> Iterator[int]:
    return count(1)


def followed(shop: Workshop, number: int) -> Follower:
    """Begin anew, in the same database: a run whose job was just created."""
    shop.trainer, shop.queue, shop.clock = FakeTrainer(), RecordingQueue(), ManualClock()
    run_id = f"run-{number}"
    shop.trainer.add_job(run_id, "file-1")
    trainer = f"box-{number}"
    shop.accounts = {trainer: shop.accounts[next(iter(shop.accounts))]}
    run = make_run(run_id, pipeline=f"p{number}", trainer=trainer, state=RunState.SUBMITTED, job_id=JOB)
    assert shop.runs.claim(run) is not None
    return Follower(shop, run_id, trainer)


# Those that chance rarely finds: an event that is listed below one that is known, and steps that are told twice.
@example(happening=[Follower.tell, Follower.tell_late, Follower.tell, Follower.poll])
@example(
    happening=[*[Follower.tell] * 3, Follower.tell_late, Follower.tell, Follower.poll, Follower.end, Follower.poll]
)
@given(happening=st.lists(actions, max_size=30))
def test_whatever_happens_the_same_is_stored_and_the_run_ends_once(
    workshop: Workshop, numbers: Iterator[int], happening: list[Action]
) -> None:
    follower = followed(workshop, next(numbers))
    run_id = follower.run_id
    for act in happening:
        act(follower)
    while follower.told < len(TOLD):
        follower.tell()
    follower.show_all()
    follower.end()
    follower.ring("wh_end")
    while follower.waiting:
        follower.work(0)
    follower.poll()
    while (gathering := workshop.reports.gathering(run_id)) is not None and gathering.due_at is not None:
        workshop.clock.now = max(workshop.clock.now, gathering.due_at)
        follower.gather()

    assert workshop.runs.job_events(run_id) == TOLD
    assert workshop.reports.series(run_id) == [
        SeriesPoint(1, train_loss=0.9, total_steps=3, at=1_700_000_000),
        SeriesPoint(2, train_loss=0.8, total_steps=3, at=1_700_000_000),
        SeriesPoint(3, train_loss=0.7, valid_loss=1.5, total_steps=3, at=1_700_000_000),
    ]
    run = workshop.runs.get(run_id)
    assert (run.state, run.tuned_model, run.fact("trained_tokens")) == (RunState.EVALUATING, TUNED, 9)
    assert workshop.states(run_id).count("evaluating") == 1
    assert set(workshop.states(run_id)) <= {"submitted", "training", "evaluating"}


# Single webhooks.


def test_a_repeated_event_does_nothing_and_another_trainers_is_another(workshop: Workshop) -> None:
    follower = followed(workshop, 1)
    follower.ring("wh_1")
    follower.ring("wh_1")
    follower.ring("wh_1", JOB, "box-2")
    assert follower.outcomes == ["poked", "repeated", "poked"]
    assert follower.waiting == [("poke_job", JOB, "box-1"), ("poke_job", JOB, "box-2")]


def test_an_event_whose_look_could_not_be_asked_for_is_not_used_up(workshop: Workshop) -> None:
    follower = followed(workshop, 1)

    class DownQueue:
        """A queue whose Redis is away."""

        def wake(self, job: str, *arguments: str) -> None:
            raise InboxUnavailable(f"{job} {arguments}")

    with pytest.raises(InboxUnavailable):
        ring_job(JOB, "wh_1", ["box-1"], seen=follower.seen, queue=DownQueue())
    follower.ring("wh_1")
    assert follower.outcomes == ["poked"]


def test_two_trainers_with_equal_job_ids_ring_for_their_own_run_only(workshop: Workshop) -> None:
    follower = followed(workshop, 1)
    rival = make_run("run-2", pipeline="p2", trainer="rival", state=RunState.SUBMITTED, job_id=JOB)
    assert workshop.runs.claim(rival) is not None
    for trainers, woken in ((["box-1"], ["run-1"]), (["rival"], ["run-2"]), (["box-1", "rival"], ["run-1", "run-2"])):
        assert [run.run_id for run in poke(JOB, trainers, runs=workshop.runs, queue=workshop.queue)] == woken
    assert poke(JOB, ["nobody"], runs=workshop.runs, queue=workshop.queue) == []
    assert follower.run_id == "run-1"


def test_an_event_that_overtook_the_answer_to_the_creation_is_harmless_and_the_poll_finds_the_end(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    shop = Workshop(sqlite_engine, tmp_path / "files")
    shop.fill()
    run_id = shop.start()
    shop.go(run_id, RunState.UPLOADED)
    assert poke(JOB, ["box"], runs=shop.runs, queue=shop.queue) == []
    shop.go(run_id, RunState.SUBMITTED)
    shop.finish_job()
    assert shop.go(run_id).state == RunState.PROMOTED
