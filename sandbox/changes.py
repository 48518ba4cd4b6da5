"""What an action on a data row is given and what it brings."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.records import Label, ProjectRow, Queues, Topic

_NO_DELAY = timedelta()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that webhooks tell of; a workflow action concerns no single label."""

    topic: Topic
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The row as it is now, and what happened to it."""

    row: ProjectRow
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Doing:
    """Who acts, when, in which project's workflow, and for how long.

    Attributes:
        label_id: The label that it is about, where a row has several.
        scores_after: How late exports learn what labels of one row have in common.
    """

    by: str
    at: datetime
    queues: Queues
    seconds: int = 30
    label_id: str | None = None
    scores_after: timedelta = _NO_DELAY
