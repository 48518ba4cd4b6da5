"""The body of ``POST /v1/chat/completions``, checked.

What no engine here can do (log probabilities, response formats, storing) is passed over, as other servers of this shape
do: their clients send such fields to every model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from trainer.dataset.faults import LineFault
from trainer.dataset.messages import check_messages
from trainer.dataset.tools import declared_functions, declared_tools
from trainer.engine import Sampling
from trainer.values import JsonObject
from trainer.web.bodies import a_text, is_number
from trainer.web.errors import invalid

MOST_STOPS = 4
HOTTEST = 2


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A conversation to answer.

    Attributes:
        messages: As sent, but roles and contents that mean the same brought into one form.
        include_usage: Whether a stream ends with the token counts.
    """

    model: str
    messages: Sequence[JsonObject]
    tools: Sequence[JsonObject]
    sampling: Sampling
    stream: bool
    include_usage: bool


def read_chat_request(body: JsonObject) -> ChatRequest:
    """Check a body.

    Raises:
        ApiError: A field is missing or wrong.
    """
    model = a_text(body, "model")
    if body.get("n") not in (None, 1):
        raise invalid("n", "This server gives one answer: n must be 1.", "unsupported_value")
    stream = _flag(body, "stream")
    options = body.get("stream_options")
    if options is not None and not (stream and isinstance(options, dict)):
        raise invalid("stream_options", "stream_options must be an object, and needs stream to be true.")
    tools = _declared("tools", declared_tools, body) | _declared("functions", declared_functions, body)
    return ChatRequest(
        model,
        _messages(body, tools),
        [] if body.get("tool_choice") == "none" else body.get("tools") or [],
        _sampling(body),
        stream,
        include_usage=_flag(options or {}, "include_usage"),
    )


def _declared(name: str, names_of: Callable[[JsonObject], set[str]], body: JsonObject) -> set[str]:
    try:
        return names_of(body)
    except LineFault as fault:
        raise invalid(name, f"{fault}.") from None


def _messages(body: JsonObject, declared: set[str]) -> list[JsonObject]:
    given = body.get("messages")
    if not isinstance(given, list) or not given:
        raise invalid("messages", "messages must be a list with at least one message.", "missing_required_parameter")
    messages = [_plain(message) for message in given]
    # A client may repeat a call without declaring its tool again; in a conversation that is no fault.
    names = declared | {name for message in messages for name in _called(message)}
    try:
        return check_messages(messages, "messages", names, names)
    except LineFault as fault:
        raise invalid("messages", f"{fault}.") from None


def _plain(message: Any) -> Any:  # noqa: ANN401 - JSON, checked afterwards
    """Bring a message into the form of the training files: a developer is the system, what is null is not there."""
    if not isinstance(message, dict):
        return message
    plain = {name: value for name, value in message.items() if value is not None and value != []}
    known = {"role", "content", "name", "tool_calls", "tool_call_id", "function_call", "refusal"}
    plain = {name: value for name, value in plain.items() if name in known}
    return plain | ({"role": "system"} if plain.get("role") == "developer" else {})


def _called(message: Any) -> list[str]:  # noqa: ANN401 - JSON
    calls = message.get("tool_calls") if isinstance(message, dict) else None
    functions = [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    if isinstance(message, dict):
        functions.append(message.get("function_call"))
    names = [function.get("name") for function in functions if isinstance(function, dict)]
    return [name for name in names if isinstance(name, str)]


def _sampling(body: JsonObject) -> Sampling:
    seed = body.get("seed")
    if seed is not None and not is_number(seed, whole=True):
        raise invalid("seed", "seed must be a whole number.")
    # The newer name wins; older clients and servers know only the other.
    limits = [_positive(body, name) for name in ("max_completion_tokens", "max_tokens")]
    return Sampling(
        temperature=_fraction(body, "temperature", HOTTEST),
        top_p=_fraction(body, "top_p", 1),
        seed=seed,
        max_tokens=next((limit for limit in limits if limit is not None), None),
        stop=_stops(body.get("stop")),
    )


def _stops(given: Any) -> tuple[str, ...]:  # noqa: ANN401 - JSON
    stops = [given] if isinstance(given, str) else given or []
    texts = isinstance(stops, list) and all(isinstance(stop, str) and stop for stop in stops)
    if not texts or len(stops) > MOST_STOPS:
        raise invalid("stop", f"stop must be a string or a list of at most {MOST_STOPS} strings, none empty.")
    return tuple(stops)


def _fraction(body: JsonObject, name: str, most: int) -> float:
    value = body.get(name)
    if value is None:
        return 1.0
    if not is_number(value) or not 0 <= value <= most:
        raise invalid(name, f"{name} must be a number from 0 to {most}.")
    return float(value)


def _positive(body: JsonObject, name: str) -> int | None:
    value = body.get(name)
    if value is not None and not (is_number(value, whole=True) and value > 0):
        raise invalid(name, f"{name} must be a whole number above 0.")
    return value


def _flag(body: JsonObject, name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid(name, f"{name} must be true or false.")
    return bool(value)
