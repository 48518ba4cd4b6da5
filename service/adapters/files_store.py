"""Files named by their content, through fsspec: a folder, or a bucket."""

import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import BinaryIO, cast

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from service.adapters.files_errors import is_no_file, translated
from service.adapters.files_places import S3, S3_OPTIONS, Bucket, Folder
from service.adapters.files_scratch import scratch
from service.domain.errors import ConfigurationError, CorruptFile

_PIECE_BYTES = 1 << 20
_PACKAGES = {**dict.fromkeys(S3, "'tuneloop[s3]'"), "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs"}
_PACKAGES |= {"abfs": "adlfs", "abfss": "adlfs"}


class FsspecFileStore:
    """See ``FileStore``: ``sha256/ab/abcd...`` under the address.

    Args:
        url: A folder's path, or an address that fsspec knows: ``file:///srv/files``, ``s3://bucket/files``.

    Raises:
        ConfigurationError: No address that fsspec knows, or the package for it is not installed.
    """

    def __init__(self, url: str) -> None:
        scheme = url.partition("://")[0]
        try:
            # Listings are not cached: other processes write too.
            system, root = url_to_fs(url, use_listings_cache=False, **(S3_OPTIONS if scheme in S3 else {}))
        except ImportError as error:
            remedy = f"pip install {_PACKAGES.get(scheme, 'the package that it names')}"
            raise ConfigurationError(f"TUNELOOP_FILES_URL: {error}", remedy=remedy) from error
        except ValueError as error:
            remedy = "Give a folder, or an address that fsspec knows: s3://bucket/folder."
            raise ConfigurationError(f"TUNELOOP_FILES_URL: {error}", remedy=remedy) from error
        self._root = root.rstrip("/")
        self._place = Folder(self._root) if isinstance(system, LocalFileSystem) else Bucket(system, self._root)

    @contextmanager
    def writer(self) -> Iterator["FsspecFileWriter"]:
        """See ``FileStore``: put under its own name once it is complete, so that no half file ever has one."""
        with ExitStack() as stack:
            with translated(self._root):
                file = stack.enter_context(self._place.incoming())
            yield FsspecFileWriter(self._place, self._root, file)

    @contextmanager
    def open(self, sha256: str) -> Iterator[BinaryIO]:
        """See ``FileStore``; read once to check it, because what is trained on must be what was frozen."""
        path = _path(self._root, sha256)
        with ExitStack() as stack:
            with translated(path), _missing_is_corrupt(path):
                file = stack.enter_context(self._place.fetched(path))
                if hashlib.file_digest(cast("io.BufferedReader", file), "sha256").hexdigest() != sha256:
                    raise CorruptFile(f"the file {path} has not the content it is named for")
                file.seek(0)
            yield file

    @contextmanager
    def peek(self, sha256: str) -> Iterator[BinaryIO]:
        """See ``FileStore``; of a bucket only the blocks that are read are fetched."""
        path = _path(self._root, sha256)
        with ExitStack() as stack:
            with translated(path), _missing_is_corrupt(path):
                file = stack.enter_context(self._place.peeked(path))
            yield file

    @contextmanager
    def scratch(self) -> Iterator[BinaryIO]:
        """See ``FileStore``; in the system's folder for temporary files (TMPDIR)."""
        with scratch(_PIECE_BYTES) as file:
            yield file

    def location(self, sha256: str) -> str:
        """See ``FileStore``."""
        return self._place.name_of(_path(self._root, sha256))

    def remove(self, sha256: str) -> None:
        """See ``FileStore``."""
        path = _path(self._root, sha256)
        with translated(path):
            self._place.remove(path)

    def check(self) -> str:
        """Write, read and remove a small file; give the place in words.

        Raises:
            FilesUnavailable: One of the three is refused.
        """
        with translated(self._root):
            self._place.check()
        return self._place.name_of(self._root)

    def forget_incoming(self, *, before: datetime) -> int:
        """Remove what killed processes left half written before this; give the number of files."""
        with translated(self._root):
            return self._place.forget_incoming(before)


class FsspecFileWriter:
    """See ``FileWriter``."""

    def __init__(self, place: Folder | Bucket, root: str, file: BinaryIO) -> None:
        self._place, self._root, self._file = place, root, file
        self._hash, self._size_bytes = hashlib.sha256(), 0
        self._pending: list[bytes] = []
        self._pending_bytes = 0

    def write(self, chunk: bytes) -> None:
        """See ``FileWriter``; hashed and written by the mebibyte: a dataset is a million small lines."""
        self._pending.append(chunk)
        self._pending_bytes += len(chunk)
        if self._pending_bytes >= _PIECE_BYTES:
            self._flush()

    def _flush(self) -> None:
        piece = b"".join(self._pending)
        self._pending, self._pending_bytes = [], 0
        with translated(self._root):
            self._file.write(piece)
        self._hash.update(piece)
        self._size_bytes += len(piece)

    def digest(self) -> tuple[str, int]:
        """See ``FileWriter``."""
        self._flush()
        return self._hash.hexdigest(), self._size_bytes

    def commit(self) -> tuple[str, int]:
        """See ``FileWriter``; put over a file that is there already, because that one may be damaged."""
        sha256, size_bytes = self.digest()
        path = _path(self._root, sha256)
        with translated(path):
            self._place.put(self._file, path)
        return sha256, size_bytes


@contextmanager
def _missing_is_corrupt(path: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        if not is_no_file(error):
            raise
        raise CorruptFile(f"the file {path} is missing", is_missing=True) from error


def _path(root: str, sha256: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise CorruptFile(f"{sha256[:70]!r} is no SHA-256, so no file has that name", is_missing=True)
    return f"{root}/sha256/{sha256[:2]}/{sha256}"
