"""Webhook deliveries over real sockets: bodies, signatures, faults, counters."""

import hashlib
import hmac
import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sandbox.faults import Faults
from sandbox.imports import add_texts
from sandbox.operations import Operation
from sandbox.project import Project
from sandbox.records import TOPICS, Json
from sandbox.server import RunningSandbox, serve_in_thread
from sandbox.settings import Settings

SECRET = "00ffaa"
QUESTIONS: Json = {"classifications": [{"type": "text", "name": "summary", "instructions": "Summary:"}]}


@dataclass
class Received:
    """One request as it arrived; header names in lower case."""

    headers: dict[str, str]
    body: bytes

    @property
    def topic(self) -> str:
        return self.headers["x-labelbox-event"]

    @property
    def document(self) -> Json:
        parsed: Json = json.loads(self.body)
        return parsed


@dataclass
class Receiver:
    """A webhook's own server."""

    url: str = ""
    status: int = 202
    requests: list[Received] = field(default_factory=list)

    def topics(self) -> list[str]:
        return [request.topic for request in self.requests]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.requests.append(Received({key.lower(): value for key, value in self.headers.items()}, body))
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with serve_in_thread(Settings(seed=7, concurrency=1)) as running:
        yield running


@pytest.fixture
def sandbox(server: RunningSandbox) -> RunningSandbox:
    server.core.clear()
    return server


def make_project(running: RunningSandbox, rows: int = 3, name: str = "p") -> Project:
    core = running.core
    organization = core.organization
    project = organization.create_project(name, description="", media_type="TEXT", at=core.now())
    project.ontology = organization.create_ontology("o", QUESTIONS, media_type="TEXT", at=core.now())
    dataset = organization.create_dataset("d", description="", at=core.now())
    added = add_texts(organization, dataset.id, [(f"{name}-{n}", f"text {n}") for n in range(rows)], core.now())
    project.add(organization.create_batch(project, "b", core.now()), added, priority=5, at=core.now())
    return project


def listen(running: RunningSandbox, url: str, project: Project | None, topics: Sequence[str] = TOPICS) -> None:
    running.core.organization.create_webhook(
        url, secret=SECRET, topics=topics, project_id=project.id if project else None, at=running.core.now()
    )


def do(running: RunningSandbox, project: Project, number: int, *names: str) -> None:
    row = list(project.rows)[number]
    for name in names:
        answers = {"summary": f"✓ {number}"}
        running.core.perform(
            Operation(name, project.id, row, answers=answers if name in {"submit", "edit"} else None, queue="review")
        )


def test_each_operation_tells_its_topic(sandbox: RunningSandbox, receiver: Receiver) -> None:
    project = make_project(sandbox)
    listen(sandbox, receiver.url, project)
    do(sandbox, project, 0, "submit", "edit", "reject", "submit", "approve", "edit", "move", "delete_label", "skip")
    do(sandbox, project, 0, "delete_data_row")
    sandbox.settle()
    assert receiver.topics() == [
        "LABEL_CREATED",
        "LABEL_UPDATED",
        "WORKFLOW_ACTION",
        "LABEL_UPDATED",
        "WORKFLOW_ACTION",
        "LABEL_UPDATED",
        "WORKFLOW_ACTION",
        "LABEL_DELETED",
        "LABEL_CREATED",
        "LABEL_DELETED",
    ]


def test_a_delivery_is_signed_over_the_bytes_that_arrive(sandbox: RunningSandbox, receiver: Receiver) -> None:
    project = make_project(sandbox)
    listen(sandbox, receiver.url, project)
    do(sandbox, project, 0, "submit")
    sandbox.settle()
    (request,) = receiver.requests
    expected = hmac.new(SECRET.encode(), request.body, hashlib.sha1).hexdigest()
    stronger = hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-hub-signature"] == f"sha1={expected}"
    assert request.headers["x-hub-signature-256"] == f"sha256={stronger}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-labelbox-id"] not in request.body.decode()


def test_the_stronger_signature_can_be_left_out(receiver: Receiver) -> None:
    with serve_in_thread(Settings(signing="sha1")) as running:
        project = make_project(running)
        listen(running, receiver.url, project)
        do(running, project, 0, "submit")
        running.settle()
    assert "x-hub-signature" in receiver.requests[0].headers
    assert "x-hub-signature-256" not in receiver.requests[0].headers


def test_a_refused_or_unreachable_delivery_is_counted_and_never_repeated(receiver: Receiver) -> None:
    with receiving() as gone:
        pass
    with serve_in_thread() as running:
        project = make_project(running)
        listen(running, receiver.url, project)
        listen(running, gone.url, project, topics=["WORKFLOW_ACTION"])
        receiver.status = 500
        do(running, project, 0, "submit")
        running.settle()
        receiver.status = 202
        do(running, project, 0, "approve")
        running.settle()
        counted = running.parts.courier.counters()
    assert [counted[name] for name in ("made", "sent", "accepted", "refused", "unreachable", "waiting")] == [
        3,
        3,
        1,
        1,
        1,
        0,
    ]
    assert counted["by_status"] == {"500": 1, "202": 1}
    assert len(receiver.requests) == 2


def run_with(faults: Faults, rows: int = 40) -> tuple[list[str], dict[str, object]]:
    """Submit rows under faults; give the rows' texts as they arrived, and the counters."""
    with receiving() as receiver, serve_in_thread(Settings(seed=7, concurrency=1, faults=faults)) as running:
        project = make_project(running, rows=rows)
        listen(running, receiver.url, project)
        for number in range(rows):
            do(running, project, number, "submit")
        running.settle()
        return [
            request.document["dataRow"]["rowData"] for request in receiver.requests
        ], running.parts.courier.counters()


def test_lost_and_doubled_deliveries_are_those_of_the_seed() -> None:
    faults = Faults(lost=0.2, doubled=0.3, max_delay_s=0.0)
    arrived, counted = run_with(faults)
    again, counted_again = run_with(faults)
    assert sorted(arrived) == sorted(again)
    assert counted == counted_again
    assert counted["lost"] == 40 - len(set(arrived)) > 0
    assert counted["doubled"] == sum(count == 2 for count in Counter(arrived).values()) > 0
    assert counted["sent"] == len(arrived)


def test_reordered_deliveries_arrive_after_the_next_one() -> None:
    arrived, counted = run_with(Faults(reordered=0.3))
    in_order = [f"text {n}" for n in range(40)]
    assert counted["reordered"] != 0
    assert arrived != in_order
    assert sorted(arrived) == sorted(in_order)


def test_delayed_deliveries_arrive_all_the_same() -> None:
    arrived, counted = run_with(Faults(delayed=0.5, max_delay_s=0.1))
    assert counted["delayed"] != 0
    assert sorted(arrived) == sorted(f"text {n}" for n in range(40))
