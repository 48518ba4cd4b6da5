"""Files of data rows for ``tuneloop labelbox setup --rows``: JSONL, CSV or plain text."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from service.domain.setup_rows import CHAT_TYPE, MAX_KEY_CHARACTERS, UploadRow, derived_key
from service.domain.setups import Kind

RowsFormat = Literal["jsonl", "csv", "text"]
_COLUMNS = ("row_data", "prompt", "global_key", "metadata")
_ADDRESS = re.compile(r"(?:https?|gs|s3)://\S*", re.IGNORECASE)
# The standard limit is 128 KiB, less than Labelbox takes.
_MAX_CELL_CHARACTERS = 16 * 1024 * 1024


class BadRow(ValueError):
    """A row cannot be uploaded; the message never repeats its text."""


def format_of(name: str) -> RowsFormat | None:
    """Tell the format by the ending of a file's name; None if it says nothing."""
    endings: Mapping[str, RowsFormat] = {"jsonl": "jsonl", "ndjson": "jsonl", "csv": "csv", "txt": "text"}
    return endings.get(name.rpartition(".")[2].lower())


def read_rows(text: str, rows_format: RowsFormat, *, pipeline: str, kind: Kind) -> tuple[list[UploadRow], list[str]]:
    """Read the rows of a file.

    Args:
        text: The file.
        rows_format: JSONL with ``row_data`` or ``prompt`` and perhaps ``global_key`` and ``metadata``, CSV with a
            header of the same names, or a prompt a line.
        pipeline: Begins the keys of rows that bring none.
        kind: Of the project: a text project takes texts, a chat project conversations.

    Returns:
        Each row once, and every mistake as ``line: words``.
    """
    rows: dict[str, UploadRow] = {}
    mistakes: list[str] = []
    for line, given in _records(text, rows_format):
        try:
            row = _row(given, pipeline, kind)
        except BadRow as error:
            mistakes.append(f"{line}: {error}")
            continue
        if rows.setdefault(row.global_key, row) != row:
            mistakes.append(f"{line}: its global_key stands in the file already, with another content")
    return list(rows.values()), mistakes


def _records(text: str, rows_format: RowsFormat) -> Iterator[tuple[int, object]]:
    """Give each record with the line it ends at; what is none is given as it is."""
    if rows_format == "csv":
        yield from _csv_records(text)
        return
    # Other than splitlines, which also breaks at U+2028 and its like inside of texts.
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not line.strip():
            continue
        yield number, {"prompt": line} if rows_format == "text" else _json(line)


def _json(line: str) -> object:
    try:
        found: object = json.loads(line)
    except (ValueError, RecursionError):
        return BadRow("no JSON")
    return found


def _csv_records(text: str) -> Iterator[tuple[int, object]]:
    csv.field_size_limit(_MAX_CELL_CHARACTERS)
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            given: dict[object, Any] = {key: cell for key, cell in cells.items() if cell}
            if isinstance(given.get("metadata"), str):
                given["metadata"] = _json(given["metadata"])
            # Cells beyond the header stand under None.
            yield reader.line_num, BadRow("it has more cells than the header") if None in given else given
    except csv.Error as error:
        yield reader.line_num, BadRow(f"no CSV: {error}")


def _row(given: object, pipeline: str, kind: Kind) -> UploadRow:
    if isinstance(given, BadRow):
        raise given
    if not isinstance(given, dict):
        raise BadRow("must be an object")
    if unknown := sorted(set(given) - set(_COLUMNS)):
        raise BadRow(f"unknown key {str(unknown[0])[:40]!r}; allowed are {', '.join(_COLUMNS)}")
    content = _content(given, kind)
    key, metadata = given.get("global_key"), given.get("metadata", {})
    if key is not None and not (isinstance(key, str) and key.strip() and len(key) <= MAX_KEY_CHARACTERS):
        raise BadRow(f"global_key must be a text of 1 to {MAX_KEY_CHARACTERS} characters")
    if not isinstance(metadata, dict):
        raise BadRow("metadata must be an object: value by the name of a metadata field")
    _require_utf8([key or "", json.dumps([content, metadata], ensure_ascii=False)])
    return UploadRow(key or derived_key(pipeline, content), content, metadata, key_is_derived=key is None)


def _content(given: Mapping[str, Any], kind: Kind) -> str | dict[str, Any]:
    names = [name for name in ("row_data", "prompt") if given.get(name) is not None]
    if len(names) != 1:
        raise BadRow("needs either row_data or prompt")
    content = given[names[0]]
    if kind != "text":
        return _conversation(content)
    if not isinstance(content, str) or not content.strip():
        raise BadRow(f"{names[0]} must be a text that is not empty")
    if content.startswith("s3:/"):
        raise BadRow("Labelbox takes no s3:// address, only https://")
    if names[0] == "prompt" and _ADDRESS.fullmatch(content.strip()):
        raise BadRow("this prompt is an address, which Labelbox would fetch; if that is meant, give it as row_data")
    return content


def _conversation(content: object) -> dict[str, Any]:
    if isinstance(content, str) and content.lstrip().startswith("{"):
        content = _json(content)  # a cell of a CSV file
    if not isinstance(content, dict) or content.get("type") != CHAT_TYPE:
        raise BadRow(
            f"row_data of a chat project must be a conversation, an object of type {CHAT_TYPE!r}; in a live chat "
            "labelers write the prompts: give chats = NUMBER in the setup table instead of rows"
        )
    return content


def _require_utf8(texts: Iterable[str]) -> None:
    try:
        for text in texts:
            text.encode()
    except UnicodeEncodeError as error:
        raise BadRow("holds half of a surrogate pair, which is no text") from error
