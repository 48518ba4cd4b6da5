"""A job's whole life at each kind of trainer, each in a process (or server) that has that kind's manners."""

import io
import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import SecretStr

from service.adapters.commands import ShelllessCommands
from service.adapters.trainers import open_trainer
from service.config import TrainerSettings
from service.domain.deployments import Deployment
from service.domain.dialects import DIALECTS
from service.domain.errors import ModelNotReady, TrainerRefused
from service.domain.runs import Run
from service.ports import RemoteJob, Trainer
from tests.contract.openai_script import run
from tests.contract.trainer_process import BASE, KEY, running_trainer
from tests.support import together_server as together

SCRIPT = Path(__file__).parents[1] / "support" / "deploy_model.py"
ROWS = 12


def lines(count: int = ROWS) -> bytes:
    chats = (
        [{"role": "user", "content": f"Say {number}."}, {"role": "assistant", "content": f"It is {number}."}]
        for number in range(count)
    )
    return b"".join(json.dumps({"messages": chat}).encode() + b"\n" for chat in chats)


def run_of(number: int, *, base: str, **facts: object) -> Run:
    return replace(run(**facts), run_id=f"run-{number:020x}", model=base)


def deploying(how: str, address: str) -> tuple[str, ...]:
    return (sys.executable, str(SCRIPT), how, address, "{name}", "{model}", "{job}", "{base}")


@dataclass
class Stage:
    """A trainer of one dialect, the adapter for it, and how its models are deployed."""

    dialect: str
    trainer: Trainer
    base: str = BASE
    deployment: Deployment = field(default_factory=Deployment)
    hyperparameters: dict[str, object] = field(default_factory=lambda: {"n_epochs": 2})

    def upload(self, name: str = "train-1.jsonl", content: bytes = lines()) -> str:
        return self.trainer.upload(name, io.BytesIO(content), len(content))

    def create(self, ours: Run, training_file: str) -> RemoteJob:
        return self.trainer.create_job(ours, training_file=training_file, validation_file=None)

    def run(self, number: int, **facts: object) -> Run:
        return run_of(number, base=self.base, hyperparameters=self.hyperparameters, suffix="first", **facts)

    def ended(self, job_id: str) -> RemoteJob:
        give_up_at = time.monotonic() + 60
        while (found := self.trainer.job(job_id)).outcome == "open":
            assert time.monotonic() < give_up_at, f"the job is still {found.status}"
            time.sleep(0.02)
        return found


def opened(stack: ExitStack, settings: TrainerSettings) -> Trainer:
    """Open the adapter that the registry has for this trainer."""
    trainer: Any = open_trainer(settings)
    stack.callback(trainer.close)
    return cast("Trainer", trainer)


def own_stage(stack: ExitStack, folder: Path, dialect: str, *, job_seconds: float = 0) -> Stage:
    address = stack.enter_context(
        running_trainer(folder / dialect, "--manners", dialect, job_seconds=job_seconds)
    ).base_url
    settings = TrainerSettings("t", dialect, address, api_key=SecretStr(KEY), max_tokens=50)
    stage = Stage(dialect, opened(stack, settings))
    if dialect == "azure":
        stage.deployment = Deployment(
            deploy=deploying("azure-deploy", address), undeploy=deploying("azure-undeploy", address)
        )
    if dialect == "nebius":
        stage.deployment = Deployment(deploy=deploying("nebius-deploy", address))
        stage.hyperparameters = {"n_epochs": 2, "lora": True, "lora_r": 8}
    return stage


def together_stage(stack: ExitStack, *, held: bool = False) -> Stage:
    server = stack.enter_context(together.together_server())
    server.held = held
    settings = TrainerSettings("t", "together", server.address, api_key=SecretStr(together.KEY), max_tokens=50)
    return Stage("together", opened(stack, settings), base=together.BASE)


@pytest.fixture(scope="module", params=DIALECTS)
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with ExitStack() as stack:
        if request.param == "together":
            yield together_stage(stack)
        else:
            yield own_stage(stack, tmp_path_factory.mktemp("trainers"), request.param)


@pytest.fixture(autouse=True)
def deploy_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_KEY", KEY)


