"""One project of every kind with people in it: the truth of each is what the SDK exports."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import labelbox
import pytest

from sandbox.answers import plain_answers, plain_message_answers
from sandbox.assets import CHAT_TREE, CONVERSATION, PROMPT, PROMPT_RESPONSE
from sandbox.chat_trees import forks
from sandbox.choices import plain_choices
from sandbox.dialogues import dialogue
from sandbox.records import Json
from sandbox.scenario_choice import SCENARIOS
from sandbox.server import RunningSandbox, serve_in_thread
from sandbox.settings import Settings

SEED = 5
KINDS = [name for name in SCENARIOS if name != "all"]
PARAMS = {
    "project_details": True,
    "performance_details": True,
    "label_details": True,
    "data_row_details": True,
    "metadata_fields": True,
}
# Of 60 rows every fate is met, and every way to use the tools of a chat.
APPROVE = 60


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with serve_in_thread(Settings(scenario="all", rows=30, labels=APPROVE, rate=0, seed=SEED)) as running:
        running.settle(60)
        yield running


@pytest.fixture(scope="module")
def projects(server: RunningSandbox) -> dict[str, Json]:
    """Give what the state says, by the scenario's name."""
    found = httpx2.get(f"{server.base_url}/sandbox/state", trust_env=False).json()["projects"]
    return dict(zip(KINDS, found, strict=True))


@pytest.fixture(scope="module")
def lines(server: RunningSandbox, projects: dict[str, Json]) -> dict[str, list[Json]]:
    """Give what the SDK exports of every project, all rows."""
    client = labelbox.Client(api_key="any", endpoint=server.url)
    found = {}
    for name, project in projects.items():
        task = client.get_project(project["id"]).export(params=PARAMS)
        task.wait_till_done()
        found[name] = [item.json for item in task.get_buffered_stream()]
    client.connection.close()
    return found


def truth_of(line: Json, project_id: str) -> Json | None:
    """Say what a row's chosen label says, if there is one."""
    part = line["projects"][project_id]
    chosen = part["project_details"].get("selected_label_id")
    for label in part["labels"]:
        if label["id"] == chosen and not label["performance_details"]["skipped"]:
            annotations = label["annotations"]
            return {
                "data_row_id": line["data_row"]["id"],
                "label_id": chosen,
                "answers": plain_answers(annotations["classifications"]),
                "messages": plain_message_answers(annotations["classifications"]),
                "selections": plain_choices(annotations["objects"], "selections"),
                "rankings": plain_choices(annotations["objects"], "rankings"),
            }
    return None


@pytest.mark.parametrize("name", KINDS)
def test_the_truth_of_every_kind_is_what_an_export_says(
    projects: dict[str, Json], lines: dict[str, list[Json]], name: str
) -> None:
    project = projects[name]
    exported = [truth for line in lines[name] if (truth := truth_of(line, project["id"]))]
    assert [{key: row[key] for key in exported[0]} for row in project["approved"]] == exported
    assert len(exported) == APPROVE
    assert project["labelers"]["problem"] is None


@pytest.mark.parametrize("name", KINDS)
def test_people_of_every_kind_skip_and_are_careless_now_and_then(lines: dict[str, list[Json]], name: str) -> None:
    parts = [part for line in lines[name] for part in line["projects"].values()]
    labels = [label for part in parts for label in part["labels"]]
    assert any(label["performance_details"]["skipped"] for label in labels)
    assert any(label["performance_details_v2"]["seconds_to_rework"] for label in labels)
    actions = {entry["action"] for part in parts for entry in part["project_details"]["workflow_history"]}
    assert actions == {"Move", "Approve", "Reject"}


@pytest.mark.parametrize("name", ["prompt-response", "classification", "chat-trees", "live-chats", "consensus"])
def test_the_same_seed_gives_the_same_truth(name: str, projects: dict[str, Json]) -> None:
    truths = []
    for _ in range(2):
        with serve_in_thread(Settings(scenario=name, rows=10, labels=12, rate=0, seed=SEED)) as running:
            running.settle()
            state = httpx2.get(f"{running.base_url}/sandbox/state", trust_env=False).json()
            truths.append(state["projects"][0]["approved"])
    assert truths[0] == truths[1]
    alone = {(row["prompt"], row["answer"]) for row in truths[0] if name not in {"chat-trees", "live-chats"}}
    assert alone <= {(row["prompt"], row["answer"]) for row in projects[name]["approved"]}


@pytest.mark.parametrize(("name", "slot"), [("prompt-response", PROMPT_RESPONSE), ("prompts", PROMPT)])
def test_people_write_prompts_into_empty_rows(
    projects: dict[str, Json], lines: dict[str, list[Json]], name: str, slot: str
) -> None:
    assert {line["data_row"]["row_data"] for line in lines[name]} == {f'{{"type":"{slot}","version":1}}'}
    for row in projects[name]["approved"]:
        assert row["prompt"] == row["answers"]["prompt"] != row["answer"]
        assert (row["answer"] is None) == (name == "prompts")


def test_answers_of_the_response_kind_are_to_uploaded_prompts(
    projects: dict[str, Json], lines: dict[str, list[Json]]
) -> None:
    shown = {line["data_row"]["id"]: line["data_row"]["row_data"] for line in lines["responses"]}
    replies = {dialogue(SEED, n).reply for n in range(300)}
    for row in projects["responses"]["approved"]:
        assert row["prompt"] == shown[row["data_row_id"]]
        assert row["answer"] == row["answers"]["reply"]
        assert row["answer"] in replies


