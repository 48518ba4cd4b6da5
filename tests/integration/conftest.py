"""Fixtures of the integration tests: the web process, a conversion desk, a workshop for runs."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog
from pydantic import SecretStr
from redis import Redis

from service.adapters.sql_tables import dead_letters
from service.bootstrap import Deps
from service.cli.app import run
from service.config import Settings, TrainerSettings
from service.web.app import create_app
from tests.support.builders import LIMIT_BYTES, SECRET, TRAINER_SECRET, make_pipeline
from tests.support.conversion import Desk
from tests.support.serving import serving
from tests.support.typed import ONE_PIPELINE, Says
from tests.support.workshop import Workshop


@pytest.fixture(autouse=True)
def usual_logging() -> Iterator[None]:
    """Undo what a command does that was run in this process: some silence all events but warnings."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def settings(valkey_url: str, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("web")
    shutil.copyfile(sqlite_template, folder / "tuneloop.db")
    trainer = TrainerSettings("box", "generic", "http://127.0.0.1:9/v1", webhook_secrets=(SecretStr(TRAINER_SECRET),))
    return Settings(
        config_file=folder / "tuneloop.toml",
        pipelines={name: make_pipeline(name) for name in ("summaries", "second")},
        trainers={"box": trainer},
        redis_url=valkey_url,
        data_folder=folder,
        webhook_secrets=(SecretStr("an older secret"), SecretStr(SECRET.decode())),
        max_body_bytes=LIMIT_BYTES,
    )


@pytest.fixture(scope="session")
def server(settings: Settings) -> Iterator[tuple[int, Deps]]:
    """Serve once for all tests: each begins with nothing stored."""
    made = Deps(settings)
    with serving(create_app(made)) as number:
        yield number, made
    made.engine.dispose()


@pytest.fixture
def deps(server: tuple[int, Deps], redis_url: str) -> Deps:
    """Give the server's own parts, with an empty inbox and no dead letters."""
    assert redis_url
    made = server[1]
    with made.engine.begin() as connection:
        connection.execute(sa.delete(dead_letters))
    return made


@pytest.fixture
def port(server: tuple[int, Deps], deps: Deps, caplog: pytest.LogCaptureFixture) -> Iterator[int]:
    """Give the server's port; whatever a test sends, nothing may end in a traceback."""
    assert deps
    with caplog.at_level(logging.WARNING):
        yield server[0]
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []


@pytest.fixture
def desk(sqlite_engine: sa.Engine, redis: Redis) -> Desk:
    """Give an installation that converts, with an empty inbox and an empty project."""
    return Desk(sqlite_engine, redis)


@pytest.fixture
def shop(sqlite_engine: sa.Engine, tmp_path: Path) -> Workshop:
    """Give a pipeline with sixty examples, and a trainer that costs nothing."""
    made = Workshop(sqlite_engine, tmp_path / "files")
    made.fill()
    return made


@pytest.fixture
def says(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    redis_url: str,
    sqlite_url: str,
) -> Says:
    """Give what types a command at an installation with pipeline p: its exit code, and what it printed."""
    (tmp_path / "tuneloop.toml").write_text(ONE_PIPELINE)
    monkeypatch.setenv("TUNELOOP_CONFIG", str(tmp_path / "tuneloop.toml"))
    monkeypatch.setenv("TUNELOOP_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TUNELOOP_REDIS_URL", redis_url)
    monkeypatch.setenv("TUNELOOP_DATABASE_URL", sqlite_url)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return call
