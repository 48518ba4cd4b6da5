"""Files named by their content, through fsspec: a folder, or a bucket."""

import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, BinaryIO, cast

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from service.domain.errors import CorruptFile

CHUNK_BYTES = 1 << 20


class FsspecFileStore:
    """See ``FileStore``: ``sha256/ab/abcd...`` under the address.

    Args:
        url: A folder's path, or an address that fsspec knows: ``file:///srv/files``, ``s3://bucket/files``.
    """

    def __init__(self, url: str) -> None:
        self._system, root = url_to_fs(url)
        self._root = root.rstrip("/")

    @contextmanager
    def writer(self) -> Iterator["FsspecFileWriter"]:
        """See ``FileStore``: written under a passing name, so that a file under its own name is complete."""
        folder = f"{self._root}/incoming"
        self._system.makedirs(folder, exist_ok=True)
        path = f"{folder}/{uuid.uuid4().hex}"
        writer = FsspecFileWriter(self._system, self._root, path)
        try:
            yield writer
        finally:
            writer.discard()

    @contextmanager
    def open(self, sha256: str) -> Iterator[BinaryIO]:
        """See ``FileStore``; read once to check it, because what is trained on must be what was frozen."""
        path = _path(self._root, sha256)
        try:
            if self._hash(path) != sha256:
                raise CorruptFile(f"the file {path} has not the content it is named for")
            # Some systems find out only at the first read, which would be in the caller's hands.
            self._system.info(path)
            file = self._system.open(path, "rb")
        except FileNotFoundError as error:
            raise CorruptFile(f"the file {path} is missing") from error
        with file:
            yield cast("BinaryIO", file)

    def _hash(self, path: str) -> str:
        with self._system.open(path, "rb") as file:
            found = hashlib.sha256()
            while chunk := file.read(CHUNK_BYTES):
                found.update(chunk)
            return found.hexdigest()

    def location(self, sha256: str) -> str:
        """See ``FileStore``."""
        path = _path(self._root, sha256)
        return path if isinstance(self._system, LocalFileSystem) else str(self._system.unstrip_protocol(path))


class FsspecFileWriter:
    """See ``FileWriter``."""

    def __init__(self, system: Any, root: str, path: str) -> None:  # noqa: ANN401 - fsspec has no types
        self._system, self._root, self._path = system, root, path
        self._hash, self._size_bytes = hashlib.sha256(), 0
        self._file: IO[bytes] = system.open(path, "wb")
        self._is_stored = False

    def write(self, chunk: bytes) -> None:
        """See ``FileWriter``."""
        self._file.write(chunk)
        self._hash.update(chunk)
        self._size_bytes += len(chunk)

    def commit(self) -> tuple[str, int]:
        """See ``FileWriter``; moved over a file that is there already, because that one may be damaged."""
        if isinstance(self._system, LocalFileSystem):
            # A snapshot's row must not outlive a power cut that its file does not.
            self._file.flush()
            os.fsync(self._file.fileno())
        self._file.close()
        sha256 = self._hash.hexdigest()
        path = _path(self._root, sha256)
        self._system.makedirs(path.rpartition("/")[0], exist_ok=True)
        self._system.mv(self._path, path)
        self._is_stored = True
        return sha256, self._size_bytes

    def discard(self) -> None:
        """Remove what was written, unless it was committed."""
        if self._is_stored:
            return
        try:
            # Writes what is still in memory, for which a full disk has no room.
            self._file.close()
        finally:
            with suppress(FileNotFoundError):
                self._system.rm(self._path)


def _path(root: str, sha256: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise CorruptFile(f"{sha256[:70]!r} is no SHA-256, so no file has that name")
    return f"{root}/sha256/{sha256[:2]}/{sha256}"
