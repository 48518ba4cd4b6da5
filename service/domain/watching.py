"""What of the service's own health people should hear, at most once a day."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from service.domain.notices import Notice
from service.domain.plurals import how_many

DAY = timedelta(days=1)
# A project that was not read for so many of its turns, and for an hour, is not read any more.
TURNS_MISSED = 12
SOONEST = timedelta(hours=1)


def notice_of_letters(letters: Sequence[Mapping[str, Any]], *, total: int, now: datetime) -> Notice | None:
    """Tell that work was set aside during the last day; None where it was not.

    Args:
        letters: The newest open ones, with ``kind`` and ``created_at``.
        total: How many are open.
        now: The time; its date makes the notice one a day.
    """
    new = [letter for letter in letters if letter["created_at"] > now - DAY]
    if not new:
        return None
    kinds = sorted({str(letter["kind"]) for letter in new})
    return Notice(
        "dead_letters",
        f"{now:%Y-%m-%d}",
        f"{how_many(total, 'dead letter')}, {len(new)} of them new",
        f"Work was set aside during the last day: {', '.join(kinds)}. Nothing is lost.\n"
        "tuneloop dead-letters list says what to do about each",
        facts={"total": total, "new": len(new), "kinds": kinds},
    )


def notice_of_silence(pipeline: str, read_at: datetime, *, every: timedelta, now: datetime) -> Notice | None:
    """Tell that a pipeline's project was not read for long; None where it was."""
    if now - read_at <= max(SOONEST, TURNS_MISSED * every):
        return None
    hours = (now - read_at) / timedelta(hours=1)
    return Notice(
        "reconcile_failing",
        f"{pipeline} {now:%Y-%m-%d}",
        f"{pipeline}: Labelbox was not read for {hours:.0f} hours",
        f"Last read {read_at:%Y-%m-%d %H:%M} UTC; labels that no webhook told of are missing until then.\n"
        "tuneloop check | reconcile_failed in the worker's log says why",
        pipeline=pipeline,
        facts={"read_at": read_at.isoformat(), "hours": round(hours, 1)},
    )
