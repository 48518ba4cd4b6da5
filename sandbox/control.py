"""The control API under ``/sandbox/``: look at everything, do one thing, let people work, set faults."""

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.api.routes import check_key
from sandbox.core import Performed, Sandbox
from sandbox.errors import MalformedRequest, SandboxError, UnknownResource
from sandbox.given import read_given
from sandbox.operations import Operation
from sandbox.project import Project
from sandbox.state import describe

_TEXTS = ("operation", "project", "data_row", "global_key", "by", "label", "queue")


def routes() -> list[Route]:
    """Give the routes of the control API."""
    return [
        Route("/sandbox/ready", _ready),
        Route("/sandbox/state", _state),
        Route("/sandbox/operations", _operation, methods=["POST"]),
        Route("/sandbox/labelers", _labelers, methods=["POST"]),
        Route("/sandbox/archive", _archive, methods=["POST"]),
        Route("/sandbox/faults", _faults, methods=["POST"]),
    ]


async def refused(_: Request, error: Exception) -> Response:
    """Answer a refusal with its status and its reason."""
    status = error.http_status if isinstance(error, SandboxError) else 500
    return JSONResponse({"error": type(error).__name__, "message": str(error)}, status_code=status)


async def _ready(_: Request) -> Response:
    return JSONResponse({"ready": True})


async def _state(request: Request) -> Response:
    check_key(request)
    state = request.app.state
    return JSONResponse(describe(state.sandbox, state.courier, state.labelers))


async def _operation(request: Request) -> Response:
    """Do one operation.

    ``{"operation", "project"?, "data_row" | "global_key", "by"?, "label"?, "queue"?}``, and what ``read_given`` reads.
    """
    check_key(request)
    sandbox: Sandbox = request.app.state.sandbox
    given = await _body(request)
    if not all(isinstance(given.get(key, ""), str) for key in _TEXTS):
        raise MalformedRequest(f"{', '.join(_TEXTS)} are texts")
    done = sandbox.perform(
        Operation(
            name=given.get("operation", ""),
            project_id=_project(sandbox, given).id,
            data_row_id=_data_row_id(sandbox, given),
            by=given.get("by"),
            given=read_given(given),
            label_id=given.get("label"),
            queue=given.get("queue"),
        )
    )
    return JSONResponse(_shown(done))


async def _labelers(request: Request) -> Response:
    """Let people work: ``{"approve", "project"?, "rate"?, "people"?}``."""
    check_key(request)
    state = request.app.state
    given = await _body(request)
    settings = state.settings
    numbers = {key: given.get(key, standard) for key, standard in (("approve", 0), ("people", settings.people))}
    rate = given.get("rate", settings.rate)
    if not all(isinstance(value, int) for value in numbers.values()) or not isinstance(rate, int | float):
        raise MalformedRequest("approve, people and rate are numbers")
    project = _project(state.sandbox, given)
    run = state.labelers.work(project.id, rate=float(rate), **numbers)
    return JSONResponse({"project": project.id, **run.described()}, status_code=202)


async def _archive(request: Request) -> Response:
    """Archive a feature of a project's ontology: ``{"feature", "project"?}``."""
    check_key(request)
    sandbox: Sandbox = request.app.state.sandbox
    given = await _body(request)
    with sandbox.lock:
        ontology = _project(sandbox, given).ontology
        if ontology is None or not isinstance(given.get("feature"), str):
            raise MalformedRequest("name a feature of the project's ontology")
        changed = sandbox.organization.archive(ontology.id, given["feature"], sandbox.now())
    return JSONResponse({"ontology": changed.id, "normalized": changed.normalized})


async def _faults(request: Request) -> Response:
    """Set some faults anew: any of the names in ``faults`` of the state."""
    check_key(request)
    sandbox: Sandbox = request.app.state.sandbox
    given = await _body(request)
    with sandbox.lock:
        sandbox.faults = sandbox.faults.changed(given)
    state = request.app.state
    return JSONResponse(describe(sandbox, state.courier, state.labelers)["faults"])


async def _body(request: Request) -> Mapping[str, Any]:
    try:
        given = await request.json()
    except ValueError as error:
        raise HTTPException(400, "the body is no JSON") from error
    if not isinstance(given, dict):
        raise MalformedRequest("the body must be an object")
    return given


def _project(sandbox: Sandbox, given: Mapping[str, Any]) -> Project:
    """Find the project named, or the only one there is."""
    if "project" in given:
        return sandbox.organization.project(given["project"])
    projects = [project for project in sandbox.organization.projects.values() if not project.deleted]
    if len(projects) != 1:
        raise MalformedRequest(f"there are {len(projects)} projects: name one")
    return projects[0]


def _data_row_id(sandbox: Sandbox, given: Mapping[str, Any]) -> str:
    if "data_row" in given:
        return str(given["data_row"])
    known = sandbox.organization.by_global_key
    if given.get("global_key") not in known:
        raise UnknownResource(f"no data row has the global key {given.get('global_key')!r}")
    return known[given["global_key"]]


def _shown(done: Performed) -> dict[str, object]:
    return {
        "data_row_id": done.row.data_row.id,
        "label_id": done.label_id,
        "workflow_status": done.row.status,
        "topics": list(done.topics),
    }
