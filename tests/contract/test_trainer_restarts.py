"""A trainer that is stopped or killed in the middle of a job: the next one goes on, and nothing is doubled."""

import signal
from pathlib import Path

import pytest

from tests.contract.trainer_process import PATIENCE_S, Trainer, running_trainer
from tests.unit.trainer_lines import call, calls, jsonl

KEY = {"Idempotency-Key": "run-1"}


def steps_of(trainer: Trainer, job_id: str) -> list[int]:
    events = trainer.client.fine_tuning.jobs.list_events(job_id, limit=100)
    found: list[int] = [event.data["step"] for event in events if event.type == "metrics"]  # type: ignore[index] # an object
    return found[::-1]


def wait_for_steps(trainer: Trainer, job_id: str) -> list[int]:
    while not (steps := steps_of(trainer, job_id)):
        trainer.wait(job_id, {"running"})
    return steps


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_job_outlives_its_process(tmp_path: Path, how: signal.Signals) -> None:
    folder, seconds = tmp_path / "data", 600
    with running_trainer(folder, job_seconds=seconds) as first:
        file = first.upload(jsonl(calls(12)))
        job = first.create(training_file=file, hyperparameters={"n_epochs": 50, "batch_size": 1}, extra_headers=KEY)
        done = wait_for_steps(first, job.id)
        first.process.send_signal(how)
        code = first.process.wait(PATIENCE_S)
    assert code == (-signal.SIGKILL if how == signal.SIGKILL else 0)

    with running_trainer(folder) as second:
        ended = second.wait(job.id)
        assert ended.status == "succeeded"
        steps = steps_of(second, job.id)
        assert steps == list(range(1, 601))
        assert steps[: len(done)] == done
        assert second.ask(ended.fine_tuned_model, call(3)[0]) == call(3)[1]
        again = second.create(training_file=file, hyperparameters={"n_epochs": 50, "batch_size": 1}, extra_headers=KEY)
        assert again.id == job.id
        assert [one.id for one in second.client.fine_tuning.jobs.list()] == [job.id]
        told = [event.message for event in second.client.fine_tuning.jobs.list_events(job.id, limit=1000)]
        assert len(set(told)) == len(told)
        assert len(list(second.client.fine_tuning.jobs.checkpoints.list(job.id))) == 3


def test_everything_is_there_again_after_a_kill(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with running_trainer(folder) as first:
        job = first.trained(metadata={"a": "b"})
        files = list(first.client.files.list())
        first.process.kill()
        first.process.wait(PATIENCE_S)
    with running_trainer(folder) as second:
        assert second.client.fine_tuning.jobs.retrieve(job.id) == job
        assert list(second.client.files.list()) == files
        assert second.client.files.content(job.training_file).read() == jsonl(calls(12))
        assert second.ask(job.fine_tuned_model, call(3)[0]) == call(3)[1]


def test_a_result_file_can_be_base64(tmp_path: Path) -> None:
    with running_trainer(tmp_path / "data", "--result-encoding", "base64") as trainer:
        content = trainer.client.files.content(trainer.trained().result_files[0]).read()
    assert content.startswith(b"c3RlcCx0cmFpbl9sb3Nz")
