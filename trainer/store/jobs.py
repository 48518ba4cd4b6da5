"""The jobs' rows. Every change of status names the statuses it may come from, so that two callers cannot both win."""

import json
from collections.abc import Collection, Mapping

from trainer.store.database import Database
from trainer.store.job_records import JobRecord, NewJob, job_of
from trainer.store.pages import CursorUnknown, Page, page_of
from trainer.values import JsonObject

LIST = """
    SELECT * FROM jobs
    WHERE (?1 IS NULL OR seq < ?1)
      AND (?2 = 0 OR metadata IS NULL)
      AND NOT EXISTS (
        SELECT 1 FROM json_each(?3) AS wanted
        WHERE NOT EXISTS (
          SELECT 1 FROM json_each(jobs.metadata) AS held WHERE held.key = wanted.key AND held.value = wanted.value))
    ORDER BY seq DESC LIMIT ?4
"""
ADD = """
    INSERT INTO jobs (id, created_at, status, model, method, hyperparameters, training_file, validation_file,
                      suffix, seed, metadata, idempotency_key, request_sha256)
    VALUES (?, ?, 'validating_files', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


class JobStore:
    """The jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job: NewJob, now: float) -> None:
        """Remember a new job, to be validated."""
        self._database.change(
            ADD,
            job.id, int(now), job.model, job.method, json.dumps(job.hyperparameters), job.training_file,
            job.validation_file, job.suffix, job.seed,
            None if job.metadata is None else json.dumps(job.metadata), job.idempotency_key, job.request_sha256,
        )  # fmt: skip

    def get(self, job_id: str) -> JobRecord | None:
        """Find a job."""
        return job_of(self._database.row("SELECT * FROM jobs WHERE id = ?", job_id))

    def by_key(self, idempotency_key: str) -> JobRecord | None:
        """Find the job that was created with this key."""
        return job_of(self._database.row("SELECT * FROM jobs WHERE idempotency_key = ?", idempotency_key))

    def page(
        self, *, after: str | None, limit: int, metadata: Mapping[str, str], without_metadata: bool
    ) -> Page[JobRecord]:
        """List jobs, newest first, that have all these metadata.

        Raises:
            CursorUnknown: There is no job ``after``.
        """
        before = None
        if after is not None:
            row = self._database.row("SELECT seq FROM jobs WHERE id = ?", after)
            if row is None:
                raise CursorUnknown(after)
            before = row["seq"]
        rows = self._database.rows(LIST, before, int(without_metadata), json.dumps(dict(metadata)), limit + 1)
        return page_of([job for row in rows if (job := job_of(row))], limit)

    def next_to_validate(self) -> JobRecord | None:
        """Give the job that has waited longest for its files to be checked."""
        return job_of(self._database.row("SELECT * FROM jobs WHERE status = 'validating_files' ORDER BY seq LIMIT 1"))

    def next_to_train(self) -> JobRecord | None:
        """Give the job to train now: one that a stopped process left running, else the one queued longest."""
        return job_of(
            self._database.row(
                "SELECT * FROM jobs WHERE status IN ('running', 'queued') ORDER BY status = 'queued', seq LIMIT 1"
            )
        )

    def begin(self, job_id: str, numbers: JsonObject) -> bool:
        """Open a new attempt with these hyperparameters; False where the job may not run any more."""
        return self._one(
            "UPDATE jobs SET status = 'running', hyperparameters = ?, resolved = 1, attempt = attempt + 1,"
            " stalled = stalled + 1 WHERE id = ? AND status IN ('running', 'queued')",
            json.dumps(numbers), job_id,
        )  # fmt: skip

    def runs(self, job_id: str, attempt: int) -> bool:
        """Tell whether this attempt is still the one that should be running."""
        sql = "SELECT 1 FROM jobs WHERE id = ? AND attempt = ? AND status = 'running'"
        return self._database.row(sql, job_id, attempt) is not None

    def advanced(self, job_id: str, estimated_finish: float | None) -> None:
        """Note that the attempt got somewhere, or that it ended in good order."""
        estimate = None if estimated_finish is None else int(estimated_finish)
        self._database.change("UPDATE jobs SET stalled = 0, estimated_finish = ? WHERE id = ?", estimate, job_id)

    def move(self, job_id: str, *, to: str, allowed: Collection[str]) -> bool:
        """Change the status; False where the job stands elsewhere."""
        return self._one(
            "UPDATE jobs SET status = ?, estimated_finish = NULL"
            " WHERE id = ? AND status IN (SELECT value FROM json_each(?))",
            to, job_id, json.dumps(sorted(allowed)),
        )  # fmt: skip

    def finish(self, job_id: str, now: float, error: JsonObject | None = None) -> None:
        """Note when the job ended and why it failed."""
        self._database.change(
            "UPDATE jobs SET finished_at = ?, error = ? WHERE id = ?",
            int(now), None if error is None else json.dumps(error), job_id,
        )  # fmt: skip

    def set_result(self, job_id: str, *, model: str, trained_tokens: int, result_file: str) -> None:
        """Note what the job brought."""
        self._database.change(
            "UPDATE jobs SET fine_tuned_model = ?, trained_tokens = ?, result_file = ? WHERE id = ?",
            model, trained_tokens, result_file, job_id,
        )  # fmt: skip

    def untidy(self) -> list[JobRecord]:
        """List the ended jobs whose folders were not cleaned yet."""
        rows = self._database.rows(
            "SELECT * FROM jobs WHERE tidy = 0 AND status IN ('succeeded', 'failed', 'cancelled')"
        )
        return [job for row in rows if (job := job_of(row))]

    def set_tidy(self, job_id: str) -> None:
        """Note that the job's folder was cleaned."""
        self._database.change("UPDATE jobs SET tidy = 1 WHERE id = ?", job_id)

    def ids(self) -> set[str]:
        """Give every job's id."""
        return {row["id"] for row in self._database.rows("SELECT id FROM jobs")}

    def _one(self, sql: str, *values: object) -> bool:
        return self._database.change(sql, *values) == 1
