"""Whether the process lives, and whether it could do its work now."""

from collections.abc import Callable

import sqlalchemy as sa
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from service.adapters.redis_clients import quick_redis
from service.adapters.sql_engine import reading
from service.bootstrap import Deps, redis_url
from service.domain.errors import NotBegun


async def alive(_request: Request) -> Response:
    """Say that the process lives."""
    return JSONResponse({"status": "ok"})


def readiness(deps: Deps) -> Callable[[Request], Response]:
    """Say whether a delivery could be made durable now, which takes Redis alone; the database is told beside it.

    A sync handler, so it runs in a thread.
    """

    def ready(_request: Request) -> Response:
        parts = {"redis": _answers(_ping_redis, deps), "database": _answers(_ping_database, deps)}
        return JSONResponse({"ready": parts["redis"], **parts}, 200 if parts["redis"] else 503)

    return ready


def _answers(ping: Callable[[Deps], None], deps: Deps) -> bool:
    try:
        ping(deps)
    except (RedisError, OSError, NotBegun, sa.exc.SQLAlchemyError):
        return False
    return True


def _ping_redis(deps: Deps) -> None:
    with quick_redis(redis_url(deps.settings)) as redis:
        redis.ping()


def _ping_database(deps: Deps) -> None:
    with reading(deps.engine) as connection:
        connection.execute(sa.text("select 1"))
