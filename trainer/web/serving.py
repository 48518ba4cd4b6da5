"""What has a tuned model answer at servers where training alone does not: a stand-in for their management calls."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trainer.manners import Manners
from trainer.runtime import Runtime
from trainer.store.ids import new_short_id
from trainer.web.bodies import a_text, read_json
from trainer.web.errors import ApiError, json_answer, model_not_found, not_found


def serving_routes(manners: Manners) -> list[Route]:
    """Give the addresses of a server with these manners."""
    if manners.serving == "deployment":
        return [
            Route("/deployments/{name}", put_deployment, methods=["PUT"]),
            Route("/deployments/{name}", delete_deployment, methods=["DELETE"]),
        ]
    return [Route("/v0/models", register_model, methods=["POST"])] if manners.serving == "registration" else []


async def put_deployment(request: Request) -> Response:
    """Deploy a model under a name; a second time changes nothing."""
    runtime: Runtime = request.app.state.runtime
    model, name = a_text(await read_json(request), "model"), request.path_params["name"]
    if not await run_in_threadpool(_is_there, runtime, model):
        raise model_not_found(model)
    await run_in_threadpool(runtime.stores.deployments.put, name, model)
    return json_answer({"name": name, "model": model, "status": "succeeded"})


def delete_deployment(request: Request) -> Response:
    """Take a deployment down."""
    runtime: Runtime = request.app.state.runtime
    name = request.path_params["name"]
    if not runtime.stores.deployments.remove(name):
        raise not_found("deployment", name)
    return json_answer({"name": name, "deleted": True})


async def register_model(request: Request) -> Response:
    """Serve a job's checkpoint, ``JOB:CHECKPOINT``; the server makes the name up."""
    runtime: Runtime = request.app.state.runtime
    body = await read_json(request)
    source, base, wish = (a_text(body, field) for field in ("source", "base_model", "name"))
    job_id, _, checkpoint_id = source.partition(":")
    model = await run_in_threadpool(_model_of, runtime, job_id, checkpoint_id)
    if model is None:
        raise not_found("checkpoint", source, "source")
    name = f"{base}-LoRa:{wish}-{new_short_id()}"
    await run_in_threadpool(runtime.stores.deployments.put, name, model)
    return json_answer({"name": name, "base_model": base, "source": source, "status": "active"})


def served_name(runtime: Runtime, asked: str) -> str:
    """Give the model that a name in a request means.

    Raises:
        ApiError: 404 where nothing answers to it yet.
    """
    how = runtime.settings.manners.serving
    if how == "at_once" or any(base.id == asked for base in runtime.engine.base_models()):
        return asked
    model = runtime.stores.deployments.model(asked)
    if model is None:
        code = "DeploymentNotFound" if how == "deployment" else "model_not_found"
        raise ApiError(404, "Nothing is deployed under this name.", param="model", code=code)
    return model


def _is_there(runtime: Runtime, model: str) -> bool:
    return runtime.stores.models.get(model) is not None


def _model_of(runtime: Runtime, job_id: str, checkpoint_id: str) -> str | None:
    found = (one.model for one in runtime.stores.checkpoints.of(job_id) if one.id == checkpoint_id)
    return next(found, None)
