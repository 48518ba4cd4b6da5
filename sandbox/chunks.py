"""The file of an export, cut at whole lines."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

CHUNK_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of the file: bytes and line numbers, both ends included."""

    start: int
    end: int
    first_line: int
    last_line: int


class Chunks:
    """One JSON object a line, and where it is cut.

    Args:
        lines: The lines without their ends; at least one.
        chunk_bytes: A chunk ends with the line that reaches this.
    """

    def __init__(self, lines: Iterable[bytes], *, chunk_bytes: int = CHUNK_BYTES) -> None:
        pieces: list[bytes] = []
        chunks: list[Chunk] = []
        size = begun_at = first_line = 0
        for line in lines:
            pieces.append(line + b"\n")
            size += len(line) + 1
            if size - begun_at >= chunk_bytes:
                chunks.append(Chunk(begun_at, size - 1, first_line, len(pieces) - 1))
                begun_at, first_line = size, len(pieces)
        if size > begun_at:
            chunks.append(Chunk(begun_at, size - 1, first_line, len(pieces) - 1))
        self._file = b"".join(pieces)
        self._chunks = chunks
        self.total_lines = len(pieces)

    @property
    def total_bytes(self) -> int:
        """The size of the whole file."""
        return len(self._file)

    def at(self, offset: int) -> Chunk | None:
        """Give the chunk that holds this byte, or None past the end."""
        if not 0 <= offset < len(self._file):
            return None
        return self._chunks[bisect_right([chunk.start for chunk in self._chunks], offset) - 1]

    def read(self, chunk: Chunk, offset: int) -> bytes:
        """Give the bytes of a chunk from an offset on."""
        return self._file[offset : chunk.end + 1]
