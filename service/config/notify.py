"""The ``[notify.NAME]`` tables: whom to tell what happened."""

from collections.abc import Collection
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from service.config.environment import Environment, http_url
from service.config.settings import ChannelSettings
from service.config.tables import Name, Table, VariableName, choose, surroundings
from service.domain.notices import KINDS
from service.domain.public_networks import is_public

# What no public name server hands out (RFC 6761, 6762, 8375 and ICANN's .internal).
_PRIVATE_ENDINGS = (".localhost", ".local", ".internal", ".home.arpa", ".test", ".lan")


def _target(value: str) -> str:
    http_url(value)
    parts = urlsplit(value)
    if parts.fragment:
        raise ValueError("must not hold a fragment (#...), which is never sent")
    if parts.scheme == "http" and not _is_private(parts.hostname or ""):
        raise ValueError("must be https: plain http is for this machine and private networks alone")
    return value


def _is_private(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        # A single word is a container's or a machine's next door.
        return "." not in host.rstrip(".") or host.rstrip(".").endswith(_PRIVATE_ENDINGS)
    return not is_public(host)


class NotifyTable(Table):
    """See ``ChannelSettings``; either ``apprise_env``, or ``webhook`` with ``secret_env``."""

    apprise_env: VariableName | None = None
    webhook: Annotated[str, AfterValidator(_target)] | None = None
    secret_env: VariableName | None = None
    kinds: list[Annotated[str, AfterValidator(lambda value: choose(value, KINDS))]] = Field(default_factory=list)
    pipelines: list[Name] = Field(default_factory=list)

    @field_validator("apprise_env")
    @classmethod
    def _addresses_can_be_read(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value:
            surroundings(info).environment.text(value)
        return value

    @field_validator("webhook")
    @classmethod
    def _is_one_way(cls, value: str | None, info: ValidationInfo) -> str | None:
        if "apprise_env" in info.data and bool(value) == bool(info.data["apprise_env"]):
            raise ValueError("is one way to tell people and apprise_env the other: give exactly one of them")
        return value

    @field_validator("secret_env")
    @classmethod
    def _can_sign(cls, value: str | None, info: ValidationInfo) -> str | None:
        if "webhook" not in info.data:
            return value  # a mistake already
        if info.data["webhook"] and not value:
            raise ValueError("is needed: it names the variable of the secret that signs the webhook")
        if value and not info.data["webhook"]:
            raise ValueError("belongs to a webhook; apprise's addresses hold all they need")
        if value:
            surroundings(info).environment.signing_secrets(value)
        return value

    @field_validator("pipelines")
    @classmethod
    def _exist(cls, value: list[str], info: ValidationInfo) -> list[str]:
        known: Collection[str] = surroundings(info).pipelines
        return [choose(name, sorted(known)) for name in value]

    def settings(self, name: str, environment: Environment) -> ChannelSettings:
        """Give the settings of this channel, its secrets read."""
        written = environment.text(self.apprise_env) if self.apprise_env else None
        return ChannelSettings(
            name=name,
            apprise_env=self.apprise_env,
            # Not by commas, which stand in addresses too.
            addresses=tuple(SecretStr(address) for address in (written or "").split()),
            webhook=self.webhook,
            secret_env=self.secret_env,
            secrets=environment.signing_secrets(self.secret_env) if self.secret_env else (),
            kinds=tuple(self.kinds),
            pipelines=tuple(self.pipelines),
        )
