"""How long a server asks us to wait."""

import math
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Whoever asks for longer is asked once more after this.
_LONGEST_S = 24 * 3600.0


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read ``retry-after-ms`` and ``Retry-After``, seconds or a date; None where there is neither or it makes no sense.

    Source: RFC 9110, section 10.2.3; the SDK gives up instead of waiting where it is more than 120 s.
    """
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        with suppress(KeyError, ValueError):
            return _bounded(float(headers[name]) / unit)
    with suppress(KeyError, ValueError, TypeError, OverflowError):
        # By its own clock, which need not be ours.
        there = parsedate_to_datetime(headers["date"]) if "date" in headers else datetime.now(UTC)
        return _bounded((parsedate_to_datetime(headers["retry-after"]) - there).total_seconds())
    return None


def _bounded(seconds: float) -> float:
    if not math.isfinite(seconds):
        raise ValueError("no number of seconds")
    return min(max(seconds, 0.0), _LONGEST_S)
