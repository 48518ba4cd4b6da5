"""Checking the files of new jobs."""

import structlog

from trainer.dataset.check import FileRefused, check_file
from trainer.store.folders import Folders
from trainer.store.job_records import JobRecord
from trainer.work.lifecycle import Lifecycle, Stores

logger = structlog.get_logger()
IDLE_S = 30.0
TRAINING, VALIDATION = "training.jsonl", "validation.jsonl"
"""The names under which a job keeps its own links to its files: deleting or expiring a file does not end a job."""


class Validating:
    """Takes the jobs in ``validating_files``, one after the other."""

    def __init__(self, stores: Stores, lifecycle: Lifecycle, folders: Folders) -> None:
        self._stores = stores
        self._lifecycle = lifecycle
        self._folders = folders

    def check_next(self) -> bool:
        """Check the files of the next job; False where there is none."""
        job = self._stores.jobs.next_to_validate()
        if job is None:
            return False
        try:
            self._check(job)
        except FileRefused as refusal:
            self._lifecycle.fail(job.id, code=refusal.code, message=str(refusal), param=refusal.param)
        except OSError:
            logger.exception("files_unreadable", job=job.id)
            self._lifecycle.fail(job.id, code="server_error", message="The server could not read the job's files.")
        else:
            self._lifecycle.accept(job.id)
        return True

    def _check(self, job: JobRecord) -> None:
        folder = self._folders.job(job.id)
        check_file(folder / TRAINING, job.method, "training_file")
        if job.validation_file is not None:
            check_file(folder / VALIDATION, job.method, "validation_file")
