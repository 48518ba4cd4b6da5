"""The SDK's client, told everything, so that it asks the environment for nothing."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import SecretStr

from service.domain.dialects import Dialect

if TYPE_CHECKING:
    from openai import OpenAI, Timeout

_CONNECT_TIMEOUT_S = 10.0


class Access(Protocol):
    """What the adapter is told of a server; ``TrainerSettings`` has it."""

    @property
    def dialect(self) -> str:
        """A key of ``DIALECTS``."""

    @property
    def manners(self) -> Dialect:
        """The dialect as this server speaks it."""

    @property
    def base_url(self) -> str:
        """Where the server is, version included."""

    @property
    def api_key(self) -> SecretStr | None:
        """The key, None where the server wants none."""

    @property
    def answer_timeout(self) -> timedelta:
        """How long one answer may take."""

    @property
    def extra_body(self) -> Mapping[str, Any]:
        """Fields added to every request that creates a job."""


def open_client(access: Access, *, timeout_s: float) -> "OpenAI":
    """Build the client; nothing connects before its first request, so that a process may fork after this."""
    # The SDK takes more than a second to import, which no command should wait for that needs no trainer.
    import openai

    client = openai.OpenAI(
        # Given even where they mean nothing: what is absent the SDK reads from OPENAI_... variables, and a stray
        # one must neither send a key elsewhere nor bill another organisation.
        api_key=access.api_key.get_secret_value() if access.api_key else "none",
        admin_api_key="",
        organization="",
        project="",
        webhook_secret="",
        base_url=access.base_url,
        timeout=patience(timeout_s),
        # The queue owns the schedule; and the SDK would repeat a job's creation too, which is a second bill.
        max_retries=0,
    )
    # Empty headers are sent, absent ones are not.
    client.organization = client.project = None
    # OPENAI_CUSTOM_HEADERS could replace any header.
    client._custom_headers = {}  # noqa: SLF001 - no argument of the SDK switches this variable off
    return client


def patience(timeout_s: float) -> "Timeout":
    """Give how long to wait for an answer; a connection comes about sooner or not at all."""
    import openai

    return openai.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_TIMEOUT_S))
