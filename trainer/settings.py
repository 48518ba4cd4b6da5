"""How a trainer is started: its options, from the command line and the environment."""

import argparse
import base64
import binascii
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from trainer.engines import engine_names
from trainer.manners import MANNERS, Manners

SECRET_PREFIX = "whsec_"  # noqa: S105 - a prefix, no secret
FEWEST_SECRET_BYTES, MOST_SECRET_BYTES = 24, 64
ResultEncoding = Literal["plain", "base64"]


class SettingsWrong(Exception):
    """The trainer cannot start like this; the text says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options of a trainer.

    Attributes:
        data: The folder that holds everything the trainer remembers.
        port: 0 lets the operating system choose.
        job_seconds: The shortest time a job trains; its steps are spread over it.
        webhook_retry_seconds: The wait after the first failed delivery; it doubles, up to an hour.
        organization: The third part of tuned models' names.
        manners_of: Whose manners it has, a key of ``MANNERS``.
        shutdown_dates: By base model, the day on which it shuts down, ``YYYY-MM-DD``; only told, never done.
    """

    api_key: str
    data: Path
    port: int
    host: str = "127.0.0.1"
    engine: str = "memory"
    job_seconds: float = 2.0
    webhook_url: str | None = None
    webhook_secret: str | None = None
    webhook_retry_seconds: float = 5.0
    result_encoding: ResultEncoding = "plain"
    max_upload_bytes: int = 512 * 1024 * 1024
    organization: str = "local"
    manners_of: str = "tuneloop"

    @property
    def manners(self) -> Manners:
        """How it behaves."""
        return MANNERS[self.manners_of]

    @property
    def encoding_of_results(self) -> ResultEncoding:
        """How result files are encoded: as the manners say, or else the option."""
        if self.manners.base64_results is None:
            return self.result_encoding
        return "base64" if self.manners.base64_results else "plain"

    shutdown_dates: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check(self)


def parse_settings(argv: Sequence[str] | None, environment: Mapping[str, str]) -> Settings:
    """Read the command line, and the secrets from the environment where they are not on it.

    Raises:
        SettingsWrong: An option is missing or wrong.
        SystemExit: From argparse, for a command line that it cannot read, or ``--help``.
    """
    given = _parser().parse_args(argv)
    return Settings(
        api_key=given.api_key or environment.get("TUNELOOP_TRAINER_API_KEY", ""),
        webhook_secret=given.webhook_secret or environment.get("TUNELOOP_TRAINER_WEBHOOK_SECRET") or None,
        data=given.data,
        host=given.host,
        port=given.port,
        engine=given.engine,
        job_seconds=given.job_seconds,
        webhook_url=given.webhook_url,
        webhook_retry_seconds=given.webhook_retry_seconds,
        result_encoding=given.result_encoding,
        max_upload_bytes=given.max_upload_mb * 1024 * 1024,
        organization=given.organization,
        manners_of=given.manners,
        shutdown_dates=dict(_dated(written) for written in given.shutdown_date),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tuneloop trainer", description="A fine-tuning server of the shape of the OpenAI API."
    )
    add = parser.add_argument
    add("--port", type=int, required=True, help="port to listen on; 0 picks a free one")
    add("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    add("--data", type=Path, default=Path("trainer-data"), help="folder for everything the trainer remembers")
    add("--api-key", help="the key that clients must show; or TUNELOOP_TRAINER_API_KEY")
    add("--engine", default="memory", help=f"what trains: {', '.join(engine_names())} (%(default)s)")
    add("--job-seconds", type=float, default=2.0, help="shortest time a job trains, may be 0 (%(default)s)")
    add("--webhook-url", help="where to tell that a job has ended")
    add("--webhook-secret", help="whsec_..., signs the webhooks; or TUNELOOP_TRAINER_WEBHOOK_SECRET")
    add("--webhook-retry-seconds", type=float, default=5.0, help="wait after a failed webhook, doubles (%(default)s)")
    add("--result-encoding", choices=get_args(ResultEncoding), default="plain", help="of result files (%(default)s)")
    add("--max-upload-mb", type=int, default=512, help="largest file (%(default)s)")
    add("--organization", default="local", help="third part of tuned models' names (%(default)s)")
    add("--manners", choices=tuple(MANNERS), default="tuneloop", help="behave like this server (%(default)s)")
    add("--shutdown-date", action="append", default=[], metavar="MODEL=YYYY-MM-DD", help="tell when a base model ends")
    return parser


def _dated(written: str) -> tuple[str, str]:
    model, _, day = written.rpartition("=")
    try:
        return model, date.fromisoformat(day).isoformat()
    except ValueError:
        raise SettingsWrong(f"--shutdown-date {written}: must be MODEL=YYYY-MM-DD") from None


def _check(settings: Settings) -> None:
    if not settings.api_key or not settings.api_key.isascii() or not settings.api_key.isprintable():
        raise SettingsWrong("give an API key of printable ASCII: --api-key, or TUNELOOP_TRAINER_API_KEY")
    if settings.engine not in engine_names():
        raise SettingsWrong(f"--engine {settings.engine}: the engines are {', '.join(engine_names())}")
    if not 0 <= settings.port <= 65535:  # noqa: PLR2004 - the protocol's own limit
        raise SettingsWrong("--port must be 0 to 65535")
    # Written so that NaN fails too.
    if not 0 <= settings.job_seconds < float("inf") or not 0 < settings.webhook_retry_seconds < float("inf"):
        raise SettingsWrong("--job-seconds must not be negative, --webhook-retry-seconds must be above 0")
    if settings.max_upload_bytes < 1:
        raise SettingsWrong("--max-upload-mb must be at least 1")
    if not settings.organization or not settings.organization.replace("-", "").isalnum():
        raise SettingsWrong("--organization must be letters, digits and -")
    if bool(settings.webhook_url) != bool(settings.webhook_secret):
        raise SettingsWrong("--webhook-url and --webhook-secret need each other")
    if settings.webhook_url and settings.webhook_secret:
        _check_url(settings.webhook_url)
        check_webhook_secret(settings.webhook_secret)


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsWrong("--webhook-url must begin with http:// or https:// and a host")


def check_webhook_secret(secret: str) -> None:
    """Refuse a secret that a lenient decoder would turn into a weak or empty key.

    Raises:
        SettingsWrong: It is not ``whsec_`` and strict base64 of 24 to 64 bytes.

    Source: the Standard Webhooks specification, "Signature scheme".
    """
    wrong = SettingsWrong("the webhook secret must be whsec_ followed by base64 of 24 to 64 bytes")
    if not secret.startswith(SECRET_PREFIX):
        raise wrong
    encoded = secret.removeprefix(SECRET_PREFIX)
    try:
        key = base64.b64decode(encoded.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise wrong from None
    if not FEWEST_SECRET_BYTES <= len(key) <= MOST_SECRET_BYTES or base64.b64encode(key).decode() != encoded:
        raise wrong


def environment() -> Mapping[str, str]:
    """Give the environment of this process."""
    return os.environ
