"""From a posted delivery to the right pipelines' examples: web, Valkey and conversion are real, Labelbox in memory."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from redis import Redis

from service.adapters.sql_tables import examples
from service.domain.pipelines import LabelPolicy
from tests.support.builders import SECRET, make_pipeline
from tests.support.conversion import Desk
from tests.support.fake_labelbox import FakeLabelbox, Organisation
from tests.support.fakes import ManualClock
from tests.support.web_stage import Stage, make_settings, staged

TEAM, ALONE = b"the support team's", b"the sales team's"
PROJECT_OF = {"summaries": "support", "titles": "support", "offers": "sales", "notes": "notes"}
NOTHING: dict[str, list[str]] = {name: [] for name in PROJECT_OF}


class Service:
    """The web process and a worker."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.clock = ManualClock(datetime.now(UTC))
        projects = sorted(set(PROJECT_OF.values()))
        self.organisation = Organisation(*(FakeLabelbox(self.clock, name) for name in projects))

    def label(self, project: str, row_id: str) -> bytes:
        """Let somebody label a row; give what Labelbox posts about it."""
        labelbox = self.organisation.projects[project]
        labelbox.add(row_id, f"the chat of {row_id}")
        labelbox.label(row_id, f"a summary of {row_id}")
        return labelbox.webhook_body(row_id)

    def convert(self) -> dict[str, list[str]]:
        """Do a worker's job; give the rows that gave an example, by pipeline."""
        deps = self.stage.deps
        with Redis.from_url(deps.settings.redis_url or "") as redis:
            desk = Desk(deps.engine, redis, pipelines=dict(deps.settings.pipelines), clock=self.clock)
            desk.labels = self.organisation
            desk.convert(deps.inbox)
        return {name: self._rows(name) for name in PROJECT_OF}

    def _rows(self, pipeline: str) -> list[str]:
        wanted = sa.select(examples.c.data_row_id).where(examples.c.pipeline == pipeline, examples.c.status == "active")
        with self.stage.deps.engine.connect() as connection:
            return sorted(connection.scalars(wanted))

    def errors(self) -> list[tuple[str, str]]:
        """Give the dead letters: error and pipeline."""
        return sorted((letter["error"], letter["pipeline"]) for letter in self.stage.deps.letters.open(100))


@pytest.fixture
def service(tmp_path: Path, redis_url: str, sqlite_template: Path) -> Iterator[Service]:
    """Serve three projects: one with two pipelines that share a secret, one with its own, one with the general one."""
    pipelines = [make_pipeline(name, labels=LabelPolicy(project)) for name, project in PROJECT_OF.items()]
    own = {"summaries": [TEAM.decode()], "titles": [TEAM.decode()], "offers": [ALONE.decode()]}
    with staged(make_settings(tmp_path, redis_url, pipelines=pipelines, own=own), database=sqlite_template) as stage:
        yield Service(stage)


def test_one_webhook_of_the_organisation_reaches_every_pipeline_of_each_project(service: Service) -> None:
    for project in ("support", "sales", "notes"):
        assert service.stage.deliver(service.label(project, f"{project}-row")) == 202
    assert service.convert() == {
        "summaries": ["support-row"],
        "titles": ["support-row"],
        "offers": ["sales-row"],
        "notes": ["notes-row"],
    }
    assert service.errors() == []


@pytest.mark.parametrize("address", ["", "offers"])
def test_a_projects_own_webhook_reaches_its_pipeline_at_either_address(service: Service, address: str) -> None:
    assert service.stage.deliver(service.label("sales", "row"), secret=ALONE, pipeline=address) == 202
    assert service.convert() == NOTHING | {"offers": ["row"]}


def test_a_shared_secret_reaches_both_pipelines_of_its_project(service: Service) -> None:
    assert service.stage.deliver(service.label("support", "row"), secret=TEAM) == 202
    assert service.convert() == NOTHING | {"summaries": ["row"], "titles": ["row"]}
    assert service.errors() == []


def test_a_webhook_for_one_pipeline_of_a_project_leaves_the_other_alone(service: Service) -> None:
    assert service.stage.deliver(service.label("support", "row"), secret=TEAM, pipeline="titles") == 202
    assert service.convert() == NOTHING | {"titles": ["row"]}


def test_the_holder_of_one_pipelines_secret_rings_for_no_other(service: Service) -> None:
    bodies = [service.label(project, f"{project}-row") for project in ("support", "notes")]
    for body in bodies:
        # Signed with a secret that is not theirs, at the common address: taken as a delivery of the secret's pipeline.
        assert service.stage.deliver(body, secret=ALONE) == 202
        for name in ("summaries", "titles", "notes", "nobody"):
            assert service.stage.deliver(body, secret=ALONE, pipeline=name) == 401
    assert service.convert() == NOTHING
    assert service.errors() == [("UnknownProject", "offers")] * 2


def test_a_pipeline_that_nobody_configured_gets_a_dead_letter(service: Service) -> None:
    assert service.stage.deliver(service.label("notes", "row"), secret=SECRET, pipeline="nobody") == 202
    assert service.convert() == NOTHING
    assert service.errors() == [("UnknownProject", "nobody")]
