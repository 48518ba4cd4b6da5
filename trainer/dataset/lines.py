"""Reading a JSONL file line by line, never whole: a file may be larger than the machine's memory."""

import json
from collections.abc import Collection, Iterator
from pathlib import Path

from trainer.dataset.faults import LineFault, as_object
from trainer.values import JsonObject

BOM = b"\xef\xbb\xbf"
MOST_LINE_BYTES = 160 * 1024 * 1024
"""Room for ten images of 10 MB in base64, the most that OpenAI allows on a line."""


def raw_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Give each line with its number, counted from 1, without its end."""
    with path.open("rb") as file:
        number = 0
        # A file without line ends must not be read whole; its pieces are refused by their length.
        while line := file.readline(MOST_LINE_BYTES + 1):
            number += 1
            yield number, line.removesuffix(b"\n").removesuffix(b"\r")


def parse_line(line: bytes) -> JsonObject:
    """Read a line's JSON object.

    Raises:
        LineFault: The line is too long, blank, begins with a byte-order mark, or is not a JSON object in UTF-8.
    """
    if len(line) > MOST_LINE_BYTES:
        raise LineFault(f"the line is longer than {MOST_LINE_BYTES} bytes")
    if line.startswith(BOM):
        raise LineFault("there is a byte-order mark (BOM); save the file as UTF-8 without one")
    if not line.strip():
        raise LineFault("the line is blank")
    try:
        value = json.loads(line.decode("utf-8"))
        if b"\\ud" in line.lower():
            # Half of a surrogate pair is JSON, but no text: it could be neither stored nor sent.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError:
        raise LineFault("the line is not UTF-8") from None
    except UnicodeEncodeError:
        raise LineFault("an escaped surrogate stands alone, which is no character") from None
    except (ValueError, RecursionError):
        raise LineFault("the line is not valid JSON") from None
    return as_object(value, "the line")


class LineFile(Collection[JsonObject]):
    """The lines of a file that was checked, parsed anew at each iteration.

    Args:
        path: The file.
        length: The number of its lines.
    """

    def __init__(self, path: Path, length: int) -> None:
        self._path = path
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[JsonObject]:
        return (parse_line(line) for _, line in raw_lines(self._path))

    def __contains__(self, line: object) -> bool:
        return any(line == own for own in self)
