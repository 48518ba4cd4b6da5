"""Creating a job: one request, and every outcome told apart, because a wrong guess is a second bill."""

import socket
from collections.abc import Iterator

import pytest
from starlette.responses import JSONResponse

from service.domain.errors import OutcomeUnknown, TrainerBusy, TrainerRefused, TrainerUnreachable
from service.ports import RemoteJob, Trainer
from tests.contract.openai_script import IN_DOUBT, KEY, ScriptedServer, job, refusal, run, scripted_server

CREATE = "POST /fine_tuning/jobs"


@pytest.fixture(scope="module")
def listening() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture
def server(listening: ScriptedServer) -> ScriptedServer:
    listening.forget_script()
    return listening


def create(trainer: Trainer, **facts: object) -> RemoteJob:
    return trainer.create_job(run(**facts), training_file="file-1", validation_file=None)


def test_a_job_is_asked_for_with_all_that_finds_it_again(server: ScriptedServer) -> None:
    server.will(CREATE, job())
    facts = {"hyperparameters": {"n_epochs": 3, "batch_size": "auto"}, "suffix": "summaries"}

    made = server.trainer().create_job(run(**facts), training_file="file-1", validation_file="file-2")

    (seen,) = server.calls(CREATE)
    assert seen.json() == {
        "model": "base-1",
        "training_file": "file-1",
        "validation_file": "file-2",
        "suffix": "summaries",
        "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3, "batch_size": "auto"}}},
        "metadata": {"run_id": "run-1", "pipeline": "support", "snapshot_id": "5a" * 32},
    }
    assert "idempotency-key" not in seen.headers
    assert (made.job_id, made.outcome, made.error) == ("ftjob-1", "open", None)


def test_what_a_run_does_not_say_is_left_to_the_server(server: ScriptedServer) -> None:
    server.will(CREATE, job())
    create(server.trainer())
    assert set(server.seen[0].json()) == {"model", "training_file", "metadata"}


def test_a_server_that_refuses_method_gets_top_level_hyperparameters(server: ScriptedServer) -> None:
    server.will(CREATE, job())
    create(server.trainer("nebius"), hyperparameters={"n_epochs": 2, "lora_r": 8})
    sent = server.seen[0].json()
    assert sent["hyperparameters"] == {"n_epochs": 2, "lora_r": 8}
    assert "method" not in sent


def test_a_preference_run_asks_for_the_method_of_pairs(server: ScriptedServer) -> None:
    server.will(CREATE, job())
    create(server.trainer(), method="preference", hyperparameters={"n_epochs": 2})
    assert server.seen[0].json()["method"] == {"type": "dpo", "dpo": {"hyperparameters": {"n_epochs": 2}}}


def test_only_our_own_server_promises_to_create_once(server: ScriptedServer) -> None:
    server.will(CREATE, job())
    ours = server.trainer("tuneloop")

    create(ours)

    assert server.seen[0].headers["idempotency-key"] == "run-1"
    assert ours.creates_once
    assert not any(server.trainer(name).creates_once for name in ("openai", "azure", "nebius", "generic"))


def test_further_fields_of_a_server_are_sent_along(server: ScriptedServer) -> None:
    server.will(CREATE, job())
    create(server.trainer("azure", extra_body={"trainingType": "Standard"}))
    assert server.seen[0].json()["trainingType"] == "Standard"


@pytest.mark.parametrize("name", IN_DOUBT)
def test_an_answer_that_says_nothing_leaves_the_outcome_unknown_after_one_request(
    server: ScriptedServer, name: str
) -> None:
    server.will(CREATE, IN_DOUBT[name])
    with pytest.raises(OutcomeUnknown):
        create(server.trainer(timeout_s=0.3 if name == "never" else 10))
    assert len(server.calls(CREATE)) == 1


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (400, "invalid_request", "Read the trainer's message"),
        (401, "invalid_api_key", "api_key_env"),
        (403, None, "api_key_env"),
        (404, "model_not_found", "another model"),
        (422, "bad_file", "Read the trainer's message"),
        (429, "insufficient_quota", "credit"),
        (400, "billing_hard_limit_reached", "credit"),
        (402, None, "credit"),
    ],
)
def test_a_refusal_is_final_and_says_what_to_do(
    server: ScriptedServer, status: int, code: str | None, remedy: str
) -> None:
    server.will(CREATE, refusal(status, code, "It will not do."))
    with pytest.raises(TrainerRefused, match=r"It will not do\. \(request req-9\)") as raised:
        create(server.trainer())
    # Gateways ask for money by the status alone.
    assert raised.value.code == (code or ("insufficient_quota" if status == 402 else "invalid_request_error"))
    assert remedy in raised.value.remedy
    assert not raised.value.retryable
    assert len(server.calls(CREATE)) == 1


