"""The database: one engine a process, transactions that write from their first statement."""

import math
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import NullPool

Value = TypeVar("Value")

MIGRATIONS = Path(__file__).with_name("migrations")
SQLITE_BUSY_MS = 30_000
# Look-ups by hash go to random pages of the file; what one transaction reads of them stays within this.
SQLITE_CACHE_KIB = 32_768
# Below SQLite's limit of parameters a statement.
PARAMETERS = 1000


def make_engine(url: str) -> sa.Engine:
    """Make an engine for SQLite (WAL, one writer at a time) or PostgreSQL (psycopg 3).

    Connections are opened by need and closed at once: worker jobs run in forked children, and a connection
    that crosses a fork is shared by both sides. Errors never show parameters: they are label texts.
    """
    made = sa.make_url(url)
    if made.get_backend_name() == "postgresql":
        return sa.create_engine(made.set(drivername="postgresql+psycopg"), poolclass=NullPool, hide_parameters=True)
    engine = sa.create_engine(made, poolclass=NullPool, hide_parameters=True)
    sa.event.listen(engine, "do_connect", _connect_privately)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_immediately)
    return engine


def _connect_privately(
    dialect: sa.Dialect, _record: object, arguments: Sequence[str], options: Mapping[str, Any]
) -> object:
    """Keep a database that this connection makes to its owner; the files that SQLite puts beside it take its mode."""
    path = Path(arguments[0])
    is_new = not path.exists()
    connection = dialect.connect(*arguments, **options)
    if is_new and path.exists():
        path.chmod(0o600)
    return connection


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own class
    connection.isolation_level = None  # ours are the BEGINs, see below
    # `secure_delete`: zeros where something was deleted, for what is forgotten must not stay in free pages.
    safe = ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")
    for pragma in (f"busy_timeout={SQLITE_BUSY_MS}", f"cache_size=-{SQLITE_CACHE_KIB}", *safe):
        connection.execute(f"PRAGMA {pragma}")
    _ensure_wal(connection)


def _ensure_wal(connection: Any) -> None:  # noqa: ANN401 - the driver's own class
    """Switch a new database to WAL, which the file then keeps.

    The switch wants the file alone and does not wait by itself: several processes may open a new database at once.
    """
    end_s = time.monotonic() + SQLITE_BUSY_MS / 1000
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > end_s:
                raise
            time.sleep(0.01)


def _begin_immediately(connection: sa.Connection) -> None:
    # A deferred transaction that reads first and writes later fails with "database is locked" at once when
    # another one wrote in between, whatever the timeout. Readers keep theirs deferred, see `reading`.
    mode = "DEFERRED" if connection.get_execution_options().get("reading") else "IMMEDIATE"
    connection.exec_driver_sql(f"BEGIN {mode}")


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that sees one moment and locks nobody out."""
    level = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    with engine.connect().execution_options(reading=True, **level) as connection, connection.begin():
        yield connection


def upsert(engine_or_connection: sa.Engine | sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Give the dialect's INSERT, which knows ON CONFLICT."""
    if engine_or_connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def chunks(values: Sequence[Value]) -> Iterator[Sequence[Value]]:
    """Cut a long list of values into pieces that fit one statement."""
    for start in range(0, len(values), PARAMETERS):
        yield values[start : start + PARAMETERS]


def storable(text: str) -> str:
    """Replace what no database can hold in a text: NUL, and half a surrogate pair."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def clean(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Replace what no JSON column takes: NaN and infinities, and in texts what ``storable`` replaces."""
    if isinstance(value, Mapping):
        return {storable(str(name)): clean(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return storable(value) if isinstance(value, str) else value


def migrate(url: str, revision: str = "head") -> None:
    """Bring the database up to a schema, by default the newest; safe to call from several processes at once."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = make_engine(url)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # SQLite's BEGIN IMMEDIATE already made the others wait.
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(7_405_003)))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
