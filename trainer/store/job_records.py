"""Jobs as they are asked for, and as they stand."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainer.store.database import Row
from trainer.values import Hyperparameters, JsonObject, MethodType


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job as it was asked for, checked.

    Attributes:
        model: A base model, or the tuned one to go on from.
        hyperparameters: As given, each a number or "auto".
        request_sha256: The digest of the request, to tell a repeat from another request with the same key.
    """

    id: str
    model: str
    method: MethodType
    hyperparameters: Mapping[str, Any]
    training_file: str
    validation_file: str | None
    suffix: str | None
    seed: int
    metadata: Mapping[str, str] | None
    idempotency_key: str | None
    request_sha256: str


@dataclass(frozen=True, slots=True)
class JobRecord(NewJob):
    """A job as it stands.

    Attributes:
        resolved: Whether the hyperparameters are the final numbers.
        attempt: Counts the times training was begun; only the newest attempt may report.
        stalled: Attempts in a row that ended without a single new step.
    """

    created_at: int
    finished_at: int | None
    estimated_finish: int | None
    status: str
    resolved: bool
    fine_tuned_model: str | None
    trained_tokens: int | None
    result_file: str | None
    error: JsonObject | None
    attempt: int
    stalled: int

    @property
    def numbers(self) -> Hyperparameters:
        """Give the final hyperparameters; only once ``resolved``."""
        return Hyperparameters(**self.hyperparameters)


def job_of(row: Row | None) -> JobRecord | None:
    """Read a job's row."""
    if row is None:
        return None
    unlike = {"hyperparameters", "metadata", "error", "resolved", "seq", "tidy"}
    return JobRecord(
        **{name: row[name] for name in row.keys() if name not in unlike},  # noqa: SIM118 - a Row iterates its values
        hyperparameters=json.loads(row["hyperparameters"]),
        metadata=None if row["metadata"] is None else json.loads(row["metadata"]),
        error=None if row["error"] is None else json.loads(row["error"]),
        resolved=bool(row["resolved"]),
    )
