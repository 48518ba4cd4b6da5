"""The errors of a trainer of OpenAI's shape, in the domain's words."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from textwrap import shorten
from typing import TYPE_CHECKING

from service.adapters.http_waits import retry_after_s
from service.domain.errors import OutcomeUnknown, ServiceError, TrainerBusy, TrainerRefused, TrainerUnreachable
from service.domain.outcomes import INSUFFICIENT_QUOTA, REFUSALS
from service.domain.unfinished import CONTEXT_LENGTH
from service.ports import Answer

if TYPE_CHECKING:
    from openai import APIConnectionError, APIError, APIStatusError

_LONGEST_MESSAGE = 300
_LENGTHS = ("max_tokens", "max_completion_tokens")
_MIB = 1024 * 1024
# A server says these when it gave up waiting or another request stood in its way, so the work may have been done.
_UNSURE = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT})
_FILTERED = frozenset({"content_filter", "content_policy_violation", "invalid_prompt"})
_TOO_LONG = "context_length_exceeded"
# vLLM, and what is built on it, says so in words alone.
_TOO_LONG_WORDS = "maximum context length"
_NO_RIGHT = "Check the variable that the trainer's api_key_env names, and what its key may do."
_REMEDY_OF_STATUS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: _NO_RIGHT,
    HTTPStatus.FORBIDDEN: _NO_RIGHT,
    HTTPStatus.NOT_FOUND: "Check the trainer's base_url and dialect, and the name of the model.",
}


@contextmanager
def translated(*, creating: bool = False, secret: str = "") -> Iterator[None]:
    """Raise the SDK's errors as the domain's.

    Args:
        creating: Whether the request creates a job, so that a lost answer leaves in doubt whether it did.
        secret: The key, which some servers repeat in their messages.

    Raises:
        TrainerRefused: For good; nothing was created.
        TrainerBusy: Come back later; nothing was created.
        OutcomeUnknown: While creating: the request may have been carried out.
        TrainerUnreachable: Any other request that may succeed later.
    """
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        raise _of_status(error, _words(error, secret), creating=creating) from error
    except openai.APIConnectionError as error:
        raise _of_connection(error, creating=creating) from error
    except openai.APIError as error:
        raise doubt(_words(error, secret), creating=creating) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise doubt("the trainer's answer is no JSON", creating=creating) from error


def doubt(message: str, *, creating: bool, wait_s: float | None = None) -> ServiceError:
    """Give the error of a request whose answer is missing or useless."""
    # While creating nobody waits: the sooner the search begins, the sooner the job is found.
    return OutcomeUnknown(message) if creating else TrainerUnreachable(message, retry_after_s=wait_s)


def too_large(size_bytes: int, most_mb: int) -> TrainerRefused:
    """Give the error of a file that is not even sent."""
    return TrainerRefused(
        f"a file of {size_bytes / _MIB:.0f} MB is too large: this trainer takes {most_mb} MB",
        code="file_too_large",
        remedy="Train on fewer or shorter examples, or set the trainer's max_file_mb if it takes more.",
    )


def refused_answer(error: TrainerRefused, settings: Iterable[str]) -> Answer:
    """Give the answer to a question that is refused for itself: one such question must not end an evaluation.

    Args:
        error: What the server said.
        settings: The names of those that were sent.

    Raises:
        TrainerRefused: The server would refuse others as well.
    """
    if error.code in _FILTERED:
        # Azure answers so where its filter stops a question.
        return Answer("", 0, 0, "content_filter")
    if error.code == _TOO_LONG:
        return Answer("", 0, 0, CONTEXT_LENGTH)
    if refused := _refused_setting(error, settings):
        raise refused from error
    if _TOO_LONG_WORDS in str(error):
        return Answer("", 0, 0, CONTEXT_LENGTH)
    raise error


def _refused_setting(error: TrainerRefused, settings: Iterable[str]) -> TrainerRefused | None:
    """Give the error of a question that was refused for how it was asked, None where it is not about that.

    Args:
        error: What the server said.
        settings: The names of those that were sent.
    """
    words = str(error)
    if error.code in REFUSALS:
        # "More credits, or fewer max_tokens" is about money.
        return None
    # Models have names such as seed-oss.
    named = next((name for name in settings if re.search(rf"(?<![\w-]){name}(?![\w-])", words)), None)
    if named is None:
        return None
    if named == "temperature":
        remedy = 'Say temperature = "omit" in the trainer\'s table, or in the sampling of this pipeline or judge.'
    elif named in _LENGTHS:
        remedy = "Set the trainer's length_field, or a smaller max_tokens in its table or in the sampling."
    else:
        remedy = f"Take {named} out of the sampling of this pipeline or judge."
    return TrainerRefused(words, code="setting_refused", remedy=f"{remedy} Then tuneloop runs approve RUN.")


def _of_status(error: "APIStatusError", words: str, *, creating: bool) -> ServiceError:
    status, code = error.status_code, error.code or error.type or ""
    wait_s = retry_after_s(error.response.headers)
    if status == HTTPStatus.TOO_MANY_REQUESTS and not (code in REFUSALS and REFUSALS[code].is_about_money):
        return TrainerBusy(words, retry_after_s=wait_s)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _UNSURE:
        return doubt(words, creating=creating, wait_s=wait_s)
    if status == HTTPStatus.PAYMENT_REQUIRED and code not in REFUSALS:
        code = INSUFFICIENT_QUOTA
    remedy = REFUSALS[code].remedy if code in REFUSALS else _REMEDY_OF_STATUS.get(status)
    return TrainerRefused(words, code=code or None, remedy=remedy)


def _of_connection(error: "APIConnectionError", *, creating: bool) -> ServiceError:
    import httpx2

    # Where no connection came about nothing was sent, and so nothing created: no reason to wake a person.
    if isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout):
        return TrainerUnreachable("no connection to the trainer")
    return doubt(f"the trainer's answer is lost: {error.message}", creating=creating)


def _words(error: "APIError", secret: str) -> str:
    request_id = getattr(error, "request_id", None)
    message = error.message.replace(secret, "***") if secret else error.message
    return shorten(message, _LONGEST_MESSAGE, placeholder=" ...") + (f" (request {request_id})" if request_id else "")
