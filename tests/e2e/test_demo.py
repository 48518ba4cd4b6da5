"""The demo itself, as a person starts it."""

import json
import subprocess
import sys
from pathlib import Path


def test_the_demo_closes_the_loop_and_says_so_in_json(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", "demo", "--json", "--labels", "100", "--rate", "40", "--folder", "run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    facts = json.loads(done.stdout)
    assert facts["closed"]
    assert facts["labels"] == {"approved_in_labelbox": 100, "examples_here": 100, "equal": True}
    first, second = facts["runs"]
    assert first["state"] == "promoted"
    assert first["evaluation"]["incumbent"] == "base"
    assert second["evaluation"]["incumbent"] == "champion"
    assert first["job_id"] != second["job_id"]
    assert len(facts["side_by_side"]) == 3
    lines = {path.stem: path.read_bytes().splitlines() for path in (tmp_path / "run" / "snapshot-2").glob("*.jsonl")}
    assert set(lines) == {"train", "validation", "held_out"}
    assert not set(lines["held_out"]) & set(lines["train"] + lines["validation"])


def test_a_demo_with_too_few_labels_is_refused_before_anything_starts(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", "demo", "--labels", "10"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert "--labels" in done.stderr
    assert list(tmp_path.iterdir()) == []
