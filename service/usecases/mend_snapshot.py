"""Open what a run needs of its snapshot; what is missing or damaged is built again first, where SQL still has it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import BinaryIO

from service.domain.errors import CorruptFile, FilesReplaced
from service.domain.manifests import head_of
from service.domain.snapshots import Snapshot
from service.domain.splits import Split
from service.usecases.archive import Archive
from service.usecases.verify_snapshot import verify_snapshot


def whole_snapshot(snapshot_id: str, archive: Archive, *, keep: Callable[[], object]) -> Snapshot:
    """Give a snapshot whose whole manifest was checked: nothing is trained or judged that leads back to no label.

    Args:
        snapshot_id: Its id or the beginning of it.
        archive: Where everything is.
        keep: Called again and again while something is mended.

    Raises:
        CorruptFile: The manifest is lost, and the examples are no longer what it lists.
    """
    snapshot = archive.snapshots.find(snapshot_id)
    with _mended(snapshot.snapshot_id, snapshot, archive, keep) as manifest:
        return replace(snapshot, head=head_of(manifest))


@contextmanager
def opened(snapshot: Snapshot, split: Split, archive: Archive, *, keep: Callable[[], object]) -> Iterator[BinaryIO]:
    """Open a data file.

    Args:
        snapshot: Whose.
        split: Which.
        archive: Where everything is.
        keep: Called again and again while something is mended.

    Raises:
        CorruptFile: It is broken, and SQL no longer has all that it held.
        FilesReplaced: Lines were taken out of it since the snapshot was read.
    """
    with _mended(snapshot.files[split].sha256, snapshot, archive, keep) as file:
        yield file


@contextmanager
def _mended(sha256: str, snapshot: Snapshot, archive: Archive, keep: Callable[[], object]) -> Iterator[BinaryIO]:
    with ExitStack() as stack:
        try:
            file = stack.enter_context(archive.files.open(sha256))
        except CorruptFile:
            if archive.snapshots.find(snapshot.snapshot_id).files != snapshot.files:
                raise FilesReplaced(f"snapshot {snapshot.snapshot_id[:16]} has other files now") from None
            verify_snapshot(snapshot.snapshot_id, archive, repair=True, keep=keep)
            file = stack.enter_context(archive.files.open(sha256))
        yield file
