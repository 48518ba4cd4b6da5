"""Forgetting that is killed at any point: the next one completes it."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from redis import Redis

from service.adapters.sql_engine import make_engine
from service.domain.runs import RunState
from service.usecases.forget import forget
from service.usecases.verify_snapshot import verify_snapshot
from tests.support.erasing import Installation, marker_of


class Killed(BaseException):
    """What no code of ours catches."""


class Fragile:
    """Stands before a part and dies at a chosen call that writes: after everything up to the one before it.

    Args:
        part: What does the work.
        calls: Counts the calls of all parts together.
        dies_at: The number of the call; None never.
    """

    def __init__(self, part: Any, calls: "count[int]", dies_at: int | None) -> None:  # noqa: ANN401 - any port
        self._part, self._calls, self._dies_at = part, calls, dies_at

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any method
        found = getattr(self._part, name)
        if not callable(found) or name not in WRITES:
            return found

        def call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - any method
            if next(self._calls) == self._dies_at:
                raise Killed(name)
            return found(*arguments, **options)

        return call


WRITES = {
    "bury", "withdraw", "erase", "erase_answers", "erase_quotes", "erase_letters", "scrub", "expect",
    "replace_files", "tidy", "remove", "rewrite", "compact",
}  # fmt: skip


@pytest.fixture
def here(sqlite_engine: sa.Engine, redis: Redis, tmp_path: Path) -> Installation:
    made = Installation(sqlite_engine, redis, tmp_path / "data")
    for number in range(45):
        made.label(number)
    made.desk.convert()
    made.shop.go(made.shop.train())
    # Another snapshot, whose held-out file is the same.
    made.label(made.row_in("train"), version="two")
    made.desk.convert()
    made.shop.go(made.shop.start(), RunState.SNAPSHOTTED)
    return made


def copies(here: Installation, tmp_path: Path) -> Iterator[Installation]:
    """Give the installation as it is now again and again; Redis is shared, and not what is killed here."""
    here.engine.dispose()
    database = Path(str(here.engine.url.database))
    for number in count():
        folder = tmp_path / f"copy-{number}"
        shutil.copytree(here.folder, folder)
        shutil.copyfile(database, folder / "tuneloop.db")
        engine = make_engine(f"sqlite:///{folder / 'tuneloop.db'}")
        made = Installation(engine, here.redis, folder, clock=replace_clock(here))
        made.shop.trainer = here.shop.trainer
        yield made
        engine.dispose()
        shutil.rmtree(folder)


class EmptyInbox:
    """Redis is not copied; what it does stands in ``test_redis_inbox``."""

    def rewrite(self, _change: object) -> int:
        return 0

    def compact(self) -> bool:
        return True


def replace_clock(here: Installation) -> Any:  # noqa: ANN401 - a ManualClock
    return type(here.clock)(here.clock.now)


def killed_at(copy: Installation, dies_at: int | None, rows: list[str]) -> int:
    """Forget with parts that die at a call; give the number of calls until the end."""
    calls = count(1)
    whole = copy.erasing
    archive = replace(
        whole.archive,
        snapshots=Fragile(whole.archive.snapshots, calls, dies_at),
        files=Fragile(whole.archive.files, calls, dies_at),
    )
    parts = replace(
        whole,
        archive=archive,
        erasures=Fragile(whole.erasures, calls, dies_at),
        inbox=lambda: Fragile(EmptyInbox(), calls, dies_at),
    )
    forget(rows, parts, by="jane")
    return next(calls) - 1


def test_whenever_it_is_killed_the_next_one_completes_it(here: Installation, tmp_path: Path) -> None:
    numbers = [here.row_in("train"), here.row_in("held_out")]
    rows = [f"row-{number:03}" for number in numbers]
    markers = [marker_of(number) for number in numbers]
    made = copies(here, tmp_path)
    most = killed_at(next(made), None, rows)
    assert most >= 15
    for dies_at in range(1, most + 1):
        copy = next(made)
        with pytest.raises(Killed):
            killed_at(copy, dies_at, rows)
        report = forget(rows, replace(copy.erasing, inbox=EmptyInbox), by="jane")
        assert report.left == []
        assert [place for place in copy.traces(markers) if not place.startswith("redis")] == [], dies_at
        for snapshot in copy.shop.snapshots.recent(None, None):
            found = verify_snapshot(snapshot.snapshot_id, copy.shop.archive)
            assert found.is_whole
            assert {file.state for file in found.files} == {"whole"}
        assert loose_count(copy) == 0


def loose_count(copy: Installation) -> int:
    return len(copy.shop.snapshots.loose(until=copy.clock.forward(1)))
