"""Simulated labelers through the control API, compared with what the SDK exports; the sandbox as a process."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx2
import labelbox
import pytest

from sandbox.answers import plain_answers
from sandbox.chats import support_chats
from sandbox.records import Json
from sandbox.server import RunningSandbox, serve_in_thread
from sandbox.settings import Settings

KEY = "key-of-the-sandbox"
DETAILS = {"project_details": True, "performance_details": True, "label_details": True, "data_row_details": True}


class Control:
    """The control API of a running sandbox."""

    def __init__(self, base_url: str) -> None:
        headers = {"Authorization": f"Bearer {KEY}"}
        self.http = httpx2.Client(base_url=f"{base_url}/sandbox", headers=headers, trust_env=False)

    def state(self) -> Json:
        answer: Json = self.http.get("/state").json()
        return answer

    def project(self) -> Json:
        (project,) = self.state()["projects"]
        return dict(project)

    def post(self, path: str, **body: Any) -> Json:  # noqa: ANN401 - JSON
        answer = self.http.post(path, json=body)
        assert answer.is_success, answer.text
        document: Json = answer.json()
        return document


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with serve_in_thread(Settings(api_key=KEY, scenario="support-chats", rows=30, seed=3, rate=0)) as running:
        yield running


@pytest.fixture
def control(sandbox: RunningSandbox) -> Iterator[Control]:
    control = Control(sandbox.base_url)
    yield control
    control.http.close()


def exported_answers(sandbox: RunningSandbox, project_id: str) -> dict[str, object]:
    """Give the answer of every done row that was not skipped, by data row id, as the SDK exports it."""
    client = labelbox.Client(api_key=KEY, endpoint=sandbox.url)
    task = client.get_project(project_id).export(filters={"workflow_status": "Done"}, params=DETAILS)
    task.wait_till_done()
    found: dict[str, object] = {}
    for item in task.get_buffered_stream():
        project = item.json["projects"][project_id]
        (label,) = project["labels"]
        assert label["id"] == project["project_details"]["selected_label_id"]
        if not label["performance_details"]["skipped"]:
            found[item.json["data_row"]["id"]] = plain_answers(label["annotations"]["classifications"])["summary"]
    client.connection.close()
    return found


def test_labelers_approve_exactly_as_many_rows_as_asked_wave_after_wave(
    sandbox: RunningSandbox, control: Control
) -> None:
    started = control.post("/labelers", approve=20)
    assert (started["running"], started["target"]) == (True, 20)
    sandbox.settle()
    assert len(control.project()["approved"]) == 20
    control.post("/labelers", approve=25, rate=0)
    sandbox.settle()
    project = control.project()
    assert len(project["approved"]) == 45
    assert project["labelers"] == {"running": False, "target": 45, "people": 4, "rate": 0.0, "problem": None}
    assert project["rows"] > 45


def test_the_truth_is_what_a_full_export_says(sandbox: RunningSandbox, control: Control) -> None:
    control.post("/labelers", approve=40)
    sandbox.settle()
    project = control.project()
    truth = {row["data_row_id"]: row["answer"] for row in project["approved"]}
    assert exported_answers(sandbox, project["id"]) == truth


def test_the_truth_is_the_clean_summary_of_each_chat(sandbox: RunningSandbox, control: Control) -> None:
    control.post("/labelers", approve=40)
    sandbox.settle()
    summaries = {chat.chat: chat.summary for chat in support_chats(3, 400)}
    approved = control.project()["approved"]
    assert [row["answer"] for row in approved] == [summaries[row["prompt"]] for row in approved]


def test_the_same_seed_gives_the_same_rows_labels_and_answers() -> None:
    truths = []
    for _ in range(2):
        with serve_in_thread(Settings(api_key=KEY, scenario="support-chats", rows=60, labels=30, rate=0)) as running:
            running.settle()
            control = Control(running.base_url)
            truths.append(control.project()["approved"])
            control.http.close()
    assert truths[0] == truths[1]


def test_labelers_without_rows_say_so(sandbox: RunningSandbox, control: Control) -> None:
    organization = sandbox.core.organization
    at = sandbox.core.now()
    empty = organization.create_project("empty", description="", media_type="TEXT", at=at)
    refused = control.http.post("/labelers", json={"project": empty.id, "approve": 1})
    assert (refused.status_code, refused.json()["error"]) == (409, "OperationNotAllowed")
    empty.ontology = next(iter(organization.ontologies.values()))
    control.post("/labelers", project=empty.id, approve=1)
    sandbox.settle()
    (found,) = (project for project in control.state()["projects"] if project["id"] == empty.id)
    assert found["labelers"]["problem"] == "the queue has no more rows"


def test_one_operation_is_done_at_once(control: Control) -> None:
    key = "support-" + support_chats(3, 30)[0].id
    done = control.post("/operations", operation="submit", global_key=key, answers={"Summary": "mine"})
    assert (done["workflow_status"], done["topics"]) == ("IN_REVIEW", ["LABEL_CREATED"])
    control.post("/operations", operation="approve", data_row=done["data_row_id"])
    (row,) = control.project()["approved"]
    assert (row["label_id"], row["global_key"], row["answer"]) == (done["label_id"], key, "mine")
    control.post("/operations", operation="move", data_row=done["data_row_id"], queue="rework")
    assert control.project()["by_status"] == {"TO_LABEL": 29, "IN_REVIEW": 0, "IN_REWORK": 1, "DONE": 0}


def test_an_operation_that_cannot_be_is_refused(sandbox: RunningSandbox, control: Control) -> None:
    row = next(iter(sandbox.core.organization.data_rows))
    refused: list[tuple[int, object]] = [
        (404, {"operation": "approve", "global_key": "nobody"}),
        (404, {"operation": "approve", "data_row": row, "project": "nobody"}),
        (400, {"operation": "dance", "data_row": row}),
        (409, {"operation": "approve", "data_row": row}),
        (400, {"operation": "submit", "data_row": row, "answers": {"summary": 3}}),
        (400, {"operation": "submit", "data_row": row, "answers": {"other": "s"}}),
        (400, {"operation": "submit", "data_row": row, "answers": {}}),
        (400, {"operation": "move", "data_row": row, "queue": "away"}),
        (400, ["no", "object"]),
    ]
    for status, body in refused:
        assert control.http.post("/operations", json=body).status_code == status, body


def test_faults_are_changed_while_it_runs(control: Control) -> None:
    changed = control.post("/faults", lost=0.5, export_lag_s=3)
    assert (changed["lost"], changed["export_lag_s"], changed["doubled"]) == (0.5, 3, 0.0)
    assert control.http.post("/faults", json={"lost": 2}).status_code == 400
    assert control.http.post("/faults", json={"wet": 0.1}).status_code == 400
    assert control.state()["faults"]["lost"] == 0.5


def test_the_control_api_asks_for_the_key_but_readiness_does_not(sandbox: RunningSandbox) -> None:
    with httpx2.Client(base_url=f"{sandbox.base_url}/sandbox", trust_env=False) as stranger:
        assert stranger.get("/ready").json() == {"ready": True}
        assert stranger.get("/state").status_code == 401
        assert stranger.post("/labelers", json={"approve": 1}).status_code == 401


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_the_process_says_where_it_listens_and_stops_cleanly(stop: signal.Signals) -> None:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--scenario", "support-chats", "--rows", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = re.fullmatch(r"sandbox listening on (http://127\.0\.0\.1:\d+)/graphql\n", line)
        assert address is not None
        answer = httpx2.get(f"{address[1]}/sandbox/state", trust_env=False)
        assert answer.json()["projects"][0]["rows"] == 5
        process.send_signal(stop)
        assert process.wait(timeout=10) == 0


def test_a_port_in_use_is_said_and_not_a_traceback(sandbox: RunningSandbox) -> None:
    port = sandbox.base_url.rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "--port", port], capture_output=True, text=True, check=False, timeout=20
    )
    assert done.returncode == 1
    assert "cannot listen" in done.stderr
    assert "Traceback" not in done.stderr
