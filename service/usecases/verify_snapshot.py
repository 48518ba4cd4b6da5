"""Check a snapshot down to the last line, and build again what is broken."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import groupby, islice
from typing import Any, Literal

from service.domain.contents import Content, content_hash_of
from service.domain.errors import CorruptFile
from service.domain.manifests import Line
from service.domain.snapshots import SPLITS, Snapshot, frozen_lines
from service.domain.splits import Split
from service.ports import FileStore
from service.usecases.archive import Archive

State = Literal["whole", "rebuilt", "rebuildable", "erased", "lost"]
Name = Literal["manifest", "train", "validation", "held_out"]
_BATCH = 500
# So many lines that cannot be built again are named; the others are counted.
NAMED = 20
FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True)
class FileCheck:
    """How a file of a snapshot stands.

    Attributes:
        state: ``whole``, or what became or can become of a broken one; ``erased`` lacks only what was forgotten.
        was: How it was found, where it was not whole.
    """

    name: Name
    sha256: str
    state: State
    was: Literal["missing", "damaged"] | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A line that SQL cannot give again: ``unknown_version``, ``forgotten``, or a text that ``differs``."""

    split: Split
    example_id: str
    version: int
    label_id: str | None
    reason: str


@dataclass(slots=True)
class Verified:
    """What a verification found.

    Attributes:
        files: The manifest and the data files.
        lines: How many lines of the manifest were built again and compared; None where there is no manifest.
        gaps: How many could not, by split and reason.
        first_gaps: The first of them, but for those that were taken out of the files on purpose.
        not_taken_out: Lines whose text was forgotten and that a file still holds: somebody was interrupted.
    """

    snapshot: Snapshot
    files: list[FileCheck]
    lines: int | None = None
    gaps: Counter[tuple[Split, str]] = field(default_factory=Counter)
    first_gaps: list[Gap] = field(default_factory=list)
    not_taken_out: Counter[Split] = field(default_factory=Counter)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is lost: what was forgotten on purpose is not."""
        states, reasons = {file.state for file in self.files}, {reason for _, reason in self.gaps}
        return states <= {"whole", "rebuilt", "erased"} and reasons <= {FORGOTTEN} and not self.not_taken_out


def verify_snapshot(
    snapshot_id: str, archive: Archive, *, repair: bool = False, keep: Callable[[], object] = lambda: None
) -> Verified:
    """Check every file's hash and every line against the text that SQL has for it.

    Args:
        snapshot_id: Its id or the beginning of it.
        archive: Where everything is.
        repair: Whether to store what could be built again; never under a hash that it has not.
        keep: Called again and again while it goes on.
    """
    snapshot = archive.snapshots.find(snapshot_id)
    names: dict[Name, str] = {"manifest": snapshot.snapshot_id}
    found = []
    for name, sha256 in (names | {split: snapshot.files[split].sha256 for split in SPLITS}).items():
        keep()
        found.append(_check(name, sha256, archive.files))
    if found[0].was is not None:
        found = _build_anew(snapshot, archive, found, repair=repair, keep=keep)
    if found[0].state not in {"whole", "rebuilt"}:
        return Verified(snapshot, found)
    verified = Verified(archive.snapshots.get(snapshot.snapshot_id), found, lines=0)
    _replay(verified, archive, repair=repair, keep=keep)
    return verified


def _check(name: Name, sha256: str, files: FileStore) -> FileCheck:
    try:
        with files.open(sha256):
            return FileCheck(name, sha256, "whole")
    except CorruptFile as error:
        return FileCheck(name, sha256, "lost", was="missing" if error.is_missing else "damaged")


def _build_anew(
    snapshot: Snapshot, archive: Archive, found: list[FileCheck], *, repair: bool, keep: Callable[[], object]
) -> list[FileCheck]:
    """Freeze the examples again: while they and the configuration are what they were, that gives the same snapshot."""
    pipeline = archive.pipelines.get(snapshot.pipeline)
    if pipeline is None:
        return found
    only = snapshot.snapshot_id if repair else ""
    _, built = archive.build(pipeline, model=pipeline.train.model, only=only, keep=keep)
    if built.snapshot_id != snapshot.snapshot_id:
        return found
    state: State = "rebuilt" if repair else "rebuildable"
    return [replace(file, state=state) if file.was else file for file in found]


def _replay(verified: Verified, archive: Archive, *, repair: bool, keep: Callable[[], object]) -> None:
    """Build every line again and compare; where a file is broken and all its lines are proven, put it back."""
    head, broken = verified.snapshot.head, {file.name: file for file in verified.files if file.state == "lost"}
    lines = archive.snapshots.lines(verified.snapshot.snapshot_id)
    with ExitStack() as stack:
        writers = {name: stack.enter_context(archive.files.writer()) for name in broken if repair}
        hashes = {split: hashlib.sha256() for split in SPLITS}
        for batch in example_batches(lines):
            keep()
            contents = archive.snapshots.contents([(group[0].example_id, group[0].version) for group in batch])
            for group in batch:
                for line in _again(group, contents, head, verified):
                    hashes[group[0].split].update(line)
                    if group[0].split in writers:
                        writers[group[0].split].write(line)
        for name, file in broken.items():
            if name != "manifest" and hashes[name].hexdigest() == file.sha256:
                if repair:
                    writers[name].commit()
                broken[name] = replace(file, state="rebuilt" if repair else "rebuildable")
            elif {reason for (split, reason) in verified.gaps if split == name} == {FORGOTTEN}:
                broken[name] = replace(file, state="erased")
    verified.files = [broken.get(file.name, file) for file in verified.files]


def example_batches(lines: Iterable[Line]) -> Iterator[list[list[Line]]]:
    """Give a manifest's lines by example, some hundred examples at a time."""
    groups = (list(group) for _, group in groupby(lines, key=lambda line: line.key))
    while batch := list(islice(groups, _BATCH)):
        yield batch


def _again(
    group: list[Line], contents: Mapping[tuple[str, int], Content], head: Mapping[str, Any], verified: Verified
) -> list[bytes]:
    """Build an example's lines again; none where they are not those that the manifest lists, which is noted."""
    first = group[0]
    if first.example_id in verified.snapshot.forgotten:
        verified.gaps[first.split, FORGOTTEN] += len(group)
        return []
    content = contents.get((first.example_id, first.version))
    if content:
        found = list(frozen_lines(content, split=first.split, system=head["system"], form=head["form"]))
        same = [hashlib.sha256(line).hexdigest() for line in found] == [line.sha256 for line in group]
        if same and first.content_hash in {"", content_hash_of(content)}:
            verified.lines = (verified.lines or 0) + len(found)
            return found
    reason = "unknown_version" if content is None else "differs" if content else FORGOTTEN
    verified.gaps[first.split, reason] += len(group)
    if reason == FORGOTTEN and any(file.name == first.split and file.was is None for file in verified.files):
        verified.not_taken_out[first.split] += len(group)
    if len(verified.first_gaps) < NAMED:
        verified.first_gaps.append(Gap(first.split, first.example_id, first.version, first.label_id, reason))
    return []
