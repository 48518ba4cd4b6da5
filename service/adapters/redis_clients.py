"""Redis clients, one for each use, because their patience differs."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from service.domain.errors import InboxUnavailable

# A webhook's sender waits while we wait.
WEB_TIMEOUT_S = 1.5


@contextmanager
def translated() -> Iterator[None]:
    """Turn the client's errors into the domain's."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise InboxUnavailable(f"Redis does not answer: {type(error).__name__}") from error


def web_redis(url: str) -> "AsyncRedis":
    """Make the client of the receiving path: it fails fast and tries once."""
    return AsyncRedis.from_url(
        url,
        socket_timeout=WEB_TIMEOUT_S,
        socket_connect_timeout=WEB_TIMEOUT_S,
        retry=AsyncRetry(NoBackoff(), 0),
    )


def quick_redis(url: str) -> "Redis":
    """Make a blocking client that fails fast: for the web's wake-ups and health checks."""
    return Redis.from_url(
        url,
        socket_timeout=WEB_TIMEOUT_S,
        socket_connect_timeout=WEB_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )


def patient_redis(url: str) -> "Redis":
    """Make a worker's client: it outlives a restart of the server."""
    return Redis.from_url(
        url,
        socket_timeout=10,
        socket_connect_timeout=5,
        retry=Retry(ExponentialWithJitterBackoff(cap=2, base=0.1), 8),
    )
