"""Everything but creation: uploading, finding, following and asking, over the real SDK and a real socket."""

import io
from collections.abc import Callable, Iterator
from datetime import date

import pytest
from starlette.responses import JSONResponse, Response

from service.domain.errors import JobMissing, ModelNotReady, TrainerBusy, TrainerRefused, TrainerUnreachable
from service.domain.sampling import Sampling
from service.ports import RemoteModel, Trainer
from tests.contract.openai_script import IN_DOUBT, ScriptedServer, job, listed, refusal, run, scripted_server

LIST = "GET /fine_tuning/jobs"
ASK = "POST /chat/completions"
Call = Callable[[Trainer], object]


@pytest.fixture(scope="module")
def listening() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture
def server(listening: ScriptedServer) -> ScriptedServer:
    listening.forget_script()
    return listening


def upload(trainer: Trainer, content: bytes = b"one line\n", name: str = "train-1.jsonl") -> str:
    return trainer.upload(name, io.BytesIO(content), len(content))


def file(file_id: str = "file-1", **changes: object) -> dict[str, object]:
    return {"id": file_id, "object": "file", "filename": "train-1.jsonl", "bytes": 9, "status": "processed", **changes}


CALLS: dict[str, tuple[str, Call]] = {
    "upload": ("GET /files", upload),
    "find": (LIST, lambda trainer: trainer.find_jobs("run-1", "file-1")),
    "job": ("GET /fine_tuning/jobs/ftjob-1", lambda trainer: trainer.job("ftjob-1")),
    "cancel": ("POST /fine_tuning/jobs/ftjob-1/cancel", lambda trainer: trainer.cancel("ftjob-1")),
    "list jobs": (LIST, lambda trainer: list(trainer.list_jobs())),
    "list files": ("GET /files", lambda trainer: list(trainer.list_files())),
    "events": ("GET /fine_tuning/jobs/ftjob-1/events", lambda trainer: list(trainer.events("ftjob-1"))),
    "checkpoints": ("GET /fine_tuning/jobs/ftjob-1/checkpoints", lambda trainer: trainer.checkpoints("ftjob-1")),
    "answer": (ASK, lambda trainer: trainer.answer("m", [])),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", IN_DOUBT)
def test_a_useless_answer_is_no_answer(server: ScriptedServer, name: str, call: str) -> None:
    path, act = CALLS[call]
    server.will(path, IN_DOUBT[name])
    with pytest.raises(TrainerUnreachable):
        act(server.trainer(timeout_s=0.2 if name == "never" else 10))
    assert len(server.calls(path)) == 1


@pytest.mark.parametrize("call", CALLS)
def test_a_busy_server_is_asked_once(server: ScriptedServer, call: str) -> None:
    path, act = CALLS[call]
    server.will(path, refusal(429, "rate_limit_exceeded", **{"retry-after": "1"}))
    with pytest.raises(TrainerBusy):
        act(server.trainer())
    assert len(server.calls(path)) == 1


def test_a_file_is_uploaded_under_its_name_and_for_training(server: ScriptedServer) -> None:
    others: list[dict[str, object]] = [
        file(bytes=8),
        file(filename="train-2.jsonl"),
        file(status="error"),
        {"id": "file-5"},
    ]
    server.will("GET /files", listed(*others))
    server.will("POST /files", file("file-new"))

    assert upload(server.trainer()) == "file-new"

    (seen,) = server.calls("POST /files")
    assert b'filename="train-1.jsonl"' in seen.body
    assert b"\r\n\r\none line\n\r\n" in seen.body
    assert b"fine-tune" in seen.body


def test_a_file_that_is_there_already_is_taken(server: ScriptedServer) -> None:
    server.will("GET /files", listed(file("file-0", filename="other"), has_more=True), listed(file()))
    assert upload(server.trainer()) == "file-1"
    assert [seen.query.get("after") for seen in server.calls("GET /files")] == [None, "file-0"]
    assert server.calls("POST /files") == []


def test_azure_gets_its_byte_order_mark_and_finds_the_file_by_its_larger_size(server: ScriptedServer) -> None:
    server.will("GET /files", listed(file("file-small")), listed(file("file-small"), file("file-9", bytes=12)))
    server.will("POST /files", file("file-9", bytes=12))
    azure = server.trainer("azure")

    assert [upload(azure), upload(azure)] == ["file-9", "file-9"]

    (seen,) = server.calls("POST /files")
    assert b"\r\n\r\n\xef\xbb\xbfone line\n\r\n" in seen.body


def test_jobs_of_a_run_are_asked_for_and_come_oldest_first(server: ScriptedServer) -> None:
    server.will(LIST, listed(job(id="new", created_at=300), job(id="twin", created_at=200), job(created_at=200)))
    found = server.trainer().find_jobs("run-1", "file-1")
    assert [one.job_id for one in found] == ["ftjob-1", "twin", "new"]
    assert server.seen[0].query["metadata[run_id]"] == "run-1"


def test_a_server_that_ignores_the_filter_adopts_no_other_runs_job(server: ScriptedServer) -> None:
    # Two runs of one snapshot share its uploaded file.
    server.will(LIST, listed(job(id="other", metadata={"run_id": "run-2"}), job(id="odd", training_file="file-2")))
    assert [one.job_id for one in server.trainer().find_jobs("run-1", "file-1")] == ["odd"]


@pytest.mark.parametrize("metadata", [None, {}])
def test_where_no_metadata_is_kept_the_training_file_decides(server: ScriptedServer, metadata: object) -> None:
    server.will(LIST, listed(job(metadata=metadata), job(id="other", metadata=metadata, training_file="file-2")))
    assert [one.job_id for one in server.trainer("generic").find_jobs("run-1", "file-1")] == ["ftjob-1"]
    assert "metadata[run_id]" not in server.seen[0].query


@pytest.mark.parametrize("has_more", [True, None])
def test_a_list_that_never_ends_is_left(server: ScriptedServer, has_more: bool | None) -> None:  # noqa: FBT001 - a case
    server.will(LIST, listed(job(), has_more=has_more))
    assert len(server.trainer().find_jobs("run-1", "file-1")) == 1
    assert len(server.calls(LIST)) == 2


def test_an_endless_list_of_ever_new_jobs_is_left_as_well(server: ScriptedServer) -> None:
    server.will(LIST, *(listed(job(id=f"job-{page}", metadata={"run_id": "x"}), has_more=True) for page in range(50)))
    assert server.trainer().find_jobs("run-1", "file-1") == []
    assert len(server.calls(LIST)) == 20


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("queued", "open"), ("paused", "open"), ("brand_new", "open"), ("succeeded", "succeeded"), ("failed", "failed")],
)
def test_the_status_alone_says_how_a_job_stands(server: ScriptedServer, status: str, outcome: str) -> None:
    server.will("GET /fine_tuning/jobs/ftjob-1", job(status=status, error={}))
    found = server.trainer().job("ftjob-1")
    assert (found.status, found.outcome) == (status, outcome)
    assert found.error is None


