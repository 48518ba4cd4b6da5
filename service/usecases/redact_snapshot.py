"""Take examples out of a snapshot's files: others hold the rest, and the manifest stays what it is (ADR 0011)."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from itertools import groupby

from service.domain.errors import CorruptFile
from service.domain.line_tokens import LineCounter
from service.domain.manifests import Line
from service.domain.snapshots import FileEntry, Snapshot, frozen_form, frozen_lines
from service.domain.splits import Split
from service.usecases.archive import Archive
from service.usecases.verify_snapshot import example_batches


def redact_snapshot(snapshot_id: str, example_ids: Collection[str], archive: Archive, *, now: datetime) -> int:
    """Write a snapshot's files anew without these examples, and let its row name the new ones.

    Nothing is deleted: the old files are loose then, see ``remove_loose_files``.

    Returns:
        The number of lines that were taken out; 0 if they are out already.

    Raises:
        CorruptFile: The manifest is lost; or a file is, and SQL no longer has all that it held.
    """
    while True:
        snapshot = archive.snapshots.find(snapshot_id)
        wanted = sorted(set(example_ids) - snapshot.forgotten)
        lines = archive.snapshots.entries(snapshot.snapshot_id, wanted) if wanted else []
        if not lines:
            return 0
        snapshot = archive.snapshots.get(snapshot.snapshot_id)
        files = dict(snapshot.files)
        for split, gone in groupby(sorted(lines, key=lambda line: line.key), key=lambda line: line.split):
            files[split] = _redacted(snapshot, split, list(gone), archive, now)
        if archive.snapshots.replace_files(snapshot, files, forgotten={line.example_id for line in lines}):
            return len(lines)


def _redacted(snapshot: Snapshot, split: Split, gone: Sequence[Line], archive: Archive, now: datetime) -> FileEntry:
    """Store a data file without these lines."""
    ids, before = {line.example_id for line in gone}, snapshot.files[split]
    with archive.files.writer() as writer:
        for line in _kept(snapshot, split, ids, archive):
            writer.write(line)
        sha256, size_bytes = writer.digest()
        archive.snapshots.expect([sha256], now=now)
        writer.commit()
    return FileEntry(
        sha256,
        size_bytes,
        lines=before.lines - len(gone),
        # Earlier releases counted fewer.
        tokens=max(0, before.tokens - _tokens(snapshot, split, gone, archive)),
        examples=None if before.examples is None else before.examples - len(ids),
    )


def _kept(snapshot: Snapshot, split: Split, gone: Collection[str], archive: Archive) -> Iterator[bytes]:
    """Give the lines of a data file that stay; built again where the file is broken."""
    listed = (line for line in archive.snapshots.lines(snapshot.snapshot_id) if line.split == split)
    held = (line for line in listed if line.example_id not in snapshot.forgotten)
    with ExitStack() as stack:
        try:
            file = stack.enter_context(archive.files.open(snapshot.files[split].sha256))
        except CorruptFile:
            yield from _built_again(snapshot, (line for line in held if line.example_id not in gone), archive)
        else:
            yield from (text for line, text in zip(held, file, strict=True) if line.example_id not in gone)


def _built_again(snapshot: Snapshot, kept: Iterator[Line], archive: Archive) -> Iterator[bytes]:
    system, form = snapshot.head["system"], snapshot.head["form"]
    for batch in example_batches(kept):
        contents = archive.snapshots.contents([(group[0].example_id, group[0].version) for group in batch])
        for first, *others in batch:
            content = contents.get((first.example_id, first.version))
            found = list(frozen_lines(content, split=first.split, system=system, form=form)) if content else []
            if [hashlib.sha256(line).hexdigest() for line in found] != [line.sha256 for line in (first, *others)]:
                raise CorruptFile(f"{first.split} of {snapshot.snapshot_id[:16]} is broken, and not all of it is known")
            yield from found


def _tokens(snapshot: Snapshot, split: Split, gone: Sequence[Line], archive: Archive) -> int:
    """Count what the examples that leave had counted for; those whose text is gone already stay counted."""
    pipeline = archive.pipelines.get(snapshot.pipeline)
    model = pipeline.train.model if pipeline else ""

    def count(text: str) -> int:
        return archive.count_tokens(text, model)

    counter = LineCounter(frozen_form(split, snapshot.head["form"]), snapshot.head["system"], count)
    contents = archive.snapshots.contents(sorted({(line.example_id, line.version) for line in gone}))
    return sum(sum(counter.lines(content)) for content in contents.values() if content)


def remove_loose_files(archive: Archive, *, until: datetime) -> int:
    """Delete the files that no snapshot names since then or longer; gives their number.

    Raises:
        FilesUnavailable: The folder or bucket refuses.
    """
    return sum(
        archive.snapshots.drop_loose(name, until=until, remove=partial(archive.files.remove, name))
        for name in archive.snapshots.loose(until=until)
    )
