"""A job's life: each step is one transaction of status, event and webhook, so that a crash leaves no half of one."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from trainer.store.aliases import AliasStore
from trainer.store.database import Database
from trainer.store.deliveries import DeliveryStore
from trainer.store.deployments import DeploymentStore
from trainer.store.events import Event, EventStore, Level
from trainer.store.files import FileRecord, FileStore
from trainer.store.job_records import JobRecord, NewJob
from trainer.store.jobs import JobStore
from trainer.store.models import CheckpointStore, ModelRecord, ModelStore
from trainer.values import Hyperparameters, JsonObject

CANCELLABLE = ("validating_files", "queued", "running", "paused")
PAUSABLE = ("queued", "running")
RUNNING = ("queued", "running")


class KeyReused(Exception):
    """The idempotency key already belongs to another request."""


@dataclass(frozen=True, slots=True)
class Stores:
    """The tables."""

    database: Database
    files: FileStore
    jobs: JobStore
    events: EventStore
    checkpoints: CheckpointStore
    models: ModelStore
    deliveries: DeliveryStore
    deployments: DeploymentStore
    aliases: AliasStore

    @classmethod
    def on(cls, database: Database) -> "Stores":
        """Make the stores of a database."""
        return cls(
            database,
            FileStore(database),
            JobStore(database),
            EventStore(database),
            CheckpointStore(database),
            ModelStore(database),
            DeliveryStore(database),
            DeploymentStore(database),
            AliasStore(database),
        )


class Lifecycle:
    """Everything that can happen to a job.

    Args:
        stores: The tables.
        clock: The time in unix seconds.
        announces: Whether the end of a job is told by webhook.
    """

    def __init__(self, stores: Stores, clock: Callable[[], float], *, announces: bool) -> None:
        self._stores = stores
        self._clock = clock
        self._announces = announces

    def create(self, job: NewJob) -> JobRecord:
        """Remember a new job, or give the one that the same request with the same key made before.

        Raises:
            KeyReused: The key was used for another request.
        """
        with self._stores.database.transaction():
            made = self.made_before(job.idempotency_key, job.request_sha256)
            if made is not None:
                return made
            self._stores.jobs.add(job, self._clock())
            self._note(job.id, f"Job {job.id} created")
            validation = f" and validation file {job.validation_file}" if job.validation_file else ""
            self._note(job.id, f"Checking training file {job.training_file}{validation}")
            return self._known(job.id)

    def made_before(self, idempotency_key: str | None, request_sha256: str) -> JobRecord | None:
        """Find the job that this key made.

        Raises:
            KeyReused: It was made by another request.
        """
        made = self._stores.jobs.by_key(idempotency_key) if idempotency_key else None
        if made is not None and made.request_sha256 != request_sha256:
            raise KeyReused
        return made

    def accept(self, job_id: str) -> None:
        """Queue a job whose files are in order."""
        with self._stores.database.transaction():
            if self._stores.jobs.move(job_id, to="queued", allowed=["validating_files"]):
                self._note(job_id, "The files are in order; the job is queued")

    def begin(self, job_id: str, numbers: Hyperparameters) -> JobRecord | None:
        """Open an attempt; None where the job may not run any more."""
        with self._stores.database.transaction():
            before = self._known(job_id)
            told = {name: value for name, value in asdict(numbers).items() if value is not None}
            if not self._stores.jobs.begin(job_id, told):
                return None
            self._note(job_id, "Training started" if before.attempt == 0 else "Training goes on")
            return self._known(job_id)

    def interrupted(self, job_id: str, reason: str) -> None:
        """Note that an attempt broke off and another will follow."""
        with self._stores.database.transaction():
            self._note(job_id, f"Training broke off ({reason}) and is tried again", level="warn")

    def fail(self, job_id: str, *, code: str, message: str, param: str | None = None) -> None:
        """End a job that cannot succeed."""
        with self._stores.database.transaction():
            if self._stores.jobs.move(job_id, to="failed", allowed=CANCELLABLE):
                error = {"code": code, "message": message, "param": param}
                self._stores.jobs.finish(job_id, self._clock(), error)
                self._note(job_id, f"The job failed: {message}", level="error", data={"code": code})
                self._announce(job_id, "failed")

    def cancel(self, job_id: str) -> bool:
        """End a job at its owner's wish; False where it has ended already."""
        with self._stores.database.transaction():
            moved = self._stores.jobs.move(job_id, to="cancelled", allowed=CANCELLABLE)
            if moved:
                self._stores.jobs.finish(job_id, self._clock())
                self._note(job_id, "The job was cancelled")
                self._announce(job_id, "cancelled")
            return moved

    def pause(self, job_id: str) -> bool:
        """Have a job wait; False where it is not queued or running."""
        with self._stores.database.transaction():
            moved = self._stores.jobs.move(job_id, to="paused", allowed=PAUSABLE)
            if moved:
                self._note(job_id, "The job was paused")
            return moved

    def resume(self, job_id: str) -> bool:
        """Queue a paused job again; False where it is not paused."""
        with self._stores.database.transaction():
            moved = self._stores.jobs.move(job_id, to="queued", allowed=["paused"])
            if moved:
                self._note(job_id, "The job was resumed and is queued")
            return moved

    def succeed(
        self, job: JobRecord, *, base_model: str, new_name: Callable[[], str], tokens: int, result: FileRecord
    ) -> bool:
        """End a job whose training is done: its checkpoints become models.

        Args:
            job: The job, as its attempt began.
            base_model: The base of the model it started from.
            new_name: Makes a name for a new model, another one each time.
            tokens: The trained tokens.
            result: The result file, in place already.

        Returns:
            False where the attempt no longer counts, the job having been cancelled or paused.
        """
        with self._stores.database.transaction():
            if not self._stores.jobs.runs(job.id, job.attempt):
                return False
            final = self._name_models(job, base_model, new_name)
            self._stores.files.add(result)
            self._stores.jobs.set_result(job.id, model=final, trained_tokens=tokens, result_file=result.id)
            self._stores.jobs.move(job.id, to="succeeded", allowed=["running"])
            self._stores.jobs.finish(job.id, self._clock())
            self._note(job.id, f"Fine-tuned model created: {final}")
            self._note(job.id, "The job succeeded")
            self._announce(job.id, "succeeded")
            return True

    def _name_models(self, job: JobRecord, base_model: str, new_name: Callable[[], str]) -> str:
        """Name the kept checkpoints, the last one without its step; give that name."""
        *earlier, last = self._stores.checkpoints.of(job.id)
        final = new_name()
        named = [(one, f"{new_name()}:ckpt-step-{one.step}") for one in earlier]
        for checkpoint, name in [*named, (last, final)]:
            self._stores.checkpoints.name(checkpoint.id, name)
            self._stores.models.add(ModelRecord(name, int(self._clock()), base_model, job.id, checkpoint.step))
        for checkpoint, name in named:
            self._note(job.id, f"Checkpoint of step {checkpoint.step} kept as {name}")
        return final

    def _note(self, job_id: str, message: str, *, level: Level = "info", data: JsonObject | None = None) -> None:
        self._stores.events.add(job_id, Event(message, level, data or {}), self._clock())

    def _announce(self, job_id: str, outcome: str) -> None:
        if self._announces:
            self._stores.deliveries.add(f"fine_tuning.job.{outcome}", job_id, self._clock())

    def _known(self, job_id: str) -> JobRecord:
        job = self._stores.jobs.get(job_id)
        if job is None:
            raise LookupError(job_id)
        return job
