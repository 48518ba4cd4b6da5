"""``tuneloop check``: configuration, credentials and connections, each line with its remedy."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Annotated

import sqlalchemy as sa
import typer
from redis.exceptions import RedisError

from service.adapters.own_functions import load_function
from service.adapters.redis_clients import quick_redis
from service.adapters.sql_engine import reading
from service.bootstrap import Deps, presidio, redis_url
from service.cli.app import AsJson, app, print_json
from service.cli.check_folders import check_folders
from service.cli.check_labelbox import Checked, check_labelbox
from service.cli.check_prices import check_prices
from service.cli.check_sunsets import check_sunsets
from service.cli.check_trainers import ask_trainers, check_trainers
from service.cli.valkey import answers
from service.config import describe, load, missing_for
from service.config.durations import write_duration
from service.domain.errors import ConfigurationError, InboxUnavailable, ServiceError
from service.domain.metric_specs import FunctionSpec
from service.domain.pipelines import ChecksPolicy, Pipeline
from service.domain.plurals import how_many
from service.logs import silence_logging
from service.usecases.tell import Target


@app.command()
def check(
    *, quiet: Annotated[bool, typer.Option(help="Leave out the configuration.")] = False, as_json: AsJson = False
) -> None:
    """Verify the configuration, every connection, and Labelbox against it."""
    settings = load(os.environ)
    configuration = [] if quiet else describe(settings)
    silence_logging()
    if not as_json:
        for name, value in configuration:
            typer.echo(f"{name} = {value}")
        if not settings.webhook_secrets and settings.pipelines.keys() - settings.own_secrets.keys():
            every = write_duration(settings.service.reconcile_every)
            typer.echo(
                "note     webhooks: LABELBOX_WEBHOOK_SECRET is not set, so every delivery is refused and the labels "
                f"are read every {every} instead"
            )
    found: list[Checked] = []
    for item in _each_once(_checked(Deps(settings))):
        found.append(item)
        if item.ok and not as_json:
            typer.echo(f"{'note' if item.is_note else 'ok':<8} {item.name}: {item.text}")
    wrong = [item for item in found if not item.ok]
    if as_json:
        print_json({"ok": not wrong, "configuration": dict(configuration), "checks": [asdict(item) for item in found]})
    else:
        for item in wrong:
            remedy = f". What to do: {item.remedy}" if item.remedy else ""
            typer.echo(f"WRONG    {item.name}: {item.text.rstrip('.')}{remedy}", err=True)
        notes = sum(item.is_note for item in found)
        typer.echo(f"{len(wrong)} wrong, {how_many(notes, 'note')}, {len(found) - len(wrong) - notes} in order.")
    raise typer.Exit(1 if wrong else 0)


def _checked(deps: Deps) -> Iterator[Checked]:
    settings = deps.settings
    for text in dict.fromkeys(missing_for(settings, "serve") + missing_for(settings, "work")):
        variable = text.partition(":")[0]
        remedy = f"Set {variable}, or {variable}_FILE to a file that holds it; see .env.example."
        yield Checked("missing", ok=False, text=text, remedy=remedy)
    for name, probe in _probes(deps).items():
        yield _probed(name, probe)
    yield from check_folders(deps)
    yield from check_prices(deps)
    told = ask_trainers(deps)
    yield from check_trainers(deps, told)
    yield from check_sunsets(deps, {name: each.models for name, each in told.items() if each.models is not None})
    for name in settings.pipelines:
        yield from check_labelbox(deps, name)


def _each_once(found: Iterator[Checked]) -> Iterator[Checked]:
    """Leave out what was said before, as of a project that two pipelines read."""
    said: set[Checked] = set()
    for item in found:
        if item not in said:
            yield item
        said.add(item)


def _probed(name: str, probe: Callable[[], str]) -> Checked:
    try:
        return Checked(name, ok=True, text=probe())
    except ServiceError as error:
        return Checked(name, ok=False, text=str(error), remedy=error.remedy)
    except (RedisError, OSError, sa.exc.SQLAlchemyError) as error:
        return Checked(name, ok=False, text=type(error).__name__, remedy="Start it, or correct its address.")


def _probes(deps: Deps) -> dict[str, Callable[[], str]]:
    return {
        "redis": partial(_redis, deps),
        "database": partial(_database, deps),
        "files": partial(_files, deps),
        **{
            f"trainer {name} {key}": partial(_program, command)
            for name, trainer in deps.settings.trainers.items()
            for key in ("deploy", "undeploy")
            if (command := getattr(trainer.deployment, key))
        },
        **{f"{name} lines": partial(_line_limit, pipeline) for name, pipeline in deps.settings.pipelines.items()},
        **{
            f"{name} checks": partial(_personal_data, pipeline.checks)
            for name, pipeline in deps.settings.pipelines.items()
            if pipeline.checks.presidio
        },
        **{f"notify {name}": partial(_channel, target) for name, target in deps.targets.items()},
        **{
            f"{name} metrics": partial(_own_metrics, pipeline)
            for name, pipeline in deps.settings.pipelines.items()
            if pipeline.metrics
        },
    }


def _files(deps: Deps) -> str:
    return deps.files.check()


def _channel(target: Target) -> str:
    # Nothing is sent: tuneloop notify test does that.
    return target.connect().describe()


def _line_limit(pipeline: Pipeline) -> str:
    by = "max_tokens" if pipeline.max_line_tokens == pipeline.dataset.max_tokens else pipeline.train.model
    return f"at most {pipeline.max_line_tokens:,} tokens each, by {by}; a longer one is left out"


def _program(command: Sequence[str]) -> str:
    found = shutil.which(command[0])
    if found is None:
        raise ConfigurationError(
            f"there is no program {command[0]}",
            remedy="Give its whole path, or make it executable and put its folder on the PATH of the workers.",
        )
    return found


def _personal_data(policy: ChecksPolicy) -> str:
    return presidio(policy.presidio_model).describe()


def _own_metrics(pipeline: Pipeline) -> str:
    for spec in pipeline.metrics.values():
        if isinstance(spec, FunctionSpec):
            load_function(spec.function)
    decide = {pipeline.verdict.primary, *pipeline.verdict.guard}
    unused = "".join(f"; {name} decides nothing" for name in pipeline.metrics if name not in decide)
    return ", ".join(f"{name} ({spec.kind})" for name, spec in pipeline.metrics.items()) + unused


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
