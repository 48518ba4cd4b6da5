"""Attempts at training a job: crashes, stops, checkpoints, and that nothing is doubled or half done."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.trainer_scene import NUMBERS, Scene, metrics, nothing, one_step, queued, training
from trainer.engine import Report, TrainingStopped, TrainingTask
from trainer.work.report import JobReport
from trainer.work.tidying import Tidying


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.stores.database.close()


def test_only_the_newest_attempt_may_report(scene: Scene) -> None:
    queued(scene)
    older = scene.lifecycle.begin("ftjob-1", NUMBERS)
    newer = scene.lifecycle.begin("ftjob-1", NUMBERS)
    assert older is not None
    assert newer is not None
    JobReport(scene.stores, scene.folders, newer, threading.Event(), 0).stop_if_asked()
    with pytest.raises(TrainingStopped):
        JobReport(scene.stores, scene.folders, older, threading.Event(), 0).stop_if_asked()


def test_a_finished_training_becomes_a_model_and_a_result(scene: Scene) -> None:
    queued(scene)
    assert training(scene, one_step).train_next()
    job = scene.stores.jobs.get("ftjob-1")
    assert job is not None
    assert (job.status, job.trained_tokens) == ("succeeded", 9)
    assert job.fine_tuned_model is not None
    model = scene.stores.models.get(job.fine_tuned_model)
    assert model is not None
    assert (scene.folders.checkpoint(model.job_id, model.step) / "model").read_text() == "m"
    Tidying(scene.stores, scene.folders).ended_jobs()
    assert [place.name for place in scene.folders.job("ftjob-1").iterdir()] == ["checkpoints"]


def test_a_job_cancelled_at_its_last_step_makes_no_model(scene: Scene) -> None:
    def cancelled_at_the_end(task: TrainingTask, report: Report) -> int:
        one_step(task, report)
        assert scene.lifecycle.cancel("ftjob-1")
        return 9

    queued(scene)
    training(scene, cancelled_at_the_end).train_next()
    Tidying(scene.stores, scene.folders).ended_jobs()
    assert scene.status() == "cancelled"
    assert scene.stores.models.all() == []
    assert scene.stores.files.ids() == set()
    assert list((scene.folders.root / "files").iterdir()) == []
    assert not scene.folders.job("ftjob-1").exists()


def test_only_the_last_three_checkpoints_are_kept(scene: Scene) -> None:
    def five_epochs(_: TrainingTask, report: Report) -> int:
        for step in range(1, 6):
            report.step(metrics(step))
            report.checkpoint(metrics(step), nothing)
        return 1

    queued(scene)
    training(scene, five_epochs).train_next()
    assert [checkpoint.step for checkpoint in scene.stores.checkpoints.of("ftjob-1")] == [3, 4, 5]
    kept = scene.folders.job("ftjob-1") / "checkpoints"
    assert sorted(place.name for place in kept.iterdir()) == ["3", "4", "5"]
    names = [model.id for model in scene.stores.models.all()]
    assert [name.rpartition(":")[2] for name in names[:2]] == ["ckpt-step-3", "ckpt-step-4"]


def test_a_checkpoint_that_could_not_be_written_leaves_nothing_behind(scene: Scene) -> None:
    def full_disk(_: Path) -> None:
        raise OSError(28, "No space left on device")

    def one_epoch(_: TrainingTask, report: Report) -> int:
        report.checkpoint(metrics(1), full_disk)
        return 1

    queued(scene)
    training(scene, one_epoch).train_next()
    assert scene.status() == "running"
    assert list(scene.folders.tmp.iterdir()) == []
    assert scene.stores.checkpoints.of("ftjob-1") == []


def test_an_engine_that_keeps_crashing_is_given_up_and_the_next_job_gets_its_turn(scene: Scene) -> None:
    def crash(_: TrainingTask, __: Report) -> int:
        raise RuntimeError("out of memory")

    queued(scene)
    queued(scene, "ftjob-2")
    crashing = training(scene, crash)
    for _ in range(4):
        assert scene.status() in {"queued", "running"}
        crashing.train_next()
    job = scene.stores.jobs.get("ftjob-1")
    assert job is not None
    assert job.status == "failed"
    assert job.error is not None
    assert job.error["code"] == "server_error"
    assert training(scene, one_step).train_next()
    assert scene.status("ftjob-2") == "succeeded"


def test_a_crash_after_new_steps_does_not_count_against_the_job(scene: Scene) -> None:
    reached = 0

    def one_more_step_each_time(_: TrainingTask, report: Report) -> int:
        nonlocal reached
        reached += 1
        for step in range(1, reached + 1):
            report.step(metrics(step))
        if reached < 9:
            raise RuntimeError
        report.checkpoint(metrics(reached), nothing)
        return 1

    queued(scene)
    patient = training(scene, one_more_step_each_time)
    while scene.status() != "succeeded":
        assert patient.train_next()
    steps = [message for message in scene.messages() if message.startswith("Step")]
    assert len(steps) == len(set(steps)) == 9


def test_a_stopped_server_leaves_the_job_running_without_a_mark(scene: Scene) -> None:
    def stopped(_: TrainingTask, report: Report) -> int:
        report.step(metrics(1))
        working.stopping.set()
        report.step(metrics(2))
        return 1

    queued(scene)
    working = training(scene, stopped)
    working.train_next()
    job = scene.stores.jobs.get("ftjob-1")
    assert job is not None
    assert (job.status, job.stalled) == ("running", 0)
    assert not working.train_next()


def test_an_engine_without_a_checkpoint_fails_the_job(scene: Scene) -> None:
    queued(scene)
    training(scene, lambda _, __: 1).train_next()
    assert scene.status() == "failed"


def test_a_parent_that_was_deleted_meanwhile_fails_the_job(scene: Scene) -> None:
    queued(scene)
    scene.stores.database.change("UPDATE jobs SET model = 'ft:base:local::gone'")
    training(scene, one_step).train_next()
    assert scene.status() == "failed"
    assert "no longer there" in scene.messages()[-1]
