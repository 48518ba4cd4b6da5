"""``tuneloop check`` asks each trainer once: does it answer to our key, and has it the models in use."""

import json
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.adapters.sql_evaluations import SqlEvaluationStore
from service.adapters.sql_models_seen import SqlModelsSeen
from service.adapters.sql_runs import SqlRunStore
from service.cli.app import run
from service.domain.runs import RunState, Step
from service.ports import RemoteModel
from tests.contract.openai_script import ScriptedServer, dropped, listed, refusal, scripted_server
from tests.contract.trainer_process import BASE, KEY, Trainer, running_trainer
from tests.support.builders import make_run
from tests.support.fakes import NOON

PIPELINE = """
[pipelines.{name}]
labels.project = "cl1"
train = {{ trainer = "box", model = "{model}" }}
"""
JUDGE = """
[pipelines.p.metrics]
kind_words = { kind = "judge", trainer = "%s", model = "%s", rubric = "Which is kinder?" }
[pipelines.p.verdict]
primary = "kind_words"
"""
Checks = Mapping[str, Mapping[str, Any]]
Check = Callable[..., Checks]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trainer]:
    with running_trainer(tmp_path_factory.mktemp("own")) as running:
        yield running


@pytest.fixture(scope="module")
def listening() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def script(listening: ScriptedServer) -> ScriptedServer:
    listening.forget_script()
    return listening


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in (
        "TUNELOOP_CONFIG",
        "TUNELOOP_REDIS_URL",
        "TUNELOOP_DATABASE_URL",
        "LABELBOX_API_KEY",
        "OPENAI_API_KEY",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TUNELOOP_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("BOX_KEY", KEY)
    return tmp_path


@pytest.fixture
def check(folder: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    def call(*tables: str) -> Checks:
        (folder / "tuneloop.toml").write_text("\n".join(tables))
        run(["check", "--json"])
        found = json.loads(capsys.readouterr().out)["checks"]
        assert len(found) == len({json.dumps(item) for item in found})
        assert all(item["remedy"] for item in found if not item["ok"])
        return {item["name"]: item for item in found}

    return call


def box(address: str, *, dialect: str = "tuneloop", more: str = "") -> str:
    return f'[trainers.box]\ndialect = "{dialect}"\nbase_url = "{address}"\napi_key_env = "BOX_KEY"\n{more}\n'


def pipeline(model: str = BASE, name: str = "p") -> str:
    return PIPELINE.format(name=name, model=model)


# Whether it answers.


def test_a_trainer_that_answers_is_said_to_with_its_models(check: Check, own: Trainer) -> None:
    found = check(box(own.base_url), pipeline())
    assert found["trainer box"]["ok"]
    assert found["trainer box"]["text"].startswith(f"{own.base_url} answers, with ")
    assert found[f"trainer box, {BASE}"] == {
        "name": f"trainer box, {BASE}",
        "ok": True,
        "text": "in its list, for p",
        "remedy": "",
        "is_note": False,
    }
    # It was asked just now.
    assert "not asked yet" not in found["p model"]["text"]


def test_a_wrong_key_is_wrong_and_never_shown(check: Check, own: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOX_KEY", "sk-of-somebody-else")
    found = check(box(own.base_url), pipeline())
    assert not found["trainer box"]["ok"]
    assert "In [trainers.box] its key is that of BOX_KEY." in found["trainer box"]["remedy"]
    assert "sk-of-somebody-else" not in json.dumps(found)
    assert f"trainer box, {BASE}" not in found


def test_a_key_that_nobody_named_is_asked_for(check: Check, own: Trainer) -> None:
    found = check(box(own.base_url).replace('api_key_env = "BOX_KEY"\n', ""), pipeline())
    assert not found["trainer box"]["ok"]
    assert "it is asked without a key" in found["trainer box"]["remedy"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_is_wrong(check: Check, script: ScriptedServer, status: int) -> None:
    script.will("GET /models", refusal(status))
    found = check(box(script.base_url, dialect="openai"), pipeline())["trainer box"]
    assert not found["ok"]
    assert "BOX_KEY" in found["remedy"]


def test_a_dead_port_is_wrong(check: Check) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    found = check(box(address), pipeline())
    assert found["trainer box"]["text"] == f"{address}: no connection to the trainer"
    assert "correct base_url in [trainers.box]" in found["trainer box"]["remedy"]
    assert not found["trainer box"]["ok"]
    assert "not asked yet" in found["p model"]["text"]


def test_an_answer_that_breaks_off_is_wrong(check: Check, script: ScriptedServer) -> None:
    script.will("GET /models", dropped)
    found = check(box(script.base_url), pipeline())["trainer box"]
    assert (found["ok"], "base_url" in found["remedy"]) == (False, True)


def test_a_wrong_address_is_wrong(check: Check, own: Trainer) -> None:
    found = check(box(own.base_url.removesuffix("/v1") + "/v2"), pipeline())["trainer box"]
    assert (found["ok"], "has no list of models" in found["text"]) == (False, True)
    assert "ends with the version" in found["remedy"]


def test_a_gateway_need_not_have_a_list(check: Check, script: ScriptedServer) -> None:
    script.will("GET /models", refusal(404))
    found = check(box(script.base_url, dialect="generic"), pipeline())["trainer box"]
    assert (found["ok"], found["is_note"]) == (True, True)
    assert "its key was not tried" in found["text"]


def test_a_busy_trainer_is_no_mistake(check: Check, script: ScriptedServer) -> None:
    script.will("GET /models", refusal(429, "rate_limit_exceeded"))
    found = check(box(script.base_url), pipeline())["trainer box"]
    assert (found["ok"], found["is_note"]) == (True, True)


def test_without_its_key_a_trainer_is_not_asked(
    check: Check, script: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BOX_KEY")
    script.seen.clear()
    found = check(box(script.base_url), pipeline())
    assert found["trainer box"]["text"] == "not asked: BOX_KEY is not set"
    assert (found["trainer box"]["ok"], found["trainer box"]["is_note"]) == (True, True)
    assert script.seen == []


def test_a_missing_key_is_named_with_what_to_do(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BOX_KEY")
    (folder / "tuneloop.toml").write_text(box("http://127.0.0.1:9/v1") + pipeline())
    assert run(["check", "--quiet"]) == 1
    out, err = capsys.readouterr()
    (line,) = [line for line in err.splitlines() if "BOX_KEY" in line]
    # The last line sums up, whatever came before.
    assert re.fullmatch(r"\d+ wrong, \d+ notes?, \d+ in order\.", out.splitlines()[-1])
    assert ".." not in err
    assert line.startswith(
        "WRONG    missing: BOX_KEY: the key of the trainer of p. What to do: Set BOX_KEY, or BOX_KEY_F"
    )


@pytest.mark.usefixtures("folder")
def test_what_a_trainer_says_of_an_end_is_remembered_and_taken_back(
    check: Check, own: Trainer, sqlite_url: str, sqlite_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNELOOP_DATABASE_URL", sqlite_url)
    seen, soon = SqlModelsSeen(sqlite_engine), datetime.now(UTC).date() + timedelta(days=13)
    # It said so an hour ago, and does not any more.
    seen.note("box", BASE, RemoteModel(BASE, soon), now=datetime.now(UTC) - timedelta(hours=1))
    found = check(box(own.base_url), pipeline())["p model"]
    assert (found["ok"], found["text"]) == (True, f"{BASE} at box has no known end")
    remembered = seen.find("box", BASE)
    assert remembered is not None
    assert remembered.shutdown_on is None


def test_an_end_is_told_with_who_said_it(
    check: Check, script: ScriptedServer, sqlite_url: str, sqlite_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNELOOP_DATABASE_URL", sqlite_url)
    said_at, soon = datetime.now(UTC), datetime.now(UTC).date() + timedelta(days=13)
    SqlModelsSeen(sqlite_engine).note("box", "m", RemoteModel("m", soon), now=said_at)
    script.will("GET /models", refusal(401))
    found = check(box(script.base_url), pipeline("m"))["p model"]
    assert not found["ok"]
    assert found["text"].endswith(f"(the trainer said so on {said_at:%Y-%m-%d %H:%M} UTC)")
    script.will("GET /models", refusal(401))
    sooner = soon - timedelta(days=3)
    found = check(box(script.base_url, more=f"sunsets = {{ m = {sooner} }}"), pipeline("m"))["p model"]
    assert found["text"].endswith("(by the configuration)")


# Whether it has the models.


def test_a_misspelt_model_is_wrong_where_the_list_is_complete(check: Check, own: Trainer) -> None:
    found = check(box(own.base_url), pipeline("memory-bse-1"))["trainer box, memory-bse-1"]
    assert not found["ok"]
    assert "memory-bse-1 is not among the models of box; the closest of its" in found["text"]
    assert BASE in found["text"]
    assert found["remedy"].startswith("Correct model in [pipelines.p.train]. If the trainer has it all the same, ")
    assert found["remedy"].endswith("in [trainers.box].")


def test_elsewhere_it_is_only_said(check: Check, script: ScriptedServer) -> None:
    script.will("GET /models", listed({"id": "llama-3.1-8b"}))
    found = check(box(script.base_url, dialect="nebius"), pipeline("llama-3.1-9b"))["trainer box, llama-3.1-9b"]
    assert (found["ok"], found["is_note"]) == (True, True)
    assert found["text"] == ("not listed, which need not mean that it is not there; for p; close to it: llama-3.1-8b")


def test_a_judge_is_looked_for_at_its_own_trainer(check: Check, own: Trainer, script: ScriptedServer) -> None:
    script.will("GET /models", listed({"id": "wise-1"}))
    judges = f'[trainers.court]\ndialect = "openai"\nbase_url = "{script.base_url}"\napi_key_env = "BOX_KEY"\n'
    found = check(box(own.base_url), judges, pipeline(), JUDGE % ("court", "wise-1"))
    assert found["trainer court, wise-1"]["text"] == "in its list, for the judge of p's kind_words"
    found = check(box(own.base_url), judges, pipeline(), JUDGE % ("court", "wise-2"))
    assert not found["trainer court, wise-2"]["ok"]
    assert "wise-1" in found["trainer court, wise-2"]["text"]


def test_what_several_pipelines_share_is_said_once(check: Check, script: ScriptedServer) -> None:
    script.will("GET /models", listed({"id": "m"}))
    script.seen.clear()
    found = check(box(script.base_url), pipeline("m"), pipeline("m", "q"))
    assert found["trainer box, m"]["text"] == "in its list, for p, q"
    assert "m at box has no known end" in found["p, q model"]["text"]
    assert [(seen.method, seen.path) for seen in script.seen] == [("GET", "/models")]


def test_an_end_that_the_list_names_counts(check: Check, script: ScriptedServer) -> None:
    script.will("GET /models", listed({"id": "m", "shutdown_date": "2026-01-01"}))
    found = check(box(script.base_url), pipeline("m"))["p model"]
    assert (found["ok"], "shut down on 2026-01-01" in found["text"]) == (False, True)


@pytest.mark.parametrize("is_known", [True, False])
def test_a_stable_name_that_the_trainer_lost_is_wrong(
    check: Check,
    script: ScriptedServer,
    sqlite_engine: sa.Engine,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_known: bool,
) -> None:
    monkeypatch.setenv("TUNELOOP_DATABASE_URL", sqlite_url)
    runs, evaluations = SqlRunStore(sqlite_engine), SqlEvaluationStore(sqlite_engine)
    claimed = runs.claim(make_run("run-1", pipeline="p", trainer="box", model="m", created_at=NOON))
    assert claimed is not None
    ended = runs.record(claimed, Step(RunState.FAILED, "x", changes={"tuned_model": "ft:m"}), now=NOON)
    evaluations.promote(ended, "by hand", now=NOON)
    assert evaluations.note_named(evaluations.to_be_named()[0])
    script.will("GET /models", listed({"id": "m"}, {"id": "tuneloop/p" if is_known else "tuneloop/q"}))
    found = check(box(script.base_url), pipeline("m"))["p stable name"]
    assert found["ok"] is is_known
    assert "tuneloop/p" in found["text"]


@pytest.mark.parametrize("is_deleted", [True, False])
def test_a_champion_that_its_trainer_has_no_more_is_wrong(
    check: Check,
    own: Trainer,
    sqlite_engine: sa.Engine,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_deleted: bool,
) -> None:
    monkeypatch.setenv("TUNELOOP_DATABASE_URL", sqlite_url)
    runs, model = SqlRunStore(sqlite_engine), str(own.trained().fine_tuned_model)
    claimed = runs.claim(make_run("run-1", pipeline="p", trainer="box", model=BASE, created_at=NOON))
    assert claimed is not None
    ended = runs.record(claimed, Step(RunState.FAILED, "x", changes={"tuned_model": model}), now=NOON)
    SqlEvaluationStore(sqlite_engine).promote(ended, "by hand", now=NOON)
    if is_deleted:
        own.client.models.delete(model)
    found = check(box(own.base_url), pipeline())["p champion"]
    assert found["ok"] is not is_deleted
    if is_deleted:
        assert found["text"] == f"{model} at box is not there any more"
        assert found["remedy"] == "tuneloop models rollback p"


# What a person will have to do.


def test_a_deployment_by_hand_is_told_for_trainers_in_use(check: Check, script: ScriptedServer) -> None:
    script.will("GET /models", listed({"id": "m"}))
    found = check(box(script.base_url, more='deploy = "by_hand"'), pipeline("m"))["trainer box deploy"]
    assert (found["ok"], found["is_note"]) == (True, True)
    assert "waits until a person has deployed its model" in found["text"]
    unused = '[trainers.spare]\ndialect = "azure"\nbase_url = "http://127.0.0.1:9/v1"\napi_key_env = "SPARE_KEY"\n'
    assert "trainer spare deploy" not in check(box(script.base_url), unused, pipeline("m"))


# What it costs.


def test_a_judge_whose_answers_have_no_price_is_noted(check: Check, own: Trainer, script: ScriptedServer) -> None:
    script.will("GET /models", listed({"id": "wise-1"}))
    court = f'[trainers.court]\ndialect = "openai"\nbase_url = "{script.base_url}"\napi_key_env = "BOX_KEY"\n'
    tables = ["[budget]\nmonth_usd = 5\n", box(own.base_url), pipeline(), JUDGE % ("court", "wise-1"), court]
    line = check(*tables)["p judge prices"]
    assert line["is_note"]
    assert line["text"].startswith(
        "answers of wise-1 at court, which judges, have no price; no budget sees what they cost (all together)"
    )
    prices = '[trainers.court.prices."wise-1"]\ntrain_usd_per_million = 0\nas_of = 2026-11-01\n'
    assert "p judge prices" not in check(*tables, prices)
