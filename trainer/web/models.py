"""``/v1/models``."""

from starlette.requests import Request
from starlette.responses import Response

from trainer.runtime import Runtime
from trainer.store.aliases import AliasRecord
from trainer.store.folders import remove
from trainer.store.models import ModelRecord
from trainer.values import JsonObject
from trainer.web.errors import ApiError, json_answer, model_not_found
from trainer.web.shapes import base_model_shape, tuned_model_shape


def list_models(request: Request) -> Response:
    """List the base models, then the tuned ones, oldest first."""
    runtime: Runtime = request.app.state.runtime
    bases = [base_model_shape(base) for base in runtime.base_models()]
    tuned = [_tuned(runtime, model) for model in runtime.stores.models.all()]
    aliases = [_aliased(runtime, alias) for alias in runtime.stores.aliases.all()]
    return json_answer({"object": "list", "data": [*bases, *tuned, *(alias for alias in aliases if alias)]})


def retrieve_model(request: Request) -> Response:
    """Show a model."""
    runtime: Runtime = request.app.state.runtime
    name = request.path_params["model"]
    for base in runtime.base_models():
        if base.id == name:
            return json_answer(base_model_shape(base))
    alias = runtime.stores.aliases.get(name)
    if alias is not None and (shown := _aliased(runtime, alias)):
        return json_answer(shown)
    return json_answer(_tuned(runtime, _known(runtime, name)))


def delete_model(request: Request) -> Response:
    """Delete a tuned model."""
    runtime: Runtime = request.app.state.runtime
    name = request.path_params["model"]
    if any(base.id == name for base in runtime.base_models()):
        raise ApiError(403, "A base model cannot be deleted.", param="model", code="cannot_delete_base_model")
    model = _known(runtime, name)
    runtime.stores.models.remove(model.id)
    runtime.shelf.drop(model.id)
    remove(runtime.folders.checkpoint(model.job_id, model.step))
    return json_answer({"id": model.id, "object": "model", "deleted": True})


def _known(runtime: Runtime, name: str) -> ModelRecord:
    model = runtime.stores.models.get(name)
    if model is None:
        raise model_not_found(name)
    return model


def _aliased(runtime: Runtime, alias: AliasRecord) -> JsonObject | None:
    """Show an alias as the model that it means, under its own name; None where that model was deleted."""
    model = runtime.stores.models.get(alias.model)
    return None if model is None else {**_tuned(runtime, model), "id": alias.name, "alias_of": model.id}


def _tuned(runtime: Runtime, model: ModelRecord) -> JsonObject:
    ends = {base.id: base.shutdown_date for base in runtime.base_models()}
    return tuned_model_shape(model, runtime.settings.organization, ends.get(model.base_model))
