"""The three ways in which Labelbox writes a moment, and the two in which the sandbox reads one."""

from datetime import UTC, datetime, timedelta

from sandbox.errors import MalformedRequest

_HALF_SECOND = timedelta(milliseconds=500)
_FILTER_FORMATS = ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d")


def now() -> datetime:
    """Give this moment, in whole milliseconds, because that is all that Labelbox shows of one."""
    return to_milliseconds(datetime.now(UTC))


def to_milliseconds(at: datetime) -> datetime:
    """Cut what no export shows, so that a filter and an exported stamp never disagree."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def api_stamp(at: datetime) -> str:
    """Write a moment as GraphQL answers do: ``2026-11-20T10:00:00.000Z``."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def export_stamp(at: datetime) -> str:
    """Write a moment as export rows do: ``2026-11-20T10:00:00.000+00:00``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def hook_stamp(at: datetime) -> str:
    """Write a moment as webhook bodies do: with milliseconds only where there are any."""
    written = api_stamp(at)
    return written.replace(".000Z", "Z")


def whole_second(at: datetime) -> datetime:
    """Round to the second, as a label's ``created_at`` and ``updated_at`` are in real exports."""
    return (at + _HALF_SECOND).replace(microsecond=0)


def filter_moment(text: str) -> datetime:
    """Read a moment from an export filter; the sandbox's user lives in UTC.

    Raises:
        MalformedRequest: The text has none of the three forms that the SDK sends.
    """
    for form in _FILTER_FORMATS:
        try:
            moment = datetime.strptime(text, form)  # noqa: DTZ007 - two of the forms have no zone, see below
        except ValueError:
            continue
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    raise MalformedRequest(f"not a date of an export filter: {text!r}")
