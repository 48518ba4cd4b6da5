"""The manifest of a snapshot, read and written as a stream: it is as long as its dataset.

Format 2 is one JSON document whose first line is everything but the lines, then one JSON array a line::

    {"columns":[...],"configuration":{...},...,"format":2,...,"lines":[
    ["train","ex-1",1,"label-1","<content hash>","<line's sha256>"],
    ["train","ex-2",...]
    ]}

The snapshot's id is the SHA-256 of exactly these bytes. Lines are sorted by split and example id. Format 1, of the
first release, is the whole document in one line, without content hashes.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, BinaryIO

import msgspec

from service.domain.errors import CorruptFile
from service.domain.snapshots import SPLITS
from service.domain.splits import Split

FORMAT = 2
SEPARATOR = b",\n"
_OPENS, _CLOSES = b'"lines":[\n', b"]}\n"
# Below this a look-up reads on instead of halving: about one block of a disk or bucket.
_NEAR_BYTES = 8192


class Line(msgspec.Struct, frozen=True, array_like=True):
    """What a manifest says of one line of a snapshot's files.

    Attributes:
        content_hash: Of the example's content; empty in format 1, which has none.
        sha256: Of the line, newline included.
    """

    split: Split
    example_id: str
    version: int
    label_id: str | None
    content_hash: str
    sha256: str

    @property
    def key(self) -> tuple[str, str]:
        """What lines are sorted by."""
        return self.split, self.example_id


_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(Line).decode


def manifest_of(head: Mapping[str, Any], entries: Iterable[bytes]) -> Iterator[bytes]:
    """Write a manifest, a piece at a time, the one way its hash is taken of.

    Args:
        head: Everything but format, columns and lines.
        entries: What ``entry_of`` gave for each line of the files, sorted by split and example id, with ``SEPARATOR``
            between them; in pieces of any size.
    """
    whole = {**head, "format": FORMAT, "columns": list(Line.__struct_fields__)}
    text = json.dumps(whole, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    yield text[:-1].encode() + b"," + _OPENS
    is_empty = True
    for piece in entries:
        yield piece
        is_empty = False
    yield _CLOSES if is_empty else b"\n" + _CLOSES


def entry_of(line: Line) -> bytes:
    """Write what stands in the manifest for one line; without any newline."""
    return _ENCODE(line)


def head_of(stream: BinaryIO) -> dict[str, Any]:
    """Read everything but the lines.

    Raises:
        CorruptFile: This is no manifest.
    """
    first = stream.readline()
    found = _parsed(first + _CLOSES if first.endswith(_OPENS) else first)
    if not isinstance(found, dict) or found.get("format") not in {1, FORMAT}:
        raise CorruptFile("this is no manifest that this version reads", remedy=_NEWER)
    del found["lines"]
    # Format 1 left out what was usual.
    return {"form": "chat", **found}


def lines_in(stream: BinaryIO) -> Iterator[Line]:
    """Read the lines one by one, from the manifest's beginning.

    Raises:
        CorruptFile: It ends early, or a line is none.
    """
    first = stream.readline()
    if not first.endswith(_OPENS):
        yield from _lines_of_format_1(first)
        return
    for text in stream:
        if text == _CLOSES:
            return
        yield _line(text)
    raise CorruptFile("the manifest ends before its end")


def entries_of(stream: BinaryIO, example_id: str) -> list[Line]:
    """Find the lines of one example; reads about as many lines as the manifest's length has binary digits.

    Raises:
        CorruptFile: A line that was read is none.
    """
    if not stream.readline().endswith(_OPENS):
        stream.seek(0)
        return [line for line in lines_in(stream) if line.example_id == example_id]
    begin = stream.tell()
    end = stream.seek(0, 2) - len(_CLOSES)
    return list(chain.from_iterable(_found(stream, begin, end, (split, example_id)) for split in SPLITS))


def _found(stream: BinaryIO, begin: int, end: int, wanted: tuple[str, str]) -> Iterator[Line]:
    """Halve the bytes until what is wanted must begin close behind ``low``, then read on."""
    low, high = begin, end
    while high - low > _NEAR_BYTES:
        middle = (low + high) // 2
        _seek_line(stream, begin, middle)
        if stream.tell() < end and _line(stream.readline()).key < wanted:
            low = middle
        else:
            high = middle
    _seek_line(stream, begin, low)
    while stream.tell() < end and (line := _line(stream.readline())).key <= wanted:
        if line.key == wanted:
            yield line


def _seek_line(stream: BinaryIO, begin: int, offset: int) -> None:
    """Go to the first line that begins at an offset or behind it."""
    stream.seek(max(begin, offset - 1))
    if offset > begin:
        stream.readline()


def _line(text: bytes) -> Line:
    try:
        return _DECODE(text.rstrip(b",\n"))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CorruptFile("a line of the manifest is none") from error


def _lines_of_format_1(text: bytes) -> Iterator[Line]:
    found = _parsed(text)
    columns: list[str] = found["columns"]
    for values in found["lines"]:
        yield Line(**{"content_hash": "", **dict(zip(columns, values, strict=True))})


def _parsed(text: bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CorruptFile("this is no manifest") from error


_NEWER = "Use the version of tuneloop that wrote it, or a newer one."
