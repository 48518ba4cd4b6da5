"""A service without webhooks, in a locale that holds nothing but ASCII: reconciles alone make the examples true."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from sandbox.imports import add_texts
from sandbox.operations import Operation
from sandbox.project import Project
from sandbox.server import RunningSandbox, serve_in_thread
from service.adapters.sql_engine import migrate
from service.bootstrap import Deps, database_url
from service.cli.valkey import free_port
from service.config import load
from tests.contract.trainer_process import BASE, KEY, Trainer, running_trainer
from tests.support.builders import signed_headers
from tests.support.serving import request

PATIENCE_S = 60.0
CONFIGURATION = """\
[service]
reconcile_every = "1s"
workers = 1
[trainers.box]
dialect = "tuneloop"
base_url = "{trainer}"
api_key_env = "TRAINER_KEY"
[pipelines.summaries.labels]
project = "{project}"
[pipelines.summaries.train]
trainer = "box"
model = "{model}"
"""
TEXTS = ["größer", "日本語 \u2028 ✓", "🙂 plain"]


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with serve_in_thread() as running:
        yield running


@pytest.fixture
def project(sandbox: RunningSandbox) -> Project:
    core, at = sandbox.core, sandbox.core.now()
    project = core.organization.create_project("p", description="", media_type="TEXT", at=at)
    questions = {"classifications": [{"type": "text", "name": "summary", "instructions": "Summary:"}]}
    project.ontology = core.organization.create_ontology("o", questions, media_type="TEXT", at=at)
    dataset = core.organization.create_dataset("d", description="", at=at)
    rows = add_texts(core.organization, dataset.id, [(f"key-{n}", f"chat {n} ü") for n in range(len(TEXTS))], at)
    project.add(core.organization.create_batch(project, "first", at), rows, priority=5, at=at)
    return project


@pytest.fixture
def environment(sandbox: RunningSandbox, project: Project, tmp_path: Path) -> Iterator[Mapping[str, str]]:
    with running_trainer(tmp_path / "trainer") as trainer:
        yield configured(sandbox, project, trainer, tmp_path)


def configured(sandbox: RunningSandbox, project: Project, trainer: Trainer, tmp_path: Path) -> Mapping[str, str]:
    written = CONFIGURATION.format(project=project.id, trainer=trainer.base_url, model=BASE)
    (tmp_path / "tuneloop.toml").write_text(written, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TUNELOOP_", "LABELBOX_"))}
    kept.pop("PYTHONUTF8", None)
    return {
        **kept,
        "LC_ALL": "C",
        "PYTHONCOERCECLOCALE": "0",
        "TUNELOOP_CONFIG": str(tmp_path / "tuneloop.toml"),
        "TUNELOOP_DATA": str(tmp_path / "data"),
        "TUNELOOP_PORT": str(free_port()),
        "TUNELOOP_LABELBOX_ENDPOINT": sandbox.url,
        "LABELBOX_API_KEY": "any",
        "TRAINER_KEY": KEY,
    }


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-X", "utf8=0", "-m", "service.cli", *arguments]


def approve(sandbox: RunningSandbox, project: Project, texts: Mapping[str, str]) -> None:
    for row_id, text in texts.items():
        for name in ("submit", "approve"):
            answers = {"summary": text} if name == "submit" else None
            sandbox.core.perform(Operation(name, project.id, row_id, answers=answers))


def answers(environment: Mapping[str, str]) -> dict[str, str]:
    deps = Deps(load(environment))
    try:
        found = deps.examples.existing("summaries", sorted(deps.examples.standing_ids("summaries")))
    finally:
        deps.engine.dispose()
    return {row_id: example.content[-1].content for row_id, example in found.items()}


def test_a_sync_needs_neither_redis_nor_a_webhook_and_keeps_every_letter(
    sandbox: RunningSandbox, project: Project, environment: Mapping[str, str], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    migrate(database_url(load(environment)))
    texts = dict(zip((row.data_row.id for row in project.current_rows()), TEXTS, strict=True))
    approve(sandbox, project, texts)
    done = subprocess.run(command("labelbox", "sync"), env=environment, capture_output=True, timeout=60, check=False)
    assert done.stdout == b"summaries: 3 rows read, 3 differences mended, 0 left\n", done.stderr
    assert (done.returncode, answers(environment)) == (0, texts)
    assert list((tmp_path / "data" / "exports").iterdir()) == []

    unknown = subprocess.run(
        command("labelbox", "sync", "--pipeline", "x"), env=environment, capture_output=True, timeout=60, check=False
    )
    assert (unknown.returncode, b"no pipeline 'x'" in unknown.stderr) == (1, True)


def test_a_service_without_webhooks_polls(
    sandbox: RunningSandbox, project: Project, environment: Mapping[str, str], tmp_path: Path
) -> None:
    checked = subprocess.run(command("check"), env=environment, capture_output=True, timeout=60, check=False)
    assert b"note     webhooks: LABELBOX_WEBHOOK_SECRET is not set" in checked.stdout
    assert checked.returncode == 0, checked.stderr

    texts = dict(zip((row.data_row.id for row in project.current_rows()), TEXTS, strict=True))
    with (tmp_path / "up.log").open("wb") as log:
        up = subprocess.Popen(command("up"), env=environment, stdout=log, stderr=log)
    try:
        _wait_for(lambda: b"Everything runs" in (tmp_path / "up.log").read_bytes())
        body = b'{"project": {"id": "p"}}'
        port = int(environment["TUNELOOP_PORT"])
        reply = request(port, "POST", "/webhooks/labelbox", body, signed_headers(body, secret=b"").items())
        assert reply.status == 401
        approve(sandbox, project, texts)
        _wait_for(lambda: answers(environment) == texts)
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(30)
    assert b"webhooks_refused" in (tmp_path / "data" / "logs" / "web.log").read_bytes()


def _wait_for(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, "it did not come about"
        time.sleep(0.2)
