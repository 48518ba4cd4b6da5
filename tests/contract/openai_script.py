"""A server of OpenAI's shape on a real socket that answers what each test tells it to, and remembers what it saw."""

import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import uvicorn
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from service.adapters.openai_trainer import OpenAITrainer
from service.config import TrainerSettings
from service.domain.runs import Run, RunState

KEY = "sk-hidden-key"
Reply = Callable[[Scope, Receive, Send], Awaitable[None]]


def run(**facts: object) -> Run:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    return Run("run-1", "support", 1, RunState.UPLOADED, 7, "t", "base-1", now, now, snapshot_id="5a" * 32, facts=facts)


def job(**changes: object) -> dict[str, object]:
    """A job as OpenAI sends healthy ones: with an error object of nulls."""
    return {
        "object": "fine_tuning.job",
        "id": "ftjob-1",
        "created_at": 100,
        "status": "validating_files",
        "error": {"code": None, "message": None, "param": None},
        "fine_tuned_model": None,
        "trained_tokens": None,
        "training_file": "file-1",
        "metadata": {"run_id": "run-1"},
        "result_files": [],
        "hyperparameters": None,
        **changes,
    }


def listed(*items: dict[str, object], has_more: bool | None = False) -> Response:
    more = {} if has_more is None else {"has_more": has_more}
    return JSONResponse({"object": "list", "data": items, **more})


def refusal(status: int, code: str | None = None, message: str = "No.", **headers: str) -> Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return JSONResponse({"error": error}, status, headers={"x-request-id": "req-9", **headers})


async def dropped(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - the shape of a reply
    """Break the connection off in the middle of the answer."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
    await send({"type": "http.response.body", "body": b"{", "more_body": False})


async def never(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - the shape of a reply
    """Answer nothing until the client has given up."""
    await receive()  # the rest of the request, of which there is none: only its end is left


# Each is an answer that tells nobody whether the request was carried out.
IN_DOUBT: dict[str, Reply] = {
    "500": refusal(500),
    "503": refusal(503, "overloaded"),
    "408": refusal(408),
    "409": refusal(409),
    "gateway page": Response("<html>Bad gateway</html>", 502, media_type="text/html"),
    "page instead of JSON": Response("<html>Hello</html>", 200, media_type="text/html"),
    "half a JSON": Response('{"id": "f', 200, media_type="application/json"),
    "not UTF-8": Response(b'{"id": "\xff"}', 200, media_type="application/json"),
    "another object": JSONResponse({}),
    "a list": JSONResponse([]),
    "null": JSONResponse(None),
    "dropped": dropped,
    "never": never,
}


@dataclass
class Seen:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - whatever was sent
        return json.loads(self.body)


@dataclass
class ScriptedServer:
    """Answers each call with the next reply of its script; the last one stays."""

    base_url: str
    script: dict[str, list[Reply]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    trainers: dict[str, OpenAITrainer] = field(default_factory=dict)

    def will(self, call: str, *replies: Reply | dict[str, Any]) -> None:
        self.script[call] = [JSONResponse(reply) if isinstance(reply, dict) else reply for reply in replies]

    def calls(self, call: str) -> list[Seen]:
        return [seen for seen in self.seen if f"{seen.method} {seen.path}" == call]

    def trainer(self, dialect: str = "openai", *, timeout_s: float = 10, **settings: Any) -> OpenAITrainer:  # noqa: ANN401 - fields of TrainerSettings
        """Give an adapter for this server, the same one for the same arguments: each takes a while to build."""
        key = repr((dialect, timeout_s, settings))
        if key not in self.trainers:
            asked = {"api_key": SecretStr(KEY), "answer_timeout": timedelta(seconds=timeout_s), **settings}
            access = TrainerSettings("t", dialect, self.base_url, **asked)
            self.trainers[key] = OpenAITrainer(access, timeout_s=timeout_s, create_timeout_s=timeout_s)
        return self.trainers[key]

    def forget_script(self) -> None:
        self.script, self.seen = {}, []

    def forget_trainers(self) -> None:
        while self.trainers:
            self.trainers.popitem()[1].close()

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = request.url.path.removeprefix("/v1")
        body = await request.body()
        self.seen.append(Seen(request.method, path, dict(request.query_params), dict(request.headers), body))
        replies = self.script.get(f"{request.method} {path}") or [refusal(418, "unscripted", f"unscripted: {path}")]
        await (replies.pop(0) if len(replies) > 1 else replies[0])(scope, receive, send)


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    listener = socket.create_server(("127.0.0.1", 0))
    scripted = ScriptedServer(f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
    server = uvicorn.Server(uvicorn.Config(scripted.app, interface="asgi3", log_config=None, ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield scripted
    finally:
        scripted.forget_trainers()
        server.should_exit = True
        thread.join()
        listener.close()
