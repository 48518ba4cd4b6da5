"""The two doors for webhooks: bytes are verified before anything is parsed, and stored before they are answered."""

import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from service.domain.deliveries import Delivery, delivery_key, verify_signature
from service.domain.errors import InboxUnavailable, SignatureMismatch
from service.domain.standard_webhooks import SignedHeaders, verify_standard_webhook
from service.usecases.ring_job import Rung
from service.web.body import BodyTooLarge, read_body
from service.web.keyring import EVERY, Keyring

# Without a body: headers and body would be two writes on the hot path, and Labelbox keeps every answer.
STORED = Response(status_code=202)
# A stranger learns the error's name, never its remedy.
UNSIGNED = JSONResponse({"error": "signature"}, 401)
TOO_LARGE = JSONResponse({"error": "too_large"}, 413, headers={"Connection": "close"})
TOO_SLOW = JSONResponse({"error": "too_slow"}, 408, headers={"Connection": "close"})
UNAVAILABLE = JSONResponse({"error": "unavailable"}, 503, headers={"Retry-After": "5"})
DOORS = ("labelbox", "trainer")
# What became of a trainer's event that was signed: ``other`` is of no job.
OUTCOMES = ("poked", "repeated", "other")
CODES = tuple(answer.status_code for answer in (STORED, UNSIGNED, TOO_SLOW, TOO_LARGE, UNAVAILABLE))


@dataclass(frozen=True, slots=True)
class Doors:
    """What the webhook routes work with.

    Attributes:
        trainer_secrets: By trainer; several of one while it is rotated.
        append: Makes a delivery durable or raises InboxUnavailable.
        ring: Has a job looked at, given its id, the event's and the trainers it may be of; raises InboxUnavailable.
        answered: How often each door gave each status code; counted on the event loop alone, read anywhere.
        events: The same for what became of events, by trainer.
    """

    keyring: Keyring
    trainer_secrets: Mapping[str, Sequence[str]]
    max_body_bytes: int
    append: Callable[[Delivery], Awaitable[None]]
    ring: Callable[[str, str, Sequence[str]], Awaitable[Rung]]
    answered: dict[tuple[str, int], int] = field(default_factory=lambda: dict.fromkeys(product(DOORS, CODES), 0))
    events: Counter[tuple[str, str]] = field(default_factory=Counter)


class LabelboxWebhook:
    """The receiver of Labelbox's deliveries: a bare ASGI app, because every layer costs on the hot path."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one delivery."""
        try:
            await self._accept(scope, await read_body(scope, receive, self._doors.max_body_bytes))
            answer: Response = STORED
        except BodyTooLarge:
            answer = TOO_LARGE
        except TimeoutError:
            answer = TOO_SLOW
        except SignatureMismatch:
            answer = UNSIGNED
        except InboxUnavailable:
            answer = UNAVAILABLE
        except ClientDisconnect:
            return
        self._doors.answered["labelbox", answer.status_code] += 1
        await answer(scope, receive, send)

    async def _accept(self, scope: Scope, body: bytes) -> None:
        sha256, sha1, topics = _headers(scope, b"x-hub-signature-256", b"x-hub-signature", b"x-labelbox-event")
        address, keyring = scope["path_params"].get("pipeline", EVERY), self._doors.keyring
        signer = verify_signature(body, sha256=sha256, sha1=sha1, secrets=keyring.secrets(address))
        topic = topics[0].decode("latin-1") if topics else ""
        # Hardly ever more than one. What was stored before one failed is a repeat when the sender comes again.
        for pipeline in keyring.rung(address, signer):
            key = delivery_key(topic, body, pipeline=pipeline)
            await self._doors.append(Delivery(key, topic, pipeline, body, datetime.now(UTC)))


def openai_webhook(doors: Doors) -> Callable[[Request], Awaitable[Response]]:
    """Make the receiver of a trainer's events. An event only says "look at this job again"."""

    async def receive_event(request: Request) -> Response:
        try:
            answer = await answer_event(request)
        except ClientDisconnect:
            # Nobody is left to read the answer, so it is not counted either.
            return Response(status_code=400)
        doors.answered["trainer", answer.status_code] += 1
        return answer

    async def answer_event(request: Request) -> Response:
        try:
            body = await read_body(request.scope, request.receive, doors.max_body_bytes)
            headers = _headers(request.scope, b"webhook-id", b"webhook-timestamp", b"webhook-signature")
            event_id, trainers = _signers(body, SignedHeaders(*headers), doors.trainer_secrets)
            job_id = _job_id(body)
            outcome = await doors.ring(job_id, event_id, trainers) if job_id else "other"
            doors.events.update((name, outcome) for name in trainers)
        except BodyTooLarge:
            return TOO_LARGE
        except TimeoutError:
            return TOO_SLOW
        except SignatureMismatch:
            return UNSIGNED
        except InboxUnavailable:
            return UNAVAILABLE
        return STORED

    return receive_event


def _signers(body: bytes, headers: SignedHeaders, secrets: Mapping[str, Sequence[str]]) -> tuple[str, Sequence[str]]:
    """Give the event's id and whose secret signed it, which alone tells what trainer it is from.

    Several trainers at one provider may share a secret.
    """
    event_id, now_s = "", time.time()
    signers = []
    for trainer, mine in secrets.items():
        with suppress(SignatureMismatch):
            event_id = verify_standard_webhook(body, headers, secrets=mine, now_s=now_s)
            signers.append(trainer)
    if not signers:
        raise SignatureMismatch
    return event_id, signers


def _job_id(body: bytes) -> str | None:
    """Give the job that an event is about; None for an event of another kind or of no known shape."""
    try:
        event = json.loads(body)
        job_id = event["data"]["id"] if event["type"].startswith("fine_tuning.job.") else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    # What is not printable is no id, and half a surrogate pair no text for a database.
    return job_id if isinstance(job_id, str) and job_id.isprintable() else None


def _headers(scope: Scope, *names: bytes) -> list[list[bytes]]:
    """Give every value of each header, as bytes: decoding would let odd characters raise elsewhere."""
    found: dict[bytes, list[bytes]] = {name: [] for name in names}
    for name, value in scope["headers"]:
        if name in found:
            found[name].append(value)
    return list(found.values())
