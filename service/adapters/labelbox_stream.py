"""Reading an export's file as the SDK downloads it: in a folder of our own, in UTF-8, line by line."""

import codecs
import json
import locale
import mmap
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from service.adapters.private_folders import make_private
from service.domain.errors import ConfigurationError

# No export takes so long to read: what is older was left by a process that was killed.
LEFT_BEHIND_S = 6 * 3600


def require_utf8() -> None:
    """Refuse to read where the SDK would write the file in another encoding.

    Raises:
        ConfigurationError: Python neither runs in UTF-8 mode nor in a UTF-8 locale.
    """
    found = locale.getpreferredencoding(do_setlocale=False)
    if codecs.lookup(found).name != "utf-8":
        raise ConfigurationError(
            f"files are written in {found}, which cannot hold every label",
            remedy="Start Python with PYTHONUTF8=1, as the tuneloop command does by itself.",
        )


@contextmanager
def own_folder(parent: Path) -> Iterator[Path]:
    """Give an empty folder that is removed at the end, and remove those that killed processes left."""
    make_private(parent)
    for left in parent.iterdir():
        if left.stat().st_mtime < time.time() - LEFT_BEHIND_S:
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="export-", dir=parent, ignore_cleanup_errors=True) as name:
        yield Path(name)


def remove_copies(parent: Path, names: Collection[str]) -> int:
    """Remove what exports left here if it mentions one of these ids; gives the number of folders.

    Who reads one just now asks for another.
    """
    wanted = [name.encode() for name in names]
    found = [folder for folder in parent.glob("*") if any(_mentions(path, wanted) for path in folder.rglob("*"))]
    for folder in found:
        shutil.rmtree(folder, ignore_errors=True)
    return len(found)


def _mentions(path: Path, names: Sequence[bytes]) -> bool:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return any(content.find(name) >= 0 for name in names)
    except (OSError, ValueError):
        # A folder, empty, or gone meanwhile.
        return False


def read_lines(task: Any, folder: Path) -> Iterator[Mapping[str, Any] | None]:  # noqa: ANN401 - the SDK's own class
    """Download a complete task's result into a folder, then give it row by row; None for a malformed line."""
    stream = task.get_buffered_stream()
    # The SDK's own would end the whole reading at the first malformed or blank line.
    stream._converter = _line_reader()  # noqa: SLF001 - there is no other way in; a contract test watches it
    rows = iter(stream)
    with _temporary_files_in(folder):
        # All of it is downloaded before the first row is given.
        first = list(_take(rows))
    yield from first
    yield from rows


def _take(rows: Iterator[Any]) -> Iterator[Any]:
    for row in rows:
        yield row
        return


def _line_reader() -> Any:  # noqa: ANN401 - the SDK's own class
    from labelbox.schema.export_task import Converter

    class LineReader(Converter):  # type: ignore[misc]  # the SDK's classes are not typed
        def convert(self, input_args: Any) -> Iterator[Mapping[str, Any] | None]:  # noqa: ANN401 - the SDK's own class
            line = input_args.raw_data
            if line.strip():
                yield _row_of(line)

    return LineReader()


def _row_of(line: str) -> Mapping[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """Have temporary files made in a folder: the SDK leaves its own behind when it fails, and takes no argument."""
    before = tempfile.tempdir
    tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
