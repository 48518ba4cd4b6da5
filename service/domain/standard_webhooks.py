"""Standard Webhooks, verified by ourselves: it is short, and the SDK's verifier fails open on odd input."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.domain.errors import SignatureMismatch

TOLERANCE_S = 300
# Bounded, because a stranger chooses it: Python refuses to read a number of thousands of digits.
_MOMENT_DIGITS = re.compile(rb"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class SignedHeaders:
    """The three headers, each as often as it was sent."""

    event_id: Sequence[bytes]
    timestamp: Sequence[bytes]
    signature: Sequence[bytes]


def verify_standard_webhook(body: bytes, headers: SignedHeaders, *, secrets: Iterable[str], now_s: float) -> str:
    """Check that one of our secrets signed this event, and that it is fresh.

    Args:
        body: The bytes as read.
        headers: ``webhook-id``, ``webhook-timestamp`` (unix seconds) and ``webhook-signature``
            (``v1,<base64>``, several separated by spaces).
        secrets: ``whsec_`` and base64, several while one is rotated; unusable and empty ones are passed over.
        now_s: The time, in unix seconds.

    Returns:
        The event's id, the same on every retry of it.

    Raises:
        SignatureMismatch: A header is missing, doubled or malformed, the time is off, or no secret fits.

    Source: Standard Webhooks specification.
    """
    if any(len(values) != 1 for values in (headers.event_id, headers.timestamp, headers.signature)):
        raise SignatureMismatch("expected each webhook header exactly once")
    event_id, timestamp = headers.event_id[0], headers.timestamp[0]
    if not _MOMENT_DIGITS.fullmatch(timestamp) or abs(now_s - int(timestamp)) > TOLERANCE_S:
        raise SignatureMismatch("the webhook's time is missing or more than five minutes off")
    given = [item[3:] for item in headers.signature[0].split() if item.startswith(b"v1,")]
    signed = event_id + b"." + timestamp + b"." + body
    for secret in secrets:
        key = _key(secret)
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        if key and any(hmac.compare_digest(expected, item) for item in given):
            return event_id.decode("utf-8", "replace")
    raise SignatureMismatch("the signature does not match the body")


def _key(secret: str) -> bytes:
    """Give the key of a secret; empty, which signs nothing, where it is no base64."""
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        return b""
