"""The lines of an export file turned into the lines of a dataset, one at a time."""

import contextlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal, cast

import msgspec

from service.domain.contents import Form, lines_of
from service.domain.errors import ConfigurationError, UnreadableRow
from service.domain.export_rows import ExportRow, row_of, row_of_line
from service.domain.labels import RowOutcome, RowReader

BUFFER_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"
_ARRAY = re.compile(rb"\s*\[\s*(?:\{|$)")


def convert_file(
    export: Path,
    reader: RowReader,
    *,
    out: Path,
    rejects: Path,
    system: str | None,
    form: Form | Literal["prompts"],
    project: str | None,
) -> Counter[str]:
    """Convert a file line by line.

    Args:
        export: NDJSON, or ``-`` for standard input.
        reader: Reads the rows.
        out: Where the lines go.
        rejects: Where a line ``data_row_id``, ``label_id``, ``reason`` goes for each row without one.
        system: The system text of every chat.
        form: What is written.
        project: The project whose labels count, by default the only one of each row.

    Returns:
        How many rows were ``converted``, and how many not for each reason.

    Raises:
        ConfigurationError: A file cannot be opened, or the export is one JSON array.
    """
    reasons: Counter[str] = Counter()
    converted = 0
    with contextlib.ExitStack() as stack:
        lines = stack.enter_context(_opened(export, "rb"))
        good = stack.enter_context(_opened(out, "wb"))
        bad = stack.enter_context(_opened(rejects, "wb"))
        for line in _lines(lines, export):
            outcome = _read(line, reader, project)
            reason = outcome if isinstance(outcome, str) else outcome.reason or _unfit(outcome, form)
            if reason is None:
                converted += 1
                good.writelines(_written(cast("RowOutcome", outcome), system, form))
            else:
                reasons[reason] += 1
                bad.write(_reject(line, outcome, reason))
    return reasons + Counter({"converted": converted})


def _opened(path: Path, mode: Literal["rb", "wb"]) -> contextlib.AbstractContextManager[IO[bytes]]:
    if mode == "rb" and str(path) == "-":
        return contextlib.nullcontext(sys.stdin.buffer)
    try:
        return cast("IO[bytes]", path.open(mode, buffering=BUFFER_BYTES))
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}", remedy="Name a file that can be used.") from error


def _lines(file: IO[bytes], export: Path) -> Iterator[bytes]:
    """Give the lines that are not empty."""
    first = True
    for line in file:
        if first:
            line = line.removeprefix(_BOM)  # noqa: PLW2901 - the same line
            if _ARRAY.match(line):
                raise ConfigurationError(
                    f"{export}: a JSON array, not a line for each row",
                    remedy=f"Write it as NDJSON first: jq -c '.[]' {export}",
                )
            first = False
        if line.strip():
            yield line


def _read(line: bytes, reader: RowReader, project: str | None) -> RowOutcome | str:
    """Give the outcome, or the reason why the line is no export row."""
    try:
        row = _row(line)
        if project is None and len(row.projects) != 1:
            return "not_one_project"
        return reader.read(row, project or next(iter(row.projects)))
    except (ValueError, RecursionError):
        return "not_json"
    except UnreadableRow:
        return "unreadable_row"


def _row(line: bytes) -> ExportRow:
    try:
        return row_of_line(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Half a surrogate pair, or bytes that are no UTF-8: such a row is read the slow way and then refused for it.
        found = json.loads(line.decode("utf-8", "surrogateescape"))
        if not isinstance(found, dict):
            raise
        return row_of(found)


def _unfit(outcome: RowOutcome, form: str) -> str | None:
    return "prompt_only" if outcome.is_prompt and form != "prompts" else None


def _written(outcome: RowOutcome, system: str | None, form: Form | Literal["prompts"]) -> Iterator[bytes]:
    content = outcome.content or ()
    if form == "prompts":
        # Not the row's own key, which belongs to the row that the labeler wrote it on.
        row = {"row_data": content[0].content, "global_key": f"prompt-{outcome.global_key or outcome.label_id}"}
        yield json.dumps(row, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        return
    yield from lines_of(content, system=system, form=form)


def _reject(line: bytes, outcome: RowOutcome | str, reason: str) -> bytes:
    if isinstance(outcome, RowOutcome):
        row_id, label_id = outcome.data_row_id, outcome.label_id
    else:
        row_id, label_id = _id_in(line), None
    return json.dumps({"data_row_id": row_id, "label_id": label_id, "reason": reason}).encode() + b"\n"


def _id_in(line: bytes) -> Any:  # noqa: ANN401 - whatever stands there
    """Give the data row id of a line that could not be read, if it has one."""
    try:
        return msgspec.json.decode(line)["data_row"]["id"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
