"""A job's result file: its metrics as a table."""

import base64
import csv
import io
from collections.abc import Iterable, Mapping

from trainer.settings import ResultEncoding
from trainer.values import JsonObject

DIGITS = 5


def result_table(steps: Iterable[JsonObject], encoding: ResultEncoding, columns: Mapping[str, str]) -> bytes:
    """Write the steps' metrics as CSV, a cell empty where nothing was measured.

    Args:
        steps: The metrics of each step, by name.
        encoding: ``base64`` wraps the whole file in base64, as OpenAI does.
        columns: The table's columns and the metrics in them.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    for metrics in steps:
        table.writerow(_cell(metrics.get(name)) for name in columns.values())
    content = text.getvalue().encode("ascii")
    return base64.b64encode(content) if encoding == "base64" else content


def _cell(value: float | None) -> float | str:
    return "" if value is None else round(value, DIGITS)
