"""A job of OpenAI's, as it was once printed, followed to its end through the real SDK; and odd answers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.responses import JSONResponse, Response

from service.domain.runs import RunState
from service.domain.training_series import SeriesPoint
from service.usecases.advance_run import advance_run
from service.usecases.gather_reports import gather_reports
from service.usecases.report_run import report_run
from tests.contract.openai_script import ScriptedServer, job, listed, scripted_server
from tests.support.builders import make_run
from tests.support.samples import sample, sample_bytes
from tests.support.workshop import Workshop

JOB = "ftjob-j6mDj7MYs1O9bp3D1oPw3rIk"
AT = f"GET /fine_tuning/jobs/{JOB}"
RESULT = "file-EvKrlLqCuTD6FmHonxKuJQzy"
BEGUN = sample("openai/events/lifecycle_b_running")
ENDED = sample("openai/events/lifecycle_b_succeeded_first_page")


@pytest.fixture(scope="module")
def running() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture
def server(running: ScriptedServer) -> ScriptedServer:
    running.forget_script()
    return running


@pytest.fixture
def shop(sqlite_engine: sa.Engine, tmp_path: Path, server: ScriptedServer) -> Workshop:
    """Give a workshop whose run has its job at that server."""
    made = Workshop(sqlite_engine, tmp_path / "files")
    made.accounts["box"] = replace(made.accounts["box"], connect=server.trainer)
    assert made.runs.claim(make_run(state=RunState.SUBMITTED, job_id=JOB)) is not None
    return made


def look(shop: Workshop) -> RunState:
    shop.clock.forward(60)
    after = advance_run("run-1", shop.parts)
    assert after is not None
    return after.state


def gather(shop: Workshop) -> dict[str, str]:
    shop.clock.forward(600)
    done = gather_reports("run-1", shop.parts)
    assert done is not None
    return dict(done.facts["missing"])


def ids(page: dict[str, list[dict[str, str]]]) -> list[str]:
    return [event["id"] for event in page["data"]]


def test_a_transcribed_job_is_followed_to_its_end(shop: Workshop, server: ScriptedServer) -> None:
    first = sample("openai/jobs/lifecycle_b_1_validating_files")
    server.will(AT, first, sample("openai/jobs/lifecycle_b_2_running"), sample("openai/jobs/lifecycle_b_3_succeeded"))
    server.will(f"{AT}/events", listed(), BEGUN, ENDED, BEGUN, ENDED, BEGUN)
    server.will(f"{AT}/checkpoints", {**sample("openai/checkpoints/spec_list"), "has_more": False})
    as_sent = sample_bytes("openai/results/drone_94_steps_as_downloaded.b64")
    server.will(f"GET /files/{RESULT}/content", Response(as_sent))

    assert [look(shop) for _ in range(3)] == [RunState.SUBMITTED, RunState.TRAINING, RunState.EVALUATING]
    assert gather(shop) == {}

    events = shop.runs.job_events("run-1")
    assert [event.event_id for event in events] == [*ids(BEGUN)[::-1], *ids(ENDED)[::-1]]
    told = shop.reports.series("run-1")
    assert [point.step for point in told] == [*range(1, 95), *range(235, 241)]
    assert told[29] == SeriesPoint(30, train_loss=6e-05, train_accuracy=1.0)
    assert (told[-1].total_steps, told[-1].valid_loss is not None) == (240, True)
    report = report_run(shop.runs.get("run-1"), shop)
    assert report.tokens.billed == 170589
    assert [(point.step, point.is_best) for point in report.checkpoints] == [(2000, True), (1000, False)]
    (file,) = report.result_files
    with shop.files.open(str(file.sha256)) as kept:
        assert kept.read() == as_sent


def test_a_list_without_end_or_without_ids_is_survived(shop: Workshop, server: ScriptedServer) -> None:
    server.will(AT, job(id=JOB, status="succeeded", fine_tuned_model="ft:x", trained_tokens=1, result_files=None))
    nameless = {"created_at": 5, "message": "Odd", "data": {"step": 1, "train_loss": 0.5}}
    again = listed({**ENDED["data"][0]}, nameless, {**nameless, "message": "Odder"}, has_more=True)
    server.will(f"{AT}/events", again)
    server.will(f"{AT}/checkpoints", listed(*sample("openai/checkpoints/spec_list")["data"], has_more=True))
    assert look(shop) == RunState.EVALUATING
    assert gather(shop) == {}
    told = [event.message for event in shop.runs.job_events("run-1")]
    assert told == ["Odder", "Odd", "The job has successfully completed"]
    assert len(shop.reports.checkpoints("run-1")) == 2
    assert shop.reports.series("run-1") == [SeriesPoint(1, train_loss=0.5, at=5)]


ODD_EVENT = b"""{"object": "list", "has_more": false, "data": [{"id": "%s", "created_at": 1e400, "level": null,
"type": 5, "message": {"not": "text"},
"data": {"step": 2, "train_loss": NaN, "valid_loss": 0.5, "total_steps": Infinity}}]}"""


def test_numbers_that_are_none_and_ids_that_are_too_long_are_survived(shop: Workshop, server: ScriptedServer) -> None:
    ended = b'{"id": "%s", "status": "succeeded", "fine_tuned_model": "ft:x", "trained_tokens": 7, '
    ended += b'"created_at": NaN, "estimated_finish": Infinity, "result_files": "none"}'
    server.will(AT, Response(ended % JOB.encode(), media_type="application/json"))
    server.will(f"{AT}/events", Response(ODD_EVENT % (b"x" * 5000), media_type="application/json"))
    metrics = {"full_valid_loss": "low", "train_loss": 1, "more": {}}
    odd = {"id": "", "step_number": "two", "fine_tuned_model_checkpoint": None, "metrics": metrics, "created_at": None}
    server.will(f"{AT}/checkpoints", listed(odd))
    assert look(shop) == RunState.EVALUATING
    assert gather(shop) == {}
    (event,) = shop.runs.job_events("run-1")
    assert (len(event.event_id), event.at(), event.level) == (64, None, "info")
    assert shop.reports.series("run-1") == [SeriesPoint(2, valid_loss=0.5, at=0)]
    (checkpoint,) = shop.reports.checkpoints("run-1")
    assert (checkpoint.model, checkpoint.step, checkpoint.metrics) == (None, None, {"train_loss": 1.0})


@pytest.mark.parametrize("what", ["events", "checkpoints"])
def test_a_server_that_keeps_none_of_it_is_good_enough(shop: Workshop, server: ScriptedServer, what: str) -> None:
    server.will(AT, job(id=JOB, status="succeeded", fine_tuned_model="ft:x", trained_tokens=1))
    for call in ("events", "checkpoints"):
        server.will(f"{AT}/{call}", listed())
    refused = {"error": {"message": "Not found", "type": "invalid_request_error", "code": None, "param": None}}
    server.will(f"{AT}/{what}", JSONResponse(refused, 404))
    assert look(shop) == RunState.EVALUATING
    assert gather(shop) == {what: "TrainerRefused"}
