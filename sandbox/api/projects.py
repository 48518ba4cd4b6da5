"""Projects, and everything the SDK reaches through one: ontology, batches, queues, labels."""

from collections.abc import Sequence

from sandbox.api.context import Arguments, Context, Resolver, page_of, where_of
from sandbox.api.views import batch_view, label_view, ontology_view, project_view, queue_view, webhook_view
from sandbox.core import Sandbox
from sandbox.errors import UnknownResource
from sandbox.operations import Operation
from sandbox.project import Project
from sandbox.records import Batch, Json

_EDITOR = {"id": "editor", "name": "Editor", "description": None, "iframeUrlPath": ""}


def _project(context: Context, arguments: Arguments) -> Json:
    sandbox = context.sandbox
    project = sandbox.organization.project(where_of(arguments).get("id"))
    return project_view(project) | _below(sandbox, project)


def _projects(context: Context, arguments: Arguments) -> list[Json]:
    wanted = {"deleted": False} | where_of(arguments)
    views = [project_view(project) for project in context.sandbox.organization.projects.values()]
    fitting = [view for view in views if all(view.get(key) == value for key, value in wanted.items())]
    return page_of(fitting, arguments)


def _create(context: Context, arguments: Arguments) -> Json:
    given = arguments["data"]
    sandbox = context.sandbox
    return project_view(
        sandbox.organization.create_project(
            given["name"],
            description=given.get("description") or "",
            media_type=given.get("allowedMediaType"),
            at=sandbox.now(),
        )
    )


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
        found = [label_view(label) for row in project.current_rows() for label in row.labels]
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
        "webhooks": webhooks,
        "taskQueues": lambda _: _queues(project),
        "batches": lambda arguments: _batches(project, arguments),
        "createBatchV2": lambda arguments: _create_batch(sandbox, project, arguments["input"]),
        "createEmptyBatch": lambda arguments: {
            "id": organization.create_batch(project, arguments["input"]["name"], sandbox.now()).id
        },
        "addDataRowsToBatchAsync": lambda arguments: _fill_batch(sandbox, project, arguments["input"]),
        "createBulkAddRowsToQueueTask": lambda arguments: _move_rows(sandbox, project, arguments["data"]),
    }


def _queues(project: Project) -> list[Json]:
    counted = project.count_by_status()
    return [
        queue_view(project.queues.labeling, counted["TO_LABEL"]),
        queue_view(project.queues.review, counted["IN_REVIEW"]),
        queue_view(project.queues.rework, counted["IN_REWORK"]),
    ]


def _batches(project: Project, arguments: Arguments) -> Json:
    wanted = where_of(arguments).get("id")
    found = [batch for batch in project.batches.values() if wanted in {None, batch.id}]
    return {"nodes": [batch_view(project, batch) for batch in found], "pageInfo": {"endCursor": None}}


def _create_batch(sandbox: Sandbox, project: Project, given: Json) -> Json:
    batch = sandbox.organization.create_batch(project, given["name"], sandbox.now())
    failed = _add_rows(sandbox, project, batch, given)
    return {"batch": batch_view(project, batch), "failedDataRowIds": failed}


def _fill_batch(sandbox: Sandbox, project: Project, given: Json) -> Json:
    batch = project.batches.get(given["batchId"])
    if batch is None:
        raise UnknownResource(f"no batch {given['batchId']!r}")
    _add_rows(sandbox, project, batch, given)
    task = sandbox.tasks.finished(batch.name, "add-data-rows-to-batch", sandbox.now())
    return {"taskId": task.id}


def _add_rows(sandbox: Sandbox, project: Project, batch: Batch, given: Json) -> list[str]:
    """Send rows to the project and give the ids of those that could not be: unknown or there already."""
    organization = sandbox.organization
    asked: Sequence[str] = given.get("dataRowIds") or ()
    ids = organization.known_ids(asked, are_global_keys=False)
    ids += organization.known_ids(given.get("globalKeys") or (), are_global_keys=True)
    fresh = [key for key in ids if key not in project.rows]
    rows = [organization.data_row(key) for key in fresh]
    project.add(batch, rows, priority=given.get("priority") or 5, at=sandbox.now())
    return [key for key in asked if key not in set(fresh)]


def _move_rows(sandbox: Sandbox, project: Project, given: Json) -> Json:
    queues = project.queues
    names = {queues.labeling.id: "labeling", queues.review.id: "review", queues.rework.id: "rework", None: "done"}
    if given["queueId"] not in names:
        raise UnknownResource(f"no task queue {given['queueId']!r}")
    identifiers = given["dataRowIdentifiers"]
    for key in sandbox.organization.known_ids(identifiers["ids"], are_global_keys=identifiers["idType"] == "GKEY"):
        if key in project.rows and not project.rows[key].current.deleted:
            sandbox.perform(Operation("move", project.id, key, queue=names[given["queueId"]]))
    task = sandbox.tasks.finished("send to task queue", "send-to-task-queue", sandbox.now())
    return {"taskId": task.id}


PROJECTS: dict[str, Resolver] = {
    "project": _project,
    "projects": _projects,
    "createProject": _create,
    "updateProject": _update,
}
