"""Errors as the API tells them: a status and an envelope, whatever went wrong."""

import json
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from trainer.values import JsonObject


class ApiError(Exception):
    """A request that cannot be done.

    Attributes:
        status: The HTTP status.
        message: What is wrong, for the person who sent the request.
        param: The field that is wrong, if it is one.
        code: What programs go by.
        headers: Extra headers of the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.headers = dict(headers or {})

    @property
    def type(self) -> str:
        """The kind of error, as OpenAI names it."""
        return "server_error" if self.status >= 500 else "invalid_request_error"  # noqa: PLR2004 - HTTP's own border


def invalid(param: str, message: str, code: str = "invalid_value") -> ApiError:
    """Make the error for a field whose value is wrong."""
    return ApiError(400, message, param=param, code=code)


def not_found(what: str, name: str, param: str = "id") -> ApiError:
    """Make the error for something that is not there."""
    return ApiError(404, f"There is no {what} {name!r}.", param=param, code=f"{what.replace(' ', '_')}_not_found")


def model_not_found(model: str, meant: str | None = None) -> ApiError:
    """Make the error for a model that is not there; ``meant`` is the one that an alias would be."""
    words = (
        f"There is no model {meant!r} any more, which {model!r} means." if meant else f"There is no model {model!r}."
    )
    return ApiError(404, words, param="model", code="model_not_found")


def json_answer(content: JsonObject, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Make a JSON answer. It is all ASCII, so that no text can break it."""
    body = json.dumps(content, allow_nan=False, separators=(",", ":"))
    return Response(body, status, headers, media_type="application/json")


def error_answer(error: ApiError) -> Response:
    """Make the answer that tells an error."""
    told = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return json_answer({"error": told}, error.status, error.headers)


async def on_api_error(_: Request, error: Exception) -> Response:
    """Answer an ``ApiError``."""
    if not isinstance(error, ApiError):
        raise error
    return error_answer(error)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Answer what the router refuses: no such path, or not with this method."""
    if not isinstance(error, HTTPException):
        raise error
    wrong_method = error.status_code == 405  # noqa: PLR2004 - HTTP's own number
    told = "not allowed here" if wrong_method else "not a path of this server"
    code = "method_not_allowed" if wrong_method else "unknown_url"
    message = f"{request.method} {request.url.path} is {told}."
    return error_answer(ApiError(error.status_code, message, code=code, headers=error.headers))


async def on_crash(_request: Request, _error: Exception) -> Response:
    """Answer what nobody foresaw; it is raised on to the gate, which logs it."""
    return error_answer(ApiError(500, "The server failed; its log says why.", code="internal_error"))
