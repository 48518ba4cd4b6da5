"""The API: what it tells, what it refuses, and that the OpenAPI document says just that."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route, Router

from service.bootstrap import now
from service.cli.valkey import free_port
from service.domain.errors import TrainerRefused, UnknownTopic
from service.ports import JobEvent
from service.usecases.gather_reports import gather_reports
from service.usecases.report_money import report_money
from service.usecases.report_status import report_status
from service.web.app import create_app
from service.web.gate import Gate
from service.web.pages.routes import page_routes
from tests.support.builders import make_delivery, make_pipeline
from tests.support.contract import breaches, mismatches, strict
from tests.support.fakes import ManualClock
from tests.support.web_stage import GATE_KEY, Stage, make_settings, staged
from tests.support.workshop import Workshop

DRIFT = {
    "drift": 3,
    "labels_there": 812,
    "labels_here": 809,
    "left": 1,
    "whole_at": "2026-11-26T03:00:00+00:00",
}
STEPS = [
    JobEvent(
        f"e{n}", 1_700_000_000 + n, "info", "metrics", f"Step {n}", {"step": n, "total_steps": 2, "train_loss": 3 / n}
    )
    for n in (1, 2)
]
SAID = JobEvent("said", 0, "warn", "message", "Something odd", {})
CHECKPOINT = {
    "checkpoint_id": "c2",
    "created_at": 5,
    "step": 2,
    "model": "ft:base-model:1",
    "metrics": {"full_valid_loss": 1.5},
}
LABEL_TEXT = b'{"label": "what somebody wrote"}'


@dataclass(frozen=True)
class Loop:
    """An installation in which everything happened once.

    Attributes:
        judged: A run that was promoted.
        failed: A later run that the trainer refused.
        reconciled_at: When the project was last read.
    """

    stage: Stage
    judged: str
    failed: str
    reconciled_at: datetime


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory, valkey_url: str, sqlite_template: Path) -> Iterator[Loop]:
    folder = tmp_path_factory.mktemp("api")
    settings = make_settings(folder, valkey_url, pipelines=[make_pipeline(), make_pipeline("idle")])
    with staged(settings, database=sqlite_template) as stage:
        clock = ManualClock(datetime.now(UTC) - timedelta(hours=1))
        shop = Workshop(stage.deps.engine, folder / "files", clock=clock)
        shop.fill()
        shop.trainer.reported, shop.trainer.points = [SAID, *STEPS[::-1]], [CHECKPOINT]
        shop.trainer.files["file-result"] = b"step,train_loss\n1,2.5\n2,1.25\n"
        judged = shop.train()
        shop.trainer.becomes("ftjob-1", "succeeded", result_files=("file-result",))
        gather_reports(judged, shop.parts)
        shop.go(judged)
        shop.fill(60, 75)
        shop.trainer.goes_wrong("create_job", TrainerRefused("no such model"))
        failed = shop.start()
        shop.go(failed)
        letter = make_delivery(LABEL_TEXT, "SOMETHING_NEW", pipeline="summaries")
        stage.deps.letters.put("delivery", letter.key, UnknownTopic("odd"), content=letter, now=clock.forward(1))
        stage.deps.reconciles.reconciled("summaries", {"rows": 1, "healed": 2, **DRIFT}, until=clock.now, now=clock.now)
        yield Loop(stage, judged, failed, clock.now)


@pytest.fixture
def empty(tmp_path: Path, redis_url: str, sqlite_template: Path) -> Iterator[Stage]:
    """Serve an installation in which nothing happened yet."""
    with staged(make_settings(tmp_path, redis_url), database=sqlite_template) as made:
        yield made


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


# What it tells.


def test_the_status_is_what_the_command_prints(loop: Loop) -> None:
    deps = loop.stage.deps
    told = loop.stage.read("/status")
    assert told == json.loads(msgspec.json.encode(report_status(deps.settings.pipelines, deps, clock=now)))
    assert (told["dead_letters"], list(told["pipelines"])) == (2, ["summaries", "idle"])
    assert told["pipelines"]["summaries"]["drift"]["rows"] == 3


def test_the_pipelines_are_those_of_the_configuration(loop: Loop) -> None:
    plain = {"project": "project-1", "trainer": "box", "model": "base-model"}
    assert loop.stage.read("/pipelines") == {"pipelines": [{"name": name, **plain} for name in ("summaries", "idle")]}


def test_a_pipeline_tells_counts_reasons_drift_champion_and_last_run(loop: Loop) -> None:
    told, counts = loop.stage.read("/pipelines/summaries"), loop.stage.deps.examples.counts("summaries")
    found = told["examples"]
    assert (found["train"], found["validation"], found["held_out"]) == (
        counts.train,
        counts.validation,
        counts.held_out,
    )
    assert (found["new"], found["threshold"]) == (0, 10)
    assert told["decision"] == {
        "due": False,
        "reasons": [
            {
                "code": "below_threshold",
                "text": "0 of 10 new examples",
                "facts": {"have": 0, "need": 10, "held": 0},
            }
        ],
        "notes": [
            {
                "code": "estimate",
                "text": "a run now would cost about 1,581 tokens x 5 epochs; no price known for this model",
                "facts": {"usd": None, "tokens": 1581, "epochs": 5},
            }
        ],
    }
    assert moment(told["reconciled_at"]) == moment(told["drift"].pop("at")) == loop.reconciled_at
    assert told["drift"] == {
        "rows": 3,
        "labels_there": 812,
        "labels_here": 809,
        "left": 1,
        "whole_at": "2026-11-26T03:00:00Z",
    }
    assert (told["champion"]["run_id"], told["champion"]["model"]) == (loop.judged, "ft:base-model:1")
    assert (told["last_run"]["run_id"], told["last_run"]["state"]) == (loop.failed, "failed")


def test_before_there_is_any_data_a_pipeline_says_what_it_waits_for(empty: Stage) -> None:
    told = empty.read("/pipelines/summaries")
    assert [reason["code"] for reason in told["decision"]["reasons"]] == [
        "below_threshold",
        "too_few_training",
        "too_few_held_out",
    ]
    assert (told["reconciled_at"], told["drift"], told["champion"], told["last_run"]) == (None, None, None, None)
    assert empty.read("/runs") == {"runs": []}
    assert empty.read("/dead-letters") == {"total": 0, "dead_letters": []}


def test_the_runs_are_the_newest_first_and_those_asked_for(loop: Loop) -> None:
    def ids(query: str) -> list[str]:
        return [run["run_id"] for run in loop.stage.read(f"/runs{query}")["runs"]]

    assert ids("") == ids("?pipeline=summaries&limit=500") == [loop.failed, loop.judged]
    assert ids("?limit=1") == [loop.failed]
    assert ids("?pipeline=idle") == []


def test_runs_of_a_pipeline_that_left_the_configuration_can_still_be_asked_for(loop: Loop) -> None:
    with staged(replace(loop.stage.deps.settings, pipelines={})) as emptied:
        assert len(emptied.read("/runs?pipeline=summaries")["runs"]) == 2
        assert emptied.get("/api/v1/runs?pipeline=idle").status == 404


def test_a_run_tells_its_history_and_its_verdict_and_no_label(loop: Loop) -> None:
    judged, failed = (loop.stage.read(f"/runs/{run_id}") for run_id in (loop.judged, loop.failed))
    assert [step["after"] for step in judged["history"]][-2:] == ["evaluating", "promoted"]
    assert (judged["evaluation"]["outcome"], judged["run"]["error"]) == ("better", None)
    assert judged["evaluation"]["look"]["number"] == 1
    assert judged["evaluation"]["models"]["challenger"] == judged["run"]["tuned_model"] == "ft:base-model:1"
    assert (failed["evaluation"], failed["run"]["error"]) == (None, "TrainerRefused: no such model")
    assert "message" in failed["run"]["remedy"]
    kinds = [entry["kind"] for entry in judged["ledger"]]
    assert (kinds[:2], set(kinds[2:])) == (["reserved", "billed"], {"answers"})
    assert [entry["kind"] for entry in failed["ledger"]] == ["reserved", "released"]
    assert b"parcel" not in loop.stage.get(f"/api/v1/runs/{loop.judged}").body


def test_the_money_is_what_the_command_prints(loop: Loop) -> None:
    deps = loop.stage.deps
    told = loop.stage.read("/money")
    assert told == json.loads(msgspec.json.encode(report_money(deps.settings.pipelines, deps, now=now())))
    assert [budget["budget"] for budget in told["budgets"]] == ["all"]
    assert [line["pipeline"] for line in told["pipelines"]] == ["summaries", "idle"]
    assert [run["run_id"] for run in told["runs"]] == [loop.judged]


def test_a_run_tells_what_its_job_reported(loop: Loop) -> None:
    told = loop.stage.read(f"/runs/{loop.judged}")["report"]
    assert (told["job_status"], told["events"], told["missing"]) == ("succeeded", 3, {})
    progress = {"step": 2, "total_steps": 2, "train_loss": 1.25, "valid_loss": None, "full_valid_loss": None}
    assert told["progress"] == {**progress, "finish_at": None}
    assert told["tokens"]["billed"] == 5000
    assert told["tokens"]["estimated"] > 0
    assert told["checkpoints"] == [
        {
            "checkpoint_id": "c2",
            "step": 2,
            "model": "ft:base-model:1",
            "metrics": {"full_valid_loss": 1.5},
            "is_best": True,
        }
    ]
    (file,) = told["result_files"]
    assert (file["file_id"], file["steps"], len(file["sha256"]), file["note"]) == ("file-result", 2, 64, None)
    untold = loop.stage.read(f"/runs/{loop.failed}")["report"]
    assert (untold["progress"], untold["checkpoints"], untold["events"], untold["looked_at"]) == (None, [], 0, None)


def test_what_the_trainer_said_is_listed_newest_first_in_pages(loop: Loop) -> None:
    told = loop.stage.read(f"/runs/{loop.judged}/events")
    assert (told["total"], [event["event_id"] for event in told["events"]]) == (3, ["said", "e2", "e1"])
    newest, first = told["events"][0], told["events"][-1]
    assert (newest["number"], newest["at"], newest["level"], newest["message"]) == (3, None, "warn", "Something odd")
    assert moment(first["at"]) == datetime.fromtimestamp(1_700_000_001, UTC)
    assert first["facts"] == {"step": 1, "total_steps": 2, "train_loss": 3.0}
    page = loop.stage.read(f"/runs/{loop.judged}/events?limit=1&before=3")
    assert (page["total"], [event["event_id"] for event in page["events"]]) == (3, ["e2"])
    assert loop.stage.read(f"/runs/{loop.failed}/events") == {"total": 0, "events": []}


def test_what_the_job_measured_is_told_by_step(loop: Loop) -> None:
    points = loop.stage.read(f"/runs/{loop.judged}/series")["points"]
    assert [(point["step"], point["train_loss"], point["valid_loss"]) for point in points] == [
        (1, 2.5, None),
        (2, 1.25, None),
    ]
    assert loop.stage.read(f"/runs/{loop.failed}/series") == {"points": []}


def test_the_dead_letters_are_told_without_their_content(loop: Loop) -> None:
    told = loop.stage.read("/dead-letters")
    assert (told["total"], [letter["kind"] for letter in told["dead_letters"]]) == (2, ["delivery", "run"])
    letter = told["dead_letters"][0]
    assert (letter["error"], letter["topic"], letter["pipeline"]) == ("UnknownTopic", "SOMETHING_NEW", "summaries")
    assert letter["remedy"]
    assert "somebody wrote" not in json.dumps(told)
    shorter = loop.stage.read("/dead-letters?limit=1")
    assert (shorter["total"], shorter["dead_letters"]) == (2, [letter])


def test_a_head_is_answered_like_a_get_without_the_body(loop: Loop) -> None:
    for path in ("/api/v1/status", "/api/v1/runs/nobody", "/metrics", "/healthz"):
        whole, head = loop.stage.get(path), loop.stage.get(path, method="HEAD")
        assert (head.status, head.body) == (whole.status, b"")
        assert head.headers["content-type"] == whole.headers["content-type"]


def test_on_postgresql_it_tells_the_same_and_odd_names_are_no_fault_of_the_database(
    tmp_path: Path, redis_url: str, postgres_url: str
) -> None:
    with staged(make_settings(tmp_path, redis_url, database_url=postgres_url)) as stage:
        shop = Workshop(stage.deps.engine, tmp_path / "files")
        shop.fill()
        run_id = shop.train()
        shop.go(run_id)
        assert stage.read(f"/runs/{run_id}")["evaluation"]["outcome"] == "better"
        assert stage.read("/pipelines/summaries")["champion"]["run_id"] == run_id
        assert b'tuneloop_runs{pipeline="summaries",state="promoted"} 1.0' in stage.get("/metrics").body
        assert stage.get("/api/v1/runs/%00").status == 404
        assert stage.get("/api/v1/runs?pipeline=%00").status == 400


# What it refuses.


@pytest.mark.parametrize(
    "path",
    [
        "/pipelines/nobody",
        "/pipelines/%00",
        "/pipelines/",
        "/runs/nobody",
        "/runs/run-",
        "/runs/%00",
        "/runs/%25",
        "/runs/%F0%9F%92%A9",
        "/runs/%ff",
        "/runs/nobody/events",
        "/runs/nobody/series",
        "/runs/run-/events",
        "/runs/%00/series",
        "/runs?pipeline=nobody",
        "/nothing",
        "/status/",
        "/pipelines/summaries/runs",
    ],
)
def test_what_does_not_exist_is_not_found(loop: Loop, path: str) -> None:
    reply = loop.stage.get(f"/api/v1{path}")
    assert (reply.status, json.loads(reply.body)["error"]) == (404, "not_found")


def test_a_runs_id_is_never_completed(loop: Loop) -> None:
    assert loop.stage.get(f"/api/v1/runs/{loop.judged[:-1]}").status == 404


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("/runs?limit=0", "limit: must be a whole number from 1 to 500"),
        ("/runs?limit=501", "limit: must be a whole number from 1 to 500"),
        ("/runs?limit=-1", "limit: must be"),
        ("/runs?limit=", "limit: must be"),
        ("/runs?limit=1.5", "limit: must be"),
        ("/runs?limit=1_0", "limit: must be"),
        ("/runs?limit=%2B5", "limit: must be"),
        ("/runs?limit=%D9%A3", "limit: must be"),
        (f"/runs?limit={'9' * 5000}", "limit: must be"),
        ("/runs?limit=1&limit=2", "limit: given 2 times"),
        ("/runs?pipeline=", "pipeline: must be a name"),
        ("/runs?pipeline=%00", "pipeline: must be a name"),
        ("/runs?piepline=x", "unknown: piepline; allowed: pipeline, limit"),
        ("/dead-letters?limit=0", "limit: must be"),
        ("/status?x=1", "unknown: x; allowed: none"),
        ("/runs/x/events?before=0", "before: must be a whole number from 1 to 999999999"),
        ("/runs/x/events?after=1", "unknown: after; allowed: limit, before"),
        ("/runs/x/series?limit=1", "unknown: limit"),
        ("/pipelines/summaries?limit=1", "unknown: limit"),
    ],
)
def test_a_bad_parameter_is_refused_with_what_is_allowed(loop: Loop, query: str, words: str) -> None:
    reply = loop.stage.get(f"/api/v1{query}")
    found = json.loads(reply.body)
    assert (reply.status, found["error"]) == (400, "bad_parameter")
    assert found["message"].startswith(words)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(loop: Loop, method: str) -> None:
    for path in ("/metrics", "/api/v1/runs", f"/api/v1/runs/{loop.judged}"):
        reply = loop.stage.get(path, method=method)
        assert (reply.status, set(reply.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})
        assert json.loads(reply.body) == {"error": "method_not_allowed"}


def test_a_store_that_is_down_is_said_to_be_and_not_a_fault_of_ours(loop: Loop) -> None:
    settings = loop.stage.deps.settings
    no_database = replace(settings, database_url="sqlite:////nowhere/at/all.db")
    no_redis = replace(settings, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    for down, path, words in (
        (no_database, "/runs", "the database does not answer"),
        (no_redis, "/status", "Redis does not answer"),
    ):
        with staged(down) as stage:
            reply = stage.get(f"/api/v1{path}")
            assert stage.get("/api/v1/pipelines").status == 200
        assert (reply.status, reply.headers["retry-after"]) == (503, "5")
        found = json.loads(reply.body)
        assert found["error"] == "unavailable"
        assert found["message"].startswith(words)


def test_a_fault_of_ours_is_answered_in_the_same_shape_and_tells_nothing(
    empty: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(empty.deps.runs), "recent", lambda *_: 1 / 0)
    reply = empty.get("/api/v1/runs")
    assert (reply.status, json.loads(reply.body)) == (500, {"error": "internal"})


# The document.


def document_of(stage: Stage) -> dict[str, Any]:
    document = stage.read("/openapi.json")
    assert isinstance(document, dict)
    return document


def routes_of(stage: Stage) -> Iterator[Route]:
    """Give every route for programs, those behind the gate in place of the gate itself."""
    gates: set[Gate] = set()
    for_people = {route.path for route in page_routes(stage.deps) if isinstance(route, Route)}
    for route in create_app(stage.deps).routes:
        assert isinstance(route, Route)
        if isinstance(route.endpoint, Gate):
            gates.add(route.endpoint)
        elif route.path not in for_people:
            yield route
    for gate in gates:
        assert isinstance(gate.app, Router)
        for route in gate.app.routes:
            assert isinstance(route, Route)
            yield route


def test_the_document_is_valid_openapi(loop: Loop) -> None:
    OpenAPIV31SpecValidator(document_of(loop.stage)).validate()


def test_the_document_names_every_route_and_no_other(loop: Loop) -> None:
    found = {(route.path, method) for route in routes_of(loop.stage) for method in (route.methods or ())}
    documented = {
        (path, method.upper()) for path, methods in document_of(loop.stage)["paths"].items() for method in methods
    }
    assert {(path, method) for path, method in found if method != "HEAD"} == documented


def test_every_answer_of_every_route_is_as_the_document_says(loop: Loop) -> None:
    document, seen = strict(document_of(loop.stage)), set()
    for route in routes_of(loop.stage):
        for method in sorted(route.methods or ()):
            for path in addresses(route.path, loop):
                for headers in (GATE_KEY, {}):
                    reply = loop.stage.get(path, method=method, headers=headers)
                    assert list(breaches(document, route.path, method, reply)) == [], (method, path, reply)
                    seen.add((route.path, reply.status))
    reads = {path for path in document["paths"] if path.startswith("/api/")}
    assert {path for path, status in seen if status == 200} == {*reads, "/healthz", "/readyz", "/metrics"}
    for status in (400, 401):
        assert {path for path, code in seen if code == status} >= reads
    assert {path for path, code in seen if code == 404} == {path for path in reads if "{" in path or "runs" in path}


def addresses(path: str, loop: Loop) -> list[str]:
    """Fill in what exists and what does not, and add parameters that are right, wrong and unknown."""
    names = {"{name}": ["summaries", "idle", "nobody"], "{run_id}": [loop.judged, loop.failed, "nobody"]}
    filled = [path.replace("{pipeline}", "summaries")]
    for name, values in names.items():
        filled = [each.replace(name, value) for each in filled for value in values] if name in path else filled
    queries = ["", "?limit=1", "?limit=0", "?pipeline=nobody", "?x=1"] if path.startswith("/api/") else [""]
    return [each + query for each in dict.fromkeys(filled) for query in queries]


def test_answers_from_before_there_was_any_data_are_as_the_document_says_as_well(empty: Stage) -> None:
    document = strict(document_of(empty))
    for path in ("/status", "/pipelines", "/pipelines/summaries", "/dead-letters", "/runs"):
        route = path.replace("summaries", "{name}")
        assert list(breaches(document, f"/api/v1{route}", "GET", empty.get(f"/api/v1{path}"))) == []


def test_webhook_answers_are_as_the_document_says(loop: Loop) -> None:
    document = document_of(loop.stage)
    for path, method in (("/webhooks/labelbox", "POST"), ("/webhooks/openai", "POST")):
        reply = loop.stage.get(path, method=method)
        assert reply.status == 401
        assert list(breaches(document, path, method, reply)) == []
    responses = document["paths"]["/webhooks/labelbox"]["post"]["responses"]
    assert set(responses) == {"202", "401", "408", "413", "503"}


def test_the_comparison_with_the_document_notices_a_difference(loop: Loop) -> None:
    document = strict(document_of(loop.stage))
    reply = loop.stage.get("/api/v1/pipelines")
    told = json.loads(reply.body)
    for spoiled in ({**told, "more": 1}, {}, {"pipelines": [{**told["pipelines"][0], "model": None}]}):
        assert list(breaches(document, "/api/v1/pipelines", "GET", replace(reply, body=json.dumps(spoiled).encode())))
    assert list(breaches(document, "/api/v1/pipelines", "GET", replace(reply, status=404)))
    assert list(mismatches(document, {"type": "string", "format": "date-time"}, "yesterday"))
