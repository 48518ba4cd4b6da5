"""What deliveries say, and who gets them; no server."""

import json
from dataclasses import replace

import pytest

from sandbox.core import Sandbox
from sandbox.deliveries import Delivery
from sandbox.imports import add_texts
from sandbox.operations import Operation
from sandbox.project import Project
from sandbox.records import TOPICS, Json

QUESTIONS: Json = {
    "classifications": [
        {"type": "text", "name": "summary", "instructions": "Summary:"},
        {"type": "radio", "name": "tone", "instructions": "Tone?", "options": [{"label": "Kind", "value": "kind"}]},
        {"type": "checklist", "name": "faults", "instructions": "Faults?", "options": [{"value": "long"}]},
    ]
}


class Post:
    """A sandbox whose deliveries pile up here."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.sandbox = Sandbox(outbox=self.deliveries.extend)

    def project(self, name: str) -> Project:
        organization, at = self.sandbox.organization, self.sandbox.now()
        project = organization.create_project(name, description="", media_type="TEXT", at=at)
        project.ontology = organization.create_ontology("o", QUESTIONS, media_type="TEXT", at=at)
        dataset = organization.create_dataset("d", description="", at=at)
        rows = add_texts(organization, dataset.id, [(f"{name}-key", "text")], at)
        project.add(organization.create_batch(project, "b", at), rows, priority=5, at=at)
        return project

    def listen(self, url: str, project: Project | None, *topics: str) -> str:
        at = self.sandbox.now()
        return self.sandbox.organization.create_webhook(
            url, secret="00ff", topics=topics or TOPICS, project_id=project.id if project else None, at=at
        ).id

    def do(self, project: Project, *names: str) -> None:
        for name in names:
            answers = {"summary": "✓", "tone": "kind", "faults": ["long"]} if name == "submit" else None
            self.sandbox.perform(Operation(name, project.id, next(iter(project.rows)), answers=answers))


@pytest.fixture
def post() -> Post:
    return Post()


def test_a_label_body_has_the_first_payload_version(post: Post) -> None:
    project = post.project("p")
    post.listen("http://127.0.0.1:9", project)
    post.do(project, "submit", "delete_label", "skip")
    created, deleted, skipped = (json.loads(delivery.body) for delivery in post.deliveries)
    assert " ".join(created) == (
        "id createdAt updatedAt secondsToLabel label agreement benchmarkAgreement deleted project dataRow dataset user"
    )
    assert (created["project"]["id"], created["dataRow"]["rowData"]) == (project.id, "text")
    text, radio, checklist = json.loads(created["label"])["classifications"]
    assert (text["title"], text["value"], text["answer"]) == ("Summary:", "summary", "✓")
    assert (radio["answer"]["title"], radio["answer"]["value"]) == ("Kind", "kind")
    assert [answer["value"] for answer in checklist["answers"]] == ["long"]
    assert (deleted["id"], deleted["deleted"], created["deleted"]) == (created["id"], True, False)
    assert skipped["label"] == "{}"


def test_a_workflow_action_names_project_and_data_row_and_no_label(post: Post) -> None:
    project = post.project("p")
    post.listen("http://127.0.0.1:9", project, "WORKFLOW_ACTION")
    post.do(project, "submit", "approve")
    (delivery,) = post.deliveries
    body = json.loads(delivery.body)
    assert (body["project"]["id"], body["dataRow"]["id"]) == (project.id, next(iter(project.rows)))
    assert "label" not in body


def test_only_active_webhooks_of_that_topic_and_project_are_told(post: Post) -> None:
    here, elsewhere = post.project("p"), post.project("q")
    post.listen("http://127.0.0.1:9/elsewhere", elsewhere)
    post.listen("http://127.0.0.1:9/other-topic", here, "LABEL_DELETED")
    post.listen("http://127.0.0.1:9/everywhere", None, "LABEL_CREATED")
    post.listen("http://127.0.0.1:9/own", here, "LABEL_CREATED")
    webhooks = post.sandbox.organization.webhooks
    inactive = post.listen("http://127.0.0.1:9/inactive", here)
    webhooks[inactive] = replace(webhooks[inactive], status="INACTIVE")
    post.do(here, "submit")
    assert [delivery.url.rpartition("/")[2] for delivery in post.deliveries] == ["everywhere", "own"]
    assert len({delivery.id for delivery in post.deliveries}) == 2
    assert len({delivery.body for delivery in post.deliveries}) == 1
