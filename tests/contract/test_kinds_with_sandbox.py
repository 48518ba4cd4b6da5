"""Every kind of project, labelled by simulated people, read through the real SDK: the examples are the truth."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from sandbox.server import serve_in_thread
from sandbox.settings import Settings
from sandbox.state import approved
from service.adapters.labelbox_source import LabelboxSource
from service.domain.contents import Form
from service.domain.export_rows import row_of
from service.domain.exports import Request
from service.domain.labels import RowOutcome, RowReader
from service.domain.pipelines import LabelPolicy

# What a user would have to name, and only where the ontology leaves a choice.
POLICIES: Mapping[str, Mapping[str, Any]] = {
    "support-chats": {},
    "prompt-response": {},
    "prompts": {},
    "responses": {},
    "classification": {"response": ("area", "mood", "personal")},
    "consensus": {},
    "conversations": {"response": ("reply",), "conversation": "turns"},
    "preference": {},
    "chat-trees": {},
    "live-chats": {},
}
LABELS = 25
Exported = tuple[str, Any, list[dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module", params=list(POLICIES))
def project(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Any, list[dict[str, Any]], dict[str, Any]]]:
    """Give scenario, ontology, exported rows and the truth by data row, once nobody works any more."""
    folder = tmp_path_factory.mktemp("exports")
    with serve_in_thread(Settings(scenario=request.param, labels=LABELS, rows=60, rate=0, seed=5)) as sandbox:
        sandbox.settle()
        (held,) = sandbox.core.organization.projects.values()
        source = LabelboxSource(api_key="any", endpoint=sandbox.url, folder=folder)
        truth = {row["data_row_id"]: row for row in approved(held, sandbox.core.organization.storage)}
        yield request.param, source.normalized_ontology(held.id), exported(source, held.id), truth


def exported(source: LabelboxSource, project_id: str) -> list[dict[str, Any]]:
    task = source.start_export(project_id, Request())
    while not task.is_complete:
        time.sleep(0.01)
        task = source.look(task.task_id)
    return [dict(row) for row in source.read(task.task_id) if row is not None]


def outcomes(project: tuple[str, Any, list[dict[str, Any]], Any], form: Form = "chat") -> dict[str, RowOutcome]:
    scenario, ontology, rows, _ = project
    (project_id,) = {key for row in rows for key in row["projects"]}
    reader = RowReader(ontology, LabelPolicy(project_id, **POLICIES[scenario]), form=form)
    return {outcome.data_row_id: outcome for outcome in (reader.read(row_of(row)) for row in rows)}


def test_the_examples_are_exactly_what_was_approved(project: Any) -> None:  # noqa: ANN401 - see the fixture
    found, truth = outcomes(project), project[3]
    assert {key for key, outcome in found.items() if outcome.content} == truth.keys()
    assert len(truth) == LABELS
    assert {key: found[key].label_id for key in truth} == {key: row["label_id"] for key, row in truth.items()}


def test_the_texts_are_what_the_labelers_meant(project: Any) -> None:  # noqa: ANN401 - see the fixture
    scenario, _, _, truth = project
    found = outcomes(project)
    for key, row in truth.items():
        content = found[key].content
        assert content is not None
        if scenario == "prompts":
            assert [turn.content for turn in content] == [row["prompt"]]
        elif scenario == "classification":
            assert json.loads(content[-1].content) == flat(row["answers"])
        elif row["answer"] is not None and scenario not in {"chat-trees", "live-chats", "preference"}:
            assert content[-1].content == row["answer"]


def flat(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Write the sandbox's nested answers the way an example does."""
    found: dict[str, Any] = {}
    for name, given in answers.items():
        items = given if isinstance(given, list) else [given]
        values = [item["value"] if isinstance(item, dict) else item for item in items]
        found[name] = values if isinstance(given, list) else values[0]
        for item in items:
            found |= flat(item["answers"]) if isinstance(item, dict) else {}
    return found


def test_judged_answers_give_pairs_with_a_loser(project: Any) -> None:  # noqa: ANN401 - see the fixture
    scenario, _, _, truth = project
    found = outcomes(project, "preference")
    paired = {key for key, outcome in found.items() if outcome.content and outcome.content[-1].role == "assistant"}
    assert paired == (truth.keys() if scenario in {"preference", "chat-trees", "live-chats"} else set())
