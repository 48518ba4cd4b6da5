"""Webhook deliveries of realistic size, every one different, signed."""

import hashlib
import hmac
import json
from collections.abc import Iterator

SECRET = "bench-secret"  # noqa: S105 - of the benchmark's own server
PROJECT = "cm0benchproject0000000000"


def delivery(number: int) -> bytes:
    """Give the body of a LABEL_UPDATED delivery, payload version 1, about 2.5 kB."""
    text = f"Customer {number} asked for a refund of an order that never arrived; the agent refunded it. " * 6
    label = {"objects": [], "classifications": [{"featureId": f"f{number}", "schemaId": "s1", "answer": text}]}
    return json.dumps(
        {
            "id": f"label{number:08d}",
            "createdAt": "2026-11-20T10:00:00.000Z",
            "updatedAt": f"2026-11-20T10:{number // 60 % 60:02d}:{number % 60:02d}.000Z",
            "secondsToLabel": 42.0,
            "label": json.dumps(label),
            "agreement": None,
            "benchmarkAgreement": None,
            "deleted": False,
            "project": {"id": PROJECT, "name": "bench", "deleted": False},
            "dataRow": {"id": f"row{number:08d}", "externalId": None, "rowData": text * 2},
            "dataset": {"id": "ds", "name": "bench", "deleted": False},
            "user": {"id": "u", "email": "labeler@example.com"},
        }
    ).encode()


def requests(first: int, count: int) -> Iterator[bytes]:
    """Give complete HTTP requests, headers included."""
    for number in range(first, first + count):
        body = delivery(number)
        signature = hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
        head = (
            "POST /webhooks/labelbox HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"X-Labelbox-Event: LABEL_UPDATED\r\nX-Labelbox-Id: d{number}\r\nX-Hub-Signature: sha1={signature}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        yield head.encode() + body
