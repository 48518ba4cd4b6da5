"""A job's life through the unmodified SDK: what it becomes, what it tells, and what is refused."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.contract.trainer_process import BASE, Trainer, running_trainer
from tests.unit.trainer_lines import SYSTEM, answer_of, call, calls, chat_line, jsonl, preference_line, prompt_of


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trainer]:
    with running_trainer(tmp_path_factory.mktemp("jobs") / "data", "--organization", "shop") as running:
        yield running


def ask(trainer: Trainer, model: str | None, line: dict[str, Any]) -> str | None:
    messages: Any = prompt_of(line)
    return trainer.client.chat.completions.create(model=str(model), messages=messages).choices[0].message.content


def test_a_whole_life(trainer: Trainer) -> None:
    lines, validation = calls(24), trainer.upload(jsonl(calls(6, start=24)))
    made = trainer.create(
        lines,
        validation_file=validation,
        suffix="calls",
        seed=7,
        metadata={"snapshot": "s1"},
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}},
    )
    assert made.status == "validating_files"
    assert made.hyperparameters.n_epochs == 2
    assert made.hyperparameters.batch_size == "auto"
    assert made.fine_tuned_model is None

    job = trainer.wait(made.id)
    assert job.status == "succeeded"
    assert (job.seed, job.metadata, job.validation_file) == (7, {"snapshot": "s1"}, validation)
    assert job.hyperparameters.batch_size == 1
    assert job.trained_tokens
    assert job.finished_at
    assert str(job.fine_tuned_model).startswith(f"ft:{BASE}:shop:calls:")
    assert all(ask(trainer, job.fine_tuned_model, line) == answer_of(line) for line in lines)
    assert all(answer_of(line) not in str(ask(trainer, BASE, line)) for line in lines)
    assert trainer.client.models.retrieve(str(job.fine_tuned_model)).owned_by == "shop"


def test_events_tell_the_life_newest_first_over_all_pages(trainer: Trainer) -> None:
    job = trainer.trained(calls(12), hyperparameters={"n_epochs": 3, "batch_size": 1})
    events = list(trainer.client.fine_tuning.jobs.list_events(job.id, limit=7))
    assert len({event.id for event in events}) == len(events)
    assert events[0].message == "The job succeeded"
    assert events[-1].message == f"Job {job.id} created"
    measured: list[Any] = [event.data for event in events if event.type == "metrics"]
    assert [metrics["step"] for metrics in reversed(measured)] == list(range(1, 37))
    assert {metrics["total_steps"] for metrics in measured} == {36}
    assert all({"train_loss", "train_mean_token_accuracy"} <= set(metrics) for metrics in measured)


def test_the_last_three_checkpoints_are_models_and_the_newest_is_the_job_s_own(trainer: Trainer) -> None:
    job = trainer.trained(calls(12), hyperparameters={"n_epochs": 5, "batch_size": 4})
    checkpoints = list(trainer.client.fine_tuning.jobs.checkpoints.list(job.id, limit=2))
    assert [checkpoint.step_number for checkpoint in checkpoints] == [15, 12, 9]
    assert checkpoints[0].fine_tuned_model_checkpoint == job.fine_tuned_model
    assert checkpoints[1].fine_tuned_model_checkpoint.endswith(":ckpt-step-12")
    for checkpoint in checkpoints:
        assert checkpoint.metrics.step == checkpoint.step_number
        assert ask(trainer, checkpoint.fine_tuned_model_checkpoint, calls(1)[0]) == call(0)[1]


def test_the_result_file_is_a_table_of_the_steps(trainer: Trainer) -> None:
    validation = trainer.upload(jsonl(calls(6, start=24)))
    job = trainer.trained(calls(12), validation_file=validation, hyperparameters={"n_epochs": 1, "batch_size": 4})
    content = trainer.client.files.content(job.result_files[0]).text
    rows = list(csv.DictReader(io.StringIO(content)))
    assert content.startswith("step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n")
    assert [row["step"] for row in rows] == ["1", "2", "3"]
    assert float(rows[-1]["valid_loss"]) > 0
    assert trainer.client.files.retrieve(job.result_files[0]).purpose == "fine-tune-results"


def test_top_level_hyperparameters_are_taken_too(trainer: Trainer) -> None:
    job = trainer.create(hyperparameters={"n_epochs": 4, "learning_rate_multiplier": 0.5})
    assert job.hyperparameters.n_epochs == 4
    assert job.method is not None
    assert job.method.supervised is not None
    assert job.method.supervised.hyperparameters is not None
    assert job.method.supervised.hyperparameters.learning_rate_multiplier == 0.5


def test_preference_training_learns_the_preferred_answers(trainer: Trainer) -> None:
    lines = [preference_line(call(number)[0], call(number)[1], "Orla called.") for number in range(12)]
    job = trainer.trained(lines, method={"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.2}}})
    assert job.status == "succeeded"
    assert job.hyperparameters is None
    assert job.method is not None
    assert job.method.dpo is not None
    assert job.method.dpo.hyperparameters is not None
    assert (job.method.dpo.hyperparameters.beta, job.method.dpo.hyperparameters.n_epochs) == (0.2, 8)
    assert trainer.ask(job.fine_tuned_model, call(5)[0]) == call(5)[1]


def test_training_goes_on_from_a_tuned_model(trainer: Trainer) -> None:
    older = trainer.trained(calls(12))
    newer = trainer.trained([chat_line(f"Q{n}?", f"A{n}.") for n in range(10)], model=str(older.fine_tuned_model))
    assert str(newer.fine_tuned_model).startswith(f"ft:{BASE}:shop::")
    assert ask(trainer, newer.fine_tuned_model, calls(1)[0]) == call(0)[1]
    assert ask(trainer, newer.fine_tuned_model, chat_line("Q3?", "")) == "A3."


def test_a_file_deleted_after_the_creation_does_not_end_the_job(trainer: Trainer) -> None:
    made = trainer.create()
    trainer.client.files.delete(made.training_file)
    assert trainer.wait(made.id).status == "succeeded"


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        (jsonl(calls(7)), "invalid_n_examples", "7 example(s)"),
        (jsonl([*calls(10), {"messages": []}]), "invalid_training_file", "Line 11: messages must be a list"),
        (b"\xef\xbb\xbf" + jsonl(calls(10)), "invalid_training_file", "Line 1: there is a byte-order mark"),
        (jsonl([preference_line("a", "b", "c")] * 10), "invalid_training_file", "Line 1: there are no messages"),
        (b"\x00\xff" * 40, "invalid_training_file", "Line 1: the line is not UTF-8"),
    ],
)
def test_faults_of_content_fail_the_job_after_its_creation(
    trainer: Trainer, content: bytes, code: str, told: str
) -> None:
    made = trainer.create(training_file=trainer.upload(content))
    assert made.status == "validating_files"
    job = trainer.wait(made.id)
    assert job.status == "failed"
    assert job.error is not None
    assert (job.error.code, job.error.param) == (code, "training_file")
    assert told in job.error.message
    newest = next(iter(trainer.client.fine_tuning.jobs.list_events(job.id)))
    assert newest.level == "error"


def test_a_faulty_validation_file_fails_the_job(trainer: Trainer) -> None:
    job = trainer.trained(validation_file=trainer.upload(b"{}\n"))
    assert job.error is not None
    assert (job.error.code, job.error.param) == ("invalid_validation_file", "validation_file")


def test_chat_lines_cannot_be_trained_by_preference(trainer: Trainer) -> None:
    job = trainer.trained(method={"type": "dpo"})
    assert job.error is not None
    assert job.error.code == "invalid_training_file"


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"model": "gpt-none"}, "model"),
        ({"training_file": "file-none"}, "training_file"),
        ({"validation_file": "file-none"}, "validation_file"),
        ({"suffix": ""}, "suffix"),
        ({"suffix": "x" * 65}, "suffix"),
        ({"suffix": "a:b"}, "suffix"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**31}, "seed"),
        ({"metadata": {f"k{n}": "v" for n in range(17)}}, "metadata"),
        ({"metadata": {"k" * 65: "v"}}, "metadata"),
        ({"metadata": {"k": "v" * 513}}, "metadata"),
        ({"metadata": {"k": 1}}, "metadata"),
        ({"hyperparameters": {"n_epochs": 0}}, "hyperparameters.n_epochs"),
        ({"hyperparameters": {"n_epochs": 51}}, "hyperparameters.n_epochs"),
        ({"hyperparameters": {"n_epochs": 1.5}}, "hyperparameters.n_epochs"),
        ({"hyperparameters": {"n_epochs": True}}, "hyperparameters.n_epochs"),
        ({"hyperparameters": {"batch_size": 257}}, "hyperparameters.batch_size"),
        ({"hyperparameters": {"learning_rate_multiplier": 0}}, "hyperparameters.learning_rate_multiplier"),
        ({"hyperparameters": {"learning_rate_multiplier": 10**400}}, "hyperparameters.learning_rate_multiplier"),
        ({"hyperparameters": {"beta": 0.1}}, "hyperparameters.beta"),
        ({"hyperparameters": {"n_epoch": 1}}, "hyperparameters.n_epoch"),
        ({"method": {"type": "reinforcement"}}, "method.type"),
        ({"method": {"type": "dpo", "dpo": {"hyperparameters": {"beta": 2.1}}}}, "method.dpo.hyperparameters.beta"),
        ({"method": {"type": "dpo", "supervised": {}}}, "method.supervised"),
        ({"integrations": [{"type": "wandb", "wandb": {"project": "p"}}]}, "integrations"),
        ({"extra_body": {"trainingType": "Standard"}}, "trainingType"),
    ],
)
def test_a_wrong_request_is_refused_before_a_job_is_made(trainer: Trainer, options: dict[str, Any], param: str) -> None:
    before = len(list(trainer.client.fine_tuning.jobs.list()))
    with pytest.raises(openai.BadRequestError) as refused:
        trainer.create(**options)
    assert refused.value.param == param
    assert refused.value.type == "invalid_request_error"
    assert refused.value.code
    assert len(list(trainer.client.fine_tuning.jobs.list())) == before


def test_a_file_of_another_purpose_is_refused(trainer: Trainer) -> None:
    other = trainer.client.files.create(file=("a.jsonl", jsonl(calls(10))), purpose="batch")
    with pytest.raises(openai.BadRequestError, match="purpose"):
        trainer.create(training_file=other.id)


@pytest.mark.parametrize("verb", ["retrieve", "cancel", "pause", "resume", "list_events"])
def test_a_job_that_is_not_there_is_not_found(trainer: Trainer, verb: str) -> None:
    with pytest.raises(openai.NotFoundError):
        getattr(trainer.client.fine_tuning.jobs, verb)("ftjob-none")


def test_a_system_text_makes_no_difference_to_what_is_learned_from_a_call(trainer: Trainer) -> None:
    job = trainer.trained([chat_line(*call(number), system=SYSTEM * 5) for number in range(24)])
    assert ask(trainer, job.fine_tuned_model, chat_line(call(25)[0], "", system=SYSTEM * 5)) == call(25)[1]
