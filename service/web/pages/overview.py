"""The first page: what needs a person, then every pipeline."""

from collections.abc import Mapping

from starlette.requests import Request

from service.bootstrap import Deps, now
from service.domain.errors import ServiceError
from service.usecases.dying import dying_champions
from service.usecases.report_money import report_money
from service.usecases.take_stock import take_stock
from service.web.pages.attention import attention

# A project that was not read for so many turns of the reconcile is marked.
_LATE_TURNS = 3


def read_overview(deps: Deps, _request: Request) -> Mapping[str, object]:
    """Ask every store about every pipeline: a few indexed queries for each."""
    moment, pipelines = now(), deps.settings.pipelines
    stocks = {name: take_stock(pipeline, deps, now=moment) for name, pipeline in pipelines.items()}
    dying = dying_champions(pipelines, deps, within_days=None, now=moment)
    return {
        "attention": attention(deps, stocks, dying, today=moment.date()),
        "inbox": _inbox(deps),
        "budgets": report_money(deps.settings.pipelines, deps, now=moment).budgets,
        "lines": [(pipeline, stocks[name]) for name, pipeline in pipelines.items()],
        "late": moment - _LATE_TURNS * deps.settings.service.reconcile_every,
    }


def _inbox(deps: Deps) -> int | None:
    """Give the number of deliveries that wait; None while Redis, which alone knows it, does not answer."""
    try:
        return deps.inbox.depth()
    except ServiceError:
        return None
