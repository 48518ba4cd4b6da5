"""Everything that runs: built from the settings, started and stopped as one."""

import time
from collections.abc import Mapping
from dataclasses import replace

import structlog

from trainer.engine import BaseModel
from trainer.engines import create_engine
from trainer.settings import Settings, SettingsWrong
from trainer.shelf import ModelShelf
from trainer.store.database import Database
from trainer.store.folders import Folders
from trainer.work.lifecycle import Lifecycle, Stores
from trainer.work.sending import Sending
from trainer.work.tidying import Tidying
from trainer.work.training import JobsTraining
from trainer.work.validating import Validating
from trainer.work.worker import Worker

logger = structlog.get_logger()
IDLE_S = 30.0
STOP_WITHIN_S = 10.0


class Runtime:
    """A trainer without its network side.

    Raises:
        SettingsWrong: The settings name a model that the engine does not have.
        FolderInUse: Another trainer has the data folder.
        DatabaseTooNew: A newer version wrote the data folder.
        OSError: The data folder cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folders = Folders(settings.data)
        self.engine = create_engine(settings.engine)
        self._require_known(settings.shutdown_dates)
        self._lock = self.folders.lock()
        try:
            self.stores = Stores.on(Database(self.folders.database))
        except BaseException:
            self._lock.close()
            raise
        self.shelf = ModelShelf(self.engine, self.stores.models, self.folders)
        announces = settings.webhook_url is not None
        self.lifecycle = Lifecycle(self.stores, time.time, announces=announces)
        self._tidying = Tidying(self.stores, self.folders)
        self._validating = Validating(self.stores, self.lifecycle, self.folders)
        self._training = JobsTraining(self.stores, self.lifecycle, self.folders, self.engine, settings)
        self._sending = _sending(settings, self.stores)
        self._validator = Worker("validator", self._validate)
        self._trainer = Worker("trainer", self._train)
        self._sender = Worker("sender", self._send)

    def start(self) -> None:
        """Clean up after the last process, then go on with its jobs."""
        self._tidying.at_start()
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """End in good order; a job in training stays running and goes on at the next start."""
        self._training.stopping.set()
        for worker in self._workers:
            worker.stop()
        for worker in self._workers:
            worker.join(STOP_WITHIN_S)
        if any(worker.alive for worker in self._workers):
            # Its database must stay open under it; the end of the process closes everything.
            logger.warning("stopped_in_the_middle_of_a_step")
            return
        if self._sending is not None:
            self._sending.close()
        self.stores.database.close()
        self._lock.close()

    def base_models(self) -> list[BaseModel]:
        """Give the engine's models, each with the end that the settings give it."""
        ends = self.settings.shutdown_dates
        return [
            replace(base, shutdown_date=ends.get(base.id, base.shutdown_date)) for base in self.engine.base_models()
        ]

    def _require_known(self, shutdown_dates: Mapping[str, str]) -> None:
        known = [base.id for base in self.engine.base_models()]
        if strangers := sorted(shutdown_dates.keys() - set(known)):
            raise SettingsWrong(f"--shutdown-date {strangers[0]}: the engine's models are {', '.join(known)}")

    def wake(self) -> None:
        """Have the threads look for work: a job was created, changed or ended."""
        for worker in self._workers:
            worker.wake()

    @property
    def healthy(self) -> bool:
        """Whether all threads run and the database answers."""
        return all(worker.alive for worker in self._workers) and bool(self.stores.database.rows("SELECT 1"))

    @property
    def _workers(self) -> tuple[Worker, ...]:
        return (self._validator, self._trainer, self._sender)

    def _validate(self) -> float:
        self._tidying.expired_files(time.time())
        if not self._validating.check_next():
            return IDLE_S
        self.wake()
        return 0.0

    def _train(self) -> float:
        self._tidying.ended_jobs()
        if not self._training.train_next():
            return IDLE_S
        self.wake()
        return 0.0

    def _send(self) -> float:
        return IDLE_S if self._sending is None else self._sending.send_due()


def _sending(settings: Settings, stores: Stores) -> Sending | None:
    if settings.webhook_url is None or settings.webhook_secret is None:
        return None
    return Sending(
        stores.deliveries,
        url=settings.webhook_url,
        secret=settings.webhook_secret,
        retry_s=settings.webhook_retry_seconds,
        clock=time.time,
    )
