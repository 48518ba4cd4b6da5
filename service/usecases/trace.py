"""Go back from a model, a job, a run, a file or a snapshot to the labels behind it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from service.domain.errors import CorruptFile, NotFound
from service.domain.manifests import Line
from service.domain.runs import Run
from service.domain.snapshots import SPLITS, Snapshot
from service.domain.splits import Split
from service.ports import FileStore, SnapshotStore, StoryStore

USES: Mapping[str, str] = {"train": "taught", "validation": "measured", "held_out": "asked"}
# Of a snapshot's id so much must be given.
SHORTEST_ID = 8


@dataclass(frozen=True, slots=True)
class Trace:
    """What a name leads to.

    Attributes:
        kind: ``snapshot``, ``file``, ``trainer_file``, ``job``, ``model`` or ``run``.
        splits: The parts of the snapshots that the name means: a training file has no held-out lines.
        snapshots: With their heads, but for those whose manifest is lost.
    """

    kind: str
    splits: tuple[Split, ...]
    snapshots: tuple[Snapshot, ...]
    runs: tuple[Run, ...]


def trace(name: str, *, stories: StoryStore, snapshots: SnapshotStore) -> Trace | None:
    """Find what a name means; None where it means nothing of these."""
    if runs := stories.runs_named(name):
        kind, splits = _kind_of(name, runs[0])
        ids = dict.fromkeys(run.snapshot_id for run in runs if run.snapshot_id)
        return Trace(kind, splits, tuple(_with_head(snapshots.find(found), snapshots) for found in ids), tuple(runs))
    if re.fullmatch(rf"[0-9a-f]{{{SHORTEST_ID},64}}", name) is None:
        return None
    try:
        found, kind, splits = [snapshots.find(name)], "snapshot", SPLITS
    except NotFound:
        mine = _with_file(name, snapshots)
        found, kind, splits = [item for item, _ in mine], "file", tuple(dict.fromkeys(split for _, split in mine))
    if not found:
        return None
    runs = stories.runs_of([snapshot.snapshot_id for snapshot in found])
    return Trace(kind, splits, tuple(_with_head(item, snapshots) for item in found), tuple(runs))


def labels_of(found: Trace, snapshots: SnapshotStore) -> Iterator[tuple[Snapshot, Line]]:
    """Give every line behind a name, one in memory at a time; an example's several preference lines are one.

    Raises:
        CorruptFile: The manifest of a snapshot is lost.
    """
    for snapshot in found.snapshots:
        before = None
        for line in snapshots.lines(snapshot.snapshot_id):
            if line.split in found.splits and line.key != before:
                yield snapshot, line
            before = line.key


def facts_of(found: Trace, files: FileStore) -> dict[str, Any]:
    """Give what a name leads to as JSON can hold it."""
    return {
        "kind": found.kind,
        "splits": list(found.splits),
        "runs": [run_facts(run) for run in found.runs],
        "snapshots": [
            {
                "snapshot_id": snapshot.snapshot_id,
                "pipeline": snapshot.pipeline,
                "created_at": snapshot.created_at,
                "manifest": files.location(snapshot.snapshot_id) if snapshot.head else None,
                "forgotten": len(snapshot.forgotten),
                "reasons": snapshot.head.get("reasons", {}),
                "files": {
                    split: asdict(snapshot.files[split])
                    | {"use": USES[split], "place": files.location(snapshot.files[split].sha256)}
                    for split in SPLITS
                    if split in found.splits and split in snapshot.files
                },
            }
            for snapshot in found.snapshots
        ],
    }


def run_facts(run: Run) -> dict[str, Any]:
    """Give what leads from a run to the trainer: job, models and files."""
    names = ("run_id", "pipeline", "state", "snapshot_id", "trainer", "model", "job_id", "tuned_model", "answers_as")
    facts = ("training_file", "validation_file", "result_files", "checkpoints")
    return {name: getattr(run, name) for name in names} | {name: run.fact(name) for name in facts}


def _kind_of(name: str, run: Run) -> tuple[str, tuple[Split, ...]]:
    by_file: Mapping[str, tuple[Split, ...]] = {"training_file": ("train",), "validation_file": ("validation",)}
    for fact, splits in by_file.items():
        if run.fact(fact) == name:
            return "trainer_file", splits
    if name in (run.fact("result_files") or ()):
        return "trainer_file", SPLITS
    kinds = {run.run_id: "run", run.job_id: "job"}
    return kinds.get(name, "model"), SPLITS


def _with_file(sha256: str, snapshots: SnapshotStore) -> list[tuple[Snapshot, Split]]:
    """Give the snapshots that have, or had before texts in it were forgotten, this file."""
    found = snapshots.with_file(sha256)
    if found or len(sha256) < 64:  # noqa: PLR2004 - a SHA-256 in hex
        return found
    changed = (_with_head(item, snapshots) for item in snapshots.recent(None, None) if item.forgotten)
    return [
        (item, split)
        for item in changed
        for split in SPLITS
        if item.head.get("files", {}).get(split, {}).get("sha256") == sha256
    ]


def _with_head(snapshot: Snapshot, snapshots: SnapshotStore) -> Snapshot:
    try:
        return replace(snapshot, head=snapshots.get(snapshot.snapshot_id).head)
    except CorruptFile:
        return snapshot
