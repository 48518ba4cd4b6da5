"""The rows of checkpoints and of tuned models. A model is a checkpoint that has a name."""

import json
from dataclasses import dataclass

from trainer.store.database import Database, Row
from trainer.store.ids import new_id
from trainer.store.pages import CursorUnknown, Page, page_of
from trainer.values import JsonObject


@dataclass(frozen=True, slots=True)
class CheckpointRecord:
    """A checkpoint.

    Attributes:
        metrics: What was measured at its step, by name.
        model: The model's name, given when the job succeeds; None before.
    """

    id: str
    created_at: int
    step: int
    metrics: JsonObject
    model: str | None


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A tuned model and the checkpoint that it is."""

    id: str
    created_at: int
    base_model: str
    job_id: str
    step: int


class CheckpointStore:
    """The checkpoints of all jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job_id: str, step: int, metrics: JsonObject, now: float) -> None:
        """Remember a checkpoint whose folder is in place."""
        self._database.change(
            "INSERT INTO checkpoints (id, job_id, created_at, step, metrics) VALUES (?, ?, ?, ?, ?)",
            new_id("ftckpt_"), job_id, int(now), step, json.dumps(metrics),
        )  # fmt: skip

    def of(self, job_id: str) -> list[CheckpointRecord]:
        """Give a job's checkpoints, oldest first."""
        rows = self._database.rows("SELECT * FROM checkpoints WHERE job_id = ? ORDER BY step", job_id)
        return [_checkpoint(row) for row in rows]

    def page(self, job_id: str, *, after: str | None, limit: int) -> Page[CheckpointRecord]:
        """List a job's checkpoints that became models, newest first.

        Raises:
            CursorUnknown: The job has no checkpoint ``after``.
        """
        named = [checkpoint for checkpoint in reversed(self.of(job_id)) if checkpoint.model]
        ids = [checkpoint.id for checkpoint in named]
        if after is not None and after not in ids:
            raise CursorUnknown(after)
        start = 0 if after is None else ids.index(after) + 1
        return page_of(named[start : start + limit + 1], limit)

    def remove(self, job_id: str, step: int) -> None:
        """Forget a checkpoint."""
        self._database.change("DELETE FROM checkpoints WHERE job_id = ? AND step = ?", job_id, step)

    def name(self, checkpoint_id: str, model: str) -> None:
        """Give a checkpoint its model's name."""
        self._database.change("UPDATE checkpoints SET model = ? WHERE id = ?", model, checkpoint_id)


class ModelStore:
    """The tuned models."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, model: ModelRecord) -> None:
        """Remember a model."""
        self._database.change(
            "INSERT INTO models (id, created_at, base_model, job_id, step) VALUES (?, ?, ?, ?, ?)",
            model.id, model.created_at, model.base_model, model.job_id, model.step,
        )  # fmt: skip

    def get(self, model_id: str) -> ModelRecord | None:
        """Find a model."""
        row = self._database.row("SELECT * FROM models WHERE id = ?", model_id)
        return _model(row) if row else None

    def all(self) -> list[ModelRecord]:
        """List the models, oldest first."""
        return [_model(row) for row in self._database.rows("SELECT * FROM models ORDER BY seq")]

    def remove(self, model_id: str) -> None:
        """Forget a model."""
        self._database.change("DELETE FROM models WHERE id = ?", model_id)


def _checkpoint(row: Row) -> CheckpointRecord:
    return CheckpointRecord(row["id"], row["created_at"], row["step"], json.loads(row["metrics"]), row["model"])


def _model(row: Row) -> ModelRecord:
    return ModelRecord(row["id"], row["created_at"], row["base_model"], row["job_id"], row["step"])
