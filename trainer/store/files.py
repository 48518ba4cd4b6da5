"""The files' rows."""

from dataclasses import dataclass
from typing import Literal

from trainer.store.database import Database, Row
from trainer.store.pages import CursorUnknown, Page, page_of

OLDEST_FIRST = """
    SELECT * FROM files
    WHERE seq > ?1 AND (?2 IS NULL OR purpose = ?2) AND (expires_at IS NULL OR expires_at > ?3)
    ORDER BY seq LIMIT ?4
"""
NEWEST_FIRST = """
    SELECT * FROM files
    WHERE (?1 = 0 OR seq < ?1) AND (?2 IS NULL OR purpose = ?2) AND (expires_at IS NULL OR expires_at > ?3)
    ORDER BY seq DESC LIMIT ?4
"""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file.

    Attributes:
        bytes: Its size.
        created_at: Unix seconds, as ``expires_at``, which is None for a file that stays.
    """

    id: str
    filename: str
    bytes: int
    purpose: str
    created_at: int
    expires_at: int | None


class FileStore:
    """The files that are there; an expired one is not, even before its bytes are removed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, file: FileRecord) -> None:
        """Remember a file whose bytes are in place."""
        self._database.change(
            "INSERT INTO files (id, filename, bytes, purpose, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
            file.id, file.filename, file.bytes, file.purpose, file.created_at, file.expires_at,
        )  # fmt: skip

    def get(self, file_id: str, now: float) -> FileRecord | None:
        """Find a file."""
        row = self._database.row("SELECT * FROM files WHERE id = ?", file_id)
        file = _file(row) if row else None
        return file if file and (file.expires_at is None or file.expires_at > now) else None

    def page(
        self, *, purpose: str | None, order: Literal["asc", "desc"], after: str | None, limit: int, now: float
    ) -> Page[FileRecord]:
        """List files.

        Raises:
            CursorUnknown: There is no file ``after``.
        """
        seq = 0
        if after is not None:
            row = self._database.row("SELECT seq FROM files WHERE id = ?", after)
            if row is None:
                raise CursorUnknown(after)
            seq = row["seq"]
        rows = self._database.rows(OLDEST_FIRST if order == "asc" else NEWEST_FIRST, seq, purpose, now, limit + 1)
        return page_of([_file(row) for row in rows], limit)

    def remove(self, file_id: str) -> None:
        """Forget a file."""
        self._database.change("DELETE FROM files WHERE id = ?", file_id)

    def expired(self, now: float) -> list[str]:
        """List the files whose time is over."""
        return [row["id"] for row in self._database.rows("SELECT id FROM files WHERE expires_at <= ?", now)]

    def ids(self) -> set[str]:
        """Give every file's id."""
        return {row["id"] for row in self._database.rows("SELECT id FROM files")}


def _file(row: Row) -> FileRecord:
    return FileRecord(row["id"], row["filename"], row["bytes"], row["purpose"], row["created_at"], row["expires_at"])
