"""The sandbox assembled: the account, who posts its deliveries, who works in it, and the app that serves it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from starlette.applications import Starlette

from sandbox import control, stamps
from sandbox.api import routes
from sandbox.core import Sandbox
from sandbox.courier import Courier
from sandbox.errors import SandboxError
from sandbox.labelers import Labelers
from sandbox.records import TOPICS
from sandbox.scenario_choice import Scenario, make_scenarios
from sandbox.settings import Settings


@dataclass(slots=True)
class Parts:
    """A sandbox, who posts its deliveries, and who works in it."""

    settings: Settings
    sandbox: Sandbox
    courier: Courier
    labelers: Labelers
    scenarios: Sequence[Scenario]


def assemble(settings: Settings, clock: Callable[[], datetime] = stamps.now, *, base_url: str = "") -> Parts:
    """Make a sandbox as it was asked for, with its scenario and webhook.

    Args:
        settings: As on the command line.
        clock: Gives the moment, aware.
        base_url: Where it will be served, without a path.
    """
    sandbox = Sandbox(seed=settings.seed, faults=settings.faults, clock=clock, base_url=base_url)
    courier = Courier(
        faults=lambda: sandbox.faults,
        seed=settings.seed,
        signing=settings.signing,
        concurrency=settings.concurrency,
    )
    sandbox.outbox = courier.hand_over
    labelers = Labelers(sandbox)
    scenarios = (
        make_scenarios(sandbox, settings.scenario, rows=settings.rows, in_files=settings.in_files)
        if settings.scenario
        else []
    )
    for scenario in scenarios:
        labelers.writers[scenario.project.id] = scenario.writer()
    labelers.more_rows = _all_of(scenarios)
    if settings.webhook_url and settings.webhook_secret:
        sandbox.organization.create_webhook(
            settings.webhook_url,
            secret=settings.webhook_secret,
            topics=TOPICS,
            # Of several projects one webhook tells, that of the organisation.
            project_id=scenarios[0].project.id if len(scenarios) == 1 else None,
            at=sandbox.now(),
        )
    return Parts(settings, sandbox, courier, labelers, scenarios)


def _all_of(scenarios: Sequence[Scenario]) -> Callable[[str], None]:
    def more_rows(project_id: str) -> None:
        for scenario in scenarios:
            scenario.more_rows(project_id)

    return more_rows


def make_app(parts: Parts) -> Starlette:
    """Build the app; its labelers start with it where the settings say so."""
    settings = parts.settings

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with parts.courier.at_work(), parts.labelers.at_work():
            for scenario in parts.scenarios if settings.labels else ():
                parts.labelers.work(
                    scenario.project.id,
                    approve=settings.labels,
                    rate=settings.rate,
                    people=settings.people,
                )
            yield

    app = Starlette(
        routes=[*routes.routes(), *control.routes()],
        exception_handlers={SandboxError: control.refused},
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.api_key = settings.api_key
    app.state.sandbox = parts.sandbox
    app.state.courier = parts.courier
    app.state.labelers = parts.labelers
    return app
