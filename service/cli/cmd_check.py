"""``tuneloop check``: configuration, credentials and connections, each line with its remedy."""

import os
from collections.abc import Callable
from functools import partial
from typing import Annotated

import sqlalchemy as sa
import typer
from redis.exceptions import RedisError

from service.adapters.redis_clients import quick_redis
from service.adapters.sql_engine import reading
from service.bootstrap import Deps, redis_url
from service.cli.app import app
from service.cli.valkey import answers
from service.config import describe, load, missing_for
from service.config.durations import write_duration
from service.domain.errors import InboxUnavailable, ServiceError
from service.logs import silence_logging


@app.command()
def check(*, quiet: Annotated[bool, typer.Option(help="Leave out the configuration.")] = False) -> None:
    """Verify the configuration and every connection."""
    settings = load(os.environ)
    if not quiet:
        for name, value in describe(settings):
            typer.echo(f"{name} = {value}")
    silence_logging()
    if not settings.webhook_secrets:
        every = write_duration(settings.service.reconcile_every)
        typer.echo(
            f"note     webhooks: LABELBOX_WEBHOOK_SECRET is not set, so every delivery is refused and the labels are "
            f"read every {every} instead"
        )
    deps = Deps(settings)
    wrong = [
        f"missing: {text}" for text in dict.fromkeys(missing_for(settings, "serve") + missing_for(settings, "work"))
    ]
    for name, probe in _probes(deps).items():
        try:
            typer.echo(f"ok       {name}: {probe()}")
        except ServiceError as error:
            wrong.append(f"{name}: {error}. What to do: {error.remedy}")
        except (RedisError, OSError, sa.exc.SQLAlchemyError) as error:
            wrong.append(f"{name}: {type(error).__name__}. What to do: start it, or correct its address.")
    for text in wrong:
        typer.echo(f"WRONG    {text}", err=True)
    raise typer.Exit(1 if wrong else 0)


def _probes(deps: Deps) -> dict[str, Callable[[], str]]:
    probes: dict[str, Callable[[], str]] = {
        "redis": partial(_redis, deps),
        "database": partial(_database, deps),
        "files": lambda: deps.files.location("0" * 64).rpartition("/sha256/")[0],
    }
    for name, pipeline in deps.settings.pipelines.items():
        probes[f"labelbox project {pipeline.labels.project}"] = partial(_project, deps, name)
    return probes


def _redis(deps: Deps) -> str:
    if deps.settings.redis_url is None and not _embedded_runs(deps):
        return "embedded Valkey, not running: tuneloop up starts it"
    client = quick_redis(redis_url(deps.settings))
    try:
        modes = client.config_get("append*")
    finally:
        client.close()
    if (modes.get("appendonly"), modes.get("appendfsync")) != ("yes", "always"):
        raise InboxUnavailable(
            f"appendonly {modes.get('appendonly')}, appendfsync {modes.get('appendfsync')}: a delivery that was "
            "acknowledged can be lost when the server dies",
            remedy="Set appendonly yes and appendfsync always.",
        )
    return "appendonly yes, appendfsync always"


def _embedded_runs(deps: Deps) -> bool:
    address = deps.settings.data_folder / "valkey" / "address"
    return address.exists() and answers(address.read_text(encoding="utf-8").strip())


def _database(deps: Deps) -> str:
    if deps.settings.database_url is None and not (deps.settings.data_folder / "tuneloop.db").exists():
        return "embedded SQLite, not made yet: tuneloop up makes it"
    with reading(deps.engine) as connection:
        found = connection.execute(sa.text("select version_num from alembic_version")).scalar()
    return f"{deps.engine.dialect.name}, schema {found}"


def _project(deps: Deps, name: str) -> str:
    from service.domain.ontologies import response_question

    labels = deps.settings.pipelines[name].labels
    question = response_question(deps.labels.normalized_ontology(labels.project), named=labels.response)
    return f"the response is the {question.answer} question {question.name!r}"
