"""``/v1/aliases``, an extension of ours: a stable name for whichever tuned model shall answer to it."""

import re
import time

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from trainer.runtime import Runtime
from trainer.store.aliases import AliasRecord
from trainer.values import JsonObject
from trainer.web.bodies import a_text, only_fields, read_json
from trainer.web.errors import ApiError, invalid, json_answer, model_not_found, not_found

# A tuned model's name begins with "ft:"; with the slash an alias cannot be taken for one, nor for a base model.
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}/[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


async def put_alias(request: Request) -> Response:
    """Let a name mean a model; a second time changes nothing."""
    runtime: Runtime = request.app.state.runtime
    name, body = request.path_params["name"], await read_json(request)
    only_fields(body, {"model"})
    model = a_text(body, "model")
    if not _NAME.fullmatch(name):
        raise invalid("name", "An alias is written as owner/name, of letters, digits, dots, dashes and underscores.")
    if any(base.id == name for base in runtime.base_models()):
        raise ApiError(409, "A base model has this name.", param="name", code="name_taken")
    if await run_in_threadpool(runtime.stores.models.get, model) is None:
        raise model_not_found(model)
    alias = AliasRecord(name, model, int(time.time()))
    await run_in_threadpool(runtime.stores.aliases.put, alias)
    return json_answer(alias_shape(alias))


def list_aliases(request: Request) -> Response:
    """List every alias."""
    runtime: Runtime = request.app.state.runtime
    return json_answer({"object": "list", "data": [alias_shape(alias) for alias in runtime.stores.aliases.all()]})


def delete_alias(request: Request) -> Response:
    """Forget an alias; the model stays. With ``?model=`` it is not found if it means another one."""
    runtime: Runtime = request.app.state.runtime
    name, model = request.path_params["name"], request.query_params.get("model")
    if not runtime.stores.aliases.remove(name, meaning=model):
        raise not_found("alias", name)
    return json_answer({"id": name, "object": "alias", "deleted": True})


def alias_shape(alias: AliasRecord) -> JsonObject:
    """Give an alias as it is shown."""
    return {"id": alias.name, "object": "alias", "model": alias.model, "changed_at": alias.changed_at}


def meant_by(runtime: Runtime, name: str) -> str:
    """Give the model that a name means: the alias's, or the name itself."""
    alias = runtime.stores.aliases.get(name)
    return name if alias is None else alias.model
