"""What an application is told of the model that serves, and how cheaply it may ask again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from service.adapters.sql_engine import migrate
from service.bootstrap import database_url, now
from service.domain.checkpoints import Checkpoint, at_checkpoint
from service.domain.reigns import Grounds
from service.domain.runs import RunState, Step
from tests.support.builders import make_pipeline, make_run
from tests.support.contract import breaches, strict
from tests.support.serving import request
from tests.support.web_stage import GATE_KEY, Stage, make_settings, staged

PATH = "/api/v1/pipelines/summaries/champion"
READ_TOKEN = "a token for applications"
READER = {"Authorization": f"Bearer {READ_TOKEN}"}
EVIDENCE = {
    "outcome": "better",
    "sentence": "It is better.",
    "held_out": 40,
    "incumbent": "base",
    "look": 1,
    "system": "Be short.",
    "run_id": "run-1",
    "snapshot_id": "5a" * 32,
}


@pytest.fixture
def stage(tmp_path: Path, redis_url: str) -> Iterator[Stage]:
    settings = make_settings(tmp_path, redis_url, pipelines=[make_pipeline()], read_tokens=(SecretStr(READ_TOKEN),))
    migrate(database_url(settings))
    with staged(settings) as made:
        yield made


def crown(stage: Stage, number: int = 1, **evidence: Any) -> None:  # noqa: ANN401 - JSON
    claimed = stage.deps.runs.claim(make_run(f"run-{number}", ordinal=number))
    assert claimed is not None
    tuned = Step(RunState.FAILED, "x", changes={"tuned_model": f"ft:{number}"})
    ended = stage.deps.runs.record(claimed, tuned, now=now())
    stage.deps.evaluations.promote(ended, "by hand", now=now(), grounds=Grounds("by hand", EVIDENCE | evidence))


def test_an_application_is_told_what_to_ask_and_why(stage: Stage) -> None:
    crown(stage)
    found = stage.read("/pipelines/summaries/champion")
    assert (found["model"], found["base_url"], found["system"]) == ("ft:1", "http://127.0.0.1:9/v1", "Be short.")
    assert (found["decided"], found["gone"], found["snapshot_id"]) == ("by hand", False, "5a" * 32)
    assert found["evidence"] == {name: EVIDENCE.get(name) for name in found["evidence"]}


def test_an_answer_that_the_caller_has_is_not_sent_again_until_the_champion_changes(stage: Stage) -> None:
    crown(stage)
    first = stage.get(PATH)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    assert not tag.startswith("W/")
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = stage.get(PATH, headers=GATE_KEY | {"If-None-Match": known})
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == first.headers["cache-control"]
        assert "content-type" not in again.headers
    fields = [*GATE_KEY.items(), ("If-None-Match", '"other"'), ("If-None-Match", tag)]
    assert request(stage.port, "GET", PATH, headers=fields).status == 304
    for unknown in ('"other"', 'W/"other"', tag.strip('"'), "", f'"{tag.strip(chr(34))}x"'):
        assert stage.get(PATH, headers=GATE_KEY | {"If-None-Match": unknown}).status == 200
    crown(stage, 2)
    changed = stage.get(PATH, headers=GATE_KEY | {"If-None-Match": tag})
    assert (changed.status, json.loads(changed.body)["model"]) == (200, "ft:2")


def test_a_checkpoint_that_serves_is_told_by_its_own_name_and_step(stage: Stage) -> None:
    crown(stage)
    tag = stage.get(PATH).headers["etag"]
    earlier = at_checkpoint(stage.deps.runs.get("run-1"), Checkpoint(82, "ft:1:ckpt-step-82"))
    grounds = Grounds("by hand", EVIDENCE | {"checkpoint": 82})
    stage.deps.evaluations.promote(earlier, "by hand", now=now(), grounds=grounds)
    reply = stage.get(PATH, headers=GATE_KEY | {"If-None-Match": tag})
    found = json.loads(reply.body)
    assert (reply.status, found["model"], found["run_id"]) == (200, "ft:1:ckpt-step-82", "run-1")
    assert found["evidence"]["checkpoint"] == 82
    document = strict(stage.read("/openapi.json"))
    path = "/api/v1/pipelines/{name}/champion"
    assert list(breaches(document, path, "GET", reply)) == []


def test_a_champion_that_is_gone_is_said_so(stage: Stage) -> None:
    crown(stage)
    tag = stage.get(PATH).headers["etag"]
    champion = stage.deps.evaluations.champion("summaries")
    assert champion is not None
    stage.deps.evaluations.note_gone(champion, since=now(), now=now())
    found = stage.get(PATH, headers=GATE_KEY | {"If-None-Match": tag})
    assert (found.status, json.loads(found.body)["gone"]) == (200, True)
    assert stage.read("/pipelines/summaries")["champion"]["gone_since"] is not None


def test_before_the_first_promotion_it_is_told_that_there_is_none_yet(stage: Stage) -> None:
    reply = stage.get(PATH)
    assert (reply.status, json.loads(reply.body)["message"]) == (404, "pipeline 'summaries' has no champion yet")
    unknown = stage.get("/api/v1/pipelines/nobody/champion")
    assert (unknown.status, json.loads(unknown.body)["message"]) == (404, "no pipeline 'nobody'")


def test_a_champion_of_an_earlier_version_is_told_without_evidence(stage: Stage) -> None:
    crown(stage)
    with stage.deps.engine.begin() as connection:
        connection.execute(sa.text("UPDATE champions SET evidence = NULL, decided = NULL"))
    found = stage.read("/pipelines/summaries/champion")
    assert (found["model"], found["evidence"], found["system"], found["decided"]) == ("ft:1", None, None, None)


def test_a_read_token_opens_the_api_and_nothing_else(stage: Stage) -> None:
    crown(stage)
    assert stage.get(PATH, headers=READER).status == 200
    for path in ("/metrics", "/", "/runs"):
        assert stage.get(path, headers=READER).status in {401, 303}
    assert stage.get(PATH, headers={}).status == 401


def test_the_document_says_just_that(stage: Stage) -> None:
    crown(stage)
    document = strict(stage.read("/openapi.json"))
    path = "/api/v1/pipelines/{name}/champion"
    tag = stage.get(PATH).headers["etag"]
    for headers in (GATE_KEY, {}, GATE_KEY | {"If-None-Match": tag}):
        assert list(breaches(document, path, "GET", stage.get(PATH, headers=headers))) == []
