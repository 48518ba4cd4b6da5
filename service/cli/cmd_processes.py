"""The processes: serve, work, schedule, migrate, up, trainer, sandbox."""

import os
import signal
import sys
import time
from threading import Event
from typing import Annotated

import typer

from service.bootstrap import Deps, database_url, redis_url
from service.cli.app import app
from service.cli.processes import sole_owner, start_service
from service.cli.supervisor import Supervisor
from service.config import Settings, load, missing_for
from service.domain.errors import ConfigurationError
from service.logs import configure_logging

_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Receive webhooks."""
    from service.web.app import create_app
    from service.web.server import run_web

    configure_logging("web")
    settings = load(os.environ)
    run_web(
        create_app(Deps(settings)),
        host=host or settings.host,
        port=settings.port if port is None else port,
    )


@app.command()
def work() -> None:
    """Do the jobs: convert, train, evaluate."""
    from workers.process import work as work_on

    if not sys.flags.utf8_mode:
        # The Labelbox SDK writes exports to disk in the locale's encoding.
        os.execv(sys.executable, [sys.executable, "-X", "utf8", "-m", "service.cli", "work"])  # noqa: S606
    configure_logging("worker")
    work_on(_settings_for("work"))


@app.command()
def schedule() -> None:
    """Keep the clock: sweep, follow, reconcile."""
    from workers.schedule import run_schedule

    configure_logging("schedule")
    run_schedule(Deps(_settings_for("schedule"), outlives_redis=True), _stop_on_signals())


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    from service.adapters.private_folders import make_private
    from service.adapters.sql_engine import migrate as migrate_database

    settings = load(os.environ)
    make_private(settings.data_folder)
    migrate_database(database_url(settings))
    typer.echo("The database has the newest schema.")


@app.command()
def up() -> None:
    """Run everything on this machine until Ctrl-C."""
    settings = load(os.environ)
    if missing := [*missing_for(settings, "serve"), *missing_for(settings, "work")]:
        raise ConfigurationError("\n".join(dict.fromkeys(missing)), remedy="Set them, see .env.example.")
    with sole_owner(settings.data_folder):
        _run_all(settings)


def _run_all(settings: Settings) -> None:
    # While things start, both end the start at once; afterwards they end the watch.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    logs = settings.data_folder / "logs"
    supervisor = Supervisor(logs, typer.echo)
    try:
        start_service(supervisor, settings, {})
        stop = _stop_on_signals()
        typer.echo(f"{'logs':<10} {logs}\nEverything runs; Ctrl-C stops it.")
        while not stop.wait(0.5):
            supervisor.mend()
        typer.echo("Stopping ...")
    finally:
        began_s = time.monotonic()
        supervisor.stop()
        typer.echo(f"Stopped in {time.monotonic() - began_s:.1f} s.")


@app.command(context_settings=_PASS_ON)
def trainer(context: typer.Context) -> None:
    """Run the fine-tuning server of OpenAI's shape, at /v1."""
    os.execv(sys.executable, [sys.executable, "-m", "trainer", *context.args])  # noqa: S606 - no shell is what we want


@app.command(context_settings=_PASS_ON)
def sandbox(context: typer.Context) -> None:
    """Run the stand-in Labelbox, at /graphql."""
    os.execv(sys.executable, [sys.executable, "-m", "sandbox", *context.args])  # noqa: S606 - no shell is what we want


def _stop_on_signals() -> Event:
    """Give an event that the first SIGTERM or SIGINT sets."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _settings_for(part: str) -> Settings:
    settings = load(os.environ)
    redis_url(settings)
    if missing := missing_for(settings, "work" if part == "work" else "schedule"):
        raise ConfigurationError("\n".join(missing), remedy="Set them in the environment, see .env.example.")
    return settings
