"""The unpatched SDK and our own trainer as a process, with a gateway between them that loses answers.

The fake trainer of ``test_run_survives`` cannot know how the SDK takes a broken connection; this can.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from service.adapters.openai_trainer import OpenAITrainer
from service.config import TrainerSettings
from service.domain.pipelines import TrainPolicy
from service.domain.runs import RunState
from tests.contract.trainer_process import BASE, KEY, Trainer, running_trainer
from tests.support.builders import make_pipeline
from tests.support.dying import Fate
from tests.support.gateway import Gateway, Loss, running_gateway
from tests.support.living import Life, life, lives, prepared
from tests.support.workshop import EXPENSIVE

PATIENCE_S = 30.0
CREATE = "POST /v1/fine_tuning/jobs"
# So far apart that a run that a person had to start again has the name of no other life's run.
_STARTS = count(1, 1_000)


@dataclass
class RealTrainer:
    """Stands where a life expects its trainer: its jobs get on by themselves while the clock stands still."""

    process: Trainer

    def live(self) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while any(job.status in {"validating_files", "queued", "running"} for job in self.jobs()):
            assert time.monotonic() < end_s
            time.sleep(0.02)

    def jobs(self) -> list[Any]:
        return list(self.process.client.fine_tuning.jobs.list(limit=100))

    def of_run(self, run_id: str) -> tuple[int, int]:
        """Count the jobs and the uploads of a run."""
        jobs = [job for job in self.jobs() if (job.metadata or {}).get("run_id") == run_id]
        files = self.process.client.files.list(purpose="fine-tune")
        return len(jobs), len([file for file in files if run_id.removeprefix("run-") in file.filename])


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trainer]:
    with running_trainer(tmp_path_factory.mktemp("trainer") / "data") as process:
        yield process


@pytest.fixture(scope="module")
def gateway(there: Trainer) -> Iterator[Gateway]:
    with running_gateway(there.base_url) as opened:
        yield opened


@pytest.fixture
def stage(sqlite_engine: sa.Engine, tmp_path: Path) -> Iterator[tuple[Path, sa.Engine]]:
    prepared(sqlite_engine, tmp_path / "files")
    return lives(sqlite_engine, tmp_path)


@pytest.fixture(params=["openai", "tuneloop"])
def adapter(request: pytest.FixtureRequest, gateway: Gateway) -> Iterator[OpenAITrainer]:
    access = TrainerSettings("box", request.param, gateway.base_url, api_key=SecretStr(KEY), max_tokens=60)
    made = OpenAITrainer(access)
    yield made
    made.close()


def begin(stage: Iterator[tuple[Path, sa.Engine]], there: Trainer, adapter: OpenAITrainer) -> Life:
    folder, engine = next(stage)
    begun = life(engine, folder)
    # A run's id is made of its moment, and all lives share the server.
    begun.shop.clock.forward(next(_STARTS))
    begun.shop.trainer = RealTrainer(there)  # type: ignore[assignment] # all that a life asks of it
    account = begun.shop.accounts["box"]
    begun.shop.accounts["box"] = replace(account, connect=lambda: adapter, prices={BASE: EXPENSIVE})
    begun.shop.pipelines["summaries"] = make_pipeline(train=TrainPolicy("box", BASE))
    return begun


def chosen(requests: list[str]) -> list[int]:
    """Choose the first of those that are alike, and all that change something but questions to models."""
    first = {name: requests.index(name) for name in requests}
    changes = [number for number, name in enumerate(requests) if not name.startswith("GET") and "chat" not in name]
    return sorted({*first.values(), *changes})


@pytest.mark.parametrize("loss", ["dropped", "500 after success", "dropped before"])
def test_an_answer_lost_at_any_request_costs_no_second_job_and_leaves_nothing(
    stage: Iterator[tuple[Path, sa.Engine]], there: Trainer, gateway: Gateway, adapter: OpenAITrainer, loss: Loss
) -> None:
    gateway.begin()
    begin(stage, there, adapter).through(Fate())
    requests = gateway.requests
    assert requests.count(CREATE) == 1
    for number in chosen(requests):
        told = f"{loss}: {requests[number]}, request {number}"
        gateway.begin(number, loss)
        lived = begin(stage, there, adapter)
        run = lived.through(Fate())
        assert RealTrainer(there).of_run(run.run_id) == (1, 0), told
        assert run.state in {RunState.PROMOTED, RunState.KEPT}, told
        # Where the request itself was lost nobody can know that; only a server that creates once may be asked again.
        in_the_gap = requests[number] == CREATE and loss == "dropped before" and not adapter.creates_once
        assert lived.asked == int(in_the_gap), told
        assert lived.shop.letter_errors() == {}, told
        assert lived.shop.ledger.spent_this_month("box", now=lived.shop.clock.now) > 0, told
