"""Every effective key and value, defaults included, as ``tuneloop check`` prints them."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import SecretStr

from service.config.durations import write_duration
from service.config.environment import VARIABLES
from service.config.manners import MannersTable
from service.config.mistakes import KeyPath, key_of
from service.config.settings import Settings, TrainerSettings
from service.domain.checks import CHECKS
from service.domain.deployments import Deployment
from service.domain.pipelines import ChecksPolicy
from service.domain.sunsets import Sunset

_NAMED = 2
# Of these keys an empty list leaves nothing out.
_EMPTY_IS_ALL = frozenset({"kinds", "pipelines"})
_ADDRESSES = frozenset({"redis_url", "database_url", "files_url"})
_SECRETS = frozenset(
    {"labelbox_api_key", "webhook_secrets", "admin_tokens", "read_tokens", "api_key", "addresses", "secrets"}
)


def describe(settings: Settings) -> list[tuple[str, str]]:
    """Give keys and values in the words of file and environment; secrets only as "set" or "not set"."""
    rows = [("TUNELOOP_CONFIG", str(settings.config_file))]
    for name, variable in VARIABLES.items():
        value = getattr(settings, name)
        rows.append((variable, _address(value) if name in _ADDRESSES else _shown(name, value)))
    for table in ("service", "budget", "notify", "trainers", "pipelines"):
        rows.extend((key_of(path), text) for path, text in _rows(getattr(settings, table), (table,)))
    for name, setup in settings.setups.items():
        rows.extend((key_of(path), text) for path, text in _rows(setup, ("pipelines", name, "setup")))
    for name in settings.pipelines:
        own = settings.own_secrets.get(name, {"webhook_secret_env": None})
        rows.extend((key_of(path), text) for path, text in _rows(own, ("pipelines", name, "labels")))
    return rows


def _rows(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, ChecksPolicy):
        # Every code, so that one reads what may be set; the policy itself keeps only what was.
        yield from (((*path, code), value.action_of(code)) for code in CHECKS)
        yield from (
            ((*path, item.name), _text(getattr(value, item.name))) for item in fields(value) if item.name != "actions"
        )
    elif isinstance(value, TrainerSettings):
        yield from _trainer(value, path)
    elif is_dataclass(value) and not isinstance(value, Sunset):
        for field in fields(value):
            # A table's name stands in its key already, which is then pipelines.NAME or trainers.NAME.
            in_key = field.name == "pipeline" or (field.name == "name" and len(path) == _NAMED)
            if not in_key:
                yield from _rows(getattr(value, field.name), (*path, field.name))
    elif isinstance(value, tuple) and any(is_dataclass(item) for item in value):
        for number, item in enumerate(value):
            yield from _rows(item, (*path, number))
    elif isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _rows(inner, (*path, str(key)))
    else:
        yield path, _leaf(value, path)


def _leaf(value: object, path: KeyPath) -> str:
    if path[0] == "notify" and path[-1] == "webhook" and isinstance(value, str):
        # The path of many a receiver is as good as a password.
        return _host_of(value)
    return _shown(str(path[-1]), value)


def _trainer(value: TrainerSettings, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    own = [item.name for item in fields(value) if item.name not in {"name", "ways", "deployment"}]
    yield from (row for name in own for row in _rows(getattr(value, name), (*path, name)))
    yield from (((*path, name), _text(getattr(value.manners, name))) for name in MannersTable.model_fields)
    yield from _deployment(value.deployment, path)


def _deployment(value: Deployment, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    way = " ".join(value.deploy) or ("by_hand" if value.by_hand else "none")
    yield (*path, "deploy"), way
    yield (*path, "undeploy"), " ".join(value.undeploy) or "none"
    yield (*path, "inference_model"), _text(value.inference_model)
    yield (*path, "deploy_timeout"), _text(value.timeout)


def _shown(name: str, value: object) -> str:
    if name in _EMPTY_IS_ALL and value == ():
        return "all"
    if name not in _SECRETS:
        return _text(value)
    if name == "admin_tokens" and not value:
        return "not set: /metrics, /api/v1 and the page answer nobody"
    return "set" if value else "not set"


def _text(value: object) -> str:
    if isinstance(value, timedelta):
        return write_duration(value)
    if isinstance(value, Sunset):
        return value.in_words()
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, Mapping) and value:
        return ", ".join(f"{key} = {inner}" for key, inner in value.items())
    if isinstance(value, SecretStr) or value is None or value == {}:
        return "none"
    return str(value)


def _host_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{'/...' if parts.path not in {'', '/'} or parts.query else ''}"


def _address(url: str | None) -> str:
    """Write an address without what may be secret in it: user, password and query."""
    if url is None:
        return "embedded"
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    hidden = "***@" if "@" in parts.netloc else ""
    return f"{parts.scheme}://{hidden}{host}{parts.path}" if parts.scheme else parts.path
