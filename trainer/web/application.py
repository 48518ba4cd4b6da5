"""The ASGI application: routes, errors, the gate, and the runtime's start and stop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from trainer.runtime import Runtime
from trainer.web import aliases, chat, files, jobs, models
from trainer.web.errors import ApiError, json_answer, on_api_error, on_crash, on_http_error
from trainer.web.gate import Gate
from trainer.web.serving import serving_routes


def healthz(request: Request) -> Response:
    """Tell whether the trainer works: 200, or 503 where one of its threads has ended."""
    runtime: Runtime = request.app.state.runtime
    if runtime.healthy:
        return json_answer({"status": "ok"})
    return json_answer({"status": "failing"}, 503)


ROUTES = [
    Route("/healthz", healthz, methods=["GET"]),
    Route("/v1/files", files.list_files, methods=["GET"]),
    Route("/v1/files", files.create_file, methods=["POST"]),
    Route("/v1/files/{file_id}", files.retrieve_file, methods=["GET"]),
    Route("/v1/files/{file_id}", files.delete_file, methods=["DELETE"]),
    Route("/v1/files/{file_id}/content", files.file_content, methods=["GET"]),
    Route("/v1/fine_tuning/jobs", jobs.list_jobs, methods=["GET"]),
    Route("/v1/fine_tuning/jobs", jobs.create_job, methods=["POST"]),
    Route("/v1/fine_tuning/jobs/{job_id}", jobs.retrieve_job, methods=["GET"]),
    Route("/v1/fine_tuning/jobs/{job_id}/cancel", jobs.cancel_job, methods=["POST"]),
    Route("/v1/fine_tuning/jobs/{job_id}/pause", jobs.pause_job, methods=["POST"]),
    Route("/v1/fine_tuning/jobs/{job_id}/resume", jobs.resume_job, methods=["POST"]),
    Route("/v1/fine_tuning/jobs/{job_id}/events", jobs.list_events, methods=["GET"]),
    Route("/v1/fine_tuning/jobs/{job_id}/checkpoints", jobs.list_checkpoints, methods=["GET"]),
    Route("/v1/models", models.list_models, methods=["GET"]),
    Route("/v1/models/{model:path}", models.retrieve_model, methods=["GET"]),
    Route("/v1/models/{model:path}", models.delete_model, methods=["DELETE"]),
    Route("/v1/aliases", aliases.list_aliases, methods=["GET"]),
    Route("/v1/aliases/{name:path}", aliases.put_alias, methods=["PUT"]),
    Route("/v1/aliases/{name:path}", aliases.delete_alias, methods=["DELETE"]),
    Route("/v1/chat/completions", chat.create_completion, methods=["POST"]),
]


def build_application(runtime: Runtime) -> ASGIApp:
    """Make the application; the runtime starts and stops with it."""
    manners = runtime.settings.manners

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        runtime.start()
        yield
        await run_in_threadpool(runtime.stop)

    application = Starlette(
        routes=[*(route for route in ROUTES if route.name not in manners.without), *serving_routes(manners)],
        exception_handlers={ApiError: on_api_error, HTTPException: on_http_error, Exception: on_crash},
        lifespan=lifespan,
    )
    # An address with a slash too many is unknown, rather than redirected without its body.
    application.router.redirect_slashes = False
    application.state.runtime = runtime
    return Gate(application, runtime.settings.api_key)