def test_a_finished_job_tells_its_model_tokens_and_files(server: ScriptedServer) -> None:
    done = job(status="succeeded", fine_tuned_model="ft:base:x::1", trained_tokens=5049, result_files=["file-7"])
    server.will("GET /fine_tuning/jobs/ftjob-1", done)
    found = server.trainer().job("ftjob-1")
    assert (found.tuned_model, found.trained_tokens, found.result_files) == ("ft:base:x::1", 5049, ("file-7",))
    assert (found.training_file, found.metadata, found.created_at) == ("file-1", {"run_id": "run-1"}, 100)


@pytest.mark.parametrize(
    ("error", "words", "code"),
    [
        ({"code": "few", "message": "7 example(s)", "param": "training_file"}, "few: 7 example(s)", "few"),
        # Then its events say why, or nothing does.
        ({}, None, None),
        (None, None, None),
    ],
)
def test_a_failed_job_says_why_if_it_does(
    server: ScriptedServer, error: object, words: str | None, code: str | None
) -> None:
    server.will("GET /fine_tuning/jobs/ftjob-1", job(status="failed", error=error))
    found = server.trainer().job("ftjob-1")
    assert (found.error, found.error_code) == (words, code)


def test_a_job_of_few_fields_is_read(server: ScriptedServer) -> None:
    server.will("GET /fine_tuning/jobs/ftjob-1", {"id": "ftjob-1", "status": "running", "created_at": None})
    found = server.trainer().job("ftjob-1")
    assert (found.job_id, found.outcome, found.metadata, found.created_at) == ("ftjob-1", "open", {}, 0)


