"""Runs, snapshots and dead letters, the newest of each."""

from collections.abc import Mapping

from starlette.requests import Request

from service.bootstrap import Deps
from service.domain.errors import NotFound
from service.web.pages.commands import commands_for_letter

SHOWN = 100


def read_runs(deps: Deps, request: Request) -> Mapping[str, object]:
    """Give the newest runs, of one pipeline if the address names it; one that left the configuration keeps its runs."""
    pipeline = _pipeline(deps, request)
    return {"runs": deps.runs.recent(pipeline, SHOWN), "pipeline": pipeline, "shown": SHOWN}


def read_snapshots(deps: Deps, request: Request) -> Mapping[str, object]:
    """Give the newest snapshots, of one pipeline if the address names it."""
    pipeline = _pipeline(deps, request)
    return {"snapshots": deps.snapshots.recent(pipeline, SHOWN), "pipeline": pipeline, "shown": SHOWN}


def read_letters(deps: Deps, _request: Request) -> Mapping[str, object]:
    """Give the newest dead letters, without their content, each with what may be done about it."""
    found = deps.letters.open(SHOWN)
    letters = [(row, commands_for_letter(row["kind"], row["letter_id"], row["subject"])) for row in found]
    return {"letters": letters, "total": deps.letters.count()}


def _pipeline(deps: Deps, request: Request) -> str | None:
    name: str | None = request.query_params.get("pipeline")
    if name is None or name in deps.settings.pipelines or (name.isprintable() and deps.runs.recent(name, 1)):
        return name
    raise NotFound(f"no pipeline {name!r}, and no run of one")
