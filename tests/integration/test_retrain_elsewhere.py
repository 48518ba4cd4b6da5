"""A champion's vendor announces its end: the same snapshot is trained elsewhere by the command that is printed.

The SDK, two trainers in processes of their own, the command line and the database are real.
"""

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.adapters.sql_tables import models_seen
from service.bootstrap import Deps, now
from service.cli.app import run as tuneloop
from service.config import load
from service.domain.runs import TERMINAL, WAITS_FOR_A_PERSON, Run, RunState
from service.usecases.advance_run import advance_run
from service.usecases.write_examples import write_outcomes
from tests.contract.trainer_process import BASE, KEY, PATIENCE_S, Trainer, running_trainer
from tests.support.builders import make_outcome
from tests.support.workshop import good_answer, prompt_of

ENDS = datetime.now(UTC).date() + timedelta(days=20)
CONFIGURATION = """
[trainers.vendor]
dialect = "tuneloop"
base_url = "{vendor}"
api_key_env = "TRAINER_KEY"
[trainers.own]
dialect = "tuneloop"
base_url = "{own}"
api_key_env = "TRAINER_KEY"
budget = {{ run_usd = 20 }}
prices."memory-base-1" = {{ train_usd_per_million = 1, as_of = 2026-11-01 }}
[pipelines.p.labels]
project = "cl1"
[pipelines.p.train]
trainer = "vendor"
model = "memory-base-1"
"""


@dataclass
class House:
    """An installation in a folder of its own, and what its commands print."""

    folder: Path
    environment: Mapping[str, str]
    printed: Callable[[], str]

    def configure(self, vendor: Trainer, own: Trainer) -> None:
        (self.folder / "tuneloop.toml").write_text(CONFIGURATION.format(vendor=vendor.base_url, own=own.base_url))

    def says(self, *arguments: str, code: int = 0) -> str:
        assert tuneloop(arguments) == code
        return self.printed()

    def told(self, *arguments: str, code: int = 0) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.says(*arguments, "--json", code=code))

    @contextmanager
    def parts(self) -> Iterator[Deps]:
        deps = Deps(load(self.environment))
        yield deps
        deps.engine.dispose()

    def work_on(self, run_id: str) -> Run:
        """Advance a run to its end, as the workers do."""
        with self.parts() as deps:
            give_up_at = time.monotonic() + 2 * PATIENCE_S
            while (run := deps.runs.get(run_id)).state not in TERMINAL | WAITS_FOR_A_PERSON:
                assert time.monotonic() < give_up_at, run
                deps.runs.hurry(run_id)
                advance_run(run_id, deps.parts)
            return run

    def watch(self) -> None:
        """Do the worker's job, in a process of its own."""
        code = "from workers.jobs import watch_sunsets; watch_sunsets()"
        done = subprocess.run(
            [sys.executable, "-c", code], env=dict(self.environment), capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture
def house(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    redis_url: str,
    sqlite_url: str,
    capsys: pytest.CaptureFixture[str],
) -> House:
    chosen = {
        "TUNELOOP_CONFIG": str(tmp_path / "tuneloop.toml"),
        "TUNELOOP_DATA": str(tmp_path / "data"),
        "TUNELOOP_REDIS_URL": redis_url,
        "TUNELOOP_DATABASE_URL": sqlite_url,
        "TRAINER_KEY": KEY,
    }
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    return House(tmp_path, chosen, lambda: capsys.readouterr().out)


def fill(deps: Deps) -> None:
    outcomes = [make_outcome(f"row-{n}", good_answer(prompt_of(n)), prompt=prompt_of(n)) for n in range(60)]
    pipeline = deps.settings.pipelines["p"]
    write_outcomes(deps.examples, pipeline, outcomes, appraisers=deps.appraisers, gone=(), observed_at=now())


def test_a_snapshot_trained_at_one_trainer_is_trained_at_another_by_the_printed_command(house: House) -> None:
    with ExitStack() as stack:
        own = stack.enter_context(running_trainer(house.folder / "own"))
        with running_trainer(house.folder / "vendor") as vendor:
            house.configure(vendor, own)
            with house.parts() as deps:
                fill(deps)
            first = house.work_on(house.says("runs", "start", "p").split()[1].rstrip("."))
            assert first.state == RunState.PROMOTED, first.facts
            assert house.told("models", "dying") == []

        # The vendor announces the end of the base model, on which every tuned one depends.
        announcement = ("--shutdown-date", f"{BASE}={ENDS}")
        house.configure(stack.enter_context(running_trainer(house.folder / "vendor", *announcement)), own)
        forget_lookups(house)
        house.watch()

        (found,) = house.told("models", "dying")
        assert (found["pipeline"], found["model"], found["shutdown_on"]) == ("p", first.tuned_model, str(ENDS))
        assert found["snapshot_id"] == first.snapshot_id
        (reason,) = [item for item in house.told("why", "p")["reasons"] if item["code"] == "model_shuts_down"]
        assert str(ENDS) in reason["text"]
        checks = {item["name"]: item for item in house.told("check", code=1)["checks"]}
        assert not checks["p model"]["ok"]
        assert (checks["p champion"]["ok"], checks["p champion"]["remedy"]) == (False, found["advice"])

        (command,) = found["commands"]
        assert command in house.says("models", "dying")
        second = house.work_on(house.says(*shlex.split(command)[1:]).split()[1].rstrip("."))

        assert second.state in {RunState.KEPT, RunState.PROMOTED}, second.facts
        assert (second.snapshot_id, second.trainer, second.model) == (first.snapshot_id, "own", BASE)
        (job,) = own.client.fine_tuning.jobs.list()
        assert (job.id, (job.metadata or {})["snapshot_id"]) == (second.job_id, first.snapshot_id)
        assert house.told("runs", "show", second.run_id)["evaluation"]["models"] == {
            "base": BASE,
            "challenger": second.tuned_model,
            "champion": first.tuned_model,
        }
        # The same again would be paid twice, and is not.
        assert tuneloop(shlex.split(command)[1:]) == 1

        (found,) = house.told("models", "dying")
        assert house.says(*shlex.split(found["advice"].partition(": tuneloop ")[2]))
        assert house.told("models", "dying") == []


def forget_lookups(house: House) -> None:
    """Let a day pass since the trainers were asked."""
    with house.parts() as deps, deps.engine.begin() as connection:
        connection.execute(sa.update(models_seen).values(at=now() - timedelta(days=2)))