@pytest.mark.parametrize("call", ["job", "cancel"])
def test_a_job_that_the_server_does_not_know_is_missing(server: ScriptedServer, call: str) -> None:
    path, act = CALLS[call]
    server.will(path, refusal(404, None, "No such job"))
    with pytest.raises(JobMissing, match="No such job") as raised:
        act(server.trainer())
    # Perhaps not yet.
    assert raised.value.retryable


def test_a_server_that_fails_may_say_when_to_come_back(server: ScriptedServer) -> None:
    server.will("GET /fine_tuning/jobs/ftjob-1", refusal(503, "overloaded", **{"retry-after": "900"}))
    with pytest.raises(TrainerUnreachable) as raised:
        server.trainer().job("ftjob-1")
    assert raised.value.retry_after_s == 900


def test_all_jobs_of_the_account_are_listed_newest_first_whosever_they_are(server: ScriptedServer) -> None:
    theirs = job(id="theirs", metadata={"run_id": "run-9", "installation": "another"}, user_provided_suffix="ours")
    server.will(LIST, listed(theirs, has_more=True), listed(job(metadata=None)))
    first, second = server.trainer().list_jobs()
    assert (first.job_id, first.metadata["installation"], first.suffix) == ("theirs", "another", "ours")
    assert (second.job_id, second.metadata, second.suffix) == ("ftjob-1", {}, None)
    assert "metadata[run_id]" not in server.seen[0].query


def test_the_files_for_training_are_listed_newest_first(server: ScriptedServer) -> None:
    server.will("GET /files", listed(file("file-2", created_at=200), has_more=True), listed({"id": "file-1"}))
    first, second = server.trainer().list_files()
    assert (first.file_id, first.name, first.created_at) == ("file-2", "train-1.jsonl", 200)
    assert (second.file_id, second.name, second.created_at) == ("file-1", "", 0)
    assert server.seen[0].query["purpose"] == "fine-tune"


def test_events_come_newest_first_over_all_pages(server: ScriptedServer) -> None:
    metric = {
        "id": "ev-3",
        "created_at": 30,
        "level": "info",
        "type": "metrics",
        "data": {"step": 2, "train_loss": 0.5},
    }
    bare = {"id": "ev-2", "created_at": 20, "message": "Started", "data": None}
    server.will(
        "GET /fine_tuning/jobs/ftjob-1/events", listed(metric, bare, has_more=True), listed({"id": "ev-1"}, bare)
    )
    events = list(server.trainer().events("ftjob-1"))
    assert [event.event_id for event in events] == ["ev-3", "ev-2", "ev-1"]
    assert events[0].facts == {"step": 2, "train_loss": 0.5}
    assert (events[1].kind, events[1].level, events[1].message, events[1].facts) == ("message", "info", "Started", {})


def test_checkpoints_tell_step_model_and_metrics(server: ScriptedServer) -> None:
    metrics = {"step": 100, "full_valid_loss": 0.25}
    found = {"id": "c1", "created_at": 5, "step_number": 100, "fine_tuned_model_checkpoint": "ft:x", "metrics": metrics}
    server.will("GET /fine_tuning/jobs/ftjob-1/checkpoints", listed(found))
    assert server.trainer().checkpoints("ftjob-1") == [
        {"checkpoint_id": "c1", "created_at": 5, "step": 100, "model": "ft:x", "metrics": metrics}
    ]


def test_a_file_is_downloaded_byte_for_byte(server: ScriptedServer) -> None:
    server.will("GET /files/file-7/content", Response(b"step,train_loss\n\xff"))
    assert server.trainer().file_content("file-7") == b"step,train_loss\n\xff"


def test_deleting_a_file_that_is_gone_is_no_error_but_a_refusal_is(server: ScriptedServer) -> None:
    server.will("DELETE /files/file-1", {"id": "file-1", "deleted": True}, refusal(404), refusal(403))
    trainer = server.trainer()
    trainer.delete_file("file-1")
    trainer.delete_file("file-1")
    with pytest.raises(TrainerRefused):
        trainer.delete_file("file-1")


def completion(message: dict[str, object], **changes: object) -> dict[str, object]:
    usage = {"prompt_tokens": 11, "completion_tokens": 3}
    return {
        "id": "c",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": usage,
        **changes,
    }


