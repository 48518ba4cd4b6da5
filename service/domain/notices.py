"""What people should hear of, whatever the way it reaches them."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

# By kind, the type that a webhook's receiver sees: dotted, as Standard Webhooks writes them.
KINDS: Mapping[str, str] = {
    "started": "run.started",
    "awaiting_approval": "run.awaiting_approval",
    "needs_attention": "run.needs_attention",
    "promoted": "run.promoted",
    "kept": "run.kept",
    "failed": "run.failed",
    "cancelled": "run.cancelled",
    "run_slow": "run.slow",
    "run_paused": "run.paused",
    "orphan_found": "orphan.found",
    "champion_changed": "champion.changed",
    "champion_gone": "champion.gone",
    "model_dying": "model.dying",
    "training_ends": "training.ends",
    "budget_near": "budget.near",
    "breaker_open": "breaker.open",
    "reconcile_failing": "reconcile.failing",
    "dead_letters": "dead_letters.growing",
    "channel_gone": "channel.gone",
}
# The pauses before each further try. Source: Standard Webhooks specification, "Deliverability and reliability".
PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
MAX_ATTEMPTS = len(PAUSES) + 1
# A channel that failed is left alone no longer than this: what it refused may be one notice and not all.
LONGEST_SILENCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened; told once.

    Attributes:
        kind: A stable word, such as ``budget_near``.
        key: With the kind, what makes two notices the same: the second is not told again.
        title: One line.
        text: What happened, with its numbers, and what to do; never a label's text, a prompt or a secret.
        pipeline: Whose it is, None where it is nobody's in particular.
        facts: The same for programs, as JSON holds it.
    """

    kind: str
    key: str
    title: str
    text: str
    pipeline: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def notice_id(self) -> str:
        """Give what it is known by: the same kind and key, the same id."""
        return hashlib.sha256(f"{self.kind}\n{self.key}".encode("utf-8", "replace")).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Interest:
    """What a channel wants to hear; nothing given is everything."""

    kinds: Collection[str] = ()
    pipelines: Collection[str] = ()

    def covers(self, notice: Notice) -> bool:
        """Say whether a notice is wanted; what is of no pipeline in particular concerns all of them."""
        wanted_kind = not self.kinds or notice.kind in self.kinds
        return wanted_kind and (not self.pipelines or notice.pipeline is None or notice.pipeline in self.pipelines)


@dataclass(frozen=True, slots=True)
class Sending:
    """A notice on its way to one channel.

    Attributes:
        at: When it happened.
        attempts: The tries that were begun, this one included.
    """

    notice: Notice
    channel: str
    at: datetime
    attempts: int

    @property
    def message_id(self) -> str:
        """Give what a receiver recognises a repeat by: the same at every try."""
        return message_id(self.notice, self.channel)


def message_id(notice: Notice, channel: str) -> str:
    """Give the id of a message, the header ``webhook-id``; stable for each notice and channel."""
    return "msg_" + hashlib.sha256(f"{notice.notice_id}\n{channel}".encode()).hexdigest()[:24]


def pause_after(attempts: int) -> timedelta:
    """Give how long to wait after so many tries; the last pause where none is left."""
    return PAUSES[min(max(attempts, 1), len(PAUSES)) - 1]


def event_body(notice: Notice, at: datetime) -> bytes:
    """Write a notice as a webhook's body; the same bytes at every try.

    Source: Standard Webhooks specification, "Payload structure"; ours is docs/notices.schema.json.
    """
    event = {
        "type": KINDS.get(notice.kind, notice.kind),
        "timestamp": at.isoformat(),
        "data": {
            "notice_id": notice.notice_id,
            "pipeline": notice.pipeline,
            "title": notice.title,
            "text": notice.text,
            "facts": dict(notice.facts),
        },
    }
    return json.dumps(event, separators=(",", ":"), sort_keys=True).encode()
