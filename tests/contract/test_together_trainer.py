"""The adapter of another shape keeps the port's promises, also where Together has no means of its own for them."""

import io
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.responses import JSONResponse

from service.adapters.together_trainer import TogetherTrainer
from service.config import TrainerSettings
from service.domain.errors import (
    ModelNotReady,
    OutcomeUnknown,
    ServiceError,
    TrainerBusy,
    TrainerRefused,
    TrainerUnreachable,
)
from service.domain.outcomes import REFUSALS as OUTCOMES
from service.domain.runs import Run
from service.domain.sampling import Sampling
from service.ports import RemoteModel, Trainer
from tests.contract.openai_script import IN_DOUBT, ScriptedServer, refusal, run, scripted_server
from tests.support.together_server import BASE, KEY, TogetherServer, together_server

FIRST, SECOND = "run-" + "a" * 20, "run-" + "b" * 20
CREATE = "POST /fine-tunes"
LINES = b'{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}\n'


@pytest.fixture
def server() -> Iterator[TogetherServer]:
    with together_server() as made:
        yield made


@pytest.fixture
def trainer(server: TogetherServer) -> Iterator[TogetherTrainer]:
    with closing(opened(server.address)) as made:
        yield made


@pytest.fixture(scope="module")
def listening() -> Iterator[ScriptedServer]:
    with scripted_server() as made:
        yield made


@pytest.fixture
def script(listening: ScriptedServer) -> ScriptedServer:
    listening.forget_script()
    return listening


@pytest.fixture(scope="module")
def scripted(listening: ScriptedServer) -> Iterator[dict[bool, TogetherTrainer]]:
    """Give adapters for the scripted server, by whether they are impatient; each takes a while to build."""
    made = {hurried: opened(listening.base_url, timeout_s=0.2 if hurried else 10) for hurried in (False, True)}
    yield made
    for trainer in made.values():
        trainer.close()


def opened(address: str, *, key: str = KEY, timeout_s: float = 10, **settings: Any) -> TogetherTrainer:  # noqa: ANN401 - fields of TrainerSettings
    access = TrainerSettings("t", "together", address, api_key=SecretStr(key), **settings)
    return TogetherTrainer(access, timeout_s=timeout_s, create_timeout_s=timeout_s)


def upload(trainer: Trainer, name: str = "train-1.jsonl") -> str:
    return trainer.upload(name, io.BytesIO(LINES), len(LINES))


def a_run(run_id: str = FIRST, **facts: object) -> Run:
    return replace(run(**facts), run_id=run_id, model=BASE)


def create(trainer: Trainer, run_id: str = FIRST, **facts: object) -> str:
    made = trainer.create_job(a_run(run_id, **facts), training_file=upload(trainer), validation_file=None)
    return made.job_id


def test_the_run_rides_in_the_models_name_where_it_is_found_again(
    server: TogetherServer, trainer: TogetherTrainer
) -> None:
    job_id = create(trainer, suffix="support")
    (_, _, sent) = server.requests[-1]
    assert sent["suffix"] == f"support-{FIRST}"
    assert len(sent["suffix"]) <= 40
    (found,) = trainer.find_jobs(FIRST, "another file")
    assert (found.job_id, found.metadata) == (job_id, {"run_id": FIRST})


def test_two_runs_of_one_file_are_told_apart_by_name(trainer: TogetherTrainer) -> None:
    first, second = create(trainer, FIRST), create(trainer, SECOND)
    file = upload(trainer)
    assert [job.job_id for job in trainer.find_jobs(FIRST, file)] == [first]
    assert [job.job_id for job in trainer.find_jobs(SECOND, file)] == [second]


def test_where_a_list_shows_no_names_the_file_decides(server: TogetherServer, trainer: TogetherTrainer) -> None:
    job_id = create(trainer)
    server.shows_suffix = False
    assert [job.job_id for job in trainer.find_jobs(FIRST, upload(trainer))] == [job_id]
    assert trainer.find_jobs(FIRST, "another file") == []


def test_a_job_is_asked_for_with_what_together_knows(server: TogetherServer, trainer: TogetherTrainer) -> None:
    given = {"n_epochs": "auto", "batch_size": "auto", "learning_rate": 1e-5}
    file = upload(trainer)
    trainer.create_job(a_run(hyperparameters=given), training_file=file, validation_file=file)
    assert server.requests[-1][2] == {
        "model": BASE,
        "training_file": file,
        "validation_file": file,
        "n_evals": 1,
        "suffix": FIRST,
        "training_method": {"method": "sft", "train_on_inputs": "auto"},
        "learning_rate": 1e-5,
    }


