"""Everything the conversion works with: Valkey and SQLite are real, Labelbox is in memory."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from redis import Redis

from service.adapters.redis_inbox import RedisInbox
from service.adapters.sql_examples import SqlExampleStore
from service.adapters.sql_exports import SqlExportStore
from service.adapters.sql_records import SqlDeadLetters, SqlReconcileStore
from service.adapters.sql_tables import examples, exports
from service.domain.contents import decode_content
from service.domain.examples import Example
from service.domain.exports import Export
from service.domain.pipelines import Pipeline
from service.ports import Inbox, LabelSource
from service.usecases.convert_deliveries import Conversion, Conversions, ConvertDeliveries
from service.usecases.exporting import Exports, Patience
from service.usecases.reconcile import Reconcile, Reconciled, Reconciles
from tests.support.appraising import appraisers
from tests.support.builders import make_delivery, make_pipeline
from tests.support.fake_labelbox import FakeLabelbox
from tests.support.fake_prompts import FakePrompts
from tests.support.fakes import ManualClock, RecordingQueue

OVERLAP = timedelta(minutes=10)


@dataclass
class Desk:
    """One installation, seen from its workers.

    Attributes:
        inbox: Takes over at once what another worker has: nobody waits here.
    """

    engine: sa.Engine
    redis: Redis
    pipelines: dict[str, Pipeline] = field(default_factory=lambda: {"summaries": make_pipeline()})
    clock: ManualClock = field(default_factory=ManualClock)
    queue: RecordingQueue = field(default_factory=RecordingQueue)
    prompts: FakePrompts = field(default_factory=FakePrompts)

    def __post_init__(self) -> None:
        self.labelbox = FakeLabelbox(self.clock)
        self.labels: LabelSource = self.labelbox
        self.inbox = self.inbox_of("worker")
        self.examples = SqlExampleStore(self.engine, self.clock)
        self.letters = SqlDeadLetters(self.engine)
        self.reconciles = SqlReconcileStore(self.engine)
        self.store = SqlExportStore(self.engine)
        self.patience = Patience(wait=self.clock.forward, keep=lambda _: nullcontext(), chance=lambda: 0.0)

    @property
    def exports(self) -> Exports:
        return Exports(source=self.labels, store=self.store, queue=self.queue, clock=self.clock, patience=self.patience)

    def all_exports(self) -> list[Export]:
        """Give every export that stands in the store, oldest first."""
        with self.engine.connect() as connection:
            ids = connection.scalars(sa.select(exports.c.export_id).order_by(exports.c.wanted_at, exports.c.export_id))
            return [self.store.get(export_id) for export_id in ids]

    def inbox_of(self, consumer: str) -> RedisInbox:
        return RedisInbox(self.redis, prefix="test", consumer=consumer, claim_after_ms=0)

    def ring(
        self, row_id: str, topic: str = "LABEL_CREATED", *, label_id: str | None = None, pipeline: str = ""
    ) -> None:
        """Let a delivery of Labelbox's be stored."""
        body = self.labelbox.webhook_body(row_id, label_id)
        self.inbox.put_back(make_delivery(body, topic, pipeline=pipeline, received_at=self.clock.now))

    def label(self, row_id: str, text: str, *, rung: bool = True, status: str = "DONE") -> None:
        """Let somebody label a row, which is there or is added."""
        self.clock.forward(1)
        if row_id not in self.labelbox.rows_by_id:
            self.labelbox.add(row_id, f"the chat of {row_id}")
        self.labelbox.label(row_id, text, status=status)
        if rung:
            self.ring(row_id)

    def convert(self, inbox: Inbox | None = None, *, seconds: float = 1) -> Conversion:
        """Let a worker convert, some seconds later."""
        self.clock.forward(seconds)
        return ConvertDeliveries(
            Conversions(
                inbox=inbox or self.inbox,
                labels=self.labels,
                prompts=self.prompts,
                exports=self.exports,
                examples=self.examples,
                appraisers=appraisers,
                letters=self.letters,
                pipelines=self.pipelines,
                clock=self.clock,
                patience=self.patience,
            )
        )()

    @property
    def reconciling(self) -> Reconcile:
        return Reconcile(
            Reconciles(
                labels=self.labels,
                prompts=self.prompts,
                exports=self.exports,
                examples=self.examples,
                appraisers=appraisers,
                letters=self.letters,
                store=self.reconciles,
                pipelines=self.pipelines,
                overlap=OVERLAP,
                clock=self.clock,
                patience=self.patience,
            )
        )

    def look_round(self, project: str = "project-1", *, seconds: float = 1) -> Reconciled:
        """Let the schedule want a reconcile, and a worker go on with it."""
        self.clock.forward(seconds)
        self.reconciling.want(project)
        return self.reconciling(project)

    def reconcile(self, pipeline: str = "summaries", *, whole: bool = False) -> int:
        """Reconcile until it is done; give the number of differences that were mended."""
        return int(self.found(pipeline, whole=whole)["healed"])

    def found(self, pipeline: str = "summaries", *, whole: bool = False) -> Mapping[str, Any]:
        """Reconcile until it is done; give what it found for a pipeline."""
        self.clock.forward(1)
        project = self.pipelines[pipeline].labels.project
        return self.reconciling.until_done(project, whole=whole).facts[pipeline]

    def example(self, row_id: str, pipeline: str = "summaries") -> Example:
        return self.examples.existing(pipeline, [row_id])[row_id]

    def texts(self, pipeline: str = "summaries") -> dict[str, str]:
        """Give the answers of the examples that stand, by data row."""
        wanted = sa.select(examples.c.data_row_id, examples.c.content).where(
            examples.c.pipeline == pipeline, examples.c.status == "active"
        )
        with self.engine.connect() as connection:
            return {row[0]: decode_content(row[1])[-1].content for row in connection.execute(wanted)}

    def errors(self) -> Sequence[str]:
        return [letter["error"] for letter in self.letters.open(100)]
