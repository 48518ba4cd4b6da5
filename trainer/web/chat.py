"""``/v1/chat/completions``."""

import hashlib
import json
import time
from collections.abc import Iterator, Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from trainer.engine import Model, Reply
from trainer.runtime import Runtime
from trainer.store.ids import new_id
from trainer.values import JsonObject
from trainer.web.aliases import meant_by
from trainer.web.bodies import read_json
from trainer.web.chat_requests import ChatRequest, read_chat_request
from trainer.web.errors import json_answer, model_not_found
from trainer.web.serving import served_name


async def create_completion(request: Request) -> Response:
    """Answer a conversation, whole or as a stream."""
    runtime: Runtime = request.app.state.runtime
    asked = read_chat_request(await read_json(request))
    model, reply = await run_in_threadpool(_reply, runtime, asked)
    head = {
        "id": new_id("chatcmpl-"),
        "created": int(time.time()),
        "model": asked.model,
        "service_tier": "default",
        "system_fingerprint": _fingerprint(asked.model),
    }
    calls = [{"id": new_id("call_"), **call} for call in reply.tool_calls]
    if not asked.stream:
        return json_answer(_completion(head, reply, calls))
    lines = _stream(head, model, reply, calls, include_usage=asked.include_usage)
    return StreamingResponse(lines, media_type="text/event-stream", headers={"cache-control": "no-cache"})


def _reply(runtime: Runtime, asked: ChatRequest) -> tuple[Model, Reply]:
    name = served_name(runtime, asked.model)
    meant = meant_by(runtime, name)
    try:
        model = runtime.shelf.get(meant)
    except FileNotFoundError:
        # Deleted while it was being loaded.
        model = None
    if model is None:
        raise model_not_found(asked.model, None if meant == name else meant)
    return model, model.complete(asked.messages, asked.tools, asked.sampling)


def _completion(head: JsonObject, reply: Reply, calls: Sequence[JsonObject]) -> JsonObject:
    message: JsonObject = {"role": "assistant", "content": reply.content, "refusal": None, "annotations": []}
    if calls:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish_reason}
    return {"object": "chat.completion", **head, "choices": [choice], "usage": _usage(reply)}


def _stream(
    head: JsonObject, model: Model, reply: Reply, calls: Sequence[JsonObject], *, include_usage: bool
) -> Iterator[str]:
    """Give the answer in pieces, as server-sent events."""
    head = {"object": "chat.completion.chunk", **head} | ({"usage": None} if include_usage else {})
    deltas: list[JsonObject] = [{"role": "assistant", "content": None if reply.content is None else ""}]
    deltas += [{"content": piece} for piece in (model.pieces(reply.content) if reply.content else [])]
    deltas += [{"tool_calls": [{"index": place, **call}]} for place, call in enumerate(calls)]
    for delta in deltas:
        yield _event(head | {"choices": [_choice(delta, None)]})
    yield _event(head | {"choices": [_choice({}, reply.finish_reason)]})
    if include_usage:
        yield _event(head | {"choices": [], "usage": _usage(reply)})
    yield "data: [DONE]\n\n"


def _choice(delta: JsonObject, finish_reason: str | None) -> JsonObject:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _event(content: JsonObject) -> str:
    return f"data: {json.dumps(content, separators=(',', ':'))}\n\n"


def _usage(reply: Reply) -> JsonObject:
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": reply.prompt_tokens + reply.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _fingerprint(model: str) -> str:
    """Name what answers: the same text for the same model, since a tuned model never changes."""
    return "fp_" + hashlib.sha256(model.encode()).hexdigest()[:10]
