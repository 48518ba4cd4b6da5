"""Snapshots and the files they are in."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, BinaryIO, Protocol

from service.domain.contents import Content
from service.domain.manifests import Line
from service.domain.snapshots import FileEntry, Snapshot
from service.domain.splits import Split


class SnapshotStore(Protocol):
    """The snapshots; their manifests are files."""

    def add(self, snapshot: Snapshot) -> None:
        """Remember a snapshot whose files and manifest are stored; a second time changes nothing."""

    def find(self, snapshot_id: str) -> Snapshot:
        """Give a snapshot by its id or the beginning of it, without its head: also where its manifest is lost."""

    def get(self, snapshot_id: str) -> Snapshot:
        """Give a snapshot with its head by its id or the beginning of it; CorruptFile where its manifest is lost."""

    def lines(self, snapshot_id: str) -> Iterator[Line]:
        """Give what the manifest lists, one line in memory at a time, sorted; CorruptFile before the first line."""

    def recent(self, pipeline: str | None, limit: int | None) -> list[Snapshot]:
        """Give the newest snapshots first, without their heads; None is all."""

    def holding(self, pipeline: str, example_id: str) -> list[Mapping[str, Any]]:
        """Give each line that an example has in a pipeline's snapshots: which version, in which split."""

    def contents(self, versions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Content]:
        """Give what examples said in these versions; a forgotten text is empty, an unknown version is left out."""

    def entries(self, snapshot_id: str, example_ids: Iterable[str]) -> list[Line]:
        """Give what a manifest, checked, lists of these examples; CorruptFile where it is lost."""

    def with_file(self, sha256: str) -> list[tuple[Snapshot, Split]]:
        """Give the snapshots that this is a data file of, without their heads, and which; oldest first."""

    def replace_files(
        self, snapshot: Snapshot, files: Mapping[Split, FileEntry], *, forgotten: Collection[str]
    ) -> bool:
        """Say that other files hold a snapshot's lines now, without those of these examples; the old ones are loose.

        False if somebody else said so since the snapshot was read; then nothing is changed.
        """

    def expect(self, names: Collection[str], *, now: datetime) -> None:
        """Note that these files are about to be written for what is not here yet: until it is they are loose."""

    def loose(self, *, until: datetime) -> list[str]:
        """Give the files that are loose since then or longer: that no snapshot names (any more)."""

    def drop_loose(self, name: str, *, until: datetime, remove: Callable[[], object]) -> bool:
        """Remove a file, unless it is no longer loose since then: whoever wants to write it meanwhile waits."""


class FileStore(Protocol):
    """Files named by the SHA-256 of their content."""

    def writer(self) -> AbstractContextManager["FileWriter"]:
        """Open a file to be named by its content when it is complete; nothing is left if it is not."""

    def open(self, sha256: str) -> AbstractContextManager[BinaryIO]:
        """Open a stored file whose content was checked; CorruptFile if it is missing or damaged."""

    def peek(self, sha256: str) -> AbstractContextManager[BinaryIO]:
        """Open a stored file to read little of it, unchecked; CorruptFile if it is missing.

        For what is shown and never trained on: checking a manifest reads as many bytes as its dataset has lines.
        """

    def scratch(self) -> AbstractContextManager[BinaryIO]:
        """Open a nameless file that is gone at the end of the block, or with the process."""

    def location(self, sha256: str) -> str:
        """Say where a file is, for people."""

    def remove(self, sha256: str) -> None:
        """Delete a file; one that is gone is no error."""


class FileWriter(Protocol):
    """A file being written."""

    def write(self, chunk: bytes) -> None:
        """Append bytes."""

    def digest(self) -> tuple[str, int]:
        """Give hash and size in bytes of what was written so far."""

    def commit(self) -> tuple[str, int]:
        """Store the file under its hash; give hash and size in bytes."""
