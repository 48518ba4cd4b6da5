"""Exports of a dataset: all its rows, with what the projects named know of those that they have."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sandbox.core import Sandbox
from sandbox.errors import MalformedRequest
from sandbox.export_rows import Params, Surroundings, line_of, project_part
from sandbox.exports import Started, file_of, outcome_of
from sandbox.records import DataRow, Json

_MOST_PROJECTS = 30


def start_dataset_export(sandbox: Sandbox, asked: Mapping[str, Any], *, base_url: str = "") -> Started:
    """Choose the rows as they are now; they are written without the lock. Call with the lock held.

    Args:
        sandbox: The account.
        asked: The ``input`` of ``exportDataRowsInCatalog``.
        base_url: The sandbox's address as this client sees it, for the addresses of files.

    Raises:
        UnknownResource: No such dataset or project.
        MalformedRequest: Anything but one dataset is asked for, or too many projects.
        LimitExceeded: Too many exports run.
    """
    organization, at, given = sandbox.organization, sandbox.now(), asked.get("params") or {}
    dataset = organization.dataset(_dataset_id(asked["filters"]["searchQuery"]["query"] or ()))
    project_ids = given.get("projectIds") or ()
    if len(project_ids) > _MOST_PROJECTS:
        raise MalformedRequest(f"at most {_MOST_PROJECTS} projects")
    until = at + timedelta(seconds=sandbox.faults.address_life_s)
    projects = [organization.project(project_id) for project_id in project_ids]
    lagging = at - timedelta(seconds=sandbox.faults.export_lag_s)
    held = {project.id: {row.data_row.id: row for row in project.rows_as_of(lagging)} for project in projects}
    storage = organization.storage

    def address(file: str) -> str:
        return storage.sign(base_url, file, until)

    around = {project.id: Surroundings.of(project, organization, at=at, address=address) for project in projects}
    nobody = Surroundings(
        project_id="",
        project_name="",
        ontology_id=None,
        task_ids={},
        dataset_names={known.id: known.name for known in organization.datasets.values()},
        created_by=organization.owner.email,
        at=at,
        metadata=organization.metadata.by_id(),
        address=address,
    )
    params = Params.from_wire(given)
    rows = [row for row in organization.data_rows.values() if row.dataset_id == dataset.id]
    task = sandbox.tasks.export(
        asked.get("taskName") or "", dataset.id, at, sandbox.faults, outcome=outcome_of(sandbox)
    )

    def line(row: DataRow) -> Json:
        mine = {key: rows[row.id] for key, rows in held.items() if row.id in rows}
        active_at = max((found.last_activity_at for found in mine.values()), default=row.updated_at)
        projects = {key: project_part(found, params, around[key]) for key, found in mine.items()}
        return line_of(row, active_at, params, nobody) | {"projects": projects}

    def write() -> None:
        task.result = file_of(line(row) for row in rows) if rows else None
        task.built = True

    return Started(task, write)


def _dataset_id(query: Any) -> str:  # noqa: ANN401 - what the SDK sends
    if len(query) != 1 or query[0]["type"] != "dataset" or len(query[0]["ids"]) != 1:
        raise MalformedRequest("only exports of one whole dataset are imitated")
    return str(query[0]["ids"][0])
