"""Servers that train and serve models."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, BinaryIO, Protocol

from service.domain.contents import Message
from service.domain.runs import Run
from service.domain.sampling import USUAL, Sampling
from service.domain.training_series import moment_of


@dataclass(frozen=True, slots=True)
class RemoteJob:
    """A fine-tuning job as the trainer shows it, in the domain's words.

    Attributes:
        outcome: ``open`` for every status that is not final, known or not.
        error: What failed, in the trainer's words; None for a healthy job.
        estimated_finish: When it will probably end, in unix seconds, where the trainer says so.
        error_code: The same as a stable word, None where there is none.
        suffix: The suffix of the model that was asked for, None where the server does not show it.
    """

    job_id: str
    status: str
    outcome: str
    created_at: int
    tuned_model: str | None
    trained_tokens: int | None
    training_file: str | None
    metadata: Mapping[str, str]
    result_files: tuple[str, ...]
    error: str | None
    estimated_finish: int | None = None
    error_code: str | None = None
    suffix: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file for training as the trainer shows it; ``created_at`` in unix seconds, 0 where it does not say."""

    file_id: str
    name: str
    created_at: int


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One event of a job; ``facts`` holds step and losses where it is a metric, ``created_at`` is in unix seconds."""

    event_id: str
    created_at: int
    level: str
    kind: str
    message: str
    facts: Mapping[str, Any]

    def at(self) -> datetime | None:
        """Give when the trainer says that it was; None where it says nothing that is a moment."""
        return moment_of(self.created_at)


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A model as the trainer shows it; ``shutdown_on`` is None where it names no end."""

    model_id: str
    shutdown_on: date | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said, and what it cost in tokens.

    Attributes:
        finish: Why it ended, in the server's word, ``length`` where it was cut; ``refusal`` where the model refused.
    """

    text: str
    prompt_tokens: int
    completion_tokens: int
    finish: str | None = None


class Trainer(Protocol):
    """A server that trains and serves models.

    Attributes:
        creates_once: Whether the server keeps two requests for one run from becoming two jobs.
    """

    creates_once: bool

    def upload(self, name: str, content: BinaryIO, size_bytes: int) -> str:
        """Upload a training file once; a file of this name and size that is there already is taken."""

    def find_jobs(self, run_id: str, training_file: str) -> list[RemoteJob]:
        """Search for jobs of this run, oldest first."""

    def create_job(self, run: Run, *, training_file: str, validation_file: str | None) -> RemoteJob:
        """Create the job, in one attempt; OutcomeUnknown where nobody can say whether it worked."""

    def job(self, job_id: str) -> RemoteJob:
        """Look at a job; JobMissing where the server does not know it (yet)."""

    def cancel(self, job_id: str) -> None:
        """Ask for a job to be cancelled; JobMissing where the server does not know it."""

    def list_jobs(self) -> Iterator[RemoteJob]:
        """Give the account's jobs, whoever created them, newest first; not more than some thousands."""

    def list_files(self) -> Iterator[RemoteFile]:
        """Give the account's files for training, whoever uploaded them, newest first; not more than some thousands."""

    def events(self, job_id: str) -> Iterator[JobEvent]:
        """Give a job's events, newest first."""

    def checkpoints(self, job_id: str) -> list[Mapping[str, Any]]:
        """Give a job's checkpoints, newest first."""

    def file_content(self, file_id: str) -> bytes:
        """Download a file."""

    def delete_file(self, file_id: str) -> None:
        """Delete an uploaded file; one that is gone is no error."""

    def model(self, model_id: str) -> RemoteModel | None:
        """Look at a model, tuned or not; None where the server does not know it or tells nothing of models."""

    def answer(self, model: str, messages: Sequence[Message], sampling: Sampling = USUAL) -> Answer:
        """Ask a model.

        Raises:
            ModelNotReady: The server does not know it (yet).
            TrainerRefused: For good; the model does not take one of the settings, for instance.
        """

    def models(self) -> list[RemoteModel] | None:
        """List the models that the key may see, after a few seconds at most; None where there is no such list."""

    def set_alias(self, alias: str, model: str) -> None:
        """Let a name mean a tuned model from now on; only where the dialect has ``aliases``."""

    def aliases(self) -> Mapping[str, str]:
        """Give the model that each name means, deleted ones too; only where the dialect has ``aliases``."""

    def remove_alias(self, alias: str, model: str) -> None:
        """Let a name mean nothing, if it means this model; otherwise nothing is done, which is no error."""
