"""What the configuration holds once it has been read: values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from service.domain.addresses import DEFAULT_HOSTS
from service.domain.budgets import Price
from service.domain.deployments import Deployment
from service.domain.dialects import DIALECTS, Dialect
from service.domain.pipelines import Budget, Pipeline
from service.domain.sampling import Sampling
from service.domain.setups import Setup
from service.domain.sunsets import Sunset


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """How often the service does what, the ``[service]`` table.

    Attributes:
        sweep_every: How often work that stands still is queued again.
        reconcile_every: How often each project is compared with Labelbox.
        reconcile_overlap: How far a reconcile reads back behind the previous one.
        claim_after: After this long without a sign of life a worker's deliveries and exports are taken over.
        exports_at_once: So many of our exports run in Labelbox's organisation; it allows 20 to all its users.
        poll_every: How often a training job is looked at.
        trainers_every: How often each trainer is searched for what no run knows of.
        lease: How long a run belongs to the worker that took it.
        workers: Worker processes of ``tuneloop up``.
        dedupe_window: How long a repeated delivery is recognised.
        fetch_hosts: Where prompts that were uploaded as addresses may be fetched from.
    """

    sweep_every: timedelta = timedelta(seconds=5)
    reconcile_every: timedelta = timedelta(minutes=5)
    reconcile_overlap: timedelta = timedelta(minutes=10)
    claim_after: timedelta = timedelta(seconds=30)
    exports_at_once: int = 4
    poll_every: timedelta = timedelta(seconds=30)
    trainers_every: timedelta = timedelta(hours=1)
    lease: timedelta = timedelta(minutes=2)
    workers: int = 2
    dedupe_window: timedelta = timedelta(days=1)
    fetch_hosts: tuple[str, ...] = DEFAULT_HOSTS


@dataclass(frozen=True, slots=True)
class TrainerSettings:
    """A server that trains, a ``[trainers.NAME]`` table and the secrets it names.

    Attributes:
        dialect: A key of ``DIALECTS``.
        api_key_env: The variable the key comes from, None if the server needs none.
        webhook_secrets: Several while one is rotated; each is ``whsec_`` and base64.
        prices: By model, OpenAI's built-in ones included.
        max_tokens: The longest answer asked of a model, in tokens.
        answer_timeout: How long one answer may take.
        concurrency: How many questions are asked at once.
        requests_per_minute: How many are asked in a minute; None for no limit.
        extra_body: Fields added to every request that creates a job.
        ways: What this server does otherwise than its dialect.
        deployment: What follows a training.
        sunsets: By model, built-in ones included: until when it is there.
        training_ends: From this day nobody can train there.
        keep_files: How long uploads stay at the trainer after their run ended.
    """

    name: str
    dialect: str
    base_url: str
    api_key_env: str | None = None
    api_key: SecretStr | None = None
    webhook_secret_env: str | None = None
    webhook_secrets: tuple[SecretStr, ...] = ()
    budget: Budget = field(default_factory=Budget)
    prices: Mapping[str, Price] = field(default_factory=dict)
    max_tokens: int = 1024
    answer_timeout: timedelta = timedelta(seconds=60)
    concurrency: int = 4
    requests_per_minute: int | None = None
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    ways: Mapping[str, Any] = field(default_factory=dict)
    deployment: Deployment = field(default_factory=Deployment)

    sunsets: Mapping[str, Sunset] = field(default_factory=dict)
    training_ends: date | None = None
    keep_files: timedelta = timedelta(days=7)

    @property
    def sampling(self) -> Sampling:
        """How its models are asked, where a pipeline or a judge says nothing else."""
        return Sampling(temperature=self.manners.temperature, max_tokens=self.max_tokens)

    @property
    def manners(self) -> Dialect:
        """The dialect as this server speaks it."""
        return DIALECTS[self.dialect].but(self.ways)


@dataclass(frozen=True, slots=True)
class OwnSecrets:
    """What a pipeline's own webhook is signed with, ``webhook_secret_env`` of its ``labels`` table.

    Attributes:
        webhook_secret_env: The variable they come from.
        webhook_secrets: Several while one is rotated; empty while the variable is not set.
    """

    webhook_secret_env: str
    webhook_secrets: tuple[SecretStr, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """A way to tell people, a ``[notify.NAME]`` table and the secrets it names.

    Attributes:
        apprise_env: The variable that apprise's addresses come from; None for a webhook.
        addresses: Apprise's; empty while the variable is not set.
        webhook: Where events are posted; None for apprise.
        secrets: Each signs the webhook; several while one is rotated.
        kinds: What is told, keys of ``KINDS``; empty is everything.
        pipelines: Whose; empty is every pipeline's.
    """

    name: str
    apprise_env: str | None = None
    addresses: tuple[SecretStr, ...] = ()
    webhook: str | None = None
    secret_env: str | None = None
    secrets: tuple[SecretStr, ...] = ()
    kinds: tuple[str, ...] = ()
    pipelines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    """The whole configuration, immutable; addresses stay out of its repr, because they may hold passwords.

    Attributes:
        budget: What may be spent by everything together.
        setups: By pipeline, what ``tuneloop labelbox setup`` makes; only of those that say so.
        webhook_secrets: The general ones, which ring for every pipeline.
        own_secrets: By pipeline, for those whose webhook has secrets of its own.
        admin_tokens: Each opens the page, the API and the metrics; several while one is rotated.
        read_tokens: Each opens the API alone: for applications that ask which model serves.
    """

    config_file: Path
    pipelines: Mapping[str, Pipeline]
    trainers: Mapping[str, TrainerSettings]
    service: ServiceSettings = ServiceSettings()
    notify: Mapping[str, ChannelSettings] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    setups: Mapping[str, Setup] = field(default_factory=dict)
    redis_url: str | None = field(default=None, repr=False)
    database_url: str | None = field(default=None, repr=False)
    files_url: str | None = field(default=None, repr=False)
    data_folder: Path = Path("tuneloop-data")
    labelbox_endpoint: str = "https://api.labelbox.com/graphql"
    labelbox_api_key: SecretStr | None = None
    webhook_secrets: tuple[SecretStr, ...] = ()
    own_secrets: Mapping[str, OwnSecrets] = field(default_factory=dict)
    admin_tokens: tuple[SecretStr, ...] = ()
    read_tokens: tuple[SecretStr, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8000
    max_body_bytes: int = 10 * 1024 * 1024

    @property
    def dedupe_window_s(self) -> int:
        """How long a repeated delivery is recognised, in seconds."""
        return int(self.service.dedupe_window.total_seconds())
