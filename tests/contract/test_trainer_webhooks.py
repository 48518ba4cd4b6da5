"""Outgoing webhooks, taken by a real receiver and verified with the unmodified SDK."""

import base64
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import openai
import pytest
from openai import OpenAI

from tests.contract.trainer_process import PATIENCE_S, Trainer, running_trainer
from tests.unit.trainer_lines import calls

SECRET = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass
class Receiver:
    """Takes webhooks; its answers are the statuses in ``script``, then 204."""

    port: int
    script: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self, headers: dict[str, str], body: bytes) -> int:
        with self.changed:
            self.got.append((headers, body))
            self.changed.notify_all()
            return self.script.pop(0) if self.script else 204

    def wait_for(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.got) >= count, PATIENCE_S)
            return list(self.got)


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the receiver."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.send_response(cast("Server", self.server).receiver.take(headers, body))
        self.send_header("content-length", "0")
        self.send_header("location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A server that knows its receiver."""

    receiver: Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Server(("127.0.0.1", 0), Handler) as server:
        server.receiver = Receiver(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.receiver
        server.shutdown()
        thread.join()


def options(receiver: Receiver) -> list[str]:
    url = f"http://127.0.0.1:{receiver.port}/hook"
    return ["--webhook-url", url, "--webhook-secret", SECRET, "--webhook-retry-seconds", "0.05"]


@pytest.fixture
def trainer(tmp_path: Path, receiver: Receiver) -> Iterator[Trainer]:
    with running_trainer(tmp_path / "data", *options(receiver)) as running:
        yield running


def unwrapped(headers: dict[str, str], body: bytes, secret: str = SECRET) -> tuple[str, str]:
    with OpenAI(api_key="unused") as client:
        event = client.webhooks.unwrap(body, headers, secret=secret)
    return event.type, cast("str", event.data.id)  # type: ignore[union-attr] # job events all have it


def test_each_end_of_a_job_is_told_signed(trainer: Trainer, receiver: Receiver) -> None:
    succeeded = trainer.trained().id
    failed = trainer.trained(calls(3)).id
    told = [unwrapped(*one) for one in receiver.wait_for(2)]
    assert told == [("fine_tuning.job.succeeded", succeeded), ("fine_tuning.job.failed", failed)]
    with pytest.raises(openai.InvalidWebhookSignatureError):
        unwrapped(*receiver.got[0], secret="whsec_" + base64.b64encode(bytes(32)).decode())


def test_a_cancelled_job_is_told(tmp_path: Path, receiver: Receiver) -> None:
    with running_trainer(tmp_path / "data", *options(receiver), job_seconds=600) as trainer:
        job = trainer.create()
        trainer.client.fine_tuning.jobs.cancel(job.id)
        assert unwrapped(*receiver.wait_for(1)[0]) == ("fine_tuning.job.cancelled", job.id)


def test_a_webhook_is_sent_again_with_the_same_id_until_it_is_taken(trainer: Trainer, receiver: Receiver) -> None:
    receiver.script = [500, 302, 404]
    job = trainer.trained().id
    got = receiver.wait_for(4)
    assert [unwrapped(*one) for one in got] == [("fine_tuning.job.succeeded", job)] * 4
    assert len({headers["webhook-id"] for headers, _ in got}) == 1
    assert len({body for _, body in got}) == 1
    later = trainer.trained().id
    assert unwrapped(*receiver.wait_for(5)[4]) == ("fine_tuning.job.succeeded", later)


def test_a_webhook_that_was_not_taken_is_sent_after_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    slowly = [*options(receiver), "--webhook-retry-seconds", "1"]
    receiver.script = [500]
    with running_trainer(tmp_path / "data", *slowly) as first:
        job = first.trained().id
        receiver.wait_for(1)
        first.process.kill()
        first.process.wait(PATIENCE_S)
    with running_trainer(tmp_path / "data", *slowly):
        got = receiver.wait_for(2)
    assert [unwrapped(*one) for one in got] == [("fine_tuning.job.succeeded", job)] * 2
    assert got[0][0]["webhook-id"] == got[1][0]["webhook-id"]
