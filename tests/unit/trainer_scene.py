"""A trainer's data folder with its tables, and an engine that does what a test says; no threads, no network."""

from collections.abc import Callable
from pathlib import Path

from tests.unit.trainer_lines import calls, jsonl
from trainer.engine import BaseModel, Model, Report, TrainingTask
from trainer.settings import Settings
from trainer.store.database import Database
from trainer.store.folders import Folders
from trainer.store.job_records import NewJob
from trainer.values import Asked, Hyperparameters, MethodType, StepMetrics
from trainer.work.lifecycle import Lifecycle, Stores
from trainer.work.training import JobsTraining
from trainer.work.validating import Validating

NUMBERS = Hyperparameters(2, 5, 1.0)


class Scene:
    """A data folder with its tables, without threads and without a network."""

    def __init__(self, root: Path) -> None:
        self.folders = Folders(root)
        self.stores = Stores.on(Database(self.folders.database))
        self.now = 1_000_000.0
        self.lifecycle = Lifecycle(self.stores, lambda: self.now, announces=True)

    def job(self, job_id: str = "ftjob-1", key: str | None = None, sha256: str = "aa") -> str:
        new = NewJob(job_id, "base", "supervised", {"n_epochs": "auto"}, "file-1", None, None, 7, None, key, sha256)
        made = self.lifecycle.create(new)
        if made.id == job_id:
            self.folders.job(job_id).mkdir(parents=True, exist_ok=True)
            (self.folders.job(job_id) / "training.jsonl").write_bytes(jsonl(calls(10)))
        return made.id

    def status(self, job_id: str = "ftjob-1") -> str:
        job = self.stores.jobs.get(job_id)
        assert job is not None
        return job.status

    def messages(self, job_id: str = "ftjob-1") -> list[str]:
        page = self.stores.events.page(job_id, after=None, limit=1000)
        return [record.event.message for record in reversed(page.items)]


class Failing:
    """An engine whose training does what the test says."""

    def __init__(self, train: Callable[[TrainingTask, Report], int]) -> None:
        self._train = train

    def base_models(self) -> list[BaseModel]:
        return [BaseModel("base", 0)]

    def resolve(self, method: MethodType, asked: Asked, examples: int) -> Hyperparameters:
        del method, asked, examples
        return NUMBERS

    def train(self, task: TrainingTask, report: Report) -> int:
        return self._train(task, report)

    def load(self, base_model: str, folder: Path | None) -> Model:
        raise NotImplementedError(base_model, folder)


def training(scene: Scene, train: Callable[[TrainingTask, Report], int]) -> JobsTraining:
    settings = Settings(api_key="k", data=scene.folders.root, port=0, job_seconds=0)
    return JobsTraining(scene.stores, scene.lifecycle, scene.folders, Failing(train), settings)


def queued(scene: Scene, job_id: str = "ftjob-1") -> None:
    scene.job(job_id)
    assert Validating(scene.stores, scene.lifecycle, scene.folders).check_next()
    assert scene.status(job_id) == "queued"


def metrics(step: int) -> StepMetrics:
    return StepMetrics(step, 4, 1.0 / step, 0.5)


def write_model(folder: Path) -> None:
    (folder / "model").write_text("m")


def nothing(_: Path) -> None:
    """Write an empty model."""


def one_step(_: TrainingTask, report: Report) -> int:
    report.step(metrics(1))
    report.checkpoint(metrics(1), write_model)
    return 9