@pytest.mark.parametrize(("dialect", "limit"), [("openai", "max_completion_tokens"), ("generic", "max_tokens")])
def test_a_model_is_asked_for_its_likeliest_answer(server: ScriptedServer, dialect: str, limit: str) -> None:
    server.will(ASK, completion({"role": "assistant", "content": "Ä short one."}))
    messages = [{"role": "user", "content": "Summarize."}]

    said = server.trainer(dialect).answer("ft:base:x::1", messages, Sampling(max_tokens=64))

    assert (said.text, said.prompt_tokens, said.completion_tokens) == ("Ä short one.", 11, 3)
    assert server.seen[0].json() == {"model": "ft:base:x::1", "messages": messages, "temperature": 0, limit: 64}


def test_a_refusal_or_silence_is_an_answer(server: ScriptedServer) -> None:
    silent = completion({"role": "assistant", "content": None}, usage=None)
    server.will(ASK, completion({"role": "assistant", "content": None, "refusal": "I cannot."}), silent)
    trainer = server.trainer()
    refused = trainer.answer("m", [])
    assert (refused.text, refused.finish) == ("I cannot.", "refusal")
    assert (trainer.answer("m", []).text, trainer.answer("m", []).prompt_tokens) == ("", 0)


@pytest.mark.parametrize(("status", "code"), [(404, None), (404, "model_not_found"), (403, "model_not_found")])
def test_a_model_that_is_not_known_yet_is_not_ready(server: ScriptedServer, status: int, code: str | None) -> None:
    server.will(ASK, refusal(status, code))
    with pytest.raises(ModelNotReady):
        server.trainer().answer("m", [])


@pytest.mark.parametrize("code", ["content_filter", "invalid_prompt"])
def test_a_question_that_a_filter_stops_has_a_refused_answer(server: ScriptedServer, code: str) -> None:
    server.will(ASK, JSONResponse({"error": {"message": "The prompt was filtered.", "code": code}}, 400))
    said = server.trainer("azure").answer("m", [])
    assert (said.text, said.prompt_tokens, said.completion_tokens, said.finish) == ("", 0, 0, "content_filter")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("context_length_exceeded", "Your messages resulted in 300000 tokens. Please reduce their length."),
        # It counts what the answer may take as well, and names the setting.
        ("context_length_exceeded", "You asked for 9000 tokens (8000 in the messages, 1000 as max_tokens)."),
        # vLLM.
        (400, "This model's maximum context length is 4096 tokens, but your request has 5000 input tokens."),
    ],
)
def test_a_question_longer_than_the_models_context_has_an_answer_that_is_none(
    server: ScriptedServer, code: str | int, words: str
) -> None:
    server.will(ASK, JSONResponse({"error": {"message": words, "code": code}}, 400))
    said = server.trainer("generic").answer("m", [])
    assert (said.text, said.prompt_tokens, said.completion_tokens, said.finish) == ("", 0, 0, "context_length")


def test_a_length_limit_that_no_question_leaves_room_for_is_a_setting_to_change(server: ScriptedServer) -> None:
    words = "'max_tokens' is too large: 9000. This model's maximum context length is 4096 tokens."
    server.will(ASK, JSONResponse({"error": {"message": words, "code": 400}}, 400))
    with pytest.raises(TrainerRefused) as raised:
        server.trainer("generic").answer("m", [])
    assert raised.value.code == "setting_refused"


def test_every_setting_is_sent(server: ScriptedServer) -> None:
    server.will(ASK, completion({"role": "assistant", "content": "Yes."}))
    server.trainer("generic").answer("m", [], Sampling(0.3, top_p=0.9, seed=7, max_tokens=5))
    sent = {"temperature": 0.3, "top_p": 0.9, "seed": 7, "max_tokens": 5}
    assert server.seen[0].json() == {"model": "m", "messages": [], **sent}


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("Unsupported value: 'temperature' does not support 0 with this model.", 'temperature = "omit"'),
        ("Unrecognized request argument supplied: seed", "Take seed out of the sampling"),
        ("Unsupported parameter: 'max_tokens' is not supported with this model.", "Set the trainer's length_field"),
    ],
)
def test_a_setting_that_a_model_refuses_is_named_with_its_remedy(
    server: ScriptedServer, said: str, remedy: str
) -> None:
    server.will(ASK, JSONResponse({"error": {"message": said, "code": "unsupported_value"}}, 400))
    with pytest.raises(TrainerRefused, match=said[:20]) as raised:
        server.trainer("generic").answer("m", [], Sampling(seed=7))
    assert raised.value.code == "setting_refused"
    assert remedy in raised.value.remedy


