"""The web process: webhooks in, health out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import sqlalchemy as sa
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from structlog import get_logger

from service.adapters.redis_clients import quick_redis
from service.adapters.sql_engine import reading
from service.bootstrap import Deps, redis_url
from service.domain.deliveries import Delivery
from service.web.wakeups import Waker
from service.web.webhooks import Doors, LabelboxWebhook, openai_webhook

logger = get_logger()


def create_app(deps: Deps) -> Starlette:
    """Build the application; nothing connects before its lifespan begins.

    Without a webhook secret every delivery is answered 401: nothing unsigned is believed.
    """
    settings = deps.settings
    if not settings.webhook_secrets:
        logger.warning(
            "webhooks_refused", reason="LABELBOX_WEBHOOK_SECRET is not set; labels are read by reconcile alone"
        )
    waker = Waker(lambda: deps.queue.wake("convert_deliveries"))
    appender = deps.appender(waker.ring)

    async def append(delivery: Delivery) -> None:
        await appender.append(delivery)

    async def poke(job_id: str) -> None:
        await asyncio.to_thread(deps.queue.wake, "poke_job", job_id)

    doors = Doors(
        labelbox_secrets=[secret.get_secret_value().encode() for secret in settings.webhook_secrets],
        trainer_secrets=[
            secret.get_secret_value() for trainer in settings.trainers.values() for secret in trainer.webhook_secrets
        ],
        max_body_bytes=settings.max_body_bytes,
        append=append,
        poke=poke,
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        waking = asyncio.create_task(waker.run())
        # What was stored before a crash has no one else to ring for it until the next sweep.
        waker.ring()
        yield
        waking.cancel()
        with suppress(asyncio.CancelledError):
            await waking
        await appender.close()

    receive_delivery = LabelboxWebhook(doors)
    return Starlette(
        routes=[
            Route("/webhooks/labelbox", receive_delivery, methods=["POST"]),
            Route("/webhooks/labelbox/{pipeline}", receive_delivery, methods=["POST"]),
            Route("/webhooks/openai", openai_webhook(doors), methods=["POST"]),
            Route("/healthz", _alive, methods=["GET"]),
            Route("/readyz", _readiness(deps), methods=["GET"]),
        ],
        lifespan=lifespan,
    )


async def _alive(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _readiness(deps: Deps) -> Callable[[Request], Response]:
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
    except (RedisError, OSError, sa.exc.SQLAlchemyError):
        return False
    return True


def _ping_redis(deps: Deps) -> None:
    with quick_redis(redis_url(deps.settings)) as redis:
        redis.ping()


def _ping_database(deps: Deps) -> None:
    with reading(deps.engine) as connection:
        connection.execute(sa.text("select 1"))
