"""Where files are: a folder of this machine, or a bucket by way of fsspec. Either gets a file whole or not at all."""

import errno
import io
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import Any, BinaryIO, cast

from service.adapters.files_errors import translated
from service.adapters.private_folders import make_private
from service.domain.errors import ConfigurationError

# What a look into a file of a bucket fetches at once.
_BLOCK_BYTES = 1 << 16
# What s3fs sends and fetches at once of a large file; its own would be half a gibibyte. Five mebibytes is S3's least.
_PART_BYTES, _PARTS_AT_ONCE = 8 << 20, 4
S3 = ("s3", "s3a")
S3_OPTIONS = {"default_block_size": _PART_BYTES, "max_concurrency": _PARTS_AT_ONCE}


class Folder:
    """A folder: files are written under a passing name in ``incoming`` and then renamed."""

    def __init__(self, root: str) -> None:
        self._root, self._incoming = Path(root), Path(root, "incoming")

    @contextmanager
    def incoming(self) -> Iterator[BinaryIO]:
        """Open a new file; it is removed at the end unless it was put somewhere."""
        make_private(self._incoming)
        path = self._incoming / uuid.uuid4().hex
        file = path.open("x+b")
        try:
            yield file
        finally:
            path.unlink(missing_ok=True)
            # What is still in memory has no room on a full disk, and is not wanted any more.
            with suppress(OSError):
                file.close()

    def put(self, file: BinaryIO, path: str) -> None:
        """Give a new file its name."""
        file.flush()
        # A snapshot's row must not outlive a power cut that its file does not.
        os.fsync(file.fileno())
        folder = Path(path).parent
        make_private(folder)
        os.replace(file.name, path)  # noqa: PTH105 - the file knows its name as a text
        # Nor may its name be lost, which its folder holds, or a new folder's, which those above it hold.
        for holder in (folder, *takewhile(self._root.parent.__ne__, folder.parents)):
            _sync(holder)

    @contextmanager
    def fetched(self, path: str) -> Iterator[BinaryIO]:
        """Open a file that stays what it is, whoever puts another one there meanwhile."""
        with Path(path).open("rb") as file:
            yield file

    peeked = fetched

    def name_of(self, path: str) -> str:
        """Say where it is, for people."""
        return path

    def remove(self, path: str) -> None:
        """Delete a file that may be gone."""
        Path(path).unlink(missing_ok=True)

    def check(self) -> None:
        """Write and remove a small file, unless the folder is still to be made: looking makes none."""
        if self._root.exists():
            with self.incoming() as file:
                file.write(b"tuneloop")
                file.flush()

    def forget_incoming(self, before: datetime) -> int:
        """Remove what was begun before this and never put."""
        removed = 0
        for path in self._incoming.glob("*"):
            # Somebody else may be sweeping too.
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before.timestamp():
                    path.unlink()
                    removed += 1
        return removed


class Bucket:
    """Any other file system: files are written to a nameless file of this machine and sent in one piece.

    An object appears when all of it has arrived, in S3, GCS and Azure alike. The local file goes with its process.

    Args:
        system: As fsspec gives it.
        root: The path in it.
        open_files: Where this machine gives open files a name, because nameless ones are handed to fsspec.

    Raises:
        ConfigurationError: There is no such place: only Linux has one.
    """

    def __init__(self, system: Any, root: str, *, open_files: str = "/proc/self/fd") -> None:  # noqa: ANN401 - fsspec has no types
        if not Path(open_files).is_dir():
            remedy = "Run on Linux with /proc mounted, or let TUNELOOP_FILES_URL name a folder."
            raise ConfigurationError(f"TUNELOOP_FILES_URL: a bucket needs {open_files} here", remedy=remedy)
        self._system, self._root, self._open_files = system, root, open_files

    @contextmanager
    def incoming(self) -> Iterator[BinaryIO]:
        """Open a nameless file."""
        with tempfile.TemporaryFile() as file:
            yield file

    def put(self, file: BinaryIO, path: str) -> None:
        """Send a file."""
        file.flush()
        parts = {"chunksize": _PART_BYTES} if S3[0] in self._system.protocol else {}
        self._system.put_file(self._name_of(file), path, **parts)

    @contextmanager
    def fetched(self, path: str) -> Iterator[BinaryIO]:
        """Fetch a file once: what is checked is then what is read, and the network fails here or not at all."""
        with tempfile.TemporaryFile() as file:
            self._system.get_file(path, self._name_of(file))
            yield file

    @contextmanager
    def peeked(self, path: str) -> Iterator[BinaryIO]:
        """Open a file whose blocks are fetched when they are read."""
        blocks = io.BufferedReader(_Blocks(self._system, path, self._system.size(path)), _BLOCK_BYTES)
        with blocks:
            yield cast("BinaryIO", blocks)

    def remove(self, path: str) -> None:
        """Delete a file that may be gone."""
        with suppress(FileNotFoundError):
            self._system.rm_file(path)

    def name_of(self, path: str) -> str:
        """Say where it is, for people."""
        return str(self._system.unstrip_protocol(path))

    def check(self) -> None:
        """Write, read and remove a small file."""
        path = f"{self._root}/incoming/{uuid.uuid4().hex}"
        self._system.pipe_file(path, b"tuneloop")
        self._system.cat_file(path)
        self._system.rm_file(path)

    def forget_incoming(self, before: datetime) -> int:  # noqa: ARG002 - a folder's signature
        """Do nothing: what was begun here is nowhere."""
        return 0

    def _name_of(self, file: BinaryIO) -> str:
        """Name an open file that has no name: fsspec wants one, and what has one outlives a killed process."""
        return f"{self._open_files}/{file.fileno()}"


class _Blocks(io.RawIOBase):
    """The bytes of a file that is far away."""

    def __init__(self, system: Any, path: str, size_bytes: int) -> None:  # noqa: ANN401 - fsspec has no types
        super().__init__()
        self._system, self._path, self._size_bytes, self._at = system, path, size_bytes, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size_bytes}[whence]
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        end = min(self._at + len(buffer), self._size_bytes)
        if self._at >= end:
            return 0
        with translated(self._path):
            found = self._system.cat_file(self._path, start=self._at, end=end)
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)


def _sync(folder: Path) -> None:
    """Have the names in a folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Folders that a virtual machine shares with its host know no such thing.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)