def test_a_model_with_a_settings_name_in_its_own_is_not_mistaken_for_it(server: ScriptedServer) -> None:
    server.will(ASK, JSONResponse({"error": {"message": "seed-oss is overloaded with nonsense", "code": "x"}}, 400))
    with pytest.raises(TrainerRefused) as raised:
        server.trainer("generic").answer("seed-oss", [], Sampling(seed=7))
    assert raised.value.code == "x"


def test_a_refusal_for_money_is_none_of_a_setting(server: ScriptedServer) -> None:
    said = {"error": {"message": "This request requires more credits, or fewer max_tokens.", "code": 402}}
    server.will(ASK, JSONResponse(said, 402))
    with pytest.raises(TrainerRefused) as raised:
        server.trainer("generic").answer("m", [])
    assert raised.value.code == "insufficient_quota"


def test_another_refusal_to_answer_is_final(server: ScriptedServer) -> None:
    server.will(ASK, JSONResponse({"error": {"message": "No such parameter", "code": "unsupported_value"}}, 400))
    with pytest.raises(TrainerRefused) as raised:
        server.trainer().answer("m", [])
    assert raised.value.code == "unsupported_value"


def test_a_server_without_keys_needs_none(server: ScriptedServer) -> None:
    server.will(LIST, listed())
    assert server.trainer("generic", api_key=None).find_jobs("run-1", "file-1") == []


def test_a_server_without_a_list_of_files_gets_the_file_anew_where_that_is_its_way(server: ScriptedServer) -> None:
    server.will("GET /files", refusal(404), refusal(405), refusal(404), refusal(401))
    server.will("POST /files", file("file-new"))
    assert upload(server.trainer("generic")) == "file-new"
    assert upload(server.trainer("generic")) == "file-new"
    for _ in range(2):
        with pytest.raises(TrainerRefused):
            upload(server.trainer("openai"))
    assert len(server.calls("POST /files")) == 2


@pytest.mark.parametrize("status", ["error", "failed", "deleted"])
def test_a_file_that_cannot_be_used_is_not_taken(server: ScriptedServer, status: str) -> None:
    server.will("GET /files", listed(file(status=status)))
    server.will("POST /files", file("file-new"))
    assert upload(server.trainer()) == "file-new"


def test_a_file_that_is_too_large_is_not_sent(server: ScriptedServer) -> None:
    trainer = server.trainer(ways={"max_file_mb": 1})
    with pytest.raises(TrainerRefused, match="3 MB is too large: this trainer takes 1 MB") as raised:
        trainer.upload("train-1.jsonl", io.BytesIO(), 3 * 1024 * 1024)
    assert "max_file_mb" in raised.value.remedy
    assert server.seen == []


def test_a_file_is_said_to_be_for_what_the_server_calls_it(server: ScriptedServer) -> None:
    server.will("GET /files", listed())
    server.will("POST /files", file("file-new"))
    upload(server.trainer("generic", ways={"file_purpose": "training"}))
    assert server.calls("GET /files")[0].query["purpose"] == "training"
    assert b"\r\n\r\ntraining\r\n" in server.calls("POST /files")[0].body


def test_a_model_that_refuses_a_temperature_gets_none(server: ScriptedServer) -> None:
    server.will(ASK, completion({"role": "assistant", "content": "Yes."}))
    trainer = server.trainer("generic", ways={"length_field": "max_completion_tokens"})
    trainer.answer("m", [], Sampling(temperature="omit", max_tokens=9))
    assert server.seen[0].json() == {"model": "m", "messages": [], "max_completion_tokens": 9}


def test_a_servers_own_words_say_how_a_job_stands(server: ScriptedServer) -> None:
    error = {"code": "x", "message": "Out of memory"}
    server.will("GET /fine_tuning/jobs/ftjob-1", job(status="BROKEN", error=error))
    found = server.trainer("generic", ways={"statuses": {"broken": "failed"}}).job("ftjob-1")
    assert (found.status, found.outcome, found.error) == ("BROKEN", "failed", "x: Out of memory")


def test_a_job_carries_no_metadata_where_the_server_takes_none(server: ScriptedServer) -> None:
    server.will("POST /fine_tuning/jobs", job(metadata=None))
    trainer = server.trainer("generic", ways={"metadata": False})
    trainer.create_job(run(), training_file="file-1", validation_file=None)
    assert "metadata" not in server.seen[0].json()


# Looking at models.

MODEL = "GET /models/base-1"


