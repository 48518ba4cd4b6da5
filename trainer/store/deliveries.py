"""The rows of outgoing webhooks; they outlive the process that meant to send them."""

import json
from dataclasses import dataclass

from trainer.store.database import Database
from trainer.store.ids import new_id


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook to send.

    Attributes:
        id: The header ``webhook-id``, the same at every try.
        body: JSON, byte for byte the same at every try.
        created_at: Unix seconds.
        attempts: The tries so far.
    """

    id: str
    body: str
    created_at: int
    attempts: int


class DeliveryStore:
    """The webhooks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, event_type: str, job_id: str, now: float) -> None:
        """Remember a webhook to send at once."""
        body = {
            "object": "event",
            "id": new_id("evt_"),
            "type": event_type,
            "created_at": int(now),
            "data": {"id": job_id},
        }
        self._database.change(
            "INSERT INTO deliveries (id, body, created_at, next_at) VALUES (?, ?, ?, ?)",
            new_id("wh_"), json.dumps(body, separators=(",", ":")), int(now), now,
        )  # fmt: skip

    def due(self, now: float) -> Delivery | None:
        """Give the webhook that should have been sent first."""
        row = self._database.row(
            "SELECT * FROM deliveries WHERE state = 'pending' AND next_at <= ? ORDER BY next_at LIMIT 1", now
        )
        return Delivery(row["id"], row["body"], row["created_at"], row["attempts"]) if row else None

    def next_at(self) -> float | None:
        """Tell when the next webhook is due, in unix seconds."""
        row = self._database.row("SELECT min(next_at) AS next_at FROM deliveries WHERE state = 'pending'")
        return None if row is None else row["next_at"]

    def put_off(self, delivery_id: str, next_at: float) -> None:
        """Count a try that failed and set the next one."""
        self._database.change(
            "UPDATE deliveries SET attempts = attempts + 1, next_at = ? WHERE id = ?", next_at, delivery_id
        )

    def settle(self, delivery_id: str, state: str) -> None:
        """Note that a webhook was ``delivered``, or ``given_up``."""
        self._database.change(
            "UPDATE deliveries SET attempts = attempts + 1, state = ? WHERE id = ?", state, delivery_id
        )
