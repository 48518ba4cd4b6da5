"""Webhook deliveries: who may send one, what makes two the same, and what one points to.

A delivery is a doorbell: it names a data row to look at again. Nothing it says about the label is believed,
because it is unordered, may be lost or doubled, and its topic header is not signed (ADR 0002).
"""

import hashlib
import hmac
import json
import re
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from service.domain.errors import SignatureMismatch, UnknownTopic, UnreadableDelivery

TOPICS = frozenset(
    {
        "LABEL_CREATED",
        "LABEL_UPDATED",
        "LABEL_DELETED",
        "WORKFLOW_ACTION",
        # Of webhooks made before 2024; they still mean "look again".
        "REVIEW_CREATED",
        "REVIEW_UPDATED",
        "REVIEW_DELETED",
    }
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One signed request, as received.

    Attributes:
        key: The idempotency key: SHA-256 over topic, pipeline and body, hex.
        topic: ``X-Labelbox-Event``, unsigned.
        pipeline: The pipeline named in the path, or empty.
        body: The bytes that were signed.
        received_at: When the web process had read them.
    """

    key: str
    topic: str
    pipeline: str
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Doorbell:
    """What a delivery asks us to look at; any part may be missing.

    Attributes:
        announced_at: When the label was last changed, as the delivery says it; no fractions of a second, because
            exports have none. Not believed: it only tells an export that lags.
    """

    project_id: str | None
    data_row_ids: tuple[str, ...]
    label_id: str | None
    announced_at: datetime | None = None


def verify_signature(body: bytes, *, sha256: Sequence[bytes], sha1: Sequence[bytes], secrets: Iterable[bytes]) -> int:
    """Find which of our secrets signed exactly these bytes.

    Args:
        body: The request body as read, neither decoded nor re-serialised.
        sha256: Every ``X-Hub-Signature-256`` header: ``sha256=`` and 64 hex digits; if present it
            alone counts.
        sha1: Every ``X-Hub-Signature`` header: ``sha1=`` and 40 hex digits.
        secrets: The secrets in use, several while one is rotated; empty ones are passed over.

    Returns:
        The position of the secret among those given, the first if several are the same.

    Raises:
        SignatureMismatch: No header, a header given twice, or no secret fits.

    Source: Labelbox documentation, "Webhooks", code samples for the two headers.
    """
    given, algorithm = (sha256, "sha256") if sha256 else (sha1, "sha1")
    if len(given) != 1:
        # Two headers could be read differently by a proxy and by us.
        raise SignatureMismatch("expected exactly one signature header")
    signature = given[0].lower()
    for position, secret in enumerate(secrets):
        # Bytes, because a str with non-ASCII characters makes compare_digest raise.
        expected = f"{algorithm}={hmac.digest(secret, body, algorithm).hex()}".encode()
        if secret and hmac.compare_digest(expected, signature):
            return position
    raise SignatureMismatch("the signature does not match the body")


def delivery_key(topic: str, body: bytes, *, pipeline: str = "") -> str:
    """Give the idempotency key: two deliveries with the same key are the same delivery.

    The pipeline counts, because two webhooks of one project, one a pipeline, send the same bytes.
    """
    return hashlib.sha256(f"{topic}\n{pipeline}\n".encode() + body).hexdigest()


def read_doorbell(topic: str, body: bytes) -> Doorbell:
    """Read what a delivery points to, in either payload version.

    Raises:
        UnknownTopic: The topic is none of ``TOPICS``.
        UnreadableDelivery: The body is no JSON object.

    Source: Labelbox webhook payload 1 (``dataRow.id``, the first ``id`` is the label's); payload 2 and the
    workflow payload were never published, so every documented spelling of the ids is looked up.
    """
    if topic not in TOPICS:
        raise UnknownTopic(f"topic {topic[:40]!r} is not known")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableDelivery("the body is no JSON") from error
    if not isinstance(found, dict):
        raise UnreadableDelivery("the body is JSON, but no object")
    label_id = found.get("id") if topic.startswith("LABEL_") and "dataRow" in found else None
    announced = _moment(found.get("updatedAt")) if label_id and topic == "LABEL_UPDATED" else None
    return Doorbell(_project_id(found), tuple(_data_row_ids(found)), _text(label_id), announced)


def without_texts(delivery: Delivery, data_row_ids: Collection[str]) -> Delivery:
    """Give a delivery that rings for the same rows and says nothing else, if it concerns one of these.

    Everything but the ids may be a label's text or a prompt's. A body that cannot be read becomes empty. The key was a
    hash of the body, and is that of the new one.

    Returns:
        The delivery itself where it concerns none of them, or is bare already.
    """
    bell, body = Doorbell(None, (), None), b""
    with suppress(UnknownTopic, UnreadableDelivery):
        bell = read_doorbell(delivery.topic, delivery.body)
        body = _bare_body(bell)
    is_named = not set(data_row_ids).isdisjoint(bell.data_row_ids)
    if body == delivery.body or not (is_named or _mentions(delivery.body, data_row_ids)):
        return delivery
    return replace(delivery, body=body, key=delivery_key(delivery.topic, body, pipeline=delivery.pipeline))


def _bare_body(bell: Doorbell) -> bytes:
    rows = [{"id": row_id} for row_id in bell.data_row_ids]
    found = {
        "id": bell.label_id,
        "updatedAt": bell.announced_at and bell.announced_at.isoformat(),
        "project": {"id": bell.project_id},
        "dataRow": rows[0] if rows else None,
        "dataRows": rows[1:],
    }
    return json.dumps(found, sort_keys=True).encode()


def _mentions(body: bytes, names: Iterable[str]) -> bool:
    return any(re.search(rb"(?<![\w-])" + re.escape(name.encode()) + rb"(?![\w-])", body) for name in names)


def _project_id(body: dict[str, Any]) -> str | None:
    project, projects = body.get("project"), body.get("projects")
    if isinstance(project, dict):
        return _text(project.get("id"))
    if isinstance(projects, dict) and len(projects) == 1:
        return _text(next(iter(projects)))
    return _text(body.get("projectId") or body.get("project_id"))


def _data_row_ids(body: dict[str, Any]) -> list[str]:
    found: list[object] = []
    for name in ("dataRow", "data_row", "dataRows", "data_rows"):
        value = body.get(name)
        items = value if isinstance(value, list) else [value]
        found.extend(item.get("id") if isinstance(item, dict) else item for item in items)
    for name in ("dataRowId", "data_row_id", "dataRowIds", "data_row_ids"):
        value = body.get(name)
        found.extend(value if isinstance(value, list) else [value])
    return list(dict.fromkeys(text for item in found if (text := _text(item))))


def _moment(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value).replace(microsecond=0) if isinstance(value, str) else None
        # A moment in the year 1 has no place in UTC east of Greenwich.
        return found and (found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def _text(value: object) -> str | None:
    # Printable, because half a surrogate pair or a NUL can be asked of no database.
    return value if isinstance(value, str) and value and value.isprintable() else None
