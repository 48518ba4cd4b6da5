"""The SQLite file: one connection, one writer at a time, durable before it answers."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainer.store.schema import MIGRATIONS

BUSY_TIMEOUT_S = 10.0
Row = sqlite3.Row


class DatabaseTooNew(Exception):
    """The data folder was written by a newer version of the trainer."""


class Database:
    """The trainer's tables. Statements are short, so its threads simply take turns."""

    def __init__(self, path: Path) -> None:
        self._turn = threading.RLock()
        self._connection = sqlite3.connect(path, BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        # FULL: a job that was answered with 200 must be there after a power cut, or its creator would pay twice.
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._migrate()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Do all statements of the block, or none of them. A block within a block joins it."""
        with self._turn:
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # A COMMIT that failed (disk full) leaves the transaction open; the next one must not join it.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, sql: str, *values: object) -> list[Row]:
        """Give all rows of a query."""
        with self._turn:
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: object) -> Row | None:
        """Give the first row of a query, if there is one."""
        found = self.rows(sql, *values)
        return found[0] if found else None

    def change(self, sql: str, *values: object) -> int:
        """Do one statement, within the transaction if one is open; give the number of rows it changed."""
        with self.transaction() as connection:
            return connection.execute(sql, values).rowcount

    def close(self) -> None:
        """Close the file."""
        with self._turn:
            self._connection.close()

    def _migrate(self) -> None:
        with self.transaction() as connection:
            applied: int = connection.execute("PRAGMA user_version").fetchone()[0]
            if applied > len(MIGRATIONS):
                raise DatabaseTooNew("the data folder belongs to a newer version of the trainer")
            for statement in MIGRATIONS[applied:]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
