"""Setting up through real processes: the sandbox on its port, the command as a person starts it, and a kill."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CONFIGURATION = """
[pipelines.p.train]
model = "gpt-4.1-mini-2025-04-14"
[pipelines.p.setup]
name = "Support chats"
webhook = "http://127.0.0.1:9/webhooks/labelbox"
[[pipelines.p.setup.questions]]
name = "summary"
type = "text"
"""
ROWS = 30


@pytest.fixture
def sandbox() -> Iterator[str]:
    command = [sys.executable, "-m", "sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        # The last word of the line that it begins with is its address.
        yield process.stdout.readline().split()[-1]
        process.terminate()


@pytest.fixture
def environment(sandbox: str, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "tuneloop.toml").write_text(CONFIGURATION)
    (tmp_path / "prompts.txt").write_text("".join(f"chat {number}\n" for number in range(ROWS)))
    known = {name: value for name, value in os.environ.items() if not name.startswith(("TUNELOOP_", "LABELBOX_"))}
    return {**known, "TUNELOOP_LABELBOX_ENDPOINT": sandbox, "LABELBOX_API_KEY": "any"}


def start(folder: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "service.cli", "labelbox", "setup", "--rows", "prompts.txt"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=folder, env=environment, **pipes)


def verbs(printed: str) -> set[str]:
    return {line.split()[0] for line in printed.splitlines() if line.startswith("  ") and not line.startswith("  Put")}


@pytest.mark.parametrize(
    "last_line", ["made             project", "made             dataset", "LABELBOX_WEBHOOK_SECRET="]
)
def test_a_setup_killed_half_way_is_completed_by_the_next(
    environment: dict[str, str], tmp_path: Path, sandbox: str, last_line: str
) -> None:
    with start(tmp_path, environment) as killed:
        assert killed.stdout is not None
        assert any(line.strip().startswith(last_line) for line in killed.stdout)
        killed.kill()

    with start(tmp_path, environment) as second:
        printed, complaints = second.communicate(timeout=60)
    assert (second.returncode, complaints) == (0, "")

    with start(tmp_path, environment | {"LABELBOX_WEBHOOK_SECRET": "00ff"}) as third:
        printed, complaints = third.communicate(timeout=60)
    assert (third.returncode, complaints) == (0, "")
    assert verbs(printed) == {"found"}

    with urllib.request.urlopen(sandbox.replace("/graphql", "/sandbox/state"), timeout=10) as answer:
        state = json.loads(answer.read())
    (project,) = state["projects"]
    assert (project["name"], project["rows"]) == ("Support chats", ROWS)
    assert len(state["webhooks"]) == 1
