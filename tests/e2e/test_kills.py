"""Any one process, killed with SIGKILL again and again while the loop runs: the same examples, one job a run."""

import json
import os
import signal
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from service.cli.demo_facts import compare_with_labelbox
from service.cli.demo_play import Scene, play_wave
from service.cli.demo_stage import PIPELINE, Stage, set_stage
from service.cli.supervisor import Supervisor
from service.domain.runs import RunState

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