def test_a_job_lives_from_its_file_to_an_answer(stage: Stage) -> None:
    training_file = stage.upload()
    knows_its_files = DIALECTS[stage.dialect].file_list
    assert (stage.upload() == training_file) == knows_its_files
    ours = stage.run(1)
    assert stage.trainer.find_jobs(ours.run_id, training_file) == []

    made = stage.create(ours, training_file)

    assert [job.job_id for job in stage.trainer.find_jobs(ours.run_id, training_file)] == [made.job_id]
    job = stage.ended(made.job_id)
    assert (job.outcome, job.error, job.training_file) == ("succeeded", None, training_file)
    assert job.trained_tokens
    assert job.tuned_model
    trained = replace(ours, tuned_model=job.tuned_model, job_id=job.job_id)
    name = deployed(stage, trained)
    said = stage.trainer.answer(name, [{"role": "user", "content": "Say 7."}])
    assert said.text == "It is 7."
    assert said.prompt_tokens > 0
    assert stage.trainer.answer(stage.base, [{"role": "user", "content": "Say 7."}]).text != "It is 7."

    stage.trainer.delete_file(training_file)
    stage.trainer.delete_file(training_file)
    with pytest.raises(TrainerRefused):
        stage.create(stage.run(2), training_file)


def test_the_base_model_is_in_the_list_of_models(stage: Stage) -> None:
    models = stage.trainer.models()
    assert models is not None
    assert stage.base in [model.model_id for model in models]


def deployed(stage: Stage, trained: Run) -> str:
    """Give the name the model answers to, deploying it where it must be."""
    name = trained.tuned_model or ""
    if not stage.deployment.deploy:
        return name
    for too_early in (name, stage.deployment.name_for(trained)):
        with pytest.raises(ModelNotReady):
            stage.trainer.answer(too_early, [{"role": "user", "content": "Say 7."}])
    command = stage.deployment.command_for(trained, stage.deployment.deploy)
    commands = ShelllessCommands()
    assert commands.run(command, timeout_s=60, keep=lambda: None).code == 0
    ran = commands.run(command, timeout_s=60, keep=lambda: None)
    assert ran.code == 0
    return ran.last_line or stage.deployment.name_for(trained)


def test_events_and_checkpoints_come_newest_first_or_are_refused_as_a_whole(stage: Stage) -> None:
    job = stage.ended(stage.create(stage.run(10), stage.upload("train-10.jsonl")).job_id)
    if stage.dialect == "generic":
        for ask in (lambda: list(stage.trainer.events(job.job_id)), lambda: stage.trainer.checkpoints(job.job_id)):
            with pytest.raises(TrainerRefused):
                ask()
        return
    events = list(stage.trainer.events(job.job_id))
    assert len({event.event_id for event in events}) == len(events) >= 4
    assert [event.created_at for event in events] == sorted((e.created_at for e in events), reverse=True)
    assert [event.event_id for event in stage.trainer.events(job.job_id)] == [event.event_id for event in events]
    points = stage.trainer.checkpoints(job.job_id)
    assert [point["step"] for point in points] == sorted((point["step"] for point in points), reverse=True)
    assert all(point["model"] and point["checkpoint_id"] for point in points)


COLUMNS = {
    "azure": b"step,train_loss,train_mean_token_accuracy,valid_loss,validation_mean_token_accuracy",
    "openai": b"c3RlcCx0cmFpbl9sb3NzLHRyYWluX2FjY3VyYWN5",  # base64
}


def test_the_result_file_is_given_as_the_server_keeps_it(stage: Stage) -> None:
    job = stage.ended(stage.create(stage.run(20), stage.upload("train-20.jsonl")).job_id)
    if stage.dialect == "together":
        assert job.result_files == ()
        return
    content = stage.trainer.file_content(job.result_files[0])
    assert content.startswith(COLUMNS.get(stage.dialect, b"step,train_loss,train_accuracy,valid_loss"))


