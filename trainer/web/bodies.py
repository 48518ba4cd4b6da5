"""Reading a request's body and query: JSON objects, numbers, cursors."""

import json
from collections.abc import Callable, Collection
from typing import Any

from starlette.requests import ClientDisconnect, Request

from trainer.store.pages import CursorUnknown, Page
from trainer.values import JsonObject
from trainer.web.errors import ApiError, invalid

MOST_JSON_BYTES = 32 * 1024 * 1024


async def read_json(request: Request) -> JsonObject:
    """Read the body as a JSON object.

    Raises:
        ApiError: 413 over 32 MB; 400 where it is not a JSON object, or holds text that is none.
    """
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_JSON_BYTES:
                raise ApiError(413, f"A JSON body may have {MOST_JSON_BYTES} bytes.", code="request_too_large")
    except ClientDisconnect:
        raise ApiError(400, "The request ended before its body did.", code="invalid_json") from None
    return _parsed(bytes(body))


def _parsed(body: bytes) -> JsonObject:
    try:
        value = json.loads(body)
        if b"\\ud" in body.lower():
            # Half of a surrogate pair is JSON, but no text: SQLite would refuse it later.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise ApiError(400, "The body is not valid JSON.", code="invalid_json") from None
    if not isinstance(value, dict):
        raise ApiError(400, "The body must be a JSON object.", code="invalid_json")
    return value


def only_fields(body: JsonObject, known: Collection[str], where: str = "") -> None:
    """Refuse fields that mean nothing, since a misspelt one would be ignored in silence."""
    unknown = sorted(set(body) - set(known))
    if unknown:
        name = where + unknown[0]
        raise invalid(name, f"The field {name!r} is not known.", "unknown_parameter")


def a_text(body: JsonObject, name: str) -> str:
    """Take a field that must be a text with something in it."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise invalid(name, f"The field {name!r} must be a string that is not empty.", "missing_required_parameter")
    return value


def is_number(value: Any, *, whole: bool = False) -> bool:  # noqa: ANN401 - JSON can be anything
    """Tell whether a JSON value is a number; true and false are none, though Python counts them in."""
    return isinstance(value, int if whole else int | float) and not isinstance(value, bool)


def limit_of(request: Request, *, default: int, most: int) -> int:
    """Read the query's ``limit``, 1..most."""
    given = request.query_params.get("limit")
    if given is None:
        return default
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:9]) <= most:
        raise invalid("limit", f"limit must be a whole number from 1 to {most}.")
    return int(given[:9])


def list_answer(page: Page[Any], shape: Callable[[Any], JsonObject]) -> JsonObject:
    """Make the answer for a page of a list."""
    shown = [shape(item) for item in page.items]
    ends = {"first_id": shown[0]["id"] if shown else None, "last_id": shown[-1]["id"] if shown else None}
    return {"object": "list", "data": shown, **ends, "has_more": page.has_more}


def after_unknown(error: CursorUnknown) -> ApiError:
    """Make the error for a page after something that is not in the list."""
    return invalid("after", f"There is nothing with the id {error.args[0]!r} in this list.")
