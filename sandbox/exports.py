"""Exports: started in one moment, written outside the lock, read in chunks."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from sandbox.chunks import CHUNK_BYTES, Chunks
from sandbox.core import Sandbox
from sandbox.export_filters import read_filters
from sandbox.export_rows import Params, Surroundings, export_row
from sandbox.records import Json
from sandbox.tasks import Outcome, Task


@dataclass(frozen=True, slots=True)
class Started:
    """A task that was made, and the work that completes it, to be done without the lock."""

    task: Task
    write: Callable[[], None]


def start_export(
    sandbox: Sandbox, asked: Mapping[str, Any], *, base_url: str = "", chunk_bytes: int = CHUNK_BYTES
) -> Started:
    """Choose the rows as they are now, less the replication lag. Call with the lock held.

    Args:
        sandbox: The account.
        asked: The ``input`` of ``exportDataRowsInProject``.
        base_url: The sandbox's address as this client sees it, for the addresses of files.
        chunk_bytes: The size of the files in which the result is read.

    Raises:
        UnknownResource: No such project.
        MalformedRequest: A filter that is not imitated.
        LimitExceeded: Too many exports run.
    """
    organization = sandbox.organization
    project = organization.project(asked["filters"]["projectId"])
    selection = read_filters(asked["filters"]["searchQuery"]["query"] or ())
    ids = None
    if selection.ids is not None:
        # A row that was deleted a moment ago is still in the lagging copy, so its id is not checked here.
        ids = (
            organization.known_ids(selection.ids, are_global_keys=True) if selection.are_global_keys else selection.ids
        )
    at = sandbox.now()
    faults = sandbox.faults
    rows = project.rows_as_of(at - timedelta(seconds=faults.export_lag_s), ids)
    task = sandbox.tasks.export(asked.get("taskName") or "", project.id, at, faults, outcome=outcome_of(sandbox))
    is_short = sandbox.uses_up("short_exports")
    until = at + timedelta(seconds=faults.address_life_s)
    storage = organization.storage
    around = Surroundings.of(project, organization, at=at, address=lambda file: storage.sign(base_url, file, until))
    params = Params.from_wire(asked.get("params") or {})

    def write() -> None:
        chosen = [row for row in rows if selection.takes(row)]
        if is_short:
            chosen = chosen[: len(chosen) - max(1, len(chosen) // 3)]
        task.result = file_of((export_row(row, params, around) for row in chosen), chunk_bytes) if chosen else None
        task.built = True

    return Started(task, write)


def outcome_of(sandbox: Sandbox) -> Outcome:
    """Say how the next export ends."""
    if sandbox.uses_up("failed_exports"):
        return "FAILED"
    return "CANCELED" if sandbox.uses_up("canceled_exports") else "COMPLETE"


def file_of(lines: Iterable[Json], chunk_bytes: int = CHUNK_BYTES) -> Chunks:
    """Write the lines of an export."""
    encode = msgspec.json.Encoder().encode
    return Chunks((encode(line) for line in lines), chunk_bytes=chunk_bytes)
