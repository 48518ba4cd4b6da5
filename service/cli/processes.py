"""The processes of ``tuneloop up``; the demo starts exactly these as well."""

import fcntl
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rq import Worker

from service.adapters.private_folders import make_private
from service.adapters.redis_clients import quick_redis, translated
from service.adapters.sql_engine import migrate
from service.bootstrap import Deps, database_url, redis_url
from service.cli.supervisor import Program, Supervisor
from service.cli.valkey import valkey_program
from service.config import Settings
from service.domain.errors import ConfigurationError


@contextmanager
def sole_owner(folder: Path) -> Iterator[None]:
    """Hold the data folder: two supervisors in one would start everything twice on the same data.

    Raises:
        ConfigurationError: Another one holds it, or the folder cannot be written.
    """
    try:
        make_private(folder)
        lock = (folder / "up.lock").open("w", encoding="utf-8")
    except OSError as error:
        remedy = "Make it writable, or name another one in TUNELOOP_DATA."
        raise ConfigurationError(f"the data folder {folder}: {error.strerror}", remedy=remedy) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            remedy = "Stop that one first, or name another folder in TUNELOOP_DATA."
            raise ConfigurationError(f"tuneloop up runs already on {folder}", remedy=remedy) from error
        yield


def require_free(host: str, port: int) -> None:
    """Raise ConfigurationError if somebody listens on the port already: his answers would look like ours."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            remedy = "Stop what listens there, or choose another port with TUNELOOP_PORT."
            raise ConfigurationError(f"{host}:{port}: {error.strerror}", remedy=remedy) from error


def start_service(supervisor: Supervisor, settings: Settings, environment: Mapping[str, str]) -> str:
    """Start Valkey if none is configured, migrate, then web, workers and schedule.

    Returns:
        The address of Redis.
    """
    require_free(settings.host, settings.port)
    # Wrong addresses are said now, not in a worker's log at the first run.
    _ = Deps(settings).files
    redis = redis_url(settings) if settings.redis_url else None
    if redis is None:
        valkey, redis = valkey_program(settings.data_folder / "valkey")
        supervisor.start(valkey)
    migrate(database_url(settings))
    given = {**environment, "TUNELOOP_REDIS_URL": redis}
    address = f"http://{settings.host}:{settings.port}"
    supervisor.start(_part("web", "serve", given, address, healthy=f"{address}/healthz"))
    for number in range(1, settings.service.workers + 1):
        supervisor.start(_part(f"worker-{number}", "work", given))
    supervisor.start(_part("schedule", "schedule", given))
    # They import the SDKs first, which takes some seconds.
    supervisor.wait_for("the workers are ready", lambda: _workers(redis) >= settings.service.workers)
    return redis


def _workers(address: str) -> int:
    with translated(), quick_redis(address) as redis:
        return int(Worker.count(connection=redis))


def _part(name: str, command: str, environment: Mapping[str, str], address: str = "", *, healthy: str = "") -> Program:
    return Program(
        name,
        [sys.executable, "-m", "service.cli", command],
        address,
        environment,
        is_ready=(lambda: answers_http(healthy)) if healthy else (lambda: True),
    )


def answers_http(url: str) -> bool:
    """Say whether a server of ours answers there with success."""
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 - an address we made ourselves
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's own number
    except (urllib.error.URLError, OSError):
        return False
