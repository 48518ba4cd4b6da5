"""Answers held against the OpenAPI document."""

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from tests.support.serving import Reply


def strict(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give the document with no room for what it does not name: a client may overlook it, a test must not."""
    closed: dict[str, Any] = deepcopy(dict(document))
    for schema in closed["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return closed


def operation(document: Mapping[str, Any], path: str, method: str) -> Mapping[str, Any]:
    """Give what the document says of a request; a HEAD is answered like a GET, without the body."""
    found: Mapping[str, Any] = document["paths"][path]["get" if method == "HEAD" else method.lower()]
    return found


def breaches(document: Mapping[str, Any], path: str, method: str, reply: Reply) -> Iterator[str]:
    """Give everything in which an answer is not as the document says."""
    responses = operation(document, path, method)["responses"]
    if str(reply.status) not in responses:
        yield f"{reply.status} is not documented"
        return
    content = responses[str(reply.status)].get("content", {})
    media_type = reply.headers.get("content-type", "").partition(";")[0]
    if media_type not in (content or {""}):
        yield f"{media_type!r} is not documented for {reply.status}"
    elif media_type == "application/json" and method != "HEAD":
        yield from mismatches(document, content[media_type]["schema"], json.loads(reply.body))


def mismatches(document: Mapping[str, Any], schema: Mapping[str, Any], value: object) -> Iterator[str]:
    """Give everything in which a value is not as a schema says."""
    checker = Draft202012Validator({**schema, "components": document["components"]}, format_checker=FormatChecker())
    for error in checker.iter_errors(value):
        yield f"{error.json_path}: {error.message}"