def test_classification_has_nested_answers_and_metadata_of_every_kind(
    projects: dict[str, Json], lines: dict[str, list[Json]]
) -> None:
    approved = [row["answers"] for row in projects["classification"]["approved"]]
    assert all(set(answers["area"]["answers"]) == {"problem"} for answers in approved)
    assert any(isinstance(answers["mood"], dict) for answers in approved)
    found = [one for answers in approved for one in answers.get("personal", ())]
    assert any(isinstance(one, dict) for one in found)
    assert any(isinstance(one, str) for one in found)
    fields = lines["classification"][0]["metadata_fields"]
    assert [field["schema_name"] for field in fields] == ["words", "ticket", "channel"]
    assert all(lines[name][0]["metadata_fields"] == [] for name in KINDS if name != "classification")


def test_conversations_have_answers_about_messages_and_an_answer_to_the_whole(
    projects: dict[str, Json], lines: dict[str, list[Json]]
) -> None:
    approved = projects["conversations"]["approved"]
    assert all(row["answer"] == row["answers"]["reply"] for row in approved)
    names = {name for row in approved for answers in row["messages"].values() for name in answers}
    assert names == {"intent", "traits", "note"}
    line = lines["conversations"][0]
    document = json.loads(line["data_row"]["row_data"])
    assert (document["type"], document["version"]) == (CONVERSATION, 1)
    assert line["media_attributes"]["message_count"] == len(document["messages"])


def test_a_preference_names_an_output_by_its_title_and_it_is_the_clean_one(projects: dict[str, Json]) -> None:
    clean = {dialogue(SEED, n).summary for n in range(300)}
    for row in projects["preference"]["approved"]:
        outputs = {one["title"]: one["content"] for one in json.loads(row["prompt"])["modelOutputs"]}
        chosen = {"response_a": "Response A", "response_b": "Response B"}[row["answers"]["better"]]
        assert outputs[chosen] in clean


@pytest.mark.parametrize("name", ["chat-trees", "live-chats"])
def test_choices_in_chats_are_made_at_every_fork_and_by_every_tool(projects: dict[str, Json], name: str) -> None:
    tools = set()
    for row in projects[name]["approved"]:
        document = json.loads(row["prompt"])
        assert (document["type"], document["version"]) == (CHAT_TREE, 2)
        choices = [*row["selections"], *row["rankings"]]
        assert {one["parent"] for one in choices} == {parent for parent, _ in forks(document)}
        tools |= {one["tool"] for one in choices}
        assert all(set(one["messages"]) == children_of(document, one) for one in row["rankings"])
    assert tools == {"better", "usable", "order"}


def children_of(document: Json, one: Json) -> set[str]:
    return set(document["messages"][one["parent"]]["childMessageIds"])


def test_consensus_rows_have_three_labels_by_three_people_and_any_may_be_chosen(lines: dict[str, list[Json]]) -> None:
    places = []
    for line in lines["consensus"]:
        (part,) = line["projects"].values()
        details = part["project_details"]
        assert details["consensus_expected_label_count"] == 3
        people = [label["label_details"]["created_by"] for label in part["labels"]]
        assert len(set(people)) == len(people)
        if details["workflow_status"] == "TO_LABEL":
            assert (len(people) < 3, details["workflow_history"]) == (True, [])
            continue
        assert len(people) == 3
        if details["workflow_status"] == "DONE":
            places.append([label["id"] for label in part["labels"]].index(details["selected_label_id"]))
    assert set(places) == {0, 1, 2}


def test_texts_may_lie_in_files_and_the_truth_still_says_what_they_say(projects: dict[str, Json]) -> None:
    settings = Settings(scenario="responses", rows=5, labels=3, rate=0, seed=SEED, in_files=True)
    with serve_in_thread(settings) as running:
        running.settle()
        client = labelbox.Client(api_key="any", endpoint=running.url)
        (project,) = client.get_projects()
        task = project.export()
        task.wait_till_done()
        addresses = {one.json["data_row"]["id"]: one.json["data_row"]["row_data"] for one in task.get_buffered_stream()}
        state = httpx2.get(f"{running.base_url}/sandbox/state", trust_env=False).json()
        approved = {row["data_row_id"]: row["prompt"] for row in state["projects"][0]["approved"]}
        texts = {key: httpx2.get(addresses[key], trust_env=False).text for key in approved}
        client.connection.close()
    assert (len(texts), texts) == (3, approved)
    assert set(texts.values()) <= {row["prompt"] for row in projects["responses"]["approved"]}


def test_a_webhook_of_all_kinds_is_that_of_the_organisation() -> None:
    given: dict[str, Any] = {"webhook_url": "http://127.0.0.1:9/", "webhook_secret": "00ff", "rows": 1}
    for name, is_everywhere in (("all", True), ("prompts", False)):
        with serve_in_thread(Settings(scenario=name, **given)) as running:
            state = httpx2.get(f"{running.base_url}/sandbox/state", trust_env=False).json()
        assert (state["webhooks"][0]["project_id"] is None) == is_everywhere
