"""From a dialect in the file to the adapter that speaks it."""

from pathlib import Path
from typing import Any

import pytest

from service.adapters.openai_trainer import OpenAITrainer
from service.adapters.together_trainer import TogetherTrainer
from service.adapters.trainers import ADAPTERS
from service.bootstrap import Deps
from service.config import load
from service.domain.dialects import DIALECTS

PIPELINE = '[pipelines.p]\nlabels.project = "cl1"\ntrain = { model = "m" }\n'


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_dialect_gets_its_adapter_and_a_process_one_of_it(dialect: str, tmp_path: Path) -> None:
    table = f'[trainers.t]\ndialect = "{dialect}"\nbase_url = "http://127.0.0.1:1/v1"\nundeploy = ["down"]\n'
    (tmp_path / "tuneloop.toml").write_text(table + PIPELINE)
    account = Deps(load({"TUNELOOP_CONFIG": str(tmp_path / "tuneloop.toml")})).accounts["t"]

    trainer: Any = account.connect()

    assert isinstance(trainer, TogetherTrainer if dialect == "together" else OpenAITrainer)
    assert trainer.creates_once == DIALECTS[dialect].creates_once
    assert account.connect() is trainer
    assert account.deployment.undeploy == ("down",)
    trainer.close()


def test_every_adapter_belongs_to_a_dialect_that_a_file_may_name() -> None:
    assert ADAPTERS.keys() <= DIALECTS.keys()
