"""The stable name at trainers of ours: commands, jobs, database, SDK and both trainers are real."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import openai
import pytest
import sqlalchemy as sa

from service.adapters.sql_evaluations import SqlEvaluationStore
from service.adapters.sql_runs import SqlRunStore
from service.bootstrap import now
from service.cli.app import run as tuneloop
from service.domain.reigns import Grounds
from service.domain.runs import RunState, Step
from tests.contract.trainer_process import KEY, Trainer, running_trainer
from tests.support.builders import make_run

NAME = "tuneloop/p"
CONFIGURATION = """
[trainers.own]
dialect = "tuneloop"
base_url = "{own}"
api_key_env = "TRAINER_KEY"
[trainers.other]
dialect = "tuneloop"
base_url = "{other}"
api_key_env = "TRAINER_KEY"
[pipelines.p.labels]
project = "cl1"
[pipelines.p.train]
trainer = "own"
model = "memory-base-1"
"""


@dataclass
class House:
    """An installation with two trainers."""

    environment: Mapping[str, str]
    engine: sa.Engine
    own: Trainer
    other: Trainer

    def crown(self, number: int, *, at: str = "own") -> str:
        """Train a model at a trainer and let it serve, as a verdict does; give its name."""
        model = str((self.own if at == "own" else self.other).trained().fine_tuned_model)
        runs = SqlRunStore(self.engine)
        claimed = runs.claim(make_run(f"run-{number}", pipeline="p", ordinal=number, trainer=at))
        assert claimed is not None
        ended = runs.record(claimed, Step(RunState.FAILED, "x", changes={"tuned_model": model}), now=now())
        grounds = Grounds("automatic", {"run_id": ended.run_id})
        assert SqlEvaluationStore(self.engine).promote(ended, "better", now=now(), grounds=grounds)
        return model

    def job(self, name: str, argument: str) -> None:
        """Do a worker's job, in a process of its own."""
        code = f"from workers.jobs import {name}; {name}({argument!r})"
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=dict(self.environment), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def house(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    redis_url: str,
    sqlite_url: str,
    sqlite_engine: sa.Engine,
) -> Iterator[House]:
    chosen = {
        "TUNELOOP_CONFIG": str(tmp_path / "tuneloop.toml"),
        "TUNELOOP_DATA": str(tmp_path / "data"),
        "TUNELOOP_REDIS_URL": redis_url,
        "TUNELOOP_DATABASE_URL": sqlite_url,
        "TRAINER_KEY": KEY,
    }
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    with running_trainer(tmp_path / "own") as own, running_trainer(tmp_path / "other") as other:
        written = CONFIGURATION.format(own=own.base_url, other=other.base_url)
        (tmp_path / "tuneloop.toml").write_text(written)
        yield House(chosen, sqlite_engine, own, other)


def meant(trainer: Trainer) -> str | None:
    """Give the model that answers to the name; None where nobody does."""
    try:
        shown = trainer.client.models.retrieve(NAME)
    except openai.NotFoundError:
        return None
    return str((shown.model_extra or {})["alias_of"])


def test_the_name_is_right_when_the_rollback_ends_and_follows_the_champion_to_another_trainer(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = house.crown(1), house.crown(2)
    house.job("name_champion", "p")
    assert meant(house.own) == second
    assert tuneloop(["models", "rollback", "p"]) == 0
    assert (capsys.readouterr().out, meant(house.own)) == (f"{first} is the champion of p.\n", first)
    elsewhere = house.crown(3, at="other")
    house.job("name_champion", "p")
    assert (meant(house.own), meant(house.other)) == (None, elsewhere)
    with pytest.raises(openai.NotFoundError):
        house.own.ask(NAME, "Hello")
    # One that could not be removed then, is when the trainers are compared.
    house.own.client.put(f"/aliases/{NAME}", cast_to=object, body={"model": first})
    house.job("reconcile_trainer", "own")
    assert (meant(house.own), meant(house.other)) == (None, elsewhere)