def shown(**changes: object) -> dict[str, object]:
    return {"id": "base-1", "object": "model", "created": 1, "owned_by": "system", **changes}


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2027-01-14", date(2027, 1, 14)),
        ("2027-01-14T00:00:00Z", date(2027, 1, 14)),
        (None, None),
        ("soon", None),
        (1_800_000_000, None),
        ({}, None),
    ],
)
def test_a_model_tells_when_it_shuts_down(server: ScriptedServer, written: object, day: date | None) -> None:
    server.will(MODEL, shown(shutdown_date=written))
    assert server.trainer().model("base-1") == RemoteModel("base-1", day)


def test_a_model_without_such_a_field_names_no_end(server: ScriptedServer) -> None:
    server.will(MODEL, shown())
    assert server.trainer().model("base-1") == RemoteModel("base-1", None)


@pytest.mark.parametrize("status", [403, 404, 405, 410, 501])
def test_a_server_that_tells_nothing_of_models_knows_none(server: ScriptedServer, status: int) -> None:
    """Nor does one whose key may train and not look at models."""
    server.will(MODEL, refusal(status))
    assert server.trainer().model("base-1") is None


@pytest.mark.parametrize("name", ["page instead of JSON", "another object", "a list", "null"])
def test_an_answer_that_is_no_model_tells_of_none(server: ScriptedServer, name: str) -> None:
    server.will(MODEL, IN_DOUBT[name])
    assert server.trainer().model("base-1") is None


@pytest.mark.parametrize("name", ["500", "503", "gateway page", "half a JSON", "dropped", "never"])
def test_an_answer_that_is_lost_is_not_taken_for_a_model_without_an_end(server: ScriptedServer, name: str) -> None:
    server.will(MODEL, IN_DOUBT[name])
    with pytest.raises(TrainerUnreachable):
        server.trainer(timeout_s=0.2 if name == "never" else 10).model("base-1")
    assert len(server.calls(MODEL)) == 1


def test_a_wrong_key_and_a_busy_server_are_told_as_such(server: ScriptedServer) -> None:
    server.will(MODEL, refusal(401))
    with pytest.raises(TrainerRefused):
        server.trainer().model("base-1")
    server.will(MODEL, refusal(429, "rate_limit_exceeded"))
    with pytest.raises(TrainerBusy):
        server.trainer().model("base-1")


@pytest.mark.parametrize("name", ["page instead of JSON", "another object", "a list", "null"])
def test_an_answer_that_lists_no_names_is_not_taken_for_none(server: ScriptedServer, name: str) -> None:
    server.will("GET /aliases", IN_DOUBT[name])
    with pytest.raises(TrainerUnreachable):
        server.trainer().aliases()


def test_a_name_that_may_not_be_removed_is_told_so(server: ScriptedServer) -> None:
    server.will("DELETE /aliases/tuneloop/p", refusal(403))
    with pytest.raises(TrainerRefused):
        server.trainer().remove_alias("tuneloop/p", "ft:1")


def test_a_models_name_may_hold_colons_and_slashes(server: ScriptedServer) -> None:
    name = "meta/ft:base-1:acme::1"
    server.will(f"GET /models/{name}", shown(id=name))
    assert server.trainer().model(name) == RemoteModel(name)


# The list of models.

MODELS = "GET /models"


def test_models_are_listed_with_their_ends(server: ScriptedServer) -> None:
    server.will(MODELS, listed({"id": "a", "shutdown_date": "2027-01-14"}, {"id": "b"}, {"created": 1}))
    assert server.trainer().models() == [RemoteModel("a", date(2027, 1, 14)), RemoteModel("b")]
    assert len(server.calls(MODELS)) == 1


@pytest.mark.parametrize("status", [404, 405, 410, 501])
def test_a_server_may_have_no_list_of_models(server: ScriptedServer, status: int) -> None:
    server.will(MODELS, refusal(status))
    assert server.trainer().models() is None


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_may_not_see_the_models_is_told_as_such(server: ScriptedServer, status: int) -> None:
    server.will(MODELS, refusal(status))
    with pytest.raises(TrainerRefused) as raised:
        server.trainer().models()
    assert "api_key_env" in raised.value.remedy


@pytest.mark.parametrize("name", [name for name in IN_DOUBT if name != "never"])
def test_a_list_of_models_that_is_none_is_no_empty_one(server: ScriptedServer, name: str) -> None:
    server.will(MODELS, IN_DOUBT[name])
    with pytest.raises(TrainerUnreachable):
        server.trainer().models()
