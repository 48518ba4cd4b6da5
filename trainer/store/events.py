"""The events of jobs: what happened, and the metrics of each step."""

import json
from dataclasses import dataclass, field
from typing import Literal

from trainer.store.database import Database, Row
from trainer.store.ids import new_id
from trainer.store.pages import CursorUnknown, Page, page_of
from trainer.values import JsonObject

Level = Literal["info", "warn", "error"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something to remember of a job.

    Attributes:
        step: The step whose metrics these are; a job has one such event a step. None for a message.
    """

    message: str
    level: Level = "info"
    data: JsonObject = field(default_factory=dict)
    step: int | None = None


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event as it was remembered; ``created_at`` in unix seconds."""

    id: str
    created_at: int
    event: Event

    @property
    def type(self) -> str:
        """Tell metrics from messages."""
        return "message" if self.event.step is None else "metrics"


class EventStore:
    """The events of all jobs, in the order in which they were added."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job_id: str, event: Event, now: float) -> None:
        """Remember an event; a second one for the same step is passed over, since a resumed job may repeat steps."""
        self._database.change(
            "INSERT INTO events (id, job_id, created_at, level, type, message, data, step)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (job_id, step) DO NOTHING",
            new_id("ftevent-"), job_id, int(now), event.level, "message" if event.step is None else "metrics",
            event.message, json.dumps(event.data), event.step,
        )  # fmt: skip

    def page(self, job_id: str, *, after: str | None, limit: int) -> Page[EventRecord]:
        """List a job's events, newest first.

        Raises:
            CursorUnknown: The job has no event ``after``.
        """
        before = None
        if after is not None:
            row = self._database.row("SELECT seq FROM events WHERE id = ? AND job_id = ?", after, job_id)
            if row is None:
                raise CursorUnknown(after)
            before = row["seq"]
        rows = self._database.rows(
            "SELECT * FROM events WHERE job_id = ?1 AND (?2 IS NULL OR seq < ?2) ORDER BY seq DESC LIMIT ?3",
            job_id, before, limit + 1,
        )  # fmt: skip
        return page_of([_event(row) for row in rows], limit)

    def metrics(self, job_id: str) -> list[JsonObject]:
        """Give the metrics of a job's steps, in their order."""
        rows = self._database.rows(
            "SELECT data FROM events WHERE job_id = ? AND step IS NOT NULL ORDER BY step", job_id
        )
        return [json.loads(row["data"]) for row in rows]

    def newest_metrics(self, job_id: str) -> JsonObject:
        """Give the metrics of a job's newest step, none where there is no step yet."""
        sql = "SELECT data FROM events WHERE job_id = ? AND step IS NOT NULL ORDER BY step DESC LIMIT 1"
        row = self._database.row(sql, job_id)
        return json.loads(row["data"]) if row else {}

    def last_step(self, job_id: str) -> int:
        """Give the last step that was remembered; 0 where there is none."""
        row = self._database.row("SELECT max(step) AS step FROM events WHERE job_id = ?", job_id)
        return int(row["step"] or 0) if row else 0


def _event(row: Row) -> EventRecord:
    event = Event(row["message"], row["level"], json.loads(row["data"]), row["step"])
    return EventRecord(row["id"], row["created_at"], event)