def test_preferences_are_trained_on_by_its_own_method(server: TogetherServer, trainer: TogetherTrainer) -> None:
    create(trainer, method="preference", hyperparameters={"beta": 0.2, "n_epochs": 3})
    sent = server.requests[-1][2]
    assert (sent["training_method"], sent["n_epochs"]) == ({"method": "dpo", "dpo_beta": 0.2}, 3)


def test_a_job_that_failed_says_why(server: TogetherServer, trainer: TogetherTrainer) -> None:
    server.fails = True
    job = trainer.job(create(trainer))
    assert (job.status, job.outcome, job.error, job.tuned_model) == ("error", "failed", "Job is error", None)
    assert [event.level for event in trainer.events(job.job_id)] == ["error"]


def test_a_job_is_open_in_every_state_before_its_last(trainer: TogetherTrainer) -> None:
    job_id = create(trainer)
    seen = [trainer.job(job_id) for _ in range(5)]
    assert [job.status for job in seen] == ["queued", "running", "compressing", "uploading", "completed"]
    assert [job.outcome for job in seen] == ["open"] * 4 + ["succeeded"]
    assert [job.tuned_model is None for job in seen] == [True] * 4 + [False]
    assert seen[-1].created_at == 1795428001


def test_events_of_one_second_keep_their_order(trainer: TogetherTrainer) -> None:
    job_id = create(trainer)
    for _ in range(5):
        trainer.job(job_id)
    steps = [event.facts["step"] for event in trainer.events(job_id)]
    assert steps == [4, 3, 2, 1, 0]


def test_a_file_that_is_too_large_is_not_sent(server: TogetherServer) -> None:
    small = opened(server.address, ways={"max_file_mb": 1})
    with closing(small), pytest.raises(TrainerRefused, match="takes 1 MB") as raised:
        small.upload("train-1.jsonl", io.BytesIO(), 2 * 1024 * 1024)
    assert server.files == {}
    assert raised.value.code == "file_too_large"
    assert "max_file_mb" in raised.value.remedy


def test_a_model_that_refuses_a_temperature_gets_none(server: TogetherServer) -> None:
    with closing(opened(server.address)) as plain:
        plain.answer(BASE, [{"role": "user", "content": "Hi"}], Sampling(temperature="omit"))
    assert set(server.requests[-1][2]) == {"model", "messages", "max_tokens"}


def test_a_question_longer_than_the_models_context_has_an_answer_that_is_none(script: ScriptedServer) -> None:
    words = "This model's maximum context length is 4096 tokens, but the messages have 5000."
    script.will("POST /chat/completions", JSONResponse({"error": {"message": words, "code": None}}, 400))
    with closing(opened(script.base_url)) as plain:
        said = plain.answer(BASE, [{"role": "user", "content": "Hi"}])
    assert (said.text, said.finish) == ("", "context_length")


def test_a_tuned_model_without_an_endpoint_is_not_ready(server: TogetherServer, trainer: TogetherTrainer) -> None:
    server.held = True
    create(trainer)
    name = server.jobs["ft-1"]["model_output_name"]
    with pytest.raises(ModelNotReady, match="non-serverless"):
        trainer.answer(name, [{"role": "user", "content": "Hi"}])


REFUSALS: dict[int, tuple[type[ServiceError], type[ServiceError]]] = {
    302: (TrainerRefused, TrainerRefused),
    400: (TrainerRefused, TrainerRefused),
    402: (TrainerRefused, TrainerRefused),
    403: (TrainerRefused, TrainerRefused),
    404: (TrainerRefused, TrainerRefused),
    408: (TrainerUnreachable, OutcomeUnknown),
    409: (TrainerUnreachable, OutcomeUnknown),
    429: (TrainerBusy, TrainerBusy),
    500: (TrainerUnreachable, OutcomeUnknown),
    503: (TrainerUnreachable, OutcomeUnknown),
}


@pytest.mark.parametrize("status", REFUSALS)
def test_each_refusal_has_its_consequence(status: int, server: TogetherServer, trainer: TogetherTrainer) -> None:
    upload(trainer)
    server.refuses = status
    elsewhere, creating = REFUSALS[status]
    with pytest.raises(elsewhere) as raised:
        trainer.find_jobs(FIRST, "file-1")
    assert str(status) in str(raised.value)
    assert raised.value.remedy
    with pytest.raises(creating):
        trainer.create_job(a_run(), training_file="file-1", validation_file=None)
    # Asked once: a creation that is repeated is paid twice.
    assert len([request for request in server.requests if request[1] == "/fine-tunes"]) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_that_the_server_asks_for_is_told(script: ScriptedServer, status: int) -> None:
    script.will("GET /fine-tunes", refusal(status, **{"retry-after": "77"}))
    with closing(opened(script.base_url)) as trainer, pytest.raises(ServiceError) as raised:
        trainer.find_jobs(FIRST, "file-1")
    assert getattr(raised.value, "retry_after_s", None) == 77


