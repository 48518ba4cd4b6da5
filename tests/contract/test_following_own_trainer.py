"""A run at our own trainer, in a process of its own, whose webhooks reach a web process: nothing is polled for."""

import base64
import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis import Redis
from rq import Queue

from service.adapters.openai_trainer import OpenAITrainer
from service.config import TrainerSettings
from service.domain.pipelines import TrainPolicy
from service.domain.runs import RunState
from service.usecases.advance_run import advance_run
from service.usecases.gather_reports import gather_reports
from service.usecases.report_run import report_run
from service.usecases.ring_job import poke
from tests.contract.trainer_process import BASE, KEY, PATIENCE_S, Trainer, running_trainer
from tests.support.builders import TRAINER_SECRET, make_pipeline
from tests.support.fakes import ManualClock
from tests.support.web_stage import make_settings, staged
from tests.support.workshop import Workshop


@dataclass(frozen=True)
class Scene:
    """A trainer that tells a web process what happens, and a workshop that trains there."""

    trainer: Trainer
    shop: Workshop
    redis: Redis
    encoding: str

    def rung(self) -> list[str]:
        """Wait for a webhook to have asked for a look; give what it said."""
        queue, deadline = Queue("runs", connection=self.redis, serializer="json"), time.monotonic() + PATIENCE_S
        while not (found := [list(job.args) for job in queue.jobs if job.func_name == "workers.jobs.poke_job"]):
            assert time.monotonic() < deadline, "no webhook came"
            time.sleep(0.02)
        return found[0]


@pytest.fixture(params=["plain", "base64"])
def scene(
    request: pytest.FixtureRequest, tmp_path: Path, redis: Redis, redis_url: str, sqlite_template: Path
) -> Iterator[Scene]:
    box = TrainerSettings("box", "tuneloop", "http://127.0.0.1:9/v1", webhook_secrets=(SecretStr(TRAINER_SECRET),))
    with staged(make_settings(tmp_path, redis_url, trainers={"box": box}), database=sqlite_template) as stage:
        url = f"http://127.0.0.1:{stage.port}/webhooks/openai"
        told = ["--webhook-url", url, "--webhook-secret", TRAINER_SECRET, "--result-encoding", request.param]
        with running_trainer(tmp_path / "trainer", *told, job_seconds=1) as trainer:
            access = replace(box, base_url=trainer.base_url, api_key=SecretStr(KEY))
            adapter = OpenAITrainer(access)
            pipelines = {"summaries": make_pipeline(train=TrainPolicy("box", BASE))}
            shop = Workshop(
                stage.deps.engine, tmp_path / "files", pipelines=pipelines, clock=ManualClock(datetime.now(UTC))
            )
            shop.accounts["box"] = replace(shop.accounts["box"], connect=lambda: adapter)
            shop.fill()
            yield Scene(trainer, shop, redis, request.param)
            adapter.close()


def test_a_webhook_has_the_end_seen_and_everything_it_reported_is_kept(scene: Scene) -> None:
    shop = scene.shop
    run_id = shop.start()
    shop.go(run_id, RunState.SUBMITTED)
    run = advance_run(run_id, shop.parts)
    assert run is not None
    assert run.due_at is not None

    job_id, *trainers = scene.rung()
    assert (job_id, trainers) == (run.job_id, ["box"])
    # Without a webhook the next look would come later: the clock stands still.
    assert advance_run(run_id, shop.parts) is None
    poke(job_id, trainers, runs=shop.runs, queue=shop.queue)
    run = advance_run(run_id, shop.parts)
    assert run is not None
    assert run.state == RunState.EVALUATING

    done = gather_reports(run_id, shop.parts)
    assert done is not None
    assert done.facts["missing"] == {}
    report = report_run(run, shop)
    remote = scene.trainer.client.fine_tuning.jobs.retrieve(job_id)
    sent = scene.trainer.client.files.content((remote.result_files or [])[0]).read()
    assert (b"," in sent) == (scene.encoding == "plain")
    (file,) = report.result_files
    assert file.sha256 == hashlib.sha256(sent).hexdigest()
    with shop.files.open(file.sha256) as kept:
        assert kept.read() == sent

    table = (sent if scene.encoding == "plain" else base64.b64decode(sent)).decode().splitlines()
    series = shop.reports.series(run_id)
    assert [point.step for point in series] == list(range(1, len(table)))
    assert [f"{point.train_loss:.3g}" for point in series] == [f"{float(row.split(',')[1]):.3g}" for row in table[1:]]
    assert series[-1].full_valid_loss is not None
    assert {point.total_steps for point in series} == {len(table) - 1}

    events = list(scene.trainer.client.fine_tuning.jobs.list_events(job_id))
    assert [event.event_id for event in shop.runs.job_events(run_id)] == [event.id for event in reversed(events)]
    points = list(scene.trainer.client.fine_tuning.jobs.checkpoints.list(job_id))
    assert [item.checkpoint_id for item in report.checkpoints] == [point.id for point in points]
    assert sum(item.is_best for item in report.checkpoints) == 1
    assert report.tokens.billed == remote.trained_tokens
    assert report.progress is not None
    assert report.progress.step == len(series)
