"""The OpenAPI document: the reads of the API from their own table, the few other doors in words."""

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

import msgspec

from service.web.operations import API, Operation
from service.web.problems import Problem

_REF = "#/components/schemas/{name}"
_PROBLEM = {"application/json": {"schema": {"$ref": _REF.format(name="Problem")}}}
_REFUSALS = {
    400: "A parameter is unknown or cannot be read",
    401: "No token, or none that is known",
    404: "Nothing has that name",
    409: "The file with the texts is broken, or was just replaced",
    408: "The body did not arrive in time",
    413: "The body is too large",
    503: "A store does not answer; come again later",
}
_BEARER = {"type": "http", "scheme": "bearer"}
_IF_NONE_MATCH: Mapping[str, Any] = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of the answer that the caller has",
    "schema": {"type": "string"},
}
_UNSIGNED = "No signature, or by none of the secrets that count here"


def describe_api(operations: Iterable[Operation]) -> dict[str, Any]:
    """Write the document. Source: OpenAPI Specification 3.1.0."""
    operations = list(operations)
    answers = [operation.answer for operation in operations]
    schemas, components = msgspec.json.schema_components([*answers, Problem], ref_template=_REF)
    reads = {
        f"{API}{operation.path}": {"get": _read(operation, schema)}
        for operation, schema in zip(operations, schemas, strict=False)
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tuneloop", "version": version("tuneloop"), "license": {"name": "Apache-2.0"}},
        "security": [{"token": []}],
        "paths": {**_doors(), **reads},
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {**_BEARER, "description": "TUNELOOP_ADMIN_TOKEN or TUNELOOP_READ_TOKEN"},
                "admin": {**_BEARER, "description": "TUNELOOP_ADMIN_TOKEN"},
            },
        },
    }


def _read(operation: Operation, schema: Mapping[str, Any]) -> dict[str, Any]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in operation.path_names
    ]
    in_query: list[Mapping[str, Any]] = [
        {"name": name, "in": "query", "description": rule.description, "schema": rule.schema}
        for name, rule in operation.query.items()
    ]
    refusals = [400, 401, *([404] if operation.may_miss else []), *([409] if operation.has_texts else []), 503]
    answer: dict[str, Any] = {"description": "Found", "content": {"application/json": {"schema": schema}}}
    unchanged: dict[str, Any] = {}
    if operation.has_tag:
        answer["headers"] = {"ETag": {"description": "Of exactly this answer", "schema": {"type": "string"}}}
        in_query.append(_IF_NONE_MATCH)
        unchanged["304"] = {"description": "Nothing changed since the answer of this tag"}
    token: dict[str, Any] = {"security": [{"admin": []}]} if operation.has_texts else {}
    return {
        **token,
        "summary": operation.summary,
        "parameters": [*in_path, *in_query],
        "responses": {"200": answer, **unchanged, **_refused(*refusals)},
    }


def _refused(*codes: int, **words: str) -> dict[str, Any]:
    return {str(code): {"description": words.get(f"on_{code}", _REFUSALS[code]), "content": _PROBLEM} for code in codes}


def _doors() -> dict[str, Any]:
    """Describe what is no read of the API: webhooks, health and metrics."""
    delivery = {
        "security": [],
        "requestBody": {"required": True, "content": {"application/json": {}}},
        "responses": {
            "202": {"description": "Stored, or known already"},
            **_refused(401, 408, 413, 503, on_401=_UNSIGNED),
        },
    }
    pipeline = {"name": "pipeline", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "/webhooks/labelbox": {"post": {"summary": "Labelbox's deliveries", **delivery}},
        "/webhooks/labelbox/{pipeline}": {
            "post": {"summary": "Labelbox's deliveries for one pipeline", "parameters": [pipeline], **delivery}
        },
        "/webhooks/openai": {"post": {"summary": "A trainer's events, Standard Webhooks", **delivery}},
        "/healthz": {"get": _health("Whether the process lives", "status")},
        "/readyz": {"get": _health("Whether a delivery could be made durable now", "ready", 503)},
        "/metrics": {
            "get": {
                "summary": "Figures for Prometheus, text format 0.0.4",
                "responses": {
                    "200": {"description": "Figures", "content": {"text/plain": {"schema": {"type": "string"}}}},
                    **_refused(401),
                },
            }
        },
    }


def _health(summary: str, key: str, *bad: int) -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object", "required": [key]}}}
    codes = {200: "Yes", **dict.fromkeys(bad, "No")}
    return {
        "summary": summary,
        "security": [],
        "responses": {str(code): {"description": words, "content": content} for code, words in codes.items()},
    }
