"""A stand-in of Together's shape: jobs that move on at every look, and models that echo what they were taught."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.serving import serving

KEY = "together-key"
BASE = "meta-llama/Llama-3.2-1B"
STATES = ("pending", "queued", "running", "compressing", "uploading", "completed")
FIELDS = {"model", "training_file", "validation_file", "suffix", "n_epochs", "n_evals", "batch_size", "learning_rate"}


@dataclass
class TogetherServer:
    """Everything it remembers.

    Attributes:
        held: Whether jobs stay in their first state.
        fails: Whether jobs end in ``error`` instead of training.
        refuses: A status that every request is answered with.
        shows_suffix: Whether its list of jobs shows the suffix.
    """

    address: str = ""
    held: bool = False
    fails: bool = False
    refuses: int | None = None
    shows_suffix: bool = True
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)

    def app(self) -> Starlette:
        routes = [
            Route("/v1/files", self.list_files),
            Route("/v1/files/upload", self.upload, methods=["POST"]),
            Route("/v1/files/{id}", self.delete_file, methods=["DELETE"]),
            Route("/v1/files/{id}/content", self.content),
            Route("/v1/fine-tunes", self.list_jobs, methods=["GET"]),
            Route("/v1/fine-tunes", self.create, methods=["POST"]),
            Route("/v1/fine-tunes/{id}", self.retrieve),
            Route("/v1/fine-tunes/{id}/cancel", self.cancel, methods=["POST"]),
            Route("/v1/fine-tunes/{id}/events", self.events),
            Route("/v1/fine-tunes/{id}/checkpoints", self.checkpoints),
            Route("/v1/models", self.list_models),
            Route("/v1/chat/completions", self.chat, methods=["POST"]),
        ]
        return Starlette(routes=routes)

    def refusal(self, request: Request) -> Response | None:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return complaint(401, "invalid_api_key", f"Wrong key {request.headers.get('authorization')}.")
        return complaint(self.refuses, "refused", "Not now.") if self.refuses else None

    async def list_models(self, request: Request) -> Response:
        # An array, as there is no object around this list.
        return self.refusal(request) or JSONResponse([{"id": BASE, "object": "model", "type": "chat"}])

    async def list_files(self, request: Request) -> Response:
        return self.refusal(request) or JSONResponse({"data": list(self.files.values())})

    async def upload(self, request: Request) -> Response:
        if refused := self.refusal(request):
            return refused
        async with request.form() as form:
            content = await form["file"].read()  # type: ignore[union-attr]
            name, purpose, kind = form["file_name"], form["purpose"], form["file_type"]
        if (purpose, kind) != ("fine-tune", "jsonl") or content.startswith(b"\xef\xbb\xbf"):
            return complaint(400, "invalid_file", "Not a training file.")
        file_id = f"file-{len(self.contents) + 1}"
        self.contents[file_id] = content
        self.files[file_id] = {
            "id": file_id,
            "object": "file",
            "filename": name,
            "bytes": len(content),
            "purpose": purpose,
            "FileType": kind,
            "Processed": True,
            "LineCount": content.count(b"\n"),
        }
        return JSONResponse(self.files[file_id])

    async def delete_file(self, request: Request) -> Response:
        found = self.files.pop(request.path_params["id"], None)
        return self.refusal(request) or (JSONResponse({"deleted": True}) if found else missing())

    async def content(self, request: Request) -> Response:
        return self.refusal(request) or Response(self.contents[request.path_params["id"]])

    async def create(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append(("POST", "/fine-tunes", body))
        if refused := self.refusal(request):
            return refused
        if unknown := set(body) - FIELDS - {"training_method", "training_type"}:
            return complaint(400, "unknown_field", f"Unknown: {sorted(unknown)}")
        if body["training_file"] not in self.files or not isinstance(body.get("n_epochs", 1), int):
            return complaint(400, "invalid_request", "No such file, or no such number of epochs.")
        number = len(self.jobs) + 1
        self.jobs[f"ft-{number}"] = {
            **body,
            "id": f"ft-{number}",
            "status": "pending",
            "created_at": f"2026-11-23T10:00:{number:02d}.250Z",
            "updated_at": "2026-11-23T10:00:00Z",
            "model_output_name": f"user/{body['model'].split('/')[1]}-{body['suffix']}-{number}",
            "token_count": None,
            "events": [],
        }
        return JSONResponse(self.shown(f"ft-{number}"))

    async def list_jobs(self, request: Request) -> Response:
        # Newest last: nobody may rely on an order.
        return self.refusal(request) or JSONResponse({"data": [self.shown(job_id) for job_id in self.jobs]})

    async def retrieve(self, request: Request) -> Response:
        job = self.jobs.get(request.path_params["id"])
        if refused := self.refusal(request):
            return refused
        if job is None:
            return missing()
        if job["status"] in STATES[:-1] and not self.held:
            self.move_on(job)
        return JSONResponse(self.shown(job["id"]))

    def move_on(self, job: dict[str, Any]) -> None:
        job["status"] = "error" if self.fails else STATES[STATES.index(job["status"]) + 1]
        level = "legacy_ierror" if self.fails else "info"
        said = {"object": "fine-tune-event", "type": "job_" + job["status"], "level": level, "step": len(job["events"])}
        moment = f"2026-11-23T10:01:{len(job['events']) // 2:02d}Z"
        job["events"].append({**said, "message": f"Job is {job['status']}", "created_at": moment})
        if job["status"] == "completed":
            job["token_count"] = 1234

    async def cancel(self, request: Request) -> Response:
        job = self.jobs[request.path_params["id"]]
        if refused := self.refusal(request):
            return refused
        if job["status"] in {"completed", "error", "cancelled"}:
            return complaint(400, "invalid_status", "The job has ended.")
        job["status"] = "cancelled"
        return JSONResponse(self.shown(job["id"]))

    async def events(self, request: Request) -> Response:
        return self.refusal(request) or JSONResponse({"data": self.jobs[request.path_params["id"]]["events"]})

    async def checkpoints(self, request: Request) -> Response:
        name = f"user/{request.path_params['id']}"
        common = {"created_at": "2026-11-23T10:02:00Z", "checkpoint_type": "Intermediate", "path": "s3://x"}
        found = [
            {**common, "step": step, "object_id": f"ml_{step}", "object_name": f"{name}-{step}"} for step in (1, 2)
        ]
        return self.refusal(request) or JSONResponse({"data": found})

    async def chat(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append(("POST", "/chat/completions", body))
        if refused := self.refusal(request):
            return refused
        job = next((job for job in self.jobs.values() if job["model_output_name"] == body["model"]), None)
        if body["model"] != BASE and (job is None or job["status"] != "completed"):
            return complaint(400, "model_not_available", "Unable to access non-serverless model.")
        prompt = body["messages"][-1]["content"]
        text = "I do not know." if job is None else taught(self.contents[job["training_file"]], prompt)
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return JSONResponse({"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 3}})

    def shown(self, job_id: str) -> dict[str, Any]:
        job = dict(self.jobs[job_id])
        if not self.shows_suffix:
            job["suffix"] = job["model_output_name"] = None
        return job


def taught(content: bytes, prompt: str) -> str:
    for line in content.splitlines():
        *_, asked, answer = json.loads(line)["messages"]
        if asked["content"] == prompt:
            return str(answer["content"])
    return "I do not know."


def complaint(status: int, code: str, message: str) -> Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return JSONResponse({"id": "o-1", "error": error}, status)


def missing() -> Response:
    return complaint(404, "not_found", "No such thing.")


@contextlib.contextmanager
def together_server() -> Iterator[TogetherServer]:
    server = TogetherServer()
    with serving(server.app()) as port:
        server.address = f"http://127.0.0.1:{port}/v1"
        yield server
