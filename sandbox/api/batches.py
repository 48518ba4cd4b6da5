"""Batches of a project: data rows sent there together."""

from collections.abc import Callable, Sequence

from sandbox.api.context import Arguments, where_of
from sandbox.api.views import batch_view
from sandbox.core import Sandbox
from sandbox.errors import Conflict, OperationNotAllowed, UnknownResource
from sandbox.project import Project
from sandbox.records import Batch, Consensus, Json


def batch_fields(sandbox: Sandbox, project: Project) -> dict[str, Callable[[Arguments], object]]:
    """Give the fields of a project that read or write its batches."""
    return {
        "batches": lambda arguments: _batches(project, arguments),
        "createBatchV2": lambda arguments: _create(sandbox, project, arguments["input"]),
        "createEmptyBatch": lambda arguments: {"id": _made(sandbox, project, arguments["input"]).id},
        "addDataRowsToBatchAsync": lambda arguments: _fill(sandbox, project, arguments["input"]),
    }


def _batches(project: Project, arguments: Arguments) -> Json:
    wanted = where_of(arguments).get("id")
    found = [batch for batch in project.batches.values() if wanted in {None, batch.id}]
    return {"nodes": [batch_view(project, batch) for batch in found], "pageInfo": {"endCursor": None}}


def _create(sandbox: Sandbox, project: Project, given: Json) -> Json:
    batch = _made(sandbox, project, given)
    failed = _add_rows(sandbox, project, batch, given)
    return {"batch": batch_view(project, batch), "failedDataRowIds": failed}


def _made(sandbox: Sandbox, project: Project, given: Json) -> Batch:
    """Make an empty batch.

    Raises:
        Conflict: The project has one of that name. Source: the SDK's ``Project.create_batch``.
    """
    if any(batch.name == given["name"] for batch in project.batches.values()):
        raise Conflict(f"the project has a batch {given['name']!r} already")
    return sandbox.organization.create_batch(project, given["name"], sandbox.now(), _consensus(given))


def _consensus(given: Json) -> Consensus | None:
    settings = given.get("consensusSettings")
    return settings and Consensus(int(settings["numberOfLabels"]), float(settings["coveragePercentage"]))


def _fill(sandbox: Sandbox, project: Project, given: Json) -> Json:
    batch = project.batches.get(given["batchId"])
    if batch is None:
        raise UnknownResource(f"no batch {given['batchId']!r}")
    _add_rows(sandbox, project, batch, given)
    task = sandbox.tasks.finished(batch.name, "add-data-rows-to-batch", sandbox.now())
    return {"taskId": task.id}


def _add_rows(sandbox: Sandbox, project: Project, batch: Batch, given: Json) -> list[str]:
    """Send rows to the project and give the ids of those that could not be: unknown, there already, or by a fault.

    Raises:
        OperationNotAllowed: The project makes its rows itself; live chats take others too, as the SDK says.
    """
    if project.kind.makes_rows and not project.is_live_chat:
        raise OperationNotAllowed("Cannot create batches for auto data generation projects")
    organization = sandbox.organization
    asked: Sequence[str] = given.get("dataRowIds") or ()
    ids = organization.known_ids(asked, are_global_keys=False)
    ids += organization.known_ids(given.get("globalKeys") or (), are_global_keys=True)
    fresh = [key for key in ids if key not in project.rows]
    if sandbox.uses_up("partial_batches"):
        fresh = fresh[: len(fresh) // 2]
    rows = [organization.data_row(key) for key in fresh]
    project.add(batch, rows, priority=given.get("priority") or 5, at=sandbox.now())
    return [key for key in asked if key not in set(fresh)]
