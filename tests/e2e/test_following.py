"""Every process as it is: a trainer's webhook, not the poll, ends the following, and the sweep fetches the rest."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.adapters.sql_engine import make_engine
from service.cli.valkey import free_port
from service.domain.pipelines import TrainPolicy
from service.domain.runs import TERMINAL, RunState
from service.usecases.report_run import report_run
from tests.contract.trainer_process import BASE, KEY, running_trainer
from tests.support.builders import TRAINER_SECRET, make_pipeline
from tests.support.workshop import Workshop

PATIENCE_S = 120.0
CONFIGURATION = """\
[service]
poll_every = "2h"
reconcile_every = "1d"
sweep_every = "1s"
[trainers.box]
dialect = "tuneloop"
base_url = "{base_url}"
api_key_env = "BOX_KEY"
webhook_secret_env = "BOX_WEBHOOK_SECRET"
[pipelines.summaries]
labels = {{ project = "project-1" }}
trigger = {{ threshold = 100000 }}
train = {{ trainer = "box", model = "{model}" }}
"""


@contextmanager
def process(name: str, environment: Mapping[str, str], folder: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "service.cli", name]
    with (folder / f"{name}.log").open("wb") as log:
        running = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(60)


@pytest.fixture
def shop(sqlite_url: str, tmp_path: Path) -> Iterator[Workshop]:
    engine: sa.Engine = make_engine(sqlite_url)
    pipelines = {"summaries": make_pipeline(train=TrainPolicy("box", BASE))}
    made = Workshop(engine, tmp_path / "data" / "files", pipelines=pipelines)
    made.fill()
    yield made
    engine.dispose()


def test_a_webhook_ends_the_following_and_the_reports_are_fetched(
    shop: Workshop, sqlite_url: str, redis_url: str, tmp_path: Path
) -> None:
    port = free_port()
    hook = f"http://127.0.0.1:{port}/webhooks/openai"
    options = ["--webhook-url", hook, "--webhook-secret", TRAINER_SECRET, "--result-encoding", "base64"]
    with ExitStack() as stack:
        trainer = stack.enter_context(running_trainer(tmp_path / "trainer", *options, job_seconds=6))
        (tmp_path / "tuneloop.toml").write_text(CONFIGURATION.format(base_url=trainer.base_url, model=BASE))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TUNELOOP_", "LABELBOX_"))}
        environment = {
            **kept,
            "TUNELOOP_CONFIG": str(tmp_path / "tuneloop.toml"),
            "TUNELOOP_DATA": str(tmp_path / "data"),
            "TUNELOOP_PORT": str(port),
            "TUNELOOP_DATABASE_URL": sqlite_url,
            "TUNELOOP_REDIS_URL": redis_url,
            "TUNELOOP_LABELBOX_ENDPOINT": "http://127.0.0.1:9/graphql",
            "LABELBOX_API_KEY": "none",
            "BOX_KEY": KEY,
            "BOX_WEBHOOK_SECRET": f"whsec_{'A' * 32},{TRAINER_SECRET}",
        }
        for name in ("serve", "work", "schedule"):
            stack.enter_context(process(name, environment, tmp_path))
        run_id = shop.start()
        _wait_for(lambda: shop.runs.get(run_id).state in TERMINAL)
        _wait_for(lambda: bool(report_run(shop.runs.get(run_id), shop).result_files))

    run = shop.runs.get(run_id)
    assert run.state in {RunState.PROMOTED, RunState.KEPT}, run.facts
    report = report_run(run, shop)
    assert report.missing == {}
    (file,) = report.result_files
    assert (file.note, file.steps) == (None, len(shop.reports.series(run_id)))
    assert sum(checkpoint.is_best for checkpoint in report.checkpoints) == 1
    logged = (tmp_path / "work.log").read_text()
    assert '"reports_gathered"' in logged
    assert "Chat 1" not in logged


def _wait_for(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, "it did not come about"
        time.sleep(0.2)
