"""One read of the API: its route and its place in the OpenAPI document are made from the same few words."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.bootstrap import Deps
from service.domain.errors import NotFound
from service.web.problems import BadParameter

API = "/api/v1"
ENCODER = msgspec.json.Encoder()
# What is behind the gate is for its reader alone.
HEADERS = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class QueryParameter:
    """A parameter after the question mark; all are optional.

    Attributes:
        schema: What is allowed, as the document tells it.
        read: Gives the value of a text; raises ValueError with what is allowed.
        default: The value where it is not given.
    """

    description: str
    schema: Mapping[str, object]
    read: Callable[[str], object]
    default: object = None


@dataclass(frozen=True, slots=True)
class Operation:
    """A read below ``/api/v1``.

    Attributes:
        path: Names in braces are arguments of ``read``, as the query's are.
        answer: The type of what ``read`` gives.
        read: Gives the answer; raises NotFound. It may block, so it is called in a thread.
        may_miss: Whether it can end with 404.
        has_tag: Whether its answer has an ETag, so that whoever asks often is told 304 while nothing changed.
        has_texts: Whether it tells labels and answers: to admins alone, and with 409 where their file is broken.
    """

    path: str
    summary: str
    answer: Any
    read: Callable[..., object]
    query: Mapping[str, QueryParameter] = field(default_factory=dict)
    may_miss: bool = False
    has_tag: bool = False
    has_texts: bool = False

    @property
    def path_names(self) -> list[str]:
        """The names in braces."""
        return re.findall(r"{(\w+)}", self.path)

    def route(self, deps: Deps) -> Route:
        """Make the route."""

        def endpoint(request: Request) -> Response:
            answer = self.read(deps, **self._arguments(request))
            body = ENCODER.encode(answer)
            if self.has_tag:
                return _tagged(body, request.headers.getlist("if-none-match"))
            return Response(body, media_type="application/json", headers=HEADERS)

        return Route(API + self.path, endpoint, methods=["GET"])

    def _arguments(self, request: Request) -> dict[str, object]:
        in_path = {name: str(request.path_params[name]) for name in self.path_names}
        if not all(map(str.isprintable, in_path.values())):
            # No name of ours; a NUL would be a mistake in the database's eyes.
            raise NotFound("nothing is spelled like that")
        given = request.query_params
        if unknown := sorted(given.keys() - self.query.keys()):
            raise BadParameter(f"unknown: {', '.join(unknown)}; allowed: {', '.join(self.query) or 'none'}")
        in_query = {name: _value(name, rule, given.getlist(name)) for name, rule in self.query.items()}
        return {**in_path, **in_query}


def number_parameter(*, default: int | None, most: int, description: str) -> QueryParameter:
    """Make a parameter that is a number from 1 to ``most``."""

    def read(text: str) -> int:
        number = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
        if not 1 <= number <= most:
            raise ValueError(f"must be a whole number from 1 to {most}")
        return number

    schema: dict[str, object] = {"type": "integer", "minimum": 1, "maximum": most}
    if default is not None:
        schema["default"] = default
    return QueryParameter(description, schema, read, default)


def name_parameter(description: str) -> QueryParameter:
    """Make a parameter that is a name."""

    def read(text: str) -> str:
        if not text or not text.isprintable():
            raise ValueError("must be a name")
        return text

    return QueryParameter(description, {"type": "string", "minLength": 1}, read)


def _tagged(body: bytes, known: Sequence[str]) -> Response:
    """Answer with the tag of exactly these bytes, or without them if the caller has them. Source: RFC 9110, 13.1.2."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"Cache-Control": "private, no-cache", "ETag": tag}
    # Compared weakly, as the RFC wants it here: a proxy that compresses makes the tag a weak one.
    # Several fields are one list, as 5.3 has it.
    named = {one.strip().removeprefix("W/") for one in ",".join(known).split(",")}
    if named & {tag, "*"}:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _value(parameter: str, rule: QueryParameter, given: list[str]) -> object:
    if len(given) > 1:
        raise BadParameter(f"{parameter}: given {len(given)} times")
    try:
        return rule.read(given[0]) if given else rule.default
    except ValueError as error:
        raise BadParameter(f"{parameter}: {error}") from error
