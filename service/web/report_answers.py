"""What the API answers of a run's job and of its evaluation, as types: see ``answers``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from service.domain.reports import EvaluationReport
from service.domain.training_series import SeriesPoint
from service.ports import JobEvent


@dataclass(frozen=True, slots=True)
class Event:
    """An event in the trainer's words; ``number`` counts a job's events in its order, ``at`` is the trainer's time."""

    number: int
    event_id: str
    at: datetime | None
    level: str
    kind: str
    message: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EventList:
    """The newest first; ``total`` counts those beyond the limit as well."""

    total: int
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """What was measured, by step; ``at`` in unix seconds."""

    points: tuple[SeriesPoint, ...]


def plain_report(report: EvaluationReport) -> dict[str, Any]:
    """Write the report of an evaluation as JSON holds it, for the command and the API alike."""
    plain: dict[str, Any] = msgspec.to_builtins(report)
    return plain


def report_answer(report: EvaluationReport) -> msgspec.Raw:
    """Encode the report of an evaluation; half an emoji in a text is no reason to have none."""
    return msgspec.Raw(json.dumps(plain_report(report), ensure_ascii=False).encode(errors="replace"))


def event_answer(number: int, event: JobEvent) -> Event:
    """Choose what the API shows of an event."""
    at = event.at()
    return Event(number, event.event_id, at, event.level, event.kind, event.message, event.facts)
