"""Checkpoints by the commands that a person types, at our own trainer in a process of its own, in both databases."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from service.adapters.openai_trainer import OpenAITrainer
from service.bootstrap import Deps
from service.cli.app import run as command
from service.config import TrainerSettings, load
from service.domain.pipelines import TrainPolicy
from service.domain.runs import Run, RunState
from service.usecases.gather_reports import gather_reports
from service.usecases.name_champion import name_champion
from service.usecases.watch_sunsets import look_at_models
from tests.contract.trainer_process import BASE, KEY, Trainer, running_trainer
from tests.support.builders import make_pipeline
from tests.support.fakes import ManualClock
from tests.support.workshop import Workshop

CONFIGURATION = """
[trainers.box]
dialect = "{dialect}"
base_url = "{url}"
api_key_env = "BOX_KEY"
[pipelines.summaries.labels]
project = "project-1"
[pipelines.summaries.train]
model = "{base}"
trainer = "box"
"""


@dataclass(frozen=True)
class Scene:
    """A run that was trained and judged at a trainer, and the commands of its installation."""

    trainer: Trainer
    shop: Workshop
    run: Run
    environment: dict[str, str]
    says: Callable[..., tuple[int, str, str]]

    @property
    def deps(self) -> Deps:
        """The service's own parts, as the schedule has them."""
        return Deps(load(self.environment))

    @property
    def steps(self) -> dict[int, str]:
        points = self.trainer.client.fine_tuning.jobs.checkpoints.list(str(self.run.job_id))
        return {point.step_number: point.fine_tuned_model_checkpoint for point in points}


