"""A pipeline's page."""

from collections.abc import Mapping

from starlette.requests import Request

from service.bootstrap import Deps, now
from service.domain.errors import NotFound
from service.usecases.doors import weigh_by_hand
from service.usecases.take_stock import take_stock

SHOWN = 20


def read_pipeline(deps: Deps, request: Request) -> Mapping[str, object]:
    """Give where it stands, and its newest runs, champions and snapshots.

    Raises:
        NotFound: It is not in the configuration.
    """
    name = request.path_params["name"]
    pipeline = deps.settings.pipelines.get(name)
    if pipeline is None:
        raise NotFound(f"no pipeline {name!r} in the configuration")
    _, shut = weigh_by_hand(pipeline, deps, now=now())
    return {
        "pipeline": pipeline,
        "stock": take_stock(pipeline, deps, now=now()),
        "may_start": not shut,
        "runs": deps.runs.recent(name, SHOWN),
        "champions": deps.evaluations.champion_history(name)[:SHOWN],
        "snapshots": deps.snapshots.recent(name, SHOWN),
    }
