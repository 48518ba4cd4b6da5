"""Reading the file of ``--rows``."""

import sys
from pathlib import Path

from service.domain.errors import ConfigurationError
from service.domain.row_files import RowsFormat, format_of, read_rows
from service.domain.setup_rows import UploadRow
from service.domain.setups import Setup

_SHOWN = 20


def load_rows(name: str, rows_format: RowsFormat | None, setup: Setup) -> list[UploadRow]:
    """Read a file of data rows, or standard input for ``-``.

    Raises:
        ConfigurationError: It cannot be read, its format is not known, or rows of it are wrong: all are named.
    """
    chosen = rows_format or format_of(name)
    if chosen is None:
        raise ConfigurationError(f"{name}: its format is not known", remedy="Give --rows-format jsonl, csv or text.")
    rows, mistakes = read_rows(_text(name), chosen, pipeline=setup.pipeline, kind=setup.kind)
    if mistakes:
        more = [f"and {len(mistakes) - _SHOWN} more"] if len(mistakes) > _SHOWN else []
        listed = [f"{name}:{words}" for words in mistakes[:_SHOWN]]
        raise ConfigurationError("\n".join([*listed, *more]), remedy="Correct the rows; nothing was uploaded.")
    if not rows:
        raise ConfigurationError(f"{name}: holds no row", remedy="Give a file with a row a line.")
    return rows


def _text(name: str) -> str:
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{name}: cannot be read: {error.strerror}", remedy="Name a file, or -.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigurationError(f"{name}:{line}: the file is not UTF-8", remedy="Save it as UTF-8.") from error
