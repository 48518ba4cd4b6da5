"""The configuration: ``tuneloop.toml`` and the environment, read once at start, never at import."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from service.config.describe import describe
from service.config.environment import VARIABLES, Environment, Variables
from service.config.file import ConfigFile, check, parse, read_text
from service.config.mistakes import key_of, mistakes_of
from service.config.settings import ChannelSettings, OwnSecrets, ServiceSettings, Settings, TrainerSettings
from service.domain.errors import ConfigurationError
from service.domain.metric_specs import JudgeSpec

__all__ = [
    "ChannelSettings",
    "OwnSecrets",
    "Part",
    "ServiceSettings",
    "Settings",
    "TrainerSettings",
    "describe",
    "load",
    "missing_for",
]

Part = Literal["serve", "work", "schedule"]


def load(environ: Mapping[str, str], *, setting_up: bool = False) -> Settings:
    """Read the file that ``TUNELOOP_CONFIG`` names, by default ``tuneloop.toml``, and the environment.

    Args:
        environ: The process's variables.
        setting_up: Let the projects of pipelines be missing: their names are then empty.

    Raises:
        ConfigurationError: The file is missing or no TOML, or either holds mistakes: all of them, one a
            line, as ``tuneloop.toml:12: pipelines.x.trigger.threshold: must be at least 1 (got 0)``.
    """
    environment = Environment(environ)
    variables, mistakes = _read_variables(environment)
    path = Path(_config_name(environment))
    text = read_text(path)
    file = check(path, text, parse(path, text), environment, setting_up=setting_up)
    if isinstance(file, list):
        raise ConfigurationError("\n".join([*file, *mistakes]))
    if variables is None:
        raise ConfigurationError("\n".join(mistakes))
    return _settings(path, file, variables, environment)


def missing_for(settings: Settings, part: Part) -> list[str]:
    """Name every variable that a part of the service cannot do without, and what it is for.

    ``LABELBOX_WEBHOOK_SECRET`` is none: without it no delivery is accepted, and reconciles read the labels alone.
    """
    missing = []
    if part == "serve":
        missing.extend(_missing_secrets(settings))
    if part == "work":
        if settings.labelbox_api_key is None:
            missing.append("LABELBOX_API_KEY: reads the labels of your projects")
        missing.extend(_missing_keys(settings))
    return missing


def _missing_secrets(settings: Settings) -> list[str]:
    unset: dict[str, list[str]] = {}
    for pipeline, own in settings.own_secrets.items():
        if not own.webhook_secrets:
            # Never the general secret in its place: whoever gave a pipeline its own wants no other to count.
            unset.setdefault(own.webhook_secret_env, []).append(pipeline)
    return [f"{name}: the secret of the webhook of {', '.join(pipelines)}" for name, pipelines in unset.items()]


def _missing_keys(settings: Settings) -> list[str]:
    used: dict[str, list[str]] = {}
    for pipeline in settings.pipelines.values():
        judges = (spec.trainer for spec in pipeline.metrics.values() if isinstance(spec, JudgeSpec))
        for trainer in (settings.trainers[name] for name in dict.fromkeys([pipeline.train.trainer, *judges])):
            if trainer.api_key_env and trainer.api_key is None:
                used.setdefault(trainer.api_key_env, []).append(pipeline.name)
    return [f"{name}: the key of the trainer of {', '.join(pipelines)}" for name, pipelines in used.items()]


def _config_name(environment: Environment) -> str:
    try:
        return environment.text("TUNELOOP_CONFIG") or "tuneloop.toml"
    except ValueError as error:
        raise ConfigurationError(f"TUNELOOP_CONFIG: {error}") from error


def _read_variables(environment: Environment) -> tuple[Variables | None, list[str]]:
    given: dict[str, str] = {}
    mistakes: list[str] = []
    for name in VARIABLES.values():
        try:
            value = environment.text(name)
        except ValueError as error:
            mistakes.append(f"{name}: {error}")
        else:
            given.update({} if value is None else {name: value})
    try:
        variables = Variables.model_validate(given)
    except ValidationError as error:
        return None, [*mistakes, *(f"{key_of(path)}: {words}" for path, words in mistakes_of(error, Variables))]
    return (None if mistakes else variables), mistakes


def _settings(path: Path, file: ConfigFile, variables: Variables, environment: Environment) -> Settings:
    return Settings(
        config_file=path,
        pipelines={name: table.policy(name, path.parent) for name, table in file.pipelines.items()},
        own_secrets={
            name: own for name, table in file.pipelines.items() if (own := table.own_secrets(environment)) is not None
        },
        trainers={name: table.settings(name, environment) for name, table in file.trainers.items()},
        service=ServiceSettings(**file.service.model_dump()),
        notify={name: table.settings(name, environment) for name, table in file.notify.items()},
        budget=file.budget.policy(),
        setups={name: table.setup.policy(name) for name, table in file.pipelines.items() if table.setup},
        **{name: getattr(variables, name) for name in VARIABLES},
    )