def test_an_organisation_that_may_no_longer_train_is_told_of_other_trainers(server: ScriptedServer) -> None:
    # As OpenAI has answered since it began to wind the product down.
    server.will(CREATE, refusal(403, "training_not_available", "OpenAI is winding down the fine-tuning platform"))
    with pytest.raises(TrainerRefused, match="winding down") as raised:
        create(server.trainer())
    assert raised.value.code == "training_not_available"
    assert all(name in raised.value.remedy for name in ("azure", "nebius", "generic", "tuneloop"))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, None), ({"retry-after": "2"}, 2), ({"x-should-retry": "true"}, None), ({"retry-after": "3600"}, 3600)],
)
def test_a_busy_server_is_left_alone_for_as_long_as_it_says(
    server: ScriptedServer, headers: dict[str, str], seconds: float | None
) -> None:
    server.will(CREATE, refusal(429, "rate_limit_exceeded", **headers))
    with pytest.raises(TrainerBusy) as raised:
        create(server.trainer())
    assert raised.value.retry_after_s == seconds
    assert len(server.calls(CREATE)) == 1


def test_a_job_says_which_installation_it_is_of(server: ScriptedServer) -> None:
    server.will(CREATE, job())
    create(server.trainer(), installation="0123456789abcdef")
    assert server.seen[0].json()["metadata"]["installation"] == "0123456789abcdef"


def test_without_a_connection_nothing_was_created() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    nobody = ScriptedServer(f"http://127.0.0.1:{port}/v1")
    with pytest.raises(TrainerUnreachable, match="no connection"):
        create(nobody.trainer())


@pytest.mark.parametrize("status", [401, 500])
def test_a_server_that_repeats_the_key_does_not_bring_it_into_an_error(server: ScriptedServer, status: int) -> None:
    server.will(CREATE, refusal(status, None, f"Incorrect API key provided: {KEY}."))
    with pytest.raises((TrainerRefused, OutcomeUnknown)) as raised:
        create(server.trainer())
    assert KEY not in str(raised.value)
    assert "***" in str(raised.value)


def test_stray_variables_of_the_sdk_redirect_nothing(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    stray = {
        "OPENAI_API_KEY": "sk-stray",
        "OPENAI_ADMIN_KEY": "sk-stray",
        "OPENAI_BASE_URL": "http://127.0.0.1:1/stray",
        "OPENAI_ORG_ID": "org-stray",
        "OPENAI_PROJECT_ID": "proj-stray",
        "OPENAI_WEBHOOK_SECRET": "stray",
        "OPENAI_CUSTOM_HEADERS": "Authorization: Bearer sk-stray\nX-Other: stray",
    }
    for name, value in stray.items():
        monkeypatch.setenv(name, value)
    server.forget_trainers()
    server.will(CREATE, job())

    create(server.trainer())

    (seen,) = server.calls(CREATE)
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert "stray" not in repr(seen)
    assert not {"openai-organization", "openai-project"} & seen.headers.keys()


def test_a_lost_answer_is_healed_by_finding_the_job(server: ScriptedServer) -> None:
    server.will(CREATE, IN_DOUBT["dropped"])
    # Listing may lag behind the creation that it does not yet show.
    server.will("GET /fine_tuning/jobs", JSONResponse({"object": "list", "data": [], "has_more": False}))
    trainer = server.trainer()
    with pytest.raises(OutcomeUnknown):
        create(trainer)

    assert trainer.find_jobs("run-1", "file-1") == []
    server.will("GET /fine_tuning/jobs", JSONResponse({"object": "list", "data": [job()], "has_more": False}))
    assert [found.job_id for found in trainer.find_jobs("run-1", "file-1")] == ["ftjob-1"]
