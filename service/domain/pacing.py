"""How fast a server may be asked."""

from collections.abc import Sequence
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)


def free_at(sent: Sequence[datetime], per_minute: int | None) -> datetime | None:
    """Say when one more request may be sent.

    Args:
        sent: When earlier ones were, oldest first.
        per_minute: So many in any minute; None for as many as one likes.

    Returns:
        The moment, None for at once.
    """
    if per_minute is None or len(sent) < per_minute:
        return None
    return sent[-per_minute] + MINUTE
