"""What the Labelbox SDK lets out, in the domain's words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from service.domain.errors import ExportFailed, LabelsLimited, LabelsRefused, LabelsUnreachable, ServiceError

MESSAGE_CHARACTERS = 300
TOO_MANY_REQUESTS = 429
_NO_JSON = "Failed to parse response as JSON"
# Bare answers that another try does not change; the SDK has no class for them.
_FOR_GOOD = re.compile(r"(400|401|403|404|405|410|451)\b")


@contextmanager
def translated(*, reading: bool = False) -> Iterator[None]:
    """Turn what the SDK lets out into the domain's words.

    Args:
        reading: Whether a result is read: what is wrong with one export may be right with the next.

    Raises:
        LabelsLimited: The account asks too often.
        LabelsRefused: Labelbox understood and refused; asking again changes nothing.
        LabelsUnreachable: Anything that another try may change.
        ExportFailed: Instead of LabelsUnreachable while a result is read.

    Source: the SDK's own exceptions, and those of requests, google-api-core and Python that it does not catch.
    """
    try:
        yield
    except ServiceError:
        raise
    except Exception as error:
        kind = _kind_of(error)
        if reading and kind is LabelsUnreachable:
            kind = ExportFailed
        if kind is None:
            raise
        raise kind(words_of(error)) from error


def _kind_of(error: Exception) -> type[ServiceError] | None:
    from google.api_core.exceptions import RetryError
    from labelbox.schema.export_task import ExportTask
    from lbox import exceptions as sdk
    from requests import RequestException

    refused = (
        sdk.AuthenticationError,
        sdk.AuthorizationError,
        sdk.InvalidAttributeError,
        sdk.InvalidQueryError,
        sdk.MalformedQueryException,
        sdk.OperationNotAllowedException,
        sdk.ResourceConflict,
        sdk.ResourceNotFoundError,
        sdk.UnprocessableEntityError,
        sdk.ValidationFailedError,
    )
    answer = getattr(error, "response", None)
    if isinstance(error, sdk.ApiLimitError) or getattr(answer, "status_code", None) == TOO_MANY_REQUESTS:
        return LabelsLimited
    if isinstance(error, refused):
        return LabelsRefused
    if isinstance(error, sdk.LabelboxError):
        if _text_of(error).startswith(str(TOO_MANY_REQUESTS)):
            return LabelsLimited
        return LabelsRefused if _FOR_GOOD.match(_text_of(error)) else LabelsUnreachable
    # A chunk shorter than announced, an answer without what was asked for, a task that is not ready after all.
    late = (RetryError, RequestException, ExportTask.ExportTaskException, AssertionError, LookupError, TypeError)
    return LabelsUnreachable if isinstance(error, (*late, ValueError, AttributeError, OSError)) else None


def is_about_us(error: BaseException | None) -> bool:
    """Say whether a refusal concerns who asks, and not what is asked for."""
    from lbox import exceptions as sdk

    bare = isinstance(error, sdk.LabelboxError) and bool(_FOR_GOOD.match(_text_of(error)))
    return bare or isinstance(error, sdk.AuthenticationError | sdk.AuthorizationError)


def words_of(error: BaseException) -> str:
    """Describe an error; addresses lose their query, which holds signatures, and answers their text."""
    text = _text_of(error)
    if text.startswith(_NO_JSON):
        text = _NO_JSON
    return f"{type(error).__name__}: {re.sub(r'[?][^ ]*', '?...', text)[:MESSAGE_CHARACTERS]}"


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except TypeError:
        # The SDK's own errors cannot be written where the server gave no message.
        return "no message"
