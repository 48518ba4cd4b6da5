"""A snapshot's page: its head, never its lines, of which there may be a million."""

from collections.abc import Mapping

from starlette.requests import Request

from service.bootstrap import Deps
from service.domain.errors import CorruptFile
from service.domain.snapshots import SPLITS


def read_snapshot(deps: Deps, request: Request) -> Mapping[str, object]:
    """Give what it holds, what was left out, what shaped it, and the runs that trained on it.

    Raises:
        NotFound: There is none of this id, or several begin with it.
    """
    found, fault = deps.snapshots.find(request.path_params["snapshot_id"]), None
    try:
        found = deps.snapshots.get(found.snapshot_id)
    except CorruptFile as error:
        # What SQL knows of it is told all the same: the data files may be whole.
        fault = error
    return {
        "snapshot": found,
        "fault": fault,
        "splits": [(split, found.files[split]) for split in SPLITS],
        "configuration": _flat(found.head.get("configuration", {})),
        "runs": deps.stories.runs_of([found.snapshot_id]),
    }


def _flat(configuration: Mapping[str, object]) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    for table, values in configuration.items():
        inner = values.items() if isinstance(values, Mapping) else [("", values)]
        rows += [(f"{table}.{key}" if key else table, value) for key, value in inner]
    return rows