@pytest.fixture
def environment(database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Give what the commands read."""
    found = {
        "TUNELOOP_CONFIG": str(tmp_path / "tuneloop.toml"),
        "TUNELOOP_DATA": str(tmp_path),
        "TUNELOOP_DATABASE_URL": database_url,
        "TUNELOOP_FILES_URL": str(tmp_path / "files"),
        "TUNELOOP_REDIS_URL": redis_url,
        "BOX_KEY": KEY,
    }
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    # The report is written where the command is typed.
    monkeypatch.chdir(tmp_path)
    return found


@pytest.fixture
def stage(
    engine: sa.Engine, environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Any]:
    """Give what makes a scene at a trainer of some manners."""

    def says(*arguments: str) -> tuple[int, str, str]:
        code = command(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    @contextmanager
    def scene(dialect: str = "tuneloop", epochs: int = 3) -> Iterator[Scene]:
        with running_trainer(tmp_path / "trainer", "--manners", dialect) as trainer:
            access = TrainerSettings("box", dialect, trainer.base_url, api_key=SecretStr(KEY))
            (tmp_path / "tuneloop.toml").write_text(
                CONFIGURATION.format(dialect=dialect, url=trainer.base_url, base=BASE)
            )
            policy = TrainPolicy("box", BASE, hyperparameters={"n_epochs": epochs})
            pipelines = {"summaries": make_pipeline(train=policy)}
            shop = Workshop(engine, tmp_path / "files", pipelines=pipelines, clock=ManualClock(datetime.now(UTC)))
            adapter = OpenAITrainer(access)
            shop.accounts["box"] = replace(shop.accounts["box"], connect=lambda: adapter)
            shop.fill()
            run_id = shop.start()
            shop.go(run_id, RunState.TRAINING)
            trainer.wait(str(shop.runs.get(run_id).job_id), {"succeeded", "COMPLETED"})
            yield Scene(trainer, shop, shop.go(run_id), environment, says)
            adapter.close()

    return scene


def test_checkpoints_are_compared_judged_reported_promoted_and_rolled_back(
    stage: Callable[..., Any], tmp_path: Path
) -> None:
    with stage() as scene:
        run_id, says, final = scene.run.run_id, scene.says, scene.run.tuned_model
        assert gather_reports(run_id, scene.shop.parts) is not None
        *earlier, last = sorted(scene.steps)
        step, model = earlier[0], scene.steps[earlier[0]]

        code, out, _ = says("models", "compare", run_id, "--checkpoints")
        assert code == 0
        assert f"step {last:<5} {final}  (the run's own, judged: " in out
        assert f"step {step:<5} {model}" in out
        assert "recommended: " in out
        assert "@example.com" not in out
        code, out, err = says("models", "compare", run_id, "--json")
        found = json.loads(out)
        assert [one["model"] for one in found["models"]] == [scene.steps[key] for key in sorted(scene.steps)[::-1]]
        # Everything was answered before.
        assert (code, err, found["validation"] > 0) == (0, "", True)

        code, _, err = says("models", "promote", run_id, "--checkpoint", str(step))
        assert (code, "NotJudged" in err, f"tuneloop runs judge {run_id} --checkpoint {step}" in err) == (1, True, True)
        code, out, _ = says("runs", "judge", run_id, "--checkpoint", str(step))
        assert (code, out.splitlines()[0]) == (0, f"{model}, step {step} of {run_id}")
        assert "This is the 2nd look at these examples" in out
        assert f"tuneloop models promote {run_id} --checkpoint {step}" in out
        code, out, _ = says("runs", "judge", run_id, "--checkpoint", str(step))
        assert (code, "judged before" in out) == (0, True)
        assert f"judged       step {step}: " in says("runs", "show", run_id)[1]
        assert says("evaluate", run_id, "--checkpoint", str(step), "--recompute")[:2][0] == 0
        shown = json.loads(says("evaluate", run_id, "--checkpoint", str(step), "--json")[1])
        assert (shown["checkpoint"], shown["models"]["challenger"]) == (step, model)
        code, out, _ = says("report", run_id, "--checkpoint", str(step))
        assert (code, (tmp_path / f"report-{run_id}-step-{step}.html").exists()) == (0, True)

        code, out, _ = says("models", "promote", run_id, "--checkpoint", str(step), "--reason", "the end leaks")
        assert (code, out) == (0, f"{model} is the champion of summaries.\n")
        out = says("models", "show", "summaries")[1]
        assert out.startswith(f"champion: {model}\n")
        assert f"the checkpoint of step {step}\n" in out
        assert f"model {final}, its checkpoint {model} serves now" in says("explain", "row-3")[1]
        assert name_champion("summaries", scene.deps.parts_by_hand)
        aliased = scene.trainer.client.models.retrieve("tuneloop/summaries")
        assert (aliased.model_extra or {})["alias_of"] == model
        question = "Chat 3: please write to jane3@example.com about the late parcel"
        assert scene.trainer.ask("tuneloop/summaries", question) == scene.trainer.ask(model, question)

        serves = f"{final} is the champion of summaries.\n"
        assert says("models", "rollback", "summaries")[:2] == (0, serves)
        code, _, err = says("models", "rollback", "summaries")
        assert (code, "NothingBefore" in err) == (1, True)
        back = f"{model} is the champion of summaries.\n"
        assert says("models", "rollback", "summaries", "--to", run_id)[:2] == (0, back)
        assert says("models", "promote", run_id)[:2] == (0, serves)


def test_a_checkpoint_whose_model_was_deleted_is_gone_everywhere(stage: Callable[..., Any]) -> None:
    with stage() as scene:
        run_id, says = scene.run.run_id, scene.says
        assert gather_reports(run_id, scene.shop.parts) is not None
        first, second, _ = sorted(scene.steps)
        model, other = scene.steps[first], scene.steps[second]
        for done in (("runs", "judge"), ("models", "promote")):
            assert says(*done, run_id, "--checkpoint", str(first))[0] == 0
        look_at_models(scene.shop.pipelines, scene.deps.parts_by_hand, clock=scene.shop.clock)
        for gone in (model, other):
            scene.trainer.client.models.delete(gone)
        scene.shop.clock.forward(86_400)
        look_at_models(scene.shop.pipelines, scene.deps.parts_by_hand, clock=scene.shop.clock)
        assert "GONE: " in says("models", "show", "summaries")[1]

        code, _, err = says("runs", "judge", run_id, "--checkpoint", str(second))
        assert (code, f"checkpoint {other} of run {run_id} does not answer" in err) == (1, True)
        assert "What to do: A new one takes some minutes." in err
        code, _, err = says("models", "compare", run_id)
        assert (code, f"CheckpointGone: no earlier checkpoint of run {run_id} answers" in err) == (1, True)
        assert "models compare" not in err
        # The run's own model is there, and takes its place.
        assert says("models", "promote", run_id)[0] == 0
        code, _, err = says("models", "promote", run_id, "--checkpoint", str(first))
        assert (code, "ModelGone" in err) == (1, True)


def test_checkpoints_are_compared_also_where_the_runs_own_model_was_deleted(stage: Callable[..., Any]) -> None:
    with stage() as scene:
        assert gather_reports(scene.run.run_id, scene.shop.parts) is not None
        scene.trainer.client.models.delete(str(scene.run.answers_as))
        code, out, _ = scene.says("models", "compare", scene.run.run_id)
        assert (code, out.count("gone: ")) == (0, 1)
        assert "of those that answer; the run's own model does not\nheld-out examples decide: " in out


def test_a_job_of_one_epoch_has_nothing_to_compare(stage: Callable[..., Any]) -> None:
    with stage(epochs=1) as scene:
        code, _, err = scene.says("models", "compare", scene.run.run_id)
        assert (code, "kept no checkpoint but its model" in err, "n_epochs" in err) == (1, True, True)
        code, _, err = scene.says("runs", "judge", scene.run.run_id, "--checkpoint", "7")
        assert (code, "NoCheckpoints" in err) == (1, True)
        assert scene.says("runs", "judge", scene.run.run_id)[0] == 2


def test_answers_that_were_cut_are_counted_beside_the_scores(stage: Callable[..., Any]) -> None:
    with stage() as scene:
        configuration = Path(scene.environment["TUNELOOP_CONFIG"])
        configuration.write_text(
            configuration.read_text() + "\n[pipelines.summaries.verdict]\nsampling.max_tokens = 1\n"
        )
        code, out, _ = scene.says("models", "compare", scene.run.run_id)
        number = len(scene.steps)
        assert (code, out.count("cut or refused, and counted as the worst: ")) == (0, number)


def test_a_server_that_tells_no_checkpoints_is_named(stage: Callable[..., Any]) -> None:
    with stage("generic") as scene:
        code, _, err = scene.says("models", "compare", scene.run.run_id)
        assert (code, "trainer box tells no checkpoints" in err) == (1, True)


@pytest.mark.parametrize("dialect", ["azure", "nebius"])
def test_a_server_whose_models_are_deployed_serves_no_checkpoints(stage: Callable[..., Any], dialect: str) -> None:
    with stage() as scene:
        configuration = Path(scene.environment["TUNELOOP_CONFIG"])
        configuration.write_text(configuration.read_text().replace('"tuneloop"', f'"{dialect}"'))
        for act in (("models", "compare"), ("runs", "judge", "--checkpoint", "7")):
            code, _, err = scene.says(*act, scene.run.run_id)
            assert (code, "NotServed: trainer box serves what is deployed" in err) == (1, True)


def test_options_that_do_not_belong_together_are_refused(stage: Callable[..., Any]) -> None:
    with stage(epochs=1) as scene:
        assert scene.says("evaluate", "summaries", "--base", "--checkpoint", "7")[0] == 2
        code, _, err = scene.says("evaluate", scene.run.run_id, "--checkpoint", "7")
        assert (code, f"checkpoint 7 of run {scene.run.run_id} has no evaluation" in err) == (1, True)
