"""Freeze examples into files named by their content: the one place that writes training lines."""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO

from service.domain.leaks import LEAK, HeldOutGuard
from service.domain.line_tokens import LineCounter
from service.domain.manifests import SEPARATOR, Line, entry_of, manifest_of
from service.domain.pipelines import Pipeline
from service.domain.snapshots import SPLITS, FileEntry, FrozenExample, configuration_of, frozen_form, frozen_lines
from service.domain.splits import Split
from service.ports import FileStore, FileWriter

DUPLICATE, NO_LINE = "exact_duplicate", "no_line"
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Built:
    """A snapshot that was built.

    Attributes:
        files: The data files; the manifest is stored under the snapshot's id.
        head: The manifest without its lines.
    """

    snapshot_id: str
    files: Mapping[Split, FileEntry]
    head: Mapping[str, Any]


def write_files(
    pipeline: Pipeline,
    examples: Iterable[FrozenExample],
    *,
    files: FileStore,
    count_tokens: Callable[[str], int],
    encoding: str,
    duplicates: Collection[str] = (),
    noted: Mapping[str, int] | None = None,
    only: str | None = None,
    expect: Callable[[Collection[str]], object] = len,
) -> Built:
    """Write one file a split, and the manifest, one example in memory at a time.

    An example goes into the file of its own split and into no other; one that shares group, prompt or near-duplicates
    with anything held out goes into none, whatever its row says.

    Args:
        pipeline: Whose system text, form and policies shape the lines.
        examples: Sorted by split and example id, so that what is held out comes first.
        files: Where to.
        count_tokens: For what comes without its tokens: see ``_Part``; and for the system text.
        encoding: By whose tokens that counts.
        duplicates: Content hashes that occur more than once; each is written once.
        noted: Number of examples for each reason that was found elsewhere and keeps nothing out.
        only: Store nothing unless the snapshot has this id.
        expect: Told the names of all files before the first one is stored.

    Raises:
        SnapshotRefused: The examples are not sorted.
    """
    with ExitStack() as stack:
        entries = stack.enter_context(files.scratch())
        parts = {split: _part(stack.enter_context(files.writer()), pipeline, split, count_tokens) for split in SPLITS}
        reasons = _write(pipeline, examples, parts, entries, frozenset(duplicates))
        found = {split: part.entry() for split, part in parts.items()}
        head = {
            "pipeline": pipeline.name,
            "system": pipeline.system,
            "form": pipeline.form,
            "configuration": configuration_of(pipeline, encoding=encoding),
            "reasons": dict(sorted((reasons + Counter(noted or {})).items())),
            "counts": {split: {"examples": file.examples, "lines": file.lines} for split, file in found.items()},
            "tokens": {split: file.tokens for split, file in found.items()},
            "files": {split: {"sha256": file.sha256, "file_bytes": file.file_bytes} for split, file in found.items()},
        }
        manifest = stack.enter_context(files.writer())
        entries.seek(0)
        for piece in manifest_of(head, iter(partial(entries.read, _PIECE_BYTES), b"")):
            manifest.write(piece)
        snapshot_id, _ = manifest.digest()
        if only in {None, snapshot_id}:
            expect([snapshot_id, *(file.sha256 for file in found.values())])
            for writer in (*(part.writer for part in parts.values()), manifest):
                writer.commit()
        return Built(snapshot_id, found, head)


@dataclass(slots=True)
class _Part:
    """The file of one split while it is written.

    Attributes:
        trusts: Whether the tokens that examples come with are those of these lines.
    """

    writer: FileWriter
    counter: LineCounter
    trusts: bool
    examples: int = 0
    lines: int = 0
    tokens: int = 0

    def add(self, example: FrozenExample, lines: int) -> None:
        self.examples += 1
        self.lines += lines
        if example.tokens is None or not self.trusts:
            self.tokens += sum(self.counter.lines(example.content))
        else:
            self.tokens += example.tokens + self.counter.opening * lines

    def entry(self) -> FileEntry:
        return FileEntry(*self.writer.digest(), lines=self.lines, tokens=self.tokens, examples=self.examples)


def _part(writer: FileWriter, pipeline: Pipeline, split: Split, count: Callable[[str], int]) -> _Part:
    form, system = frozen_form(split, pipeline.form), pipeline.system
    # They come with the tokens of the pipeline's form, which held-out lines do not have; in a completion's prompt the
    # system text cannot be told apart, and it may have been another one then.
    trusts = form == pipeline.form and not (form == "completion" and system)
    return _Part(writer, LineCounter(form, system, count), trusts)


@dataclass(slots=True)
class _Gate:
    """Says why an example does not enter its file; None where it does."""

    duplicates: Collection[str]
    guard: HeldOutGuard
    seen: set[str] = field(default_factory=set)

    def reason(self, example: FrozenExample) -> str | None:
        if not self.guard.admits(example):
            return LEAK
        if example.content_hash in self.duplicates:
            if example.content_hash in self.seen:
                return DUPLICATE
            self.seen.add(example.content_hash)
        return None


def _write(
    pipeline: Pipeline,
    examples: Iterable[FrozenExample],
    parts: Mapping[Split, _Part],
    entries: BinaryIO,
    duplicates: Collection[str],
) -> Counter[str]:
    """Write the lines of every example that may be written, and list them; give the reasons for the others."""
    gate, reasons, before = (
        _Gate(duplicates, HeldOutGuard(by_cluster=pipeline.dataset.near_duplicates < 1)),
        Counter[str](),
        b"",
    )
    system, form = pipeline.system, pipeline.form
    for example in examples:
        if (reason := gate.reason(example)) is not None:
            reasons[reason] += 1
            continue
        part, written = parts[example.split], 0
        for line in frozen_lines(example.content, split=example.split, system=system, form=form):
            part.writer.write(line)
            entries.write(before + _entry(example, line))
            before, written = SEPARATOR, written + 1
        if not written:
            reasons[NO_LINE] += 1
            continue
        part.add(example, written)
    return reasons


def _entry(example: FrozenExample, line: bytes) -> bytes:
    sha256 = hashlib.sha256(line).hexdigest()
    return entry_of(
        Line(example.split, example.example_id, example.version, example.label_id, example.content_hash, sha256)
    )
