"""What went wrong, as JSON in one shape: ``error`` is a name to program against, ``message`` is for people."""

from dataclasses import dataclass

import sqlalchemy as sa
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ExceptionHandler

from service.domain.errors import CorruptFile, FilesReplaced, InboxUnavailable, NotFound, StoreFailed

RETRY_S = "5"
_NAMES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed"}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no answer.

    Attributes:
        error: A name that stays the same.
        message: What was wrong, for people; left out where the name says it.
    """

    error: str
    message: str | None = None


class BadParameter(Exception):
    """A parameter of the request that is unknown or cannot be read; the message says what is allowed."""


def _http(_request: Request, error: Exception) -> Response:
    """Answer for Starlette itself, for which no page and no method are errors too."""
    if not isinstance(error, HTTPException):
        raise error
    return _answer(error.status_code, _NAMES.get(error.status_code, "refused"), headers=dict(error.headers or {}))


def _bad_parameter(_request: Request, error: Exception) -> Response:
    return _answer(400, "bad_parameter", str(error))


def _not_found(_request: Request, error: Exception) -> Response:
    return _answer(404, "not_found", str(error))


def _not_whole(_request: Request, error: Exception) -> Response:
    return _answer(409, "not_whole", str(error))


def _unavailable(_request: Request, error: Exception) -> Response:
    # Not in its own words, which may quote what was asked for.
    is_redis = isinstance(error, InboxUnavailable)
    words = "Redis does not answer" if is_redis else "the database does not answer or has no schema yet"
    return _answer(503, "unavailable", words, headers={"Retry-After": RETRY_S})


def _internal(_request: Request, _error: Exception) -> Response:
    # Starlette raises it again afterwards, so that it is logged.
    return _answer(500, "internal")


def _answer(status: int, error: str, message: str | None = None, *, headers: dict[str, str] | None = None) -> Response:
    content = {"error": error} if message is None else {"error": error, "message": message}
    return JSONResponse(content, status, headers=headers)


PROBLEMS: dict[int | type[Exception], ExceptionHandler] = {
    HTTPException: _http,
    BadParameter: _bad_parameter,
    NotFound: _not_found,
    CorruptFile: _not_whole,
    FilesReplaced: _not_whole,
    InboxUnavailable: _unavailable,
    StoreFailed: _unavailable,
    sa.exc.SQLAlchemyError: _unavailable,
    Exception: _internal,
}
