"""The web process: webhooks in, health out, and behind the gates the API, the metrics and the page."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import product

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route, Router
from structlog import get_logger

from service.adapters.redis_appender import RedisAppender
from service.bootstrap import Deps
from service.config import Settings, missing_for
from service.domain.deliveries import Delivery
from service.domain.errors import ConfigurationError
from service.usecases.ring_job import Rung, ring_job
from service.web.api import OPERATIONS
from service.web.gate import Gate
from service.web.health import alive, readiness
from service.web.keyring import Keyring
from service.web.metrics import metrics_page
from service.web.operations import API
from service.web.pages.routes import page_routes
from service.web.problems import PROBLEMS
from service.web.wakeups import Waker
from service.web.webhooks import OUTCOMES, Doors, LabelboxWebhook, openai_webhook

logger = get_logger()


def create_app(deps: Deps) -> Starlette:
    """Build the application; nothing connects before its lifespan begins.

    Without a webhook secret every delivery is answered 401: nothing unsigned is believed.

    Raises:
        ConfigurationError: A pipeline names a secret of its own that is not set.
    """
    if missing := missing_for(deps.settings, "serve"):
        raise ConfigurationError("\n".join(missing), remedy="Set them in the environment, see .env.example.")
    if not deps.settings.webhook_secrets and deps.settings.pipelines.keys() - deps.settings.own_secrets.keys():
        logger.warning(
            "webhooks_refused", reason="LABELBOX_WEBHOOK_SECRET is not set; labels are read by reconcile alone"
        )
    waker = Waker(lambda: deps.queue.wake("convert_deliveries"))
    appender = deps.appender(waker.ring)

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

    doors = _doors(deps, appender)
    routes = [*_open_routes(deps, doors), *_gated_routes(deps, doors), *page_routes(deps)]
    return Starlette(routes=routes, exception_handlers=PROBLEMS, lifespan=lifespan)


def _doors(deps: Deps, appender: RedisAppender) -> Doors:
    async def append(delivery: Delivery) -> None:
        await appender.append(delivery)

    async def ring(job_id: str, event_id: str, trainers: Sequence[str]) -> Rung:
        return await asyncio.to_thread(
            lambda: ring_job(job_id, event_id, trainers, seen=deps.seen_events, queue=deps.queue)
        )

    settings = deps.settings
    signing = {name: trainer.webhook_secrets for name, trainer in settings.trainers.items() if trainer.webhook_secrets}
    return Doors(
        keyring=_keyring(settings),
        trainer_secrets={name: [secret.get_secret_value() for secret in secrets] for name, secrets in signing.items()},
        max_body_bytes=settings.max_body_bytes,
        append=append,
        ring=ring,
        events=Counter(dict.fromkeys(product(signing, OUTCOMES), 0)),
    )


def _keyring(settings: Settings) -> Keyring:
    own = {pipeline: _bytes(secrets.webhook_secrets) for pipeline, secrets in settings.own_secrets.items()}
    return Keyring(_bytes(settings.webhook_secrets), own)


def _open_routes(deps: Deps, doors: Doors) -> list[BaseRoute]:
    """Give the routes that prove their caller by a signature, or tell nothing but health."""
    receive_delivery = LabelboxWebhook(doors)
    return [
        Route("/webhooks/labelbox", receive_delivery, methods=["POST"]),
        Route("/webhooks/labelbox/{pipeline}", receive_delivery, methods=["POST"]),
        Route("/webhooks/openai", openai_webhook(doors), methods=["POST"]),
        Route("/healthz", alive, methods=["GET"]),
        Route("/readyz", readiness(deps), methods=["GET"]),
    ]


def _gated_routes(deps: Deps, doors: Doors) -> list[BaseRoute]:
    """Give what is behind the gate, which stands before their own routing: a stranger cannot ask what there is."""
    metrics = Route("/metrics", metrics_page(deps, doors.answered, doors.events), methods=["GET"])
    reads = [operation.route(deps) for operation in OPERATIONS if not operation.has_texts]
    texts = [operation.route(deps) for operation in OPERATIONS if operation.has_texts]
    admins = _bytes(deps.settings.admin_tokens)
    api = Gate(Router(reads, redirect_slashes=False), [*admins, *_bytes(deps.settings.read_tokens)])
    figures = Gate(Router([metrics, *texts], redirect_slashes=False), admins)
    closer = [Route(route.path, figures) for route in (metrics, *texts)]
    return [*closer, *(Route(path, api) for path in (API, API + "/{rest:path}"))]


def _bytes(secrets: Iterable[SecretStr]) -> list[bytes]:
    return [secret.get_secret_value().encode() for secret in secrets]
