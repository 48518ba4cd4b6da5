"""The only place that builds adapters: from settings to what the web and the workers work with."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property, partial
from pathlib import Path
from random import random

import sqlalchemy as sa
from pydantic import SecretStr
from redis import Redis

from service.adapters.commands import ShelllessCommands
from service.adapters.files_store import FsspecFileStore
from service.adapters.heartbeat import beating
from service.adapters.labelbox_account import LabelboxAccountOfSdk
from service.adapters.labelbox_queues import LabelboxQueuesOfSdk
from service.adapters.labelbox_source import LabelboxSource
from service.adapters.labelbox_stream import remove_copies
from service.adapters.own_functions import load_function
from service.adapters.presidio_findings import PresidioFindings
from service.adapters.redis_appender import RedisAppender
from service.adapters.redis_clients import patient_redis, quick_redis, web_redis
from service.adapters.redis_events import RedisSeenEvents
from service.adapters.redis_inbox import RedisInbox
from service.adapters.rq_queue import RqJobQueue
from service.adapters.sql_aftermath import SqlAftermath
from service.adapters.sql_engine import make_engine
from service.adapters.sql_erasure import SqlErasureStore
from service.adapters.sql_evaluation_reads import SqlEvaluationReads
from service.adapters.sql_evaluations import SqlEvaluationStore
from service.adapters.sql_examples import SqlExampleStore
from service.adapters.sql_exports import SqlExportStore
from service.adapters.sql_gaps import SqlGapStore
from service.adapters.sql_judgements import SqlJudgementStore
from service.adapters.sql_ledger import SqlLedger
from service.adapters.sql_models_seen import SqlModelsSeen
from service.adapters.sql_notices import SqlNoticeStore
from service.adapters.sql_outbox import SqlOutbox
from service.adapters.sql_records import SqlDeadLetters, SqlReconcileStore
from service.adapters.sql_reports import SqlReportStore
from service.adapters.sql_runs import SqlRunStore
from service.adapters.sql_snapshots import SqlSnapshotStore
from service.adapters.sql_stories import SqlStoryStore
from service.adapters.tokens import count_tokens
from service.adapters.trainers import open_trainer
from service.config import ChannelSettings, Settings, TrainerSettings
from service.domain.appraisals import Appraiser
from service.domain.base_models import encoding_of
from service.domain.errors import ConfigurationError, InboxUnavailable, NotBegun
from service.domain.metrics import Metric, all_metrics
from service.domain.notices import Interest
from service.domain.pipelines import Budget, Pipeline
from service.domain.sunsets import Sunsets
from service.ports import JobQueue, NoticeChannel, PromptTexts, Trainer
from service.usecases.archive import Archive
from service.usecases.convert_deliveries import Conversions, ConvertDeliveries
from service.usecases.exporting import Exports, Patience
from service.usecases.forget import Erasing
from service.usecases.gap_parts import GapParts
from service.usecases.reconcile import Reconcile, Reconciles
from service.usecases.steps.parts import Parts, Timing, TrainerAccount
from service.usecases.tell import Target, Telling

KEY_PREFIX = "tuneloop"


def now() -> datetime:
    """Give the time, aware and in UTC."""
    return datetime.now(UTC)


def redis_url(settings: Settings) -> str:
    """Give the address of Redis, or of the Valkey that ``tuneloop up`` runs for this data folder.

    Raises:
        ConfigurationError: There is neither.
    """
    if settings.redis_url:
        try:
            quick_redis(settings.redis_url).close()
        except ValueError as error:
            remedy = "Write it as redis://[:password@]host:port/number, rediss:// or unix://."
            raise ConfigurationError(f"TUNELOOP_REDIS_URL: {error}", remedy=remedy) from error
        return settings.redis_url
    address = settings.data_folder / "valkey" / "address"
    if not address.exists():
        raise ConfigurationError(
            "TUNELOOP_REDIS_URL is not set and no embedded Valkey runs here",
            remedy="Set TUNELOOP_REDIS_URL, or start everything with tuneloop up.",
        )
    return address.read_text(encoding="utf-8").strip()


def database_url(settings: Settings) -> str:
    """Give the address of the database: SQLite in the data folder by default."""
    return settings.database_url or f"sqlite:///{(settings.data_folder / 'tuneloop.db').resolve()}"


@dataclass(frozen=True)
class Deps:
    """Everything built from one configuration, each part when it is first asked for.

    Attributes:
        outlives_redis: Whether to wait through a restart of Redis, as a worker does, or to say at once that it is
            down, as a command does.
    """

    settings: Settings
    outlives_redis: bool = False

    @cached_property
    def engine(self) -> sa.Engine:
        """The database.

        Raises:
            NotBegun: It would be SQLite in the data folder, and nobody has made it: to ask is not to make it.
        """
        file = self.settings.data_folder / "tuneloop.db"
        if self.settings.database_url is None and not file.exists():
            raise NotBegun(f"nothing has run here yet: there is no {file}")
        return make_engine(database_url(self.settings))

    @cached_property
    def files(self) -> FsspecFileStore:
        """Snapshot files."""
        return FsspecFileStore(self.settings.files_url or str((self.settings.data_folder / "files").resolve()))

    @cached_property
    def inbox(self) -> RedisInbox:
        """The workers' half of the inbox."""
        return RedisInbox(
            self._redis(),
            prefix=KEY_PREFIX,
            # One name for all: taking over goes by idle time, and a name a job would be kept for ever.
            consumer="worker",
            claim_after_ms=int(self.settings.service.claim_after.total_seconds() * 1000),
        )

    @cached_property
    def queue(self) -> RqJobQueue:
        """The job queue."""
        return RqJobQueue(self._redis())

    def _redis(self) -> Redis:
        connect = patient_redis if self.outlives_redis else quick_redis
        return connect(redis_url(self.settings))

    @cached_property
    def examples(self) -> SqlExampleStore:
        """The examples."""
        return SqlExampleStore(self.engine, now)

    @cached_property
    def runs(self) -> SqlRunStore:
        """The runs."""
        return SqlRunStore(self.engine)

    @cached_property
    def reports(self) -> SqlReportStore:
        """What the jobs of runs reported."""
        return SqlReportStore(self.engine)

    @cached_property
    def seen_events(self) -> RedisSeenEvents:
        """The webhooks of trainers that were taken already."""
        return RedisSeenEvents(self._redis(), prefix=KEY_PREFIX, window_s=self.settings.dedupe_window_s)

    @cached_property
    def aftermath(self) -> SqlAftermath:
        """What runs leave at their trainers."""
        return SqlAftermath(self.engine)

    @cached_property
    def letters(self) -> SqlDeadLetters:
        """The dead letters."""
        return SqlDeadLetters(self.engine)

    @cached_property
    def notices(self) -> SqlNoticeStore:
        """What people should hear of."""
        return SqlNoticeStore(self.engine)

    @cached_property
    def outbox(self) -> SqlOutbox:
        """Which notice still has to reach which channel."""
        return SqlOutbox(self.engine)

    @cached_property
    def targets(self) -> Mapping[str, Target]:
        """The channels; none is connected to yet."""
        return {target.name: target for channel in self.settings.notify.values() for target in _targets(channel)}

    @cached_property
    def telling(self) -> Telling:
        """What brings notices to the channels."""
        return Telling(self.targets, self.outbox, self.letters, self.queue, now)

    @cached_property
    def models_seen(self) -> SqlModelsSeen:
        """What trainers said of their models."""
        return SqlModelsSeen(self.engine)

    @cached_property
    def reconciles(self) -> SqlReconcileStore:
        """How far the projects were reconciled."""
        return SqlReconcileStore(self.engine)

    @cached_property
    def stories(self) -> SqlStoryStore:
        """What is known of single data rows."""
        return SqlStoryStore(self.engine)

    @cached_property
    def snapshots(self) -> SqlSnapshotStore:
        """The snapshots."""
        return SqlSnapshotStore(self.engine, self.files)

    @cached_property
    def erasing(self) -> Erasing:
        """What forgetting works on."""
        return Erasing(
            archive=self.archive,
            erasures=SqlErasureStore(self.engine, now),
            stories=self.stories,
            runs=self.runs,
            accounts=self.accounts,
            inbox=lambda: self.inbox,
            remove_copies=lambda names: remove_copies(self._exports_folder, names),
            clock=now,
            wait=time.sleep,
        )

    @cached_property
    def archive(self) -> Archive:
        """The snapshots and what they can be built from again."""
        return Archive(
            pipelines=self.settings.pipelines,
            examples=self.examples,
            snapshots=self.snapshots,
            files=self.files,
            count_tokens=count_tokens,
            encoding_of=encoding_of,
        )

    @cached_property
    def evaluations(self) -> SqlEvaluationStore:
        """Answers, verdicts and champions."""
        return SqlEvaluationStore(self.engine)

    @cached_property
    def judgements(self) -> SqlJudgementStore:
        """What judges replied."""
        return SqlJudgementStore(self.engine)

    @cached_property
    def evaluation_reads(self) -> SqlEvaluationReads:
        """What is told of verdicts."""
        return SqlEvaluationReads(self.engine)

    @cached_property
    def ledger(self) -> SqlLedger:
        """What was spent."""
        return SqlLedger(self.engine)

    @property
    def overall_budget(self) -> Budget:
        """What may be spent by everything together."""
        return self.settings.budget

    @property
    def count_tokens(self) -> Callable[[str, str], int]:
        """Counts a text's tokens as a model does."""
        return count_tokens

    @cached_property
    def labels(self) -> LabelboxSource:
        """Labelbox."""
        return LabelboxSource(
            api_key=self._labelbox_api_key,
            endpoint=self.settings.labelbox_endpoint,
            folder=self._exports_folder,
        )

    @cached_property
    def account(self) -> LabelboxAccountOfSdk:
        """Labelbox, to be set up."""
        return LabelboxAccountOfSdk(api_key=self._labelbox_api_key, endpoint=self.settings.labelbox_endpoint)

    @cached_property
    def label_queues(self) -> LabelboxQueuesOfSdk:
        """Labelbox, as work is given to its labelers."""
        return LabelboxQueuesOfSdk(api_key=self._labelbox_api_key, endpoint=self.settings.labelbox_endpoint)

    @cached_property
    def gap_parts(self) -> GapParts:
        """What finds gaps and sends them back to the labelers."""
        return GapParts(
            pipelines=self.settings.pipelines,
            datasets={name: (setup.name,) for name, setup in self.settings.setups.items()},
            archive=self.archive,
            evaluations=self.evaluations,
            reads=self.evaluation_reads,
            gaps=SqlGapStore(self.engine),
            installation=self.aftermath.installation,
            queues=lambda: self.label_queues,
            clock=now,
            keep=self._patience.keep,
            lease=self._patience.lease,
        )

    @property
    def _exports_folder(self) -> Path:
        return self.settings.data_folder / "exports"

    @property
    def _labelbox_api_key(self) -> str:
        if self.settings.labelbox_api_key is None:
            raise ConfigurationError("LABELBOX_API_KEY is not set", remedy="Set it, or LABELBOX_API_KEY_FILE.")
        return self.settings.labelbox_api_key.get_secret_value()

    @cached_property
    def prompts(self) -> PromptTexts:
        """The texts that were uploaded as addresses."""
        from service.adapters.http_prompts import HttpPromptTexts  # its library takes a while

        return HttpPromptTexts(hosts=self.settings.service.fetch_hosts)

    @cached_property
    def export_store(self) -> SqlExportStore:
        """Our exports at Labelbox."""
        return SqlExportStore(self.engine)

    @cached_property
    def convert_deliveries(self) -> ConvertDeliveries:
        """The conversion."""
        return ConvertDeliveries(
            Conversions(
                inbox=self.inbox,
                labels=self.labels,
                prompts=self.prompts,
                exports=self._exports,
                examples=self.examples,
                appraisers=self.appraisers,
                letters=self.letters,
                pipelines=self.settings.pipelines,
                clock=now,
                patience=self._patience,
            )
        )

    def appraisers(self, pipeline: Pipeline) -> Appraiser:
        """Make what appraises a pipeline's contents."""
        model, checks = pipeline.train.model, pipeline.checks
        names = presidio(checks.presidio_model) if checks.presidio else None
        return Appraiser(pipeline, lambda text: count_tokens(text, model), encoding_of(model), names)

    @cached_property
    def reconcile(self) -> Reconcile:
        """The comparison of a project's examples with Labelbox."""
        return Reconcile(
            Reconciles(
                labels=self.labels,
                prompts=self.prompts,
                exports=self._exports,
                examples=self.examples,
                appraisers=self.appraisers,
                letters=self.letters,
                store=self.reconciles,
                pipelines=self.settings.pipelines,
                overlap=self.settings.service.reconcile_overlap,
                clock=now,
                patience=self._patience,
            )
        )

    @cached_property
    def _exports(self) -> Exports:
        return Exports(
            source=self.labels,
            store=self.export_store,
            queue=_Calls(self),
            clock=now,
            patience=self._patience,
        )

    @cached_property
    def _patience(self) -> Patience:
        lease = self.settings.service.claim_after
        return Patience(
            wait=time.sleep,
            keep=partial(beating, every_s=lease.total_seconds() / 3),
            chance=random,
            at_once=self.settings.service.exports_at_once,
            lease=lease,
            slice=_SLICE,
        )

    @cached_property
    def accounts(self) -> Mapping[str, TrainerAccount]:
        """The trainers; none is connected to yet."""
        return {name: _account(trainer) for name, trainer in self.settings.trainers.items()}

    @cached_property
    def parts(self) -> Parts:
        """What the steps of a run work with."""
        return self._parts(self.queue)

    @property
    def parts_by_hand(self) -> Parts:
        """The same for a command that wakes nobody, and so needs no Redis."""
        return self._parts(_Calls(self))

    def _parts(self, queue: JobQueue) -> Parts:
        service = self.settings.service
        return Parts(
            pipelines=self.settings.pipelines,
            accounts=self.accounts,
            archive=self.archive,
            appraisers=self.appraisers,
            runs=self.runs,
            reports=self.reports,
            aftermath=self.aftermath,
            evaluations=self.evaluations,
            judgements=self.judgements,
            metrics=metrics_of,
            ledger=self.ledger,
            letters=self.letters,
            notices=self.notices,
            models_seen=self.models_seen,
            queue=queue,
            commands=ShelllessCommands(),
            clock=now,
            timing=Timing(lease=service.lease, poll=service.poll_every, slice=min(service.lease / 2, _SLICE)),
            overall_budget=self.settings.budget,
        )

    def appender(self, on_stored: Callable[[], None]) -> RedisAppender:
        """Make the web's half of the inbox; one an event loop."""
        return RedisAppender(
            web_redis(redis_url(self.settings)),
            prefix=KEY_PREFIX,
            dedupe_window_s=self.settings.dedupe_window_s,
            on_stored=on_stored,
        )


