"""The environment: addresses and secrets, each variable also as ``NAME_FILE``, a file that holds it."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from service.config.settings import Settings

# Below this a token can be guessed over the network.
_TOKEN_CHARACTERS = 16
# The length Standard Webhooks demands of a key. Looser readers turn a mistyped secret into an
# empty key, with which anybody can sign.
_SIGNING_KEY_BYTES = range(24, 65)


@dataclass(frozen=True, slots=True)
class Environment:
    """The variables of the process."""

    variables: Mapping[str, str]

    def text(self, name: str) -> str | None:
        """Give a variable's value, or that of the file ``NAME_FILE`` names; an empty one counts as not set.

        Raises:
            ValueError: Both are set, or the file cannot be read.
        """
        value, file_name = self.variables.get(name, ""), self.variables.get(f"{name}_FILE", "")
        if not file_name.strip():
            return value if value.strip() else None
        if value.strip():
            raise ValueError(f"set either {name} or {name}_FILE, not both")
        try:
            # Editors and secret stores end files with a newline that is no part of the secret.
            found = Path(file_name).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise ValueError(f"the file that {name}_FILE names cannot be read: {reason}") from error
        return found if found.strip() else None

    def secret(self, name: str) -> SecretStr | None:
        """Give a variable that nobody may see; ValueError as for ``text``."""
        value = self.text(name)
        return None if value is None else SecretStr(value.strip())

    def secrets(self, name: str) -> tuple[SecretStr, ...]:
        """Give a variable's comma-separated secrets, several while one is rotated; ValueError as for ``text``."""
        return split_secrets(self.text(name))

    def signing_secrets(self, name: str) -> tuple[SecretStr, ...]:
        """Give the comma-separated secrets that webhooks are signed with, a trainer's or our own.

        Raises:
            ValueError: One is not ``whsec_`` and strict base64 of 24 to 64 bytes.

        Source: Standard Webhooks specification, "Signature scheme".
        """
        secrets = self.secrets(name)
        if not all(_can_sign(secret.get_secret_value()) for secret in secrets):
            raise ValueError(f"{name} must hold 'whsec_' followed by the base64 of 24 to 64 bytes")
        return secrets


def split_secrets(value: object) -> tuple[SecretStr, ...]:
    """Read comma-separated secrets, several while one is rotated."""
    parts = value.split(",") if isinstance(value, str) else ()
    return tuple(SecretStr(part.strip()) for part in parts if part.strip())


def _unguessable(tokens: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if any(len(token.get_secret_value()) < _TOKEN_CHARACTERS for token in tokens):
        raise ValueError(
            f"each token must have at least {_TOKEN_CHARACTERS} characters: openssl rand -hex 32 makes one"
        )
    return tokens


def http_url(value: str) -> str:
    """Check an address that requests go to, without repeating it: it may hold a password.

    Raises:
        ValueError: It is no http or https address, or holds a name or password.
    """
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("must be an address such as 'https://api.example.com/v1'")
    if "@" in parts.netloc:
        raise ValueError("must not hold a name or password; keys belong in the environment")
    return value


def _can_sign(secret: str) -> bool:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return False
    return secret.startswith("whsec_") and len(key) in _SIGNING_KEY_BYTES


class Variables(BaseModel):
    """The variables that every installation knows."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    redis_url: Annotated[str | None, Field(alias="TUNELOOP_REDIS_URL")] = Settings.redis_url
    database_url: Annotated[str | None, Field(alias="TUNELOOP_DATABASE_URL")] = Settings.database_url
    files_url: Annotated[str | None, Field(alias="TUNELOOP_FILES_URL")] = Settings.files_url
    data_folder: Annotated[Path, Field(alias="TUNELOOP_DATA")] = Settings.data_folder
    labelbox_endpoint: Annotated[str, AfterValidator(http_url), Field(alias="TUNELOOP_LABELBOX_ENDPOINT")] = (
        Settings.labelbox_endpoint
    )
    labelbox_api_key: Annotated[SecretStr | None, Field(alias="LABELBOX_API_KEY")] = Settings.labelbox_api_key
    webhook_secrets: Annotated[
        tuple[SecretStr, ...], BeforeValidator(split_secrets), Field(alias="LABELBOX_WEBHOOK_SECRET")
    ] = Settings.webhook_secrets
    admin_tokens: Annotated[
        tuple[SecretStr, ...],
        BeforeValidator(split_secrets),
        AfterValidator(_unguessable),
        Field(alias="TUNELOOP_ADMIN_TOKEN"),
    ] = Settings.admin_tokens
    read_tokens: Annotated[
        tuple[SecretStr, ...],
        BeforeValidator(split_secrets),
        AfterValidator(_unguessable),
        Field(alias="TUNELOOP_READ_TOKEN"),
    ] = Settings.read_tokens
    host: Annotated[str, Field(alias="TUNELOOP_HOST")] = Settings.host
    port: Annotated[int, Field(alias="TUNELOOP_PORT", ge=0, le=65535)] = Settings.port
    max_body_bytes: Annotated[int, Field(alias="TUNELOOP_MAX_BODY_BYTES", ge=1024, le=1024**3)] = (
        Settings.max_body_bytes
    )


VARIABLES: Mapping[str, str] = {name: str(field.alias) for name, field in Variables.model_fields.items()}
