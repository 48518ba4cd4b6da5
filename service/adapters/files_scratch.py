"""Nameless files of this machine, for what is needed for a while."""

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, BinaryIO, cast

from service.adapters.files_errors import translated
from service.domain.errors import FilesUnavailable


@contextmanager
def scratch(buffer_bytes: int) -> Iterator[BinaryIO]:
    """Open a nameless file of this machine; what it refuses is told, and nothing else that happens in the block."""
    place = tempfile.gettempdir()
    with ExitStack() as stack:
        with translated(place):
            raw = stack.enter_context(tempfile.TemporaryFile(buffering=0))
        file = io.BufferedRandom(_Translated(raw, place), buffer_bytes)
        try:
            yield cast("BinaryIO", file)
        finally:
            # What is still in memory has no room on a full disk, and is not wanted any more.
            with suppress(FilesUnavailable):
                file.close()


class _Translated(io.RawIOBase):
    """A file whose refusals are told in our words."""

    def __init__(self, raw: Any, place: str) -> None:  # noqa: ANN401 - a raw file
        super().__init__()
        self._raw, self._place = raw, place

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        with translated(self._place):
            return int(self._raw.seek(offset, whence))

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        with translated(self._place):
            return int(self._raw.readinto(buffer))

    def write(self, chunk: Any) -> int:  # noqa: ANN401 - any buffer
        with translated(self._place):
            return int(self._raw.write(chunk))
