"""When a job is looked at again."""

import hashlib
from datetime import datetime, timedelta

# So far around the pause, either way.
JITTER = 0.1


def next_look(run_id: str, *, now: datetime, poll: timedelta) -> datetime:
    """Spread the looks of many runs: within a tenth around the pause, another tenth each time.

    It depends on the arguments alone, so that a repeated step decides the same.
    """
    drawn = int.from_bytes(hashlib.sha256(f"{run_id} {now.isoformat()}".encode()).digest()[:4]) / 2**32
    return now + poll * (1 - JITTER + 2 * JITTER * drawn)
