"""Open what a run needs of its snapshot; what is missing or damaged is built again first, where SQL still has it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO

from service.domain.errors import CorruptFile, FilesReplaced
from service.domain.snapshots import Snapshot
from service.domain.splits import Split
from service.usecases.archive import Archive
from service.usecases.verify_snapshot import verify_snapshot


def whole_snapshot(snapshot_id: str, archive: Archive) -> Snapshot:
    """Give a snapshot whose manifest is there: nothing is trained or judged that leads back to no label.

    Raises:
        CorruptFile: The manifest is lost, and the examples are no longer what it lists.
    """
    try:
        return archive.snapshots.get(snapshot_id)
    except CorruptFile:
        verify_snapshot(snapshot_id, archive, repair=True)
        return archive.snapshots.get(snapshot_id)


@contextmanager
def opened(snapshot: Snapshot, split: Split, archive: Archive) -> Iterator[BinaryIO]:
    """Open a data file.

    Raises:
        CorruptFile: It is broken, and SQL no longer has all that it held.
        FilesReplaced: Lines were taken out of it since the snapshot was read.
    """
    sha256 = snapshot.files[split].sha256
    with ExitStack() as stack:
        try:
            file = stack.enter_context(archive.files.open(sha256))
        except CorruptFile:
            if archive.snapshots.find(snapshot.snapshot_id).files != snapshot.files:
                raise FilesReplaced(f"snapshot {snapshot.snapshot_id[:16]} has other files now") from None
            verify_snapshot(snapshot.snapshot_id, archive, repair=True)
            file = stack.enter_context(archive.files.open(sha256))
        yield file
