"""Exports: what is asked of Labelbox, whose turn it is, and when to look again.

Of one project one export of ours runs at a time, because Labelbox bounds them and others use the account too.
Whoever wants one stands in line with a ticket, an export in the state ``wanted``.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from service.domain.appraisals import EDITION
from service.domain.labels import RowOutcome
from service.domain.pipelines import Pipeline

Kind = Literal["rows", "window"]

# Labelbox exports at most this many rows by id.
MAX_IDS = 2000
# With the growing pauses this is about an hour.
MAX_ATTEMPTS = 12
# An export lags behind the webhook; after this many looks what it shows is believed.
LAG_ATTEMPTS = 3
FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(minutes=10)
# How long Labelbox is left alone after it said that it is asked too often: its limits are by the minute.
LIMIT_PAUSE = timedelta(minutes=1)
# A ticket that nobody came for in this time keeps no other waiting. A window's is called for by the sweep.
TICKET_LIFE: Mapping[Kind, timedelta] = {"rows": timedelta(minutes=1), "window": timedelta(minutes=10)}
# A running export that nobody came for in this time keeps no other waiting either: its workers are gone.
ABANDONED_AFTER = timedelta(minutes=10)
# How often all of a project is read without anybody asking, and how often for a pipeline that could not be read.
WHOLE_EVERY, REFUSED_EVERY = timedelta(days=1), timedelta(hours=1)
FIRST_POLL_S, LONGEST_POLL_S = 0.5, 5.0


class ExportState(StrEnum):
    """Where an export stands."""

    WANTED = "wanted"
    RUNNING = "running"
    READ = "read"
    FAILED = "failed"


OPEN = frozenset({ExportState.WANTED, ExportState.RUNNING})


@dataclass(frozen=True, slots=True)
class Request:
    """What one task at Labelbox is asked for.

    Attributes:
        data_row_ids: These rows, 1 to 2,000; None for those of a window.
        since: The rows with activity since then; None for the whole project.
    """

    data_row_ids: tuple[str, ...] | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """One export of ours.

    Attributes:
        kind: ``rows`` for deliveries, ``window`` for a reconcile.
        wanted_at: Since when it stands in line.
        updated_at: When somebody last came for it.
        asked: What is asked for, as JSON: ``ids`` and the inbox's ``entries`` of those who wait for them, or
            ``since``, ``whole`` and the ``pipelines`` that are to be reconciled.
        progress: How far a reconcile has come, as JSON.
        task_id: Labelbox's; None while the request may not have been made.
        asked_at: Before the request: what it shows was true then or later, as far as Labelbox does not lag.
        attempts: Failures so far.
        due_at: When it is next worth a look.
        turns: How often it was leased; who holds an older number has lost it.
    """

    export_id: str
    project: str
    kind: Kind
    state: ExportState
    wanted_at: datetime
    updated_at: datetime
    due_at: datetime
    asked: Mapping[str, Any] = field(default_factory=dict)
    progress: Mapping[str, Any] = field(default_factory=dict)
    task_id: str | None = None
    asked_at: datetime | None = None
    attempts: int = 0
    leased_until: datetime | None = None
    turns: int = 0
    error: str | None = None

    @property
    def observed_at(self) -> datetime:
        """The moment that what it shows is as new as, at least."""
        return self.asked_at or self.wanted_at

    @property
    def request(self) -> Request:
        """What its next task is asked for: a window's missing rows once the window was read."""
        missing = self.progress.get("missing", [])[: self.progress.get("part", MAX_IDS)]
        if ids := self.asked.get("ids") or missing:
            return Request(data_row_ids=tuple(ids))
        since = self.asked.get("since")
        return Request(since=datetime.fromisoformat(since) if since else None)

    def is_live(self, now: datetime) -> bool:
        """Whether its ticket keeps others waiting."""
        return self.due_at <= now < max(self.updated_at, self.due_at) + TICKET_LIFE[self.kind]

    def is_retried(self) -> bool:
        """Whether what it asks for is given already."""
        return self.attempts > 0


def may_begin(mine: Export, others: Iterable[Export], *, at_once: int, now: datetime) -> bool:
    """Say whether it is this ticket's turn.

    In a project the longest waiting ticket goes first, so that deliveries and reconciles take turns however many of
    either come; the same holds between projects when the organisation's exports are all taken.

    Args:
        mine: The ticket.
        others: Every other export that is wanted or running.
        at_once: So many may run in the organisation.
        now: The time.
    """
    others = list(others)
    busy = [other.project for other in others if other.state is ExportState.RUNNING]
    before_me = {
        other.project
        for other in others
        if other.state is ExportState.WANTED
        and other.is_live(now)
        and other.project not in busy
        and (other.wanted_at, other.export_id) < (mine.wanted_at, mine.export_id)
    }
    return mine.project not in {*busy, *before_me} and len(busy) + len(before_me) < at_once


