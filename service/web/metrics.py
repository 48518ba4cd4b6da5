"""Figures for Prometheus: all but the count of answers are read from the stores when they are asked for."""

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from platform import python_version

import sqlalchemy as sa
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from service.bootstrap import Deps
from service.domain.errors import ServiceError
from service.web.figures import database_figures, gauge
from service.web.operations import HEADERS


def metrics_page(
    deps: Deps, answered: Mapping[tuple[str, int], int], events: Mapping[tuple[str, str], int]
) -> Callable[[Request], Response]:
    """Make the page; a sync handler, so it runs in a thread."""
    figures = Figures(deps, answered, events)

    def page(_request: Request) -> Response:
        # Only this format: the others would tell the same in other words.
        return Response(generate_latest(figures), headers={**HEADERS, "Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    return page


class Figures(Collector):
    """Everything that is measured.

    Args:
        deps: The stores.
        answered: Answers to webhooks, by who was answered and status code.
        events: Signed events of trainers, by trainer and what became of them.
    """

    def __init__(
        self, deps: Deps, answered: Mapping[tuple[str, int], int], events: Mapping[tuple[str, str], int]
    ) -> None:
        self._deps = deps
        self._answered = answered
        self._events = events

    def collect(self) -> Iterable[Metric]:
        """Read the stores; what one that is down would tell is left out, and ``tuneloop_up`` says so."""
        up = gauge("tuneloop_up", "Whether a store answers: 1 or 0.", "part")
        for part, read in {"redis": _redis_figures, "database": database_figures}.items():
            try:
                found = read(self._deps)
            except (ServiceError, sa.exc.SQLAlchemyError):
                found = []
            up.add_metric([part], bool(found))
            yield from found
        yield up
        yield _answers(dict(self._answered))
        yield _events(dict(self._events))
        build = gauge("tuneloop_build_info", "Always 1; what runs.", "version", "python")
        build.add_metric([version("tuneloop"), python_version()], 1)
        yield build


def _redis_figures(deps: Deps) -> list[Metric]:
    return [GaugeMetricFamily("tuneloop_inbox_deliveries", "Deliveries not converted yet.", deps.inbox.depth())]


def _answers(answered: Mapping[tuple[str, int], int]) -> CounterMetricFamily:
    words = "Webhooks answered since this process started, by sender and status code."
    family = CounterMetricFamily("tuneloop_webhook_answers", words, labels=["sender", "code"])
    for (sender, code), count in answered.items():
        family.add_metric([sender, str(code)], count)
    return family


def _events(events: Mapping[tuple[str, str], int]) -> CounterMetricFamily:
    words = "Signed events of trainers since this process started, by trainer and what became of them."
    family = CounterMetricFamily("tuneloop_trainer_events", words, labels=["trainer", "outcome"])
    for labels, count in events.items():
        family.add_metric(labels, count)
    return family
