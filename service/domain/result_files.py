"""A job's result file: its metrics as CSV, plain or in base64, with the columns of OpenAI or of Azure."""

import base64
import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.domain.errors import UnreadableResult
from service.domain.training_series import METRICS, SeriesPoint, point_of, whole

_BOM = b"\xef\xbb\xbf"
_LONGEST_CELL = 1_000
_EMPTY = frozenset({"", "nan", "null", "none", "inf", "-inf", "infinity", "-infinity"})
_HEADER = re.compile(r"(?:[a-z][a-z0-9_/.-]{0,59})?")


@dataclass(frozen=True, slots=True)
class ResultTable:
    """What a result file holds.

    Attributes:
        points: One a row, in the file's order.
        odd_cells: Cells that should be numbers and are none, and rows without a step. A file with any is not kept:
            nobody knows what it says.
    """

    points: tuple[SeriesPoint, ...]
    odd_cells: int


def read_result_file(content: bytes) -> ResultTable:
    """Read a result file.

    Args:
        content: As it was downloaded: CSV with a header that has ``step``, or the base64 of that.

    Raises:
        UnreadableResult: It is neither, or has no column that we know.

    Source: OpenAI's cookbook "Fine tuning for function calling" (base64), its guide "Supervised fine-tuning" and
    Microsoft's "Customize a model with fine-tuning" (columns). Cells are empty where nothing was measured.
    """
    rows = _rows(_text(content))
    names = [name.strip().lower() for name in next(rows, [])]
    if "step" not in names or METRICS.keys().isdisjoint(names) or not all(map(_HEADER.fullmatch, names)):
        raise UnreadableResult("it is no table with a column step and one of a loss or accuracy")
    read = [_row(names, row) for row in rows if any(cell.strip() for cell in row)]
    points = tuple(point for point, _ in read if point is not None)
    return ResultTable(points, sum(odd for _, odd in read))


def _text(content: bytes) -> str:
    plain = content.removeprefix(_BOM)
    first_line = plain.lstrip().partition(b"\n")[0]
    try:
        # The alphabet of base64 has no comma, and a table of one column would hold no metric.
        found = plain if b"," in first_line else base64.b64decode(b"".join(plain.split()), validate=True)
        return found.removeprefix(_BOM).decode()
    except ValueError as error:
        raise UnreadableResult("it is neither CSV nor base64 of it") from error


def _rows(text: str) -> Iterator[list[str]]:
    try:
        for row in csv.reader(io.StringIO(text, newline="")):
            # The reader has a limit too, which any library of the process may have lifted.
            if any(len(cell) > _LONGEST_CELL for cell in row):
                raise UnreadableResult(f"a cell is longer than {_LONGEST_CELL:,} characters")
            yield row
    except csv.Error as error:
        raise UnreadableResult("it is no CSV") from error


def _row(names: Sequence[str], row: Sequence[str]) -> tuple[SeriesPoint | None, int]:
    """Give the point of a row, None if it tells of no step, and how many of its cells are not what they should be."""
    numbers = [_number(cell) for cell in row]
    odd = sum(number is None and cell.strip().lower() not in _EMPTY for cell, number in zip(row, numbers, strict=True))
    cells = dict(zip(names, numbers, strict=False))
    return point_of(cells), odd + (whole(cells.get("step")) is None)


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    # Python also takes digits of other scripts and underscores for numbers.
    return number if math.isfinite(number) and cell.isascii() and "_" not in cell else None
