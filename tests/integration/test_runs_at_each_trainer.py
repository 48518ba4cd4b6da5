"""A whole run, from frozen examples to its verdict, at a real process with each server's manners."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from service.adapters.trainers import open_trainer
from service.config import TrainerSettings
from service.domain.deployments import Deployment
from service.domain.dialects import DIALECTS
from service.domain.pipelines import TrainPolicy
from service.domain.runs import Run, RunState
from tests.contract.trainer_process import BASE, KEY, running_trainer
from tests.support import together_server as together
from tests.support.builders import make_pipeline
from tests.support.workshop import Workshop

SCRIPT = str(Path(__file__).parents[1] / "support" / "deploy_model.py")
DEPLOYS = {"azure", "nebius"}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def settings_of(dialect: str, stack: ExitStack, folder: Path) -> TrainerSettings:
    if dialect == "together":
        address = stack.enter_context(together.together_server()).address
        return TrainerSettings("box", dialect, address, api_key=SecretStr(together.KEY))
    address = stack.enter_context(running_trainer(folder / "trainer", "--manners", dialect)).base_url
    deployment = Deployment()
    if dialect in DEPLOYS:
        values = ("{name}", "{model}", "{job}", "{base}")
        deployment = Deployment(deploy=(sys.executable, SCRIPT, f"{dialect}-deploy", address, *values))
    return TrainerSettings("box", dialect, address, api_key=SecretStr(KEY), deployment=deployment)


def shop_at(settings: TrainerSettings, stack: ExitStack, engine: sa.Engine, folder: Path) -> Workshop:
    trainer: Any = open_trainer(settings)
    stack.callback(trainer.close)
    model = together.BASE if settings.dialect == "together" else BASE
    pipeline = make_pipeline(train=TrainPolicy(trainer="box", model=model, suffix="short"))
    shop = Workshop(engine, folder / "files", pipelines={"summaries": pipeline}, deployment=settings.deployment)
    shop.accounts["box"] = replace(shop.accounts["box"], connect=lambda: trainer)
    shop.fill()
    return shop


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_run_reaches_its_verdict(
    dialect: str, stack: ExitStack, sqlite_engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_KEY", KEY)
    shop = shop_at(settings_of(dialect, stack, tmp_path), stack, sqlite_engine, tmp_path)

    run = ended(shop, shop.start())

    assert run.state in {RunState.PROMOTED, RunState.KEPT}, run.facts
    states = shop.states(run.run_id)
    assert ("deploying" in states) == (dialect in DEPLOYS)
    assert (run.answers_as == run.tuned_model) == (dialect not in DEPLOYS)
    evaluation = shop.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    assert evaluation["models"]["challenger"] == run.answers_as
    assert shop.letter_errors() == {}


def ended(shop: Workshop, run_id: str) -> Run:
    """Advance a run to its end; its job takes a while by the clock on the wall."""
    for _ in range(20):
        try:
            return shop.go(run_id)
        except AssertionError:
            continue
    raise AssertionError(shop.runs.get(run_id))
