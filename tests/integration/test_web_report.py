"""The report of an evaluation over HTTP: the same as the command and the page tell, and to admins alone."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from service.domain.reports import EvaluationReport
from service.usecases.report_evaluation import Wanted, report_evaluation
from service.web.pages.report import report_html
from service.web.report_answers import plain_report
from tests.support.builders import make_pipeline
from tests.support.checkpoints import BEST, WORST, checkpoint_name, overshot
from tests.support.checkpoints import judged as judged_checkpoint
from tests.support.contract import breaches, strict
from tests.support.report_stores import half_leaking
from tests.support.web_stage import GATE_KEY, Stage, make_settings, staged
from tests.support.workshop import Workshop

READ_TOKEN = "a token for applications"
# A document says when it was written.
TIMES = re.compile(r"<time.*?</time>")
DOCUMENTED = "/api/v1/runs/{run_id}/report"


@dataclass(frozen=True)
class Judged:
    """An installation with a judged run, and a later one that is not."""

    stage: Stage
    folder: Path
    run_id: str
    open_id: str
    shop: Workshop

    @property
    def path(self) -> str:
        return f"/api/v1/runs/{self.run_id}/report"


@pytest.fixture
def judged(tmp_path: Path, redis_url: str, sqlite_template: Path) -> Iterator[Judged]:
    settings = make_settings(tmp_path, redis_url, pipelines=[make_pipeline()], read_tokens=(SecretStr(READ_TOKEN),))
    with staged(settings, database=sqlite_template) as stage:
        shop = Workshop(stage.deps.engine, tmp_path / "files")
        shop.fill()
        run_id = shop.go(shop.train(voice=half_leaking)).run_id
        yield Judged(stage, tmp_path / "files", run_id, shop.start(), shop)


def in_json(report: EvaluationReport) -> object:
    return json.loads(json.dumps(plain_report(report)))


def test_it_is_what_the_command_writes_and_the_page_shows(judged: Judged) -> None:
    found = judged.stage.read(f"/runs/{judged.run_id}/report")
    told = report_evaluation(judged.run_id, judged.stage.deps)
    assert found == in_json(told)
    page = judged.stage.get(f"/runs/{judged.run_id}/report").body.decode()
    assert TIMES.sub("", page) == TIMES.sub("", report_html(told))
    assert found["run"]["judged_at"].endswith("Z")
    assert [example["key"] for example in found["examples"]] == [example.key for example in told.examples]


def test_only_so_many_examples_are_told_as_are_asked_for(judged: Judged) -> None:
    found = judged.stage.read(f"/runs/{judged.run_id}/report?worst=2")
    told = report_evaluation(judged.run_id, judged.stage.deps, Wanted(worst=2))
    assert (found, len(found["examples"]), found["rest"]) == (in_json(told), 2, found["held_out"] - 2)
    assert judged.stage.get(f"{judged.path}?worst=0").status == 400


def test_a_judged_checkpoint_is_told_by_its_step(judged: Judged) -> None:
    judged_checkpoint(judged.shop, overshot(judged.shop, judged.run_id))
    found = judged.stage.read(f"/runs/{judged.run_id}/report?checkpoint={BEST}")
    assert found == in_json(report_evaluation(judged.run_id, judged.stage.deps, Wanted(checkpoint=BEST)))
    assert (found["run"]["checkpoint"], found["models"]["challenger"]) == (BEST, checkpoint_name(BEST))
    assert judged.stage.read(f"/runs/{judged.run_id}/report")["run"]["checkpoint"] is None
    reply = judged.stage.get(f"{judged.path}?checkpoint={WORST}")
    assert (reply.status, "has no evaluation" in json.loads(reply.body)["message"]) == (404, True)
    assert judged.stage.get(f"{judged.path}?checkpoint=last").status == 400


def test_a_token_for_applications_does_not_open_label_texts(judged: Judged) -> None:
    reader = {"Authorization": f"Bearer {READ_TOKEN}"}
    assert judged.stage.get(f"/api/v1/runs/{judged.run_id}", headers=reader).status == 200
    for headers in (reader, {}):
        reply = judged.stage.get(judged.path, headers=headers)
        assert (reply.status, json.loads(reply.body)) == (401, {"error": "unauthorized"})


def test_no_proxy_keeps_it_and_it_cannot_be_changed(judged: Judged) -> None:
    assert judged.stage.get(judged.path).headers["cache-control"] == "no-store"
    assert judged.stage.get(judged.path, method="DELETE").status == 405


def test_a_run_that_was_not_judged_or_is_unknown_has_none(judged: Judged) -> None:
    for run_id, words in ((judged.open_id, "and has no evaluation"), ("nobody", "nobody"), ("%00", "spelled")):
        reply = judged.stage.get(f"/api/v1/runs/{run_id}/report")
        assert (reply.status, words in json.loads(reply.body)["message"]) == (404, True)


def test_a_held_out_file_that_is_broken_is_said_to_be(judged: Judged) -> None:
    with judged.stage.deps.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM examples")
    for file in judged.folder.rglob("*"):
        if file.is_file():
            file.chmod(0o600)
            file.write_bytes(b"broken")
    reply = judged.stage.get(judged.path)
    assert (reply.status, json.loads(reply.body)["error"]) == (409, "not_whole")
    assert list(breaches(strict(judged.stage.read("/openapi.json")), DOCUMENTED, "GET", reply)) == []


def test_the_document_says_just_that(judged: Judged) -> None:
    document = strict(judged.stage.read("/openapi.json"))
    for path in (judged.path, f"{judged.path}?worst=x", f"/api/v1/runs/{judged.open_id}/report"):
        assert list(breaches(document, DOCUMENTED, "GET", judged.stage.get(path, headers=GATE_KEY))) == []
    assert document["paths"][DOCUMENTED]["get"]["security"] == [{"admin": []}]
