"""Everything the conversion works with: Valkey and SQLite are real, Labelbox is in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import sqlalchemy as sa
from redis import Redis

from service.adapters.redis_inbox import RedisInbox
from service.adapters.sql_examples import SqlExampleStore
from service.adapters.sql_records import SqlDeadLetters, SqlReconcileStore
from service.adapters.sql_tables import examples
from service.domain.contents import decode_content
from service.domain.examples import Example
from service.domain.pipelines import Pipeline
from service.ports import Inbox
from service.usecases.convert_deliveries import Conversion, ConvertDeliveries
from service.usecases.reconcile import reconcile
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
        self.inbox = self.inbox_of("worker")
        self.examples = SqlExampleStore(self.engine, self.clock)
        self.letters = SqlDeadLetters(self.engine)
        self.reconciles = SqlReconcileStore(self.engine)

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

    def convert(self, inbox: Inbox | None = None) -> Conversion:
        self.clock.forward(1)
        return ConvertDeliveries(
            inbox=inbox or self.inbox,
            labels=self.labelbox,
            prompts=self.prompts,
            examples=self.examples,
            letters=self.letters,
            queue=self.queue,
            pipelines=self.pipelines,
            clock=self.clock,
        )()

    def reconcile(self, pipeline: str = "summaries", *, whole: bool = False) -> int:
        """Give the number of differences that were mended."""
        self.clock.forward(1)
        facts = reconcile(
            self.pipelines[pipeline],
            labels=self.labelbox,
            prompts=self.prompts,
            examples=self.examples,
            letters=self.letters,
            store=self.reconciles,
            overlap=OVERLAP,
            clock=self.clock,
            whole=whole,
        )
        return int(facts["healed"])

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
