"""Any one process, killed with SIGKILL again and again while the loop runs: the same examples, one job a run."""

import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest
import sqlalchemy as sa

from service.adapters.sql_tables import exports
from service.cli.demo_facts import compare_with_labelbox
from service.cli.demo_play import Scene, play_wave
from service.cli.demo_stage import PIPELINE, Stage, set_stage
from service.cli.supervisor import Supervisor
from service.domain.exports import OPEN, Export, ExportState
from service.domain.runs import RunState

T = TypeVar("T")
PATIENCE_S = 90.0
LABELS = 60
KILL_EVERY_S = 2.5
KILLS = 5


@pytest.fixture
def theatre(tmp_path: Path) -> Iterator[tuple[Stage, Supervisor]]:
    supervisor = Supervisor(tmp_path / "logs", lambda _line: None)
    try:
        yield set_stage(tmp_path, supervisor, seed=11, rows=100, threshold=50), supervisor
    finally:
        supervisor.stop()


@pytest.mark.parametrize("victim", ["web", "worker-1", "valkey", "schedule", "trainer"])
def test_killing_a_process_at_any_moment_ends_in_the_same_examples_and_one_job(
    theatre: tuple[Stage, Supervisor], victim: str
) -> None:
    stage, supervisor = theatre
    kills: list[float] = []

    def kill_now_and_then(_scene: Scene) -> None:
        # Five times, so that the kills fall into different steps of the loop, and not for ever.
        due = not kills or time.monotonic() - kills[-1] > KILL_EVERY_S
        if due and len(kills) < KILLS:
            kill_with_children(supervisor.pid(victim))
            kills.append(time.monotonic())

    play_wave(stage, supervisor, wave=1, labels=LABELS, rate=15.0, show=kill_now_and_then)

    assert len(kills) >= 3
    assert compare_with_labelbox(stage)["equal"]
    runs = stage.deps.runs.recent(PIPELINE, 10)
    assert [run.state for run in runs] == [RunState.PROMOTED]
    assert jobs_at(stage) == [runs[0].job_id]
    assert stage.deps.letters.open(10) == []


SLOW_EXPORT_S = 5


@pytest.mark.parametrize("kind", ["rows", "window"])
def test_an_export_outlives_its_worker(theatre: tuple[Stage, Supervisor], kind: str) -> None:
    """Whoever comes next goes on with the same task at Labelbox, and never does a second export of ours run."""
    stage, supervisor = theatre
    stage.sandbox.call("faults", {"export_delay_s": SLOW_EXPORT_S})
    stage.sandbox.call("labelers", {"project": stage.project, "approve": 5, "rate": 20.0})
    victim = wait_for(supervisor, lambda: running(stage, kind))
    for name in ("worker-1", "worker-2"):
        kill_with_children(supervisor.pid(name))
    heir = wait_for(supervisor, lambda: ended(stage, victim.export_id))
    assert (heir.state, heir.task_id) == (ExportState.READ, victim.task_id)
    assert heir.turns > victim.turns

    stage.sandbox.call("faults", {"export_delay_s": 0})
    wait_for(supervisor, lambda: compare_with_labelbox(stage)["equal"] or None)
    wait_for(supervisor, lambda: stage.deps.inbox.depth() == 0 or None)
    assert stage.deps.letters.open(10) == []
    counted = stage.sandbox.call("state")["projects"][0]["exports"]
    assert (counted["most_running"], counted["started"]) == (1, tasks_of(stage))


def running(stage: Stage, kind: str) -> Export | None:
    """Give the export that waits for Labelbox."""
    with stage.deps.engine.connect() as connection:
        mine = sa.select(exports.c.export_id).where(exports.c.state == "running", exports.c.kind == kind)
        export_id = connection.scalar(mine.where(exports.c.task_id.is_not(None)))
    return stage.deps.export_store.get(export_id) if export_id else None


def ended(stage: Stage, export_id: str) -> Export | None:
    export = stage.deps.export_store.get(export_id)
    return None if export.state in OPEN else export


def tasks_of(stage: Stage) -> int:
    """Count the tasks that were asked for: one an export, for none was asked for twice."""
    with stage.deps.engine.connect() as connection:
        asked = sa.select(sa.func.count()).select_from(exports).where(exports.c.task_id.is_not(None))
        return int(connection.scalar(asked) or 0)


def wait_for(supervisor: Supervisor, find: Callable[[], T | None]) -> T:
    end_s = time.monotonic() + PATIENCE_S
    while (found := find()) is None:
        assert time.monotonic() < end_s, "it did not come about"
        supervisor.mend()
        time.sleep(0.1)
    return found


def kill_with_children(pid: int) -> None:
    """Kill a process and, for a worker, the job that it just forked: what a lost machine looks like."""
    children: list[int] = []
    with suppress(OSError):
        children = [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    for each in [pid, *children]:
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def jobs_at(stage: Stage) -> list[str]:
    trainer = stage.deps.settings.trainers["local"]
    assert trainer.api_key is not None
    request = urllib.request.Request(
        f"{trainer.base_url}/fine_tuning/jobs?limit=100",
        headers={"Authorization": f"Bearer {trainer.api_key.get_secret_value()}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return [job["id"] for job in json.load(answer)["data"]]
