"""Ends on the command line, over HTTP and in the schedule: what is told, and what is refused."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from redis import Redis
from rq import Queue

from service.adapters.sql_evaluations import SqlEvaluationStore
from service.adapters.sql_models_seen import SqlModelsSeen
from service.adapters.sql_runs import SqlRunStore
from service.bootstrap import Deps
from service.cli.app import run
from service.domain.runs import RunState, Step
from service.ports import RemoteModel
from tests.support.builders import make_run
from tests.support.typed import Says
from tests.support.web_stage import Stage, make_settings, staged
from workers.schedule import make_beats

TODAY = datetime.now(UTC).date()
MODEL = "a-model"
TUNED = "ft:a-model:acme::1"
CONFIGURATION = """
[trainers.box]
dialect = "generic"
base_url = "http://127.0.0.1:9/v1"
sunsets = { "a-model" = %s }
[trainers.other]
dialect = "generic"
base_url = "http://127.0.0.1:9/v1"
prices."m2" = { train_usd_per_million = 1, as_of = 2026-11-01 }
[pipelines.p]
labels.project = "cl1"
train = { trainer = "box", model = "a-model" }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    # Without a key nobody asks OpenAI.
    for name in (
        "TUNELOOP_CONFIG",
        "TUNELOOP_REDIS_URL",
        "TUNELOOP_DATABASE_URL",
        "LABELBOX_API_KEY",
        "OPENAI_API_KEY",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TUNELOOP_DATA", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture
def says(folder: Path, capsys: pytest.CaptureFixture[str]) -> Says:
    assert folder.exists()

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


@pytest.fixture
def database(folder: Path, monkeypatch: pytest.MonkeyPatch, redis_url: str, sqlite_url: str) -> None:
    assert folder.exists()
    monkeypatch.setenv("TUNELOOP_REDIS_URL", redis_url)
    monkeypatch.setenv("TUNELOOP_DATABASE_URL", sqlite_url)


def write(folder: Path, days: int, *, more: str = "") -> date:
    ends = TODAY + timedelta(days)
    (folder / "tuneloop.toml").write_text(CONFIGURATION % ends + more)
    return ends


def crown(engine: sa.Engine, pipeline: str = "p") -> None:
    """Have a champion that was trained on a snapshot."""
    runs, at = SqlRunStore(engine), datetime.now(UTC)
    made = make_run("run-1", pipeline=pipeline, trainer="box", model=MODEL, snapshot_id="5a" * 32, created_at=at)
    claimed = runs.claim(made)
    assert claimed is not None
    ended = runs.record(claimed, Step(RunState.FAILED, "x", changes={"tuned_model": TUNED}), now=at)
    SqlEvaluationStore(engine).promote(ended, "by hand", now=at)


# tuneloop check.


@pytest.mark.parametrize(
    ("days", "mark", "words"),
    [(20, "WRONG", "at least 30 days are wanted"), (60, "note", "in 60 days"), (200, "ok", "in 200 days")],
)
def test_check_tells_the_end_of_a_pipelines_model(folder: Path, says: Says, days: int, mark: str, words: str) -> None:
    ends = write(folder, days)
    _, out, err = says("check", "--quiet")
    (line,) = [line for line in (out + err).splitlines() if " p model: " in line]
    assert line.startswith(mark)
    assert str(ends) in line
    assert words in line
    assert mark == "WRONG" or "not asked yet" in line
    assert mark != "WRONG" or "[pipelines.p.train]" in line
    # A check makes no database.
    assert not (folder / "data" / "tuneloop.db").exists()


@pytest.mark.usefixtures("database")
def test_check_tells_the_end_of_the_champion_and_what_to_do(folder: Path, says: Says, sqlite_engine: sa.Engine) -> None:
    crown(sqlite_engine)
    SqlModelsSeen(sqlite_engine).note("box", MODEL, RemoteModel(MODEL), now=datetime.now(UTC))
    write(folder, 20)
    _, out, err = says("check", "--quiet")
    (line,) = [line for line in err.splitlines() if " p champion: " in line]
    assert f"{TUNED} at box shuts down on" in line
    assert "tuneloop runs start p --snapshot 5a5a5a5a5a5a5a5a --trainer other --model m2" in line
    write(folder, 60)
    _, out, _ = says("check", "--quiet")
    assert any(line.startswith("note     p champion: ") for line in out.splitlines())
    assert "not asked yet" not in out


def test_check_prints_every_known_end(folder: Path, says: Says) -> None:
    (folder / "tuneloop.toml").write_text('[pipelines.p]\nlabels.project = "c"\ntrain.model = "gpt-4.1-mini"\n')
    _, out, _ = says("check")
    rows = dict(line.split(" = ") for line in out.splitlines() if " = " in line)
    ends = "2027-01-14 (read 2026-11-23)"
    assert rows['trainers.openai.sunsets."gpt-4.1-mini-2025-04-14"'] == ends
    assert rows["trainers.openai.training_ends"] == "2027-01-06"
    assert rows["pipelines.p.train.min_days_left"] == "30"


# tuneloop models dying.


@pytest.mark.usefixtures("database")
def test_dying_champions_are_listed_for_people_and_programs(folder: Path, says: Says, sqlite_engine: sa.Engine) -> None:
    crown(sqlite_engine)
    ends = write(folder, 48)
    command = "tuneloop runs start p --snapshot 5a5a5a5a5a5a5a5a --trainer other --model m2"
    code, out, _ = says("models", "dying")
    assert (code, out.splitlines()) == (
        0,
        [
            f"p: {TUNED} at box shuts down on {ends}, in 48 days",
            f"    trained on snapshot {'5a' * 32}, run run-1",
            f"    Train the same examples elsewhere: {command}",
            # The champion of this test was trained on nothing that is there.
            f"        refused now: no snapshots begin with '{'5a' * 32}'",
        ],
    )
    _, out, _ = says("models", "dying", "--json")
    (found,) = json.loads(out)
    assert (found["shutdown_on"], found["days_left"], found["commands"]) == (str(ends), 48, [command])
    assert list(found["refused"]) == [command]
    assert f"  champion   {TUNED}, shuts down on {ends}\n" in says("status")[1]
    assert says("models", "dying", "--within", "47")[1] == "No champion is known to shut down within 47 days.\n"
    assert says("models", "dying", "--within", "-1")[0] == 2


# tuneloop runs start.


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "neither a pipeline nor a snapshot"),
        (["p", "--trainer", "box"], 2, "are for a snapshot"),
        (["p", "--model", "m"], 2, "are for a snapshot"),
        (["p", "--again"], 1, "in 20 days; at least 30 days are wanted"),
        (["q"], 1, "no pipeline 'q'"),
        (["q", "--snapshot", "aa"], 1, "no pipeline 'q'"),
        (["--snapshot", "aa"], 1, "no snapshots begin with 'aa'"),
        (["p"], 1, "in 20 days; at least 30 days are wanted"),
    ],
)
def test_what_cannot_be_started_is_refused_with_its_reason(
    folder: Path, says: Says, arguments: list[str], code: int, words: str
) -> None:
    write(folder, 20)
    found, _, err = says("runs", "start", *arguments)
    assert (found, words in err, "What to do:" in err) == (code, True, True)


