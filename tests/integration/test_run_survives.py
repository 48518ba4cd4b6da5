"""A run whose worker is killed at any call, or whose trainer's answers are lost: one job, one bill, nothing left.

An undisturbed life is recorded first. Then each of its calls to any port is struck in a life of its own: the worker is
killed before it or after it, or the trainer does what it was asked and the answer is lost.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.adapters.sql_engine import make_engine
from service.adapters.sql_tables import notices
from service.domain.errors import OutcomeUnknown, TrainerUnreachable
from service.domain.runs import RunState
from tests.support.dying import Fate, Mode
from tests.support.living import TOKENS, Life, life, lives, prepared

# A job may have ended before anybody saw it train.
HAPPY = ["claimed", "snapshotted", "uploaded", "submitted", "evaluating", "promoted"]
ASKED = [*HAPPY[:3], "needs_attention", *HAPPY[2:]]
KINDS: dict[str, dict[str, Any]] = {
    "creates once": {"creates_once": True},
    "creates once, lists late": {"creates_once": True, "lag": 3},
    "openai": {"lag": 3},
    "without metadata": {"keeps_metadata": False, "lag": 3},
}
# Of what comes many times over, each time the same, the first two and the last are struck.
LOOPS = {
    "files.writer.write",
    "trainer.answer",
    "evaluations.add_answer",
    "runs.extend",
    "runs.standing",
    "aftermath.due",
    "aftermath.standing_at",
    "aftermath.named",
    "aftermath.owners",
    "trainer.list_files",
    "trainer.list_files goes on",
    "trainer.list_jobs",
    "trainer.list_jobs goes on",
}
# The only gap in which nobody can say whether the request was sent.
IN_THE_GAP = {("runs.note_intent", "after"), ("trainer.create_job", "before")}


def answers_lost_as(name: str) -> Exception | None:
    """Give what a dropped connection or a 500 after the work was done looks like."""
    if name == "trainer.create_job":
        return OutcomeUnknown("500 after success")
    return TrainerUnreachable("the answer is lost") if name.startswith("trainer.") else None


@pytest.fixture
def stage(sqlite_engine: sa.Engine, tmp_path: Path) -> Iterator[tuple[Path, sa.Engine]]:
    prepared(sqlite_engine, tmp_path / "files")
    return lives(sqlite_engine, tmp_path)


def begin(stage: Iterator[tuple[Path, sa.Engine]], kind: str) -> Life:
    folder, engine = next(stage)
    return life(engine, folder, **KINDS[kind])


def points(calls: list[str], *, only: str = "") -> list[int]:
    """Choose the calls to strike."""
    total, seen = Counter(calls), Counter[str]()
    chosen = []
    for number, name in enumerate(calls):
        seen[name] += 1
        if name.startswith(only) and (name not in LOOPS or seen[name] <= 2 or seen[name] == total[name]):
            chosen.append(number)
    return chosen


def may_upload_again(calls: list[str], fate: Fate) -> bool:
    """Say whether a file was sent and not written down when it was struck."""
    if not isinstance(fate.strikes_at, int):
        return False
    done = calls[: fate.strikes_at + (fate.mode != "before")]
    return [name for name in done if name in {"trainer.upload", "runs.record"}][-1:] == ["trainer.upload"]


def check(lived: Life, fate: Fate, calls: list[str]) -> None:
    """Hold what is promised against what came of it."""
    struck = calls[fate.strikes_at] if isinstance(fate.strikes_at, int) else fate.strikes_at
    trainer, shop = lived.shop.trainer, lived.shop
    (run,) = shop.runs.recent(None, 10)
    told = f"{fate.mode} {struck}, call {fate.strikes_at}"
    in_the_gap = (struck, fate.mode) in IN_THE_GAP and not trainer.creates_once
    # One job, asked for once: a second time only where the server or a person made sure.
    assert [job.job_id for job in trainer.jobs.values()] == [run.job_id], told
    assert trainer.create_requests <= 1 + trainer.creates_once, told
    assert lived.asked == int(in_the_gap), told
    # One end, on the way that is drawn in docs/runs.md.
    states = [state for state in shop.states(run.run_id) if state != "training"]
    assert states == (ASKED if in_the_gap else HAPPY), told
    assert run.state == RunState.PROMOTED, told
    # One reservation, one bill.
    assert shop.ledger.reserved_usd(run.run_id) > 0, told
    assert shop.ledger.spent_this_month("box", now=shop.clock.now) == pytest.approx(TOKENS), told
    # Each file once; one a second time where the list did not show it yet, and then that is told.
    again = int(trainer.lag > 0 and may_upload_again(calls, fate))
    assert trainer.uploads == 2 + again, told
    kinds = kinds_of_notices(shop.engine)
    assert [kind for kind in kinds if kind == "orphan_found"] == ["orphan_found"] * again, told
    # Each with its transition, so told once however often the worker died around it.
    assert [kinds.count(kind) for kind in ("started", "promoted", "champion_changed")] == [1, 1, 1], told
    # Nothing is left there, nothing waits here.
    assert (trainer.files, shop.letter_errors()) == ({}, {}), told


def kinds_of_notices(engine: sa.Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(sa.select(notices.c.kind)))


@pytest.mark.parametrize("mode", ["before", "after"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_killed_at_any_call_costs_no_second_job_and_leaves_nothing(
    stage: Iterator[tuple[Path, sa.Engine]], kind: str, mode: Mode
) -> None:
    undisturbed = Fate()
    lived = begin(stage, kind)
    lived.through(undisturbed)
    check(lived, undisturbed, undisturbed.calls)
    for number in chosen(undisturbed.calls, kind):
        fate = Fate(number, mode)
        lived = begin(stage, kind)
        lived.through(fate)
        check(lived, fate, undisturbed.calls)


# All calls are struck with one kind of trainer; with the others those that their ways can matter to.
STRUCK: dict[str, tuple[str, ...]] = {
    "creates once": ("",),
    "openai": ("trainer.", "runs.record", "runs.note_intent", "runs.lease", "ledger.", "queue.", "aftermath.take"),
    "creates once, lists late": ("trainer.upload", "trainer.create_job", "runs.record", "runs.note_intent"),
    "without metadata": ("trainer.upload", "trainer.create_job", "runs.record", "runs.note_intent"),
}


def chosen(calls: list[str], kind: str) -> list[int]:
    return [number for number in points(calls) if calls[number].startswith(STRUCK[kind])]


@pytest.mark.parametrize("mode", ["before", "after"])
@pytest.mark.parametrize(
    "name",
    ["runs.claim", "runs.note_intent", "ledger.reserve", "trainer.create_job", "ledger.bill", "evaluations.conclude",
     "aftermath.take", "aftermath.clear"],
)  # fmt: skip
def test_the_same_holds_on_postgresql(postgres_url: str, tmp_path: Path, name: str, mode: Mode) -> None:
    engine = make_engine(postgres_url)
    prepared(engine, tmp_path / "files")
    lived, fate = life(engine, tmp_path, **KINDS["openai"]), Fate(name, mode)
    lived.through(fate)
    assert name in fate.calls
    check(lived, fate, fate.calls)
    engine.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_lost_at_any_call_of_the_trainer_costs_no_second_job_and_leaves_nothing(
    stage: Iterator[tuple[Path, sa.Engine]], kind: str
) -> None:
    undisturbed = Fate()
    begin(stage, kind).through(undisturbed)
    struck = points(undisturbed.calls, only="trainer.")
    assert {"trainer.create_job", "trainer.upload", "trainer.job", "trainer.delete_file"} <= {
        undisturbed.calls[number] for number in struck
    }
    for number in struck:
        fate = Fate(number, "lost", answers_lost_as)
        lived = begin(stage, kind)
        lived.through(fate)
        check(lived, fate, undisturbed.calls)
