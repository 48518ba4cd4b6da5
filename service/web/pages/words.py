"""How the page writes moments, numbers, money and states."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from service.domain.plurals import how_many
from service.domain.reasons import words_of
from service.domain.runs import RunState
from service.domain.spending import not_in_the_sum

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
_STATES: Mapping[str, tuple[str, str]] = {
    RunState.PROMOTED: ("promoted", "good"),
    RunState.KEPT: ("not promoted", "done"),
    RunState.FAILED: ("failed", "bad"),
    RunState.CANCELLED: ("cancelled", "done"),
    RunState.NEEDS_ATTENTION: ("needs attention", "bad"),
    RunState.AWAITING_APPROVAL: ("waits for approval", "ask"),
}


def at(moment: datetime | float) -> Markup:
    """Write a moment, or seconds since 1970, to the second and in UTC; a dash where there is no such moment."""
    try:
        found = moment if isinstance(moment, datetime) else datetime.fromtimestamp(moment, UTC)
    except (ValueError, OverflowError, OSError):
        return Markup("-")
    return _time(found, f"{found:%Y-%m-%d %H:%M:%S}")


def ago(moment: datetime, now: datetime) -> Markup:
    """Write how long ago a moment was, or how far ahead it is."""
    seconds = (now - moment).total_seconds()
    size, unit = next(((size, unit) for size, unit in _UNITS if abs(seconds) >= size), (1, "second"))
    number = int(abs(seconds) // size)
    length = how_many(number, unit)
    return _time(moment, f"{length} ago" if seconds >= 0 else f"in {length}")


def _time(moment: datetime, text: str) -> Markup:
    exact = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(moment.isoformat(), exact, text)


def number(value: float | None) -> str:
    """Write a number with its thousands apart; a dash where there is none."""
    return "-" if value is None else f"{value:,}"


def usd(value: float) -> str:
    """Write US dollars."""
    return f"{value:,.2f} USD"


def state(value: str) -> Markup:
    """Write a run's state as a badge, also one that this page has no words for."""
    text, tone = _STATES.get(value, (value.replace("_", " "), "busy"))
    return Markup('<span class="badge {}">{}</span>').format(tone, text)


def reason(code: str) -> str:
    """Give the words of a reason why something was left out; the code where it has none."""
    return words_of(code) or code.replace("_", " ")


def plain(value: object) -> str:
    """Write what a configuration holds, on one line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def short(name: str | None) -> str:
    """Give the beginning of a hash or an id, which every command takes for the whole."""
    return (name or "-")[:12]


FILTERS: Mapping[str, Callable[..., Any]] = {
    made.__name__: made for made in (at, ago, number, usd, state, reason, plain, short, how_many, not_in_the_sum)
}