@pytest.mark.usefixtures("database")
def test_despite_the_sunset_only_the_other_doors_are_left(folder: Path, says: Says) -> None:
    write(folder, 20)
    _, _, err = says("runs", "start", "p", "--despite-sunset")
    assert "0 of 10 training examples" in err
    assert "wanted" not in err


@pytest.mark.usefixtures("database")
def test_why_names_the_end(folder: Path, says: Says) -> None:
    ends = write(folder, 20)
    assert f"model_shuts_down: a-model at box shuts down on {ends}, in 20 days" in says("why", "p")[1]


# The configuration.


@pytest.mark.parametrize(
    ("more", "mistake"),
    [
        ("[trainers.third]\ndialect = 'nebius'\nsunsets = { m = '2027-01-01' }\n", "must be a date without quotes"),
        ("[trainers.third]\ndialect = 'nebius'\ntraining_ends = 2027\n", "must be a date without quotes"),
        (
            "[pipelines.q]\nlabels.project = 'c'\ntrain = { model = 'm', trainer = 'box', min_days_left = -1 }\n",
            "least 0",
        ),
    ],
)
def test_dates_that_are_none_are_refused_with_their_place(folder: Path, says: Says, more: str, mistake: str) -> None:
    write(folder, 20, more=more)
    code, _, err = says("status")
    assert code == 2
    assert mistake in err


# Over HTTP.


@pytest.fixture
def stage(tmp_path: Path, redis_url: str, sqlite_template: Path) -> Iterator[Stage]:
    with staged(make_settings(tmp_path, redis_url), database=sqlite_template) as made:
        yield made


def test_the_api_and_the_metrics_tell_the_end_of_the_champion(stage: Stage) -> None:
    crown(stage.deps.engine, "summaries")
    assert stage.read("/pipelines/summaries")["champion"]["shutdown_on"] is None
    assert b"tuneloop_champion_days_left" not in stage.get("/metrics").body
    # The base that it was tuned from is what ends; the configured model, another one, does too.
    for model, days in ((MODEL, 48), ("base-model", 3)):
        remote = RemoteModel(model, TODAY + timedelta(days))
        stage.deps.models_seen.note("box", model, remote, now=datetime.now(UTC))
    told = stage.read("/pipelines/summaries")
    assert told["champion"]["shutdown_on"] == str(TODAY + timedelta(48))
    assert "model_shuts_down" in {reason["code"] for reason in told["decision"]["reasons"]}
    assert b'tuneloop_champion_days_left{pipeline="summaries"} 48.0' in stage.get("/metrics").body


# The schedule.


def test_the_schedule_has_the_trainers_asked(stage: Stage, redis: Redis) -> None:
    deps: Deps = stage.deps
    (beat,) = [beat for beat in make_beats(deps) if beat.name == "sunsets"]
    beat.act()
    assert [job.func_name for job in Queue("runs", connection=redis, serializer="json").jobs] == [
        "workers.jobs.watch_sunsets"
    ]
