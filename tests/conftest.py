"""Fixtures that several suites share: a real Valkey, real databases, and how hypothesis works here."""

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from redis import Redis

from service.adapters.sql_engine import make_engine, migrate
from service.adapters.sql_tables import metadata
from service.cli.valkey import valkey_program
from tests.support.s3 import CREDENTIALS, s3_server

# The same examples on every machine and in every run: a red test stays red until somebody mends it.
settings.register_profile(
    "ci",
    derandomize=True,
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("ci")

DEFAULT_POSTGRES = "postgresql://postgres@127.0.0.1:5432/test"
VALKEY_READY_S = 20.0


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the embedded Valkey once for all tests."""
    folder = tmp_path_factory.mktemp("valkey")
    program, address = valkey_program(folder)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(program.arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + VALKEY_READY_S
        while not program.is_ready():
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the embedded Valkey did not start:\n{(folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)
        yield address
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def redis_url(valkey_url: str) -> str:
    """Give the address of a Valkey that holds nothing."""
    with Redis.from_url(valkey_url) as redis:
        redis.flushall()
    return valkey_url


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """Give a client of a Valkey that holds nothing."""
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate one SQLite file, to be copied for every test: a copy takes no time."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """Give the address of an empty, migrated SQLite database."""
    path = tmp_path / "tuneloop.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """Give the address of a PostgreSQL server; without one the tests are skipped, except in CI."""
    address = os.environ.get("TUNELOOP_TEST_POSTGRES", DEFAULT_POSTGRES)
    try:
        psycopg.connect(address, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        reason = f"no PostgreSQL answers; start one or set TUNELOOP_TEST_POSTGRES ({type(error).__name__})"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return address


@contextmanager
def own_database(server_address: str) -> Iterator[str]:
    """Create a database that nobody else uses, and drop it at the end."""
    name = f"tuneloop_{secrets.token_hex(8)}"
    with psycopg.connect(server_address, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"'.encode())
        # No test pulls the plug of the server.
        server.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off'.encode())
    try:
        yield sa.make_url(server_address).set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(server_address, autocommit=True) as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> Iterator[str]:
    """Give the address of this session's own migrated database."""
    with own_database(postgres_server) as url:
        migrate(url)
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the address of a database of either kind without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'bare.db'}"
        return
    with own_database(request.getfixturevalue("postgres_server")) as url:
        yield url


@pytest.fixture
def postgres_url(postgres_database: str) -> str:
    """Give the address of an empty, migrated PostgreSQL database."""
    engine = make_engine(postgres_database)
    with engine.begin() as connection:
        # The ledger refuses; only whoever owns the table can switch that off.
        connection.execute(sa.text("ALTER TABLE ledger_entries DISABLE TRIGGER USER"))
        # Faster than TRUNCATE, which makes new files.
        for table in metadata.sorted_tables:
            connection.execute(sa.delete(table))
        connection.execute(sa.text("ALTER TABLE ledger_entries ENABLE TRIGGER USER"))
    engine.dispose()
    return postgres_database


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Give an empty database of either kind: what holds for one must hold for the other."""
    wanted = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    url: str = request.getfixturevalue(wanted)
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """Give an engine on an empty database of either kind."""
    made = make_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def sqlite_engine(sqlite_url: str) -> Iterator[sa.Engine]:
    """Give an engine on an empty SQLite database, where the kind does not matter."""
    made = make_engine(sqlite_url)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def s3_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a real S3 server for those tests that want one; give its address."""
    with s3_server(tmp_path_factory.mktemp("s3")) as address:
        yield address


@pytest.fixture
def s3(s3_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Say by the usual variables where S3 is; give its address."""
    for name, value in (CREDENTIALS | {"AWS_ENDPOINT_URL": s3_address}).items():
        monkeypatch.setenv(name, value)
    return s3_address


@pytest.fixture
def bucket(s3: str) -> str:
    """Give the address of a new bucket."""
    import s3fs  # takes a second, and few tests need it

    assert s3
    name = f"b-{secrets.token_hex(16)}"
    s3fs.S3FileSystem(use_listings_cache=False).mkdir(name)
    return f"s3://{name}/files"
