"""Training the queued jobs, one at a time, and going on with those that were interrupted."""

import threading
import time
from functools import partial
from pathlib import Path

import structlog

from trainer.dataset.lines import LineFile, raw_lines
from trainer.engine import Engine, TrainingFailed, TrainingStopped, TrainingTask
from trainer.settings import Settings
from trainer.store.files import FileRecord
from trainer.store.folders import Folders, remove, write_whole
from trainer.store.ids import new_id
from trainer.store.job_records import JobRecord
from trainer.work.lifecycle import Lifecycle, Stores
from trainer.work.report import JobReport
from trainer.work.results import result_table
from trainer.work.validating import TRAINING, VALIDATION

logger = structlog.get_logger()
ENOUGH_STALLS = 3
"""Attempts without a single new step, after which a job is given up: it may be what kills the process."""


class JobsTraining:
    """Takes the jobs that are queued, or were running when the process ended."""

    def __init__(
        self, stores: Stores, lifecycle: Lifecycle, folders: Folders, engine: Engine, settings: Settings
    ) -> None:
        self._stores = stores
        self._lifecycle = lifecycle
        self._folders = folders
        self._engine = engine
        self._settings = settings
        self.stopping = threading.Event()

    def train_next(self) -> bool:
        """Train the next job to its end, or until it is stopped; False where there is none."""
        job = self._stores.jobs.next_to_train()
        if job is None or self.stopping.is_set():
            return False
        if job.stalled >= ENOUGH_STALLS:
            told = f"Training broke off {job.stalled} times without getting any further; the server's log says why."
            self._lifecycle.fail(job.id, code="server_error", message=told)
            return True
        try:
            self._attempt(job)
        except TrainingFailed as failure:
            self._lifecycle.fail(job.id, code="training_failed", message=str(failure))
        except TrainingStopped:
            logger.info("training_stopped", job=job.id)
        except Exception as error:
            # The engine is somebody else's code. The job stays running and is begun again, a few times.
            logger.exception("training_crashed", job=job.id)
            self._lifecycle.interrupted(job.id, type(error).__name__)
        return True

    def _attempt(self, job: JobRecord) -> None:
        base_model, parent = self._origin(job.model)
        folder = self._folders.job(job.id)
        training = _lines(folder / TRAINING)
        validation = _lines(folder / VALIDATION) if job.validation_file else None
        asked = job.hyperparameters
        numbers = job.numbers if job.resolved else self._engine.resolve(job.method, asked, len(training))
        begun = self._lifecycle.begin(job.id, numbers)
        if begun is None:
            return
        report = JobReport(self._stores, self._folders, begun, self.stopping, self._settings.job_seconds)
        scratch = folder / "scratch"
        scratch.mkdir(mode=0o700, exist_ok=True)
        task = TrainingTask(
            base_model,
            parent,
            job.method,
            training,
            validation,
            numbers,
            job.seed,
            report.checkpoints(),
            scratch,
        )
        logger.info("training_begun", job=job.id, attempt=begun.attempt, examples=len(training))
        self._finish(begun, base_model, self._train(task, report), report)

    def _train(self, task: TrainingTask, report: JobReport) -> int:
        try:
            return self._engine.train(task, report)
        except TrainingStopped:
            # Stopped in good order, which is no stall, whether or not there was a new step.
            report.settle()
            raise
        finally:
            report.flush()

    def _finish(self, job: JobRecord, base_model: str, tokens: int, report: JobReport) -> None:
        if not report.checkpoints():
            raise TrainingFailed("the engine kept no checkpoint")
        manners = self._settings.manners
        encoding = self._settings.encoding_of_results
        content = result_table(self._stores.events.metrics(job.id), encoding, manners.columns)
        file = FileRecord(
            new_id("file-"), f"{job.id}_metrics.csv", len(content), "fine-tune-results", int(time.time()), None
        )
        write_whole(self._folders.file(file.id), self._folders.tmp, lambda out: out.write(content))
        new_name = partial(manners.name_model, base_model, self._settings.organization, job.suffix or "")
        if self._lifecycle.succeed(job, base_model=base_model, new_name=new_name, tokens=tokens, result=file):
            logger.info("training_succeeded", job=job.id, trained_tokens=tokens)
        else:
            remove(self._folders.file(file.id))

    def _origin(self, model: str) -> tuple[str, Path | None]:
        """Give the base model and, where training goes on from a tuned one, its folder."""
        tuned = self._stores.models.get(model)
        if tuned is not None:
            return tuned.base_model, self._folders.checkpoint(tuned.job_id, tuned.step)
        if model not in {base.id for base in self._engine.base_models()}:
            raise TrainingFailed(f"the model {model!r} is no longer there")
        return model, None


def _lines(path: Path) -> LineFile:
    return LineFile(path, sum(1 for _ in raw_lines(path)))