def retry_pause(attempts: int, *, chance: float) -> timedelta:
    """Give how long to wait after so many failures: growing, and never the same for all.

    Args:
        attempts: Failures so far, from 1.
        chance: A random number, 0 to 1.
    """
    longest = min(FIRST_RETRY * (1 << min(attempts - 1, 20)), LONGEST_RETRY)
    return longest * (0.75 + 0.25 * chance)


def longer_poll_s(pause_s: float) -> float:
    """Give the next pause between two looks at a running task, in seconds."""
    return min(pause_s * 1.5, LONGEST_POLL_S)


def standing_pause(age: timedelta) -> timedelta:
    """Give when to look again at an export that nobody waits beside any more: the older, the later."""
    return min(max(age / 10, timedelta(seconds=1)), timedelta(seconds=30))


def together(attempts: int) -> int:
    """Give how many deliveries are converted together when one of them was tried so many times.

    What kills the worker, or lets it crash, is so found alone before its last attempt, and drags nobody along.
    """
    return max(1, MAX_IDS >> 2 * max(0, attempts - 1))


@dataclass(frozen=True, slots=True)
class Before:
    """What a pipeline's last reconcile found, and from when activity is still to be read; None if there was none."""

    facts: Mapping[str, Any] | None
    cursor: datetime | None


def window_asked(
    wish: Mapping[str, Any],
    before: Mapping[str, Before],
    policies: Mapping[str, str],
    *,
    overlap: timedelta,
    now: datetime,
) -> dict[str, Any]:
    """Say what a reconcile of a project asks for.

    Args:
        wish: ``whole`` if somebody asked for all of it.
        before: How far each pipeline of the project has come, at least one.
        policies: What each pipeline reads now, see ``policy_of``.
        overlap: How much of the last window is read again, because exports lag.
        now: The time.

    Returns:
        ``since``, None for all of it; ``whole``; the ``pipelines``; and ``policies``, what each of them reads.
    """
    whole = bool(wish.get("whole")) or any(_needs_all(found, policies[name], now) for name, found in before.items())
    cursors = [found.cursor for found in before.values() if found.cursor is not None]
    since = None if whole or not cursors else (min(cursors) - overlap).isoformat()
    return {"whole": since is None, "since": since, "pipelines": sorted(before), "policies": dict(policies)}


def policy_of(pipeline: Pipeline) -> str:
    """Name what a pipeline reads: with another answer to that every label of the project reads differently."""
    read = (pipeline.labels, pipeline.form, pipeline.checks, pipeline.dataset.group_by, EDITION)
    return hashlib.sha256(repr(read).encode()).hexdigest()[:16]


def _needs_all(before: Before, policy: str, now: datetime) -> bool:
    facts = before.facts or {}
    if facts.get("refused_at") and facts.get("policy") == policy:
        # It could not be read, and nothing has changed here: that is no reason to read everything every time.
        return now - datetime.fromisoformat(facts["refused_at"]) > REFUSED_EVERY
    whole_at = facts.get("whole_at")
    if whole_at is None or facts.get("policy") != policy:
        return True
    return now - datetime.fromisoformat(whole_at) > WHOLE_EVERY


def shows(outcome: RowOutcome | None, *, topic: str, label_id: str | None, announced_at: datetime | None) -> bool:
    """Say whether an export shows already what a delivery announced about a row.

    The announcement is not believed; it only makes us look again. Moments are compared by the second, because
    exports have no fractions.
    """
    if outcome is None:
        return False
    if label_id is None:
        # A step of the workflow, perhaps the approval; which one, nobody says.
        return outcome.reason != "not_done"
    if (label_id in outcome.label_ids) == (topic == "LABEL_DELETED"):
        return False
    touched_at = outcome.touched_at
    return announced_at is None or touched_at is None or touched_at.replace(microsecond=0) >= announced_at


def pick(sizes: Sequence[tuple[int, Sequence[str]]]) -> tuple[list[int], list[str]]:
    """Choose which deliveries the next export is for.

    Args:
        sizes: Of each delivery, oldest first: how often it was tried, and the rows it points to, at most 2,000.

    Returns:
        The positions of those chosen, all tried equally often and no more than may be converted together, and
        the rows they point to, each once.
    """
    fewest = min((attempts for attempts, _ in sizes), default=1)
    chosen: list[int] = []
    ids: dict[str, None] = {}
    for position, (attempts, row_ids) in enumerate(sizes):
        more = [row_id for row_id in row_ids if row_id not in ids]
        if attempts == fewest and len(ids) + len(more) <= MAX_IDS:
            chosen.append(position)
            ids |= dict.fromkeys(more)
            if len(chosen) == together(fewest):
                break
    return chosen, list(ids)
