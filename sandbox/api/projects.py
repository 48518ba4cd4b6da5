"""Projects, and everything the SDK reaches through one: ontology, batches, queues, labels."""

from dataclasses import replace

from sandbox.api.batches import batch_fields
from sandbox.api.context import Arguments, Context, Resolver, fitting, page_of, where_of
from sandbox.api.issues import issue_page
from sandbox.api.model_configs import model_views
from sandbox.api.views import label_view, ontology_view, project_view, queue_view, webhook_view
from sandbox.core import Sandbox
from sandbox.errors import UnknownResource
from sandbox.operations import Operation
from sandbox.project import Project
from sandbox.records import Json

_EDITOR = {"id": "editor", "name": "Editor", "description": None, "iframeUrlPath": ""}


def _project(context: Context, arguments: Arguments) -> Json:
    sandbox = context.sandbox
    project = sandbox.organization.project(where_of(arguments).get("id"))
    return project_view(project) | _below(sandbox, project)


def _projects(context: Context, arguments: Arguments) -> list[Json]:
    wanted = {"deleted": False} | where_of(arguments)
    views = [project_view(project) for project in context.sandbox.organization.projects.values()]
    return page_of(fitting(views, wanted), arguments)


def _update(context: Context, arguments: Arguments) -> Json:
    project = context.sandbox.organization.project(where_of(arguments).get("id"))
    given = arguments["data"]
    project.name = given.get("name", project.name)
    project.description = given.get("description", project.description)
    project.deleted = bool(given.get("deleted"))
    project.updated_at = context.sandbox.now()
    return project_view(project)


def _below(sandbox: Sandbox, project: Project) -> Json:
    """Give the fields of a project that cost something or change something, each a function."""
    organization = sandbox.organization

    def webhooks(arguments: Arguments) -> list[Json]:
        mine = [hook for hook in organization.webhooks.values() if hook.project_id == project.id]
        return page_of([webhook_view(hook) for hook in mine], arguments)

    def labels(arguments: Arguments) -> list[Json]:
        found = [label_view(label, row) for row in project.current_rows() for label in row.labels]
        return page_of(found, arguments)

    def connect(arguments: Arguments) -> Json:
        project.ontology = organization.ontology(arguments.get("ontologyId"))
        project.updated_at = sandbox.now()
        return {"id": project.ontology.id}

    return {
        "ontology": lambda _: None if project.ontology is None else ontology_view(project.ontology),
        "connectOntology": connect,
        "labelingFrontend": lambda _: _EDITOR,
        "labelCount": lambda _: sum(len(row.labels) for row in project.current_rows()),
        "labels": labels,
        "projectModelConfigs": lambda _: model_views(organization, project),
        "webhooks": webhooks,
        "taskQueues": lambda _: _queues(project),
        "issues": lambda arguments: issue_page(organization, project, arguments),
        "createQueuePriorityUpdateTask": lambda arguments: _reprioritise(sandbox, project, arguments["data"]),
        **batch_fields(sandbox, project),
        "createBulkAddRowsToQueueTask": lambda arguments: _move_rows(sandbox, project, arguments["data"]),
    }


def _queues(project: Project) -> list[Json]:
    counted = project.count_by_status()
    return [
        queue_view(project.queues.labeling, counted["TO_LABEL"]),
        queue_view(project.queues.review, counted["IN_REVIEW"]),
        queue_view(project.queues.rework, counted["IN_REWORK"]),
    ]


def _move_rows(sandbox: Sandbox, project: Project, given: Json) -> Json:
    queues = project.queues
    names = {queues.labeling.id: "labeling", queues.review.id: "review", queues.rework.id: "rework", None: "done"}
    if given["queueId"] not in names:
        raise UnknownResource(f"no task queue {given['queueId']!r}")
    for key in _named_rows(sandbox, project, given["dataRowIdentifiers"]):
        sandbox.perform(Operation("move", project.id, key, queue=names[given["queueId"]]))
    task = sandbox.tasks.finished("send to task queue", "send-to-task-queue", sandbox.now())
    return {"taskId": task.id}


def _reprioritise(sandbox: Sandbox, project: Project, given: Json) -> Json:
    """Let rows come earlier or later; whether that counts as activity nobody says, here it does not."""
    for key in _named_rows(sandbox, project, given["dataRowIdentifiers"]):
        row = project.rows[key].current
        project.rows[key].put(replace(row, priority=int(given["priority"])), sandbox.now())
    task = sandbox.tasks.finished("update priority", "queue-priority-update", sandbox.now())
    return {"taskId": task.id}


def _named_rows(sandbox: Sandbox, project: Project, identifiers: Json) -> list[str]:
    """Give those of the rows named that are in the project."""
    known = sandbox.organization.known_ids(identifiers["ids"], are_global_keys=identifiers["idType"] == "GKEY")
    return [key for key in known if key in project.rows and not project.rows[key].current.deleted]


PROJECTS: dict[str, Resolver] = {
    "project": _project,
    "projects": _projects,
    "updateProject": _update,
}
