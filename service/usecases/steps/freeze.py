"""Claimed -> snapshotted: freeze the examples into files named by their content."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from service.domain.budgets import TOKENS_PER_MESSAGE, TOKENS_PER_REPLY
from service.domain.contents import messages_of
from service.domain.pipelines import Pipeline
from service.domain.runs import Run, RunState, Step
from service.domain.snapshots import (
    SPLITS,
    FileEntry,
    FrozenExample,
    Snapshot,
    frozen_lines,
    manifest_of,
    snapshot_id_of,
)
from service.domain.splits import Split
from service.ports import FileStore
from service.usecases.steps.parts import Parts


def freeze(run: Run, parts: Parts) -> Step:
    """Freeze the pipeline's examples as they stand now; the same examples give the same snapshot."""
    pipeline = parts.pipeline(run.pipeline)
    with parts.examples.freeze(run.pipeline) as (watermark, found):
        manifest, files = write_files(
            pipeline, found, files=parts.files, count_tokens=lambda text: parts.count_tokens(text, run.model)
        )
    snapshot = Snapshot(
        snapshot_id_of(manifest), run.pipeline, watermark, parts.clock(), files=files, manifest=manifest
    )
    parts.snapshots.add(snapshot)
    return Step(
        RunState.SNAPSHOTTED,
        f"{files['train'].lines} training, {files['validation'].lines} validation and "
        f"{files['held_out'].lines} held-out examples frozen",
        changes={"snapshot_id": snapshot.snapshot_id, "watermark": watermark},
    )


def write_files(
    pipeline: Pipeline,
    examples: Iterator[FrozenExample],
    *,
    files: FileStore,
    count_tokens: Callable[[str], int],
) -> tuple[dict[str, Any], dict[Split, FileEntry]]:
    """Write one file a split and give the manifest with the files' entries.

    This is the one place that writes training lines: an example goes into the file of its own split and
    into no other.
    """
    listed: list[list[Any]] = []
    sizes = {split: [0, 0] for split in SPLITS}
    with ExitStack() as stack:
        writers = {split: stack.enter_context(files.writer()) for split in SPLITS}
        for example in examples:
            sizes[example.split][1] += _tokens(example, pipeline.system, count_tokens)
            for line in frozen_lines(example, system=pipeline.system, form=pipeline.form):
                writers[example.split].write(line)
                sizes[example.split][0] += 1
                digest = hashlib.sha256(line).hexdigest()
                listed.append([example.split, example.example_id, example.version, example.label_id, digest])
        entries = {split: FileEntry(*writers[split].commit(), *sizes[split]) for split in SPLITS}
    return manifest_of(pipeline.name, system=pipeline.system, form=pipeline.form, files=entries, lines=listed), entries


def _tokens(example: FrozenExample, system: str | None, count: Callable[[str], int]) -> int:
    messages = messages_of(example.content, system=system)
    losers = [text for turn in example.content for text in turn.rejected]
    # The role counts as a token of its own.
    texts = sum(count(text) + 1 for text in (*(message["content"] for message in messages), *losers))
    return texts + TOKENS_PER_MESSAGE * (len(messages) + len(losers)) + TOKENS_PER_REPLY
