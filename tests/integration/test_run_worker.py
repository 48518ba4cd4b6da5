"""What the worker and the command line do around the runs' use cases."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from redis import Redis
from rq import Queue
from rq.timeouts import JobTimeoutException

from service.adapters.sql_aftermath import SqlAftermath
from service.adapters.sql_runs import SqlRunStore
from service.bootstrap import Deps, now
from service.cli.app import run as tuneloop
from service.domain.runs import RunState, Step
from service.domain.upload_names import upload_name
from service.usecases.clear_run import note_clearing_crash
from service.usecases.steps.endings import MAX_ATTEMPTS
from tests.contract.openai_script import ScriptedServer, job, listed, refusal, scripted_server
from tests.support.builders import make_run
from tests.support.workshop import Workshop
from workers.jobs import noting_crashes
from workers.schedule import make_beats

S = RunState


def test_a_step_that_rq_cuts_off_is_no_fault_of_the_run(shop: Workshop) -> None:
    run_id = shop.start()
    before = shop.runs.get(run_id)
    with pytest.raises(JobTimeoutException), noting_crashes(run_id, shop.parts):
        raise JobTimeoutException("3600 seconds")
    assert shop.runs.get(run_id) == before
    with pytest.raises(KeyError), noting_crashes(run_id, shop.parts):
        raise KeyError("a fault of ours")
    assert shop.runs.get(run_id).fact("error") == "ServiceError: KeyError"


def test_a_fault_of_ours_while_a_run_is_cleared_puts_that_off_and_at_last_becomes_a_dead_letter(shop: Workshop) -> None:
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    shop.trainer.becomes("ftjob-1", "cancelled")
    shop.go(run_id)
    for _ in range(MAX_ATTEMPTS + 1):
        assert [run.run_id for run in shop.aftermath.standing_at("box")] == [run_id]
        with pytest.raises(KeyError), noting_crashes(run_id, shop.parts, note_clearing_crash):
            raise KeyError("a fault of ours")
    assert shop.aftermath.standing_at("box") == []
    assert shop.letter_errors() == {f"aftermath {run_id}": "ServiceError"}


def test_the_schedule_calls_for_runs_to_be_cleared_and_for_trainers_that_had_one(
    server: tuple[int, Deps], redis: Redis
) -> None:
    deps = server[1]
    with deps.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM runs"))
    beats = {beat.name: beat for beat in make_beats(deps)}
    assert beats["trainers"].every == deps.settings.service.trainers_every
    beats["trainers"].act()
    for number, trainer in enumerate(("box", "no longer configured")):
        run = deps.runs.claim(make_run(f"run-{number}", pipeline=f"p{number}", trainer=trainer))
        assert run is not None
        deps.runs.record(run, Step(S.CANCELLED, "x"), now=now())
    beats["sweep"].act()
    beats["trainers"].act()
    queued = {
        (item.func_name.rpartition(".")[2], *item.args)
        for item in Queue("runs", connection=redis, serializer="json").jobs
    }
    assert queued == {("clear_run", "run-0"), ("clear_run", "run-1"), ("reconcile_trainer", "box")}


# tuneloop runs orphans.


@pytest.fixture
def installed(tmp_path: Path, sqlite_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def] # noqa: ANN201 - a generator of two things
    """An installation with one ended run, whose trainer says what the test tells it to."""
    with scripted_server() as there:
        text = (
            f'[trainers.box]\ndialect = "generic"\nbase_url = "{there.base_url}"\n[pipelines.p.labels]\nproject = "c"\n'
        )
        (tmp_path / "tuneloop.toml").write_text(text + '[pipelines.p.train]\nmodel = "m"\n')
        monkeypatch.setenv("TUNELOOP_CONFIG", str(tmp_path / "tuneloop.toml"))
        monkeypatch.setenv("TUNELOOP_DATABASE_URL", sqlite_url)
        monkeypatch.setenv("TUNELOOP_REDIS_URL", redis_url)
        engine = sa.create_engine(sqlite_url)
        store = SqlRunStore(engine)
        run = store.claim(make_run("run-1"))
        assert run is not None
        store.record(run, Step(S.CANCELLED, "x"), now=now())
        SqlAftermath(engine).clear("run-1", now=now())
        yield there, SqlAftermath(engine).installation()
        engine.dispose()


def test_orphans_are_shown_and_then_cleaned(
    installed: tuple[ScriptedServer, str], capsys: pytest.CaptureFixture[str]
) -> None:
    there, ours = installed
    name = upload_name("train", "ab" * 32, installation=ours, run_id="run-1")
    left = {"id": "file-1", "object": "file", "filename": name, "created_at": 100}
    there.will("GET /files", listed(left))
    there.will("GET /fine_tuning/jobs", listed(job(metadata={"run_id": "run-1", "installation": ours})))
    there.will("GET /fine_tuning/jobs/ftjob-1", job())
    there.will("POST /fine_tuning/jobs/ftjob-1/cancel", job(status="cancelled"))
    there.will("DELETE /files/file-1", {"id": "file-1", "deleted": True})

    assert tuneloop(["runs", "orphans"]) == 0
    shown = capsys.readouterr().out
    assert "box: job ftjob-1: to be cancelled, with --clean" in shown
    assert "box: file file-1: to be deleted, with --clean" in shown
    assert not [seen for seen in there.seen if seen.method != "GET"]

    assert tuneloop(["runs", "orphans", "--clean", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [orphan["done"] for orphan in found["box"]["orphans"]] == ["cancelled", "deleted"]
    assert [seen.path for seen in there.seen if seen.method != "GET"] == [
        "/fine_tuning/jobs/ftjob-1/cancel",
        "/files/file-1",
    ]


def test_a_trainer_that_cannot_be_listed_makes_the_command_fail(
    installed: tuple[ScriptedServer, str], capsys: pytest.CaptureFixture[str]
) -> None:
    there, _ = installed
    there.will("GET /files", listed())
    there.will("GET /fine_tuning/jobs", refusal(404, None, "No such path"))
    assert tuneloop(["runs", "orphans"]) == 1
    assert "box: TrainerRefused: Error code: 404 - No such path" in capsys.readouterr().err


def test_where_nothing_is_left_that_is_said(
    installed: tuple[ScriptedServer, str], capsys: pytest.CaptureFixture[str]
) -> None:
    there, _ = installed
    there.will("GET /files", listed())
    there.will("GET /fine_tuning/jobs", listed())
    assert tuneloop(["runs", "orphans", "--trainer", "box"]) == 0
    assert capsys.readouterr().out == "Every job and file of ours is known.\n"


def test_an_orphan_that_only_a_person_can_settle_is_listed_with_what_to_do(
    installed: tuple[ScriptedServer, str], capsys: pytest.CaptureFixture[str]
) -> None:
    there, ours = installed
    there.will("GET /files", listed())
    there.will("GET /fine_tuning/jobs", listed(job(metadata={"run_id": "run-unheard-of", "installation": ours})))
    assert tuneloop(["runs", "orphans"]) == 0
    shown = capsys.readouterr().out
    assert "box: job ftjob-1: a person has to settle this\n" in shown
    assert "What to do: If the database comes from an older backup, restore a newer one." in shown


def test_a_trainer_that_there_is_not_is_refused_with_those_that_there_are(
    installed: tuple[ScriptedServer, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert installed
    assert tuneloop(["runs", "orphans", "--trainer", "nope"]) == 1
    assert "no trainer 'nope'\nWhat to do: There are: box\n" in capsys.readouterr().err
