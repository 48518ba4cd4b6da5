"""Durations as people write them: ``30s``, ``10m``, ``6h``, ``1d``, or a number of seconds."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_LONGEST = timedelta(days=366)


def read_duration(written: object) -> timedelta:
    """Read a duration of at least 0 and at most 366 days.

    Raises:
        ValueError: It is not written like one, or out of this range.
    """
    if isinstance(written, timedelta):
        return written
    seconds = _seconds(written)
    # The comparison also refuses TOML's nan and inf, before timedelta would overflow.
    if seconds is None or not 0 <= seconds <= _LONGEST.total_seconds():
        raise ValueError(f"must be a duration up to 366d, such as '30s', '10m', '6h' or '1d' (got {written!r})")
    return timedelta(seconds=seconds)


def write_duration(duration: timedelta) -> str:
    """Write a duration in the largest unit that leaves no rest."""
    seconds = duration.total_seconds()
    for unit, size in _SECONDS.items():
        if seconds and seconds % size == 0:
            return f"{seconds // size:.0f}{unit}"
    return f"{seconds:g}s"


def _seconds(written: object) -> float | None:
    if isinstance(written, int | float) and not isinstance(written, bool):
        return float(written)
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?)([smhd])", written) if isinstance(written, str) else None
    return float(found[1]) * _SECONDS[found[2]] if found else None


def _positive(duration: timedelta) -> timedelta:
    if not duration:
        raise ValueError("must be longer than 0s")
    return duration


Duration = Annotated[timedelta, BeforeValidator(read_duration)]
PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
