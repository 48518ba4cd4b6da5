"""What Redis keeps on disk: a log of every command, which still tells what was deleted, until it is written anew."""

import time
from typing import Any, cast

from redis import Redis
from redis.exceptions import ResponseError

from service.domain.errors import InboxUnavailable

PATIENCE_S = 120.0
_PAUSE_S = 0.05
_AT_WORK = ("aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress")


def rewrite_disk(redis: "Redis", *, patience_s: float = PATIENCE_S) -> bool:
    """Have the append-only log, or else the dump, written anew from what there is, and wait for it.

    Returns:
        False where the server keeps that to itself, as hosted ones do.

    Raises:
        InboxUnavailable: It did not come to an end in time, or failed.
    """
    try:
        _wait(redis, patience_s)
        if _persistence(redis)["aof_enabled"]:
            redis.bgrewriteaof()
        elif cast("dict[str, str]", redis.config_get("save")).get("save"):
            redis.bgsave()
        found = _wait(redis, patience_s)
    except ResponseError:
        return False
    if "err" in {found["aof_last_bgrewrite_status"], found["rdb_last_bgsave_status"]}:
        raise InboxUnavailable("Redis could not write its disk anew", remedy="See Redis' own log; perhaps it is full.")
    return True


def _wait(redis: "Redis", patience_s: float) -> dict[str, Any]:
    end_s = time.monotonic() + patience_s
    while any((found := _persistence(redis))[name] for name in _AT_WORK):
        if time.monotonic() > end_s:
            raise InboxUnavailable("Redis is still writing its disk", remedy="Try again in some minutes.")
        time.sleep(_PAUSE_S)
    return found


def _persistence(redis: "Redis") -> dict[str, Any]:
    return redis.info("persistence")