def test_an_account_without_credit_waits_for_a_person_as_at_any_trainer(script: ScriptedServer) -> None:
    script.will(CREATE, refusal(402, "credit_limit"))
    with closing(opened(script.base_url)) as trainer, pytest.raises(TrainerRefused) as raised:
        trainer.create_job(a_run(), training_file="file-1", validation_file=None)
    assert OUTCOMES[raised.value.code or ""].asks
    assert "tuneloop runs approve" in raised.value.remedy


def test_its_models_come_as_an_array(trainer: TogetherTrainer) -> None:
    assert trainer.models() == [RemoteModel(BASE)]


def test_a_list_of_models_may_stand_in_an_object_and_may_be_missing(script: ScriptedServer) -> None:
    script.will("GET /models", {"data": [{"id": "m"}]}, refusal(404), refusal(401))
    with closing(opened(script.base_url)) as trainer:
        assert trainer.models() == [RemoteModel("m")]
        assert trainer.models() is None
        with pytest.raises(TrainerRefused) as raised:
            trainer.models()
    assert "api_key_env" in raised.value.remedy


@pytest.mark.parametrize("name", [name for name in IN_DOUBT if name not in {"a list", "never"}])
def test_a_list_of_models_that_is_none_is_no_empty_one(
    script: ScriptedServer, scripted: dict[bool, TogetherTrainer], name: str
) -> None:
    script.will("GET /models", IN_DOUBT[name])
    with pytest.raises(TrainerUnreachable):
        scripted[False].models()


def test_a_key_that_the_server_repeats_is_not_told(server: TogetherServer) -> None:
    with closing(opened(server.address, key="sk-very-hidden")) as wrong, pytest.raises(TrainerRefused) as raised:
        wrong.find_jobs(FIRST, "file-1")
    assert "sk-very-hidden" not in str(raised.value)
    assert "***" in str(raised.value)


CALLS: dict[str, tuple[str, Callable[[Trainer], object]]] = {
    "upload": ("GET /files", upload),
    "find": ("GET /fine-tunes", lambda trainer: trainer.find_jobs(FIRST, "file-1")),
    "job": ("GET /fine-tunes/ft-1", lambda trainer: trainer.job("ft-1")),
    "events": ("GET /fine-tunes/ft-1/events", lambda trainer: list(trainer.events("ft-1"))),
    "checkpoints": ("GET /fine-tunes/ft-1/checkpoints", lambda trainer: trainer.checkpoints("ft-1")),
    "answer": ("POST /chat/completions", lambda trainer: trainer.answer("m", [])),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", IN_DOUBT)
def test_a_useless_answer_is_no_answer(
    script: ScriptedServer, scripted: dict[bool, TogetherTrainer], name: str, call: str
) -> None:
    path, act = CALLS[call]
    script.will(path, IN_DOUBT[name])
    with pytest.raises(TrainerUnreachable):
        act(scripted[name == "never"])
    assert len(script.calls(path)) == 1


@pytest.mark.parametrize("name", IN_DOUBT)
def test_a_creation_without_a_useful_answer_leaves_its_outcome_unknown(
    script: ScriptedServer, scripted: dict[bool, TogetherTrainer], name: str
) -> None:
    script.will(CREATE, IN_DOUBT[name])
    with pytest.raises(OutcomeUnknown):
        scripted[name == "never"].create_job(a_run(), training_file="file-1", validation_file=None)
    assert len(script.calls(CREATE)) == 1


def test_a_server_that_cannot_be_reached_created_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    with closing(opened(address)) as trainer, pytest.raises(TrainerUnreachable, match="no connection"):
        trainer.create_job(a_run(), training_file="file-1", validation_file=None)


def test_deleting_a_file_that_is_gone_is_no_error_but_a_refusal_is(script: ScriptedServer) -> None:
    script.will("DELETE /files/file-1", refusal(404), refusal(403))
    with closing(opened(script.base_url)) as trainer:
        trainer.delete_file("file-1")
        with pytest.raises(TrainerRefused):
            trainer.delete_file("file-1")


def test_a_server_without_stable_names_says_so_where_one_is_set_and_has_none_to_remove(
    trainer: TogetherTrainer,
) -> None:
    with pytest.raises(TrainerRefused, match="this trainer has none"):
        trainer.set_alias("tuneloop/p", "ft-1")
    trainer.remove_alias("tuneloop/p", "ft-1")
    assert trainer.aliases() == {}