def test_a_run_finds_its_jobs_oldest_first_and_no_other_runs(stage: Stage) -> None:
    training_file, ours = stage.upload("train-30.jsonl"), stage.run(30)
    first, second = stage.create(ours, training_file), stage.create(ours, training_file)
    found = [job.job_id for job in stage.trainer.find_jobs(ours.run_id, training_file)]
    assert stage.trainer.creates_once == (first.job_id == second.job_id)
    assert set(found) == {first.job_id, second.job_id}
    if first.created_at != second.created_at:
        assert found[0] == first.job_id
    others = stage.trainer.find_jobs("run-" + "f" * 20, training_file)
    # Where a job carries nothing of ours the file is all there is to go by.
    assert bool(others) == (stage.dialect == "generic")


def test_what_the_server_does_not_know_is_refused(stage: Stage) -> None:
    with pytest.raises(TrainerRefused):
        stage.trainer.job("ftjob-none")
    with pytest.raises(ModelNotReady):
        stage.trainer.answer("ft:none", [{"role": "user", "content": "Hello"}])
    ended = stage.ended(stage.create(stage.run(40), stage.upload("train-40.jsonl")).job_id)
    with pytest.raises(TrainerRefused):
        stage.trainer.cancel(ended.job_id)


# Together's stand-in looks at no lines: how a failed job of its shape is read stands in test_together_trainer.py.
@pytest.mark.parametrize("stage", [dialect for dialect in DIALECTS if dialect != "together"], indirect=True)
def test_a_file_of_too_few_lines_fails_the_job_with_its_reason(stage: Stage) -> None:
    job = stage.ended(stage.create(stage.run(50), stage.upload("train-50.jsonl", lines(7))).job_id)
    assert job.outcome == "failed"
    assert "invalid_n_examples" in str(job.error)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_job_that_is_still_training_can_be_cancelled(dialect: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        is_other = dialect == "together"
        stage = together_stage(stack, held=True) if is_other else own_stage(stack, tmp_path, dialect, job_seconds=60)
        made = stage.create(stage.run(1), stage.upload())
        stage.trainer.cancel(made.job_id)
        job = stage.ended(made.job_id)
        assert (job.outcome, job.tuned_model) == ("cancelled", None)


def test_a_deployment_is_taken_down_again(tmp_path: Path) -> None:
    with ExitStack() as stack:
        stage = own_stage(stack, tmp_path, "azure")
        job = stage.ended(stage.create(stage.run(1), stage.upload()).job_id)
        trained = replace(stage.run(1), tuned_model=job.tuned_model, job_id=job.job_id)
        name = deployed(stage, trained)
        command = stage.deployment.command_for(trained, stage.deployment.undeploy)
        for _ in range(2):
            assert ShelllessCommands().run(command, timeout_s=60, keep=lambda: None).code == 0
        with pytest.raises(ModelNotReady, match="deployed"):
            stage.trainer.answer(name, [{"role": "user", "content": "Say 7."}])


@pytest.mark.parametrize(
    ("manners", "ways", "words"),
    [
        ("azure", {"bom": False}, "byte-order mark"),
        ("nebius", {"method_style": "nested"}, "method"),
        ("generic", {"file_list": True}, "405"),
        ("tuneloop", {"bom": True}, "byte-order mark"),
    ],
)
def test_a_client_without_a_servers_manners_is_refused_there(
    manners: str, ways: dict[str, object], words: str, tmp_path: Path
) -> None:
    """Else the stand-ins would prove nothing."""
    with ExitStack() as stack:
        address = stack.enter_context(running_trainer(tmp_path / "data", "--manners", manners)).base_url
        settings = TrainerSettings("t", manners, address, api_key=SecretStr(KEY), ways=ways)
        stage = Stage(manners, opened(stack, settings))
        assert words in fate_of_a_job(stage)


def fate_of_a_job(stage: Stage) -> str:
    try:
        job = stage.ended(stage.create(stage.run(1), stage.upload()).job_id)
    except TrainerRefused as error:
        return str(error)
    return str(job.error)


@pytest.mark.parametrize("suffix", ["a" * 19, "v1.2"])
def test_a_suffix_that_azure_does_not_take_is_refused_there(suffix: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        stage = own_stage(stack, tmp_path, "azure")
        ours = run_of(1, base=BASE, suffix=suffix)
        with pytest.raises(TrainerRefused, match="suffix"):
            stage.create(ours, stage.upload())
