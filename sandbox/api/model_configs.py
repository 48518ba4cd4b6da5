"""The models of live chat projects. They are kept and shown; nobody here can ask them anything."""

from sandbox.api.context import Arguments, Context, Resolver, where_of
from sandbox.errors import MalformedRequest, OperationNotAllowed
from sandbox.organization import Organization
from sandbox.project import Project
from sandbox.records import Json


def model_views(organization: Organization, project: Project) -> list[Json]:
    """Show the models of a project."""
    return [
        {
            "id": key,
            "projectId": project.id,
            "modelConfigId": config_id,
            "modelConfig": organization.model_config(config_id),
        }
        for key, config_id in project.model_configs.items()
    ]


def _create(context: Context, arguments: Arguments) -> Json:
    given = arguments["input"]
    organization = context.sandbox.organization
    config = {key: given[key] for key in ("name", "modelId", "inferenceParams")} | {"id": organization.ids.uuid()}
    organization.model_configs[config["id"]] = config
    return config


def _add(context: Context, arguments: Arguments) -> Json:
    given = arguments["input"]
    organization = context.sandbox.organization
    project = _live_chat(organization, given["projectId"])
    if project.model_setup_complete:
        raise OperationNotAllowed("the models of this project cannot be changed any more")
    organization.model_config(given["modelConfigId"])
    key = organization.ids.uuid()
    project.model_configs[key] = given["modelConfigId"]
    return {"projectModelConfigId": key}


def _complete(context: Context, arguments: Arguments) -> Json:
    project = _live_chat(context.sandbox.organization, where_of(arguments).get("id"))
    project.model_setup_complete = bool(arguments["data"]["modelSetupComplete"])
    return {"modelSetupComplete": project.model_setup_complete}


def _live_chat(organization: Organization, project_id: object) -> Project:
    project = organization.project(project_id)
    if not project.is_live_chat:
        raise MalformedRequest("only live chat projects have models")
    return project


MODEL_CONFIGS: dict[str, Resolver] = {
    "createModelConfig": _create,
    "createProjectModelConfig": _add,
    "setProjectModelSetupComplete": _complete,
}
