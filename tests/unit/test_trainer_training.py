"""The memory engine's training: what it reports is measured, and a job that was interrupted repeats itself."""

from pathlib import Path
from typing import Unpack

import pytest

from tests.unit.trainer_lines import call, calls, preference_line
from tests.unit.trainer_runs import KeptReport, Options, task, tuned
from trainer.engine import TrainingFailed, TrainingStopped
from trainer.engines import create_engine
from trainer.engines.memory.memory import Memory
from trainer.values import StepMetrics, auto_epochs

ENGINE = create_engine("memory")


def trained(folder: Path, **options: Unpack[Options]) -> KeptReport:
    report = KeptReport(folder)
    ENGINE.train(task(calls(24), folder, **options), report)
    return report


def test_steps_count_up_to_the_total_and_each_epoch_ends_in_a_checkpoint(tmp_path: Path) -> None:
    report = trained(tmp_path, asked={"n_epochs": 3, "batch_size": 5})
    assert [metrics.step for metrics in report.steps] == list(range(1, 16))
    assert {metrics.total_steps for metrics in report.steps} == {15}
    assert [checkpoint.step for checkpoint in report.checkpoints] == [5, 10, 15]


def test_the_loss_falls_as_the_memory_grows(tmp_path: Path) -> None:
    losses = [metrics.train_loss for metrics in trained(tmp_path, asked={"n_epochs": 3}).steps]
    assert sum(losses[-8:]) < sum(losses[:8])
    assert all(loss >= 0 for loss in losses)


def test_the_first_line_is_measured_before_anything_is_known(tmp_path: Path) -> None:
    first = trained(tmp_path, asked={"batch_size": 1}).steps[0]
    assert first.train_mean_token_accuracy == 0


def test_validation_is_measured_on_some_steps_and_whole_at_the_end_of_each_epoch(tmp_path: Path) -> None:
    report = trained(tmp_path, validation=calls(6, start=24), asked={"n_epochs": 2, "batch_size": 4})
    whole = [metrics.step for metrics in report.steps if metrics.full_valid_loss is not None]
    assert whole == [checkpoint.step for checkpoint in report.checkpoints]
    assert report.steps[-1].full_valid_mean_token_accuracy == 1.0


def test_without_a_validation_file_nothing_of_it_is_told(tmp_path: Path) -> None:
    for metrics in trained(tmp_path).steps:
        assert not any(name.startswith(("valid", "full")) for name in metrics.measured())


def test_answers_that_help_are_told_from_noise(tmp_path: Path) -> None:
    helpful = trained(tmp_path / "helpful", validation=calls(6, start=24)).steps[-1]
    noise = calls(24)
    for place, line in enumerate(noise):
        line["messages"][-1]["content"] = f"{place}"
    report = KeptReport(tmp_path / "noise")
    ENGINE.train(task(noise, tmp_path, validation=calls(6, start=24)), report)
    assert noise_is_worse(report.steps[-1], helpful)


def noise_is_worse(noise: StepMetrics, helpful: StepMetrics) -> bool:
    assert noise.full_valid_loss is not None
    assert helpful.full_valid_loss is not None
    return noise.full_valid_loss > helpful.full_valid_loss


@pytest.mark.parametrize("stop_at", [1, 7, 24, 25, 30])
def test_a_training_that_was_stopped_ends_as_one_that_was_not(tmp_path: Path, stop_at: int) -> None:
    options: Options = {"asked": {"n_epochs": 2, "batch_size": 1}, "validation": calls(6, start=24)}
    straight = trained(tmp_path / "straight", **options)
    broken = KeptReport(tmp_path / "broken", stop_at=stop_at)
    with pytest.raises(TrainingStopped):
        ENGINE.train(task(calls(24), tmp_path, **options), broken)
    resumed = KeptReport(tmp_path / "resumed")
    options["checkpoints"] = broken.checkpoints
    ENGINE.train(task(calls(24), tmp_path, **options), resumed)
    assert resumed.steps == straight.steps[-len(resumed.steps) :]
    last = Memory.load(resumed.checkpoints[-1].folder)
    assert last.reliability == Memory.load(straight.checkpoints[-1].folder).reliability


def test_trained_tokens_are_the_files_tokens_times_the_epochs(tmp_path: Path) -> None:
    counts = [
        ENGINE.train(task(calls(12), tmp_path, asked={"n_epochs": epochs}), KeptReport(tmp_path / str(epochs)))
        for epochs in (1, 2, 3)
    ]
    assert counts == [counts[0], 2 * counts[0], 3 * counts[0]]


def test_preference_training_measures_a_loss_that_falls_below_indifference(tmp_path: Path) -> None:
    lines = [preference_line(call(number)[0], call(number)[1], f"Nonsense {number}.") for number in range(24)]
    report = KeptReport(tmp_path)
    ENGINE.train(task(lines, tmp_path, method="dpo", asked={"n_epochs": 2}), report)
    # log 2 is the loss of a model that prefers neither.
    assert sum(metrics.train_loss for metrics in report.steps[-12:]) / 12 < 0.693


def test_a_file_that_teaches_nothing_is_refused(tmp_path: Path) -> None:
    lines = calls(10)
    for line in lines:
        line["messages"][-1]["weight"] = 0
    with pytest.raises(TrainingFailed, match="weight 0"):
        tuned(lines, tmp_path)


@pytest.mark.parametrize(("examples", "epochs"), [(10, 10), (33, 3), (34, 3), (100, 3), (25_000, 1), (1, 25)])
def test_small_files_are_trained_for_more_epochs(examples: int, epochs: int) -> None:
    assert auto_epochs(examples) == epochs


def test_given_hyperparameters_are_kept_and_the_rest_is_chosen() -> None:
    chosen = ENGINE.resolve("dpo", {"n_epochs": 4, "batch_size": "auto", "beta": 0.3}, 1000)
    assert (chosen.n_epochs, chosen.batch_size, chosen.beta) == (4, 2, 0.3)
    assert ENGINE.resolve("supervised", {}, 1000).beta is None