@dataclass(frozen=True)
class _Calls:
    """Wake-ups that may be lost: whoever reads exports by hand needs no Redis."""

    deps: Deps

    def wake(self, job: str, *arguments: str) -> None:
        """See ``JobQueue``."""
        with suppress(InboxUnavailable, ConfigurationError):
            self.deps.queue.wake(job, *arguments)


_SLICE = timedelta(seconds=20)


def _account(trainer: TrainerSettings) -> TrainerAccount:
    @cache  # one client a process: evaluations ask hundreds of questions
    def connect() -> Trainer:
        return open_trainer(trainer)

    return TrainerAccount(
        trainer.name,
        trainer.budget,
        trainer.prices,
        connect,
        deployment=trainer.deployment,
        dialect=trainer.manners,
        dialect_name=trainer.dialect,
        sunsets=Sunsets(trainer.sunsets, trainer.training_ends),
        keep_files=trainer.keep_files,
        concurrency=trainer.concurrency,
        requests_per_minute=trainer.requests_per_minute,
        sampling=trainer.sampling,
    )


def _targets(channel: ChannelSettings) -> Iterator[Target]:
    """Give a channel's targets: of several apprise addresses each is one, so that none waits for another."""
    interest = Interest(channel.kinds, channel.pipelines)
    if channel.webhook is not None:
        url, secrets = channel.webhook, channel.secrets
        yield Target(channel.name, interest, _fingerprint(url), cache(lambda: _webhook(url, secrets)))
        return
    for number, address in enumerate(channel.addresses or (None,), start=1):
        name = channel.name if number == 1 else f"{channel.name}/{number}"
        yield Target(name, interest, "apprise", cache(partial(_apprise, address)))


def _webhook(url: str, secrets: Sequence[SecretStr]) -> NoticeChannel:
    from service.adapters.webhook_channel import WebhookChannel  # its library takes a while

    return WebhookChannel(url, secrets)


def _apprise(address: SecretStr | None) -> NoticeChannel:
    from service.adapters.apprise_channel import AppriseChannel

    return AppriseChannel(address)


def _fingerprint(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def metrics_of(pipeline: Pipeline) -> Mapping[str, Metric]:
    """Give every metric that a pipeline can be judged by, by name; functions are imported at the first use."""
    return all_metrics(pipeline.metrics, load=load_function, regions=pipeline.checks.phone_regions)


@cache  # the language model takes seconds and much memory
def presidio(model: str | None) -> PresidioFindings:
    """Make what finds personal data besides our patterns, for pipelines with ``checks.presidio``."""
    return PresidioFindings(model)
