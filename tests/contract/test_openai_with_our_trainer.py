"""The adapter and our own fine-tuning server, each as it is, over a real socket."""

import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pydantic import SecretStr

from service.adapters.openai_trainer import OpenAITrainer
from service.config import TrainerSettings
from service.domain.errors import ModelNotReady, TrainerRefused
from service.ports import RemoteJob, RemoteModel
from tests.contract.openai_script import run

BASE = "memory-base-1"
ENDS = date(2027, 1, 14)
ROOT = Path(__file__).parents[2]


def lines(count: int) -> bytes:
    chats = (
        [{"role": "user", "content": f"Say {number}."}, {"role": "assistant", "content": f"It is {number}."}]
        for number in range(count)
    )
    return b"".join(json.dumps({"messages": chat}).encode() + b"\n" for chat in chats)


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    options = ["--port", "0", "--api-key", "k", "--job-seconds", "0", "--data", str(tmp_path_factory.mktemp("trainer"))]
    options += ["--shutdown-date", f"{BASE}={ENDS}"]
    command = [sys.executable, "-m", "trainer", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        # It says where it listens as soon as it does.
        yield process.stdout.readline().split()[-1]
        process.terminate()


@pytest.fixture(scope="module")
def trainer(base_url: str) -> Iterator[OpenAITrainer]:
    trainer = OpenAITrainer(TrainerSettings("own", "tuneloop", base_url, api_key=SecretStr("k"), max_tokens=50))
    yield trainer
    trainer.close()


def ended(trainer: OpenAITrainer, job_id: str) -> RemoteJob:
    give_up_at = time.monotonic() + 60
    while (found := trainer.job(job_id)).outcome == "open":
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    return found


def test_a_run_goes_from_its_files_to_an_answer(trainer: OpenAITrainer) -> None:
    content = lines(20)
    training_file = trainer.upload("train-1.jsonl", io.BytesIO(content), len(content))
    assert trainer.upload("train-1.jsonl", io.BytesIO(content), len(content)) == training_file
    ours = replace(run(hyperparameters={"n_epochs": 2}, suffix="first"), run_id="run-whole", model=BASE)
    assert trainer.find_jobs("run-whole", training_file) == []

    made = trainer.create_job(ours, training_file=training_file, validation_file=None)
    again = trainer.create_job(ours, training_file=training_file, validation_file=None)

    assert again.job_id == made.job_id
    assert [job.job_id for job in trainer.find_jobs("run-whole", training_file)] == [made.job_id]
    assert trainer.find_jobs("run-other", training_file) == []

    job = ended(trainer, made.job_id)
    assert (job.outcome, job.error, job.training_file) == ("succeeded", None, training_file)
    assert job.metadata["run_id"] == "run-whole"
    assert job.trained_tokens
    assert job.tuned_model

    events = list(trainer.events(job.job_id))
    assert events == sorted(events, key=lambda event: event.created_at, reverse=True)
    assert any("train_loss" in event.facts for event in events)
    assert all(point["model"] and point["step"] for point in trainer.checkpoints(job.job_id))
    assert b"step" in trainer.file_content(job.result_files[0])

    said = trainer.answer(job.tuned_model, [{"role": "user", "content": "Say 7."}])
    assert said.text == "It is 7."
    assert said.prompt_tokens > 0

    # It ends with its base.
    assert [trainer.model(name) for name in (BASE, job.tuned_model)] == [
        RemoteModel(BASE, ENDS),
        RemoteModel(job.tuned_model, ENDS),
    ]
    assert trainer.model("no-such-model") is None

    trainer.delete_file(training_file)
    trainer.delete_file(training_file)


def test_a_file_of_too_few_lines_fails_the_job_with_its_reason(trainer: OpenAITrainer) -> None:
    content = lines(7)
    training_file = trainer.upload("train-7.jsonl", io.BytesIO(content), len(content))
    few = replace(run(), run_id="run-few", model=BASE)
    made = trainer.create_job(few, training_file=training_file, validation_file=None)
    job = ended(trainer, made.job_id)
    assert job.outcome == "failed"
    assert "invalid_n_examples" in str(job.error)


def test_what_the_server_refuses_is_refused_for_good(trainer: OpenAITrainer, base_url: str) -> None:
    unknown = replace(run(), run_id="run-unknown", model="no-such-model")
    with pytest.raises(TrainerRefused):
        trainer.create_job(unknown, training_file="file-none", validation_file=None)
    with pytest.raises(TrainerRefused):
        trainer.job("ftjob-none")
    with pytest.raises(ModelNotReady):
        trainer.answer("ft:none", [{"role": "user", "content": "Hello"}])
    stranger = OpenAITrainer(TrainerSettings("own", "tuneloop", base_url, api_key=SecretStr("wrong")))
    with pytest.raises(TrainerRefused, match="401"):
        stranger.find_jobs("run-1", "file-1")
    stranger.close()


def test_a_job_that_has_ended_cannot_be_cancelled(trainer: OpenAITrainer) -> None:
    content = lines(12)
    training_file = trainer.upload("train-12.jsonl", io.BytesIO(content), len(content))
    made = trainer.create_job(
        replace(run(), run_id="run-cancel", model=BASE), training_file=training_file, validation_file=None
    )
    ended(trainer, made.job_id)
    with pytest.raises(TrainerRefused):
        trainer.cancel(made.job_id)
