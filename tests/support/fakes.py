"""Stand-ins at the ports: a clock, a queue, seen events and a trainer, all in memory."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, BinaryIO

from service.domain.contents import Message
from service.domain.errors import JobMissing, ModelNotReady, ServiceError, TrainerRefused
from service.domain.runs import Run
from service.domain.sampling import USUAL, Sampling
from service.ports import Answer, JobEvent, RemoteFile, RemoteJob, RemoteModel

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


class ManualClock:
    """A clock that moves when it is told to, and by ``tick`` at every look."""

    def __init__(self, now: datetime = NOON, *, tick: timedelta = timedelta(0)) -> None:
        self.now = now
        self.tick = tick

    def __call__(self) -> datetime:
        self.now += self.tick
        return self.now

    def forward(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


class RecordingQueue:
    """Remembers what it was asked to wake."""

    def __init__(self) -> None:
        self.woken: list[tuple[str, ...]] = []

    def wake(self, job: str, *arguments: str) -> None:
        self.woken.append((job, *arguments))


class MemorySeenEvents:
    """Remembers events for good."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def has(self, event: str) -> bool:
        return event in self.seen

    def add(self, event: str) -> None:
        self.seen.add(event)


@dataclass
class FakeTrainer:
    """A fine-tuning server in memory.

    Attributes:
        files: Uploaded content by file id.
        jobs: By job id, oldest first.
        file_times: When each was uploaded, in unix seconds.
        unlisted: Jobs, files and models that the lists do not show yet.
        keeps_metadata: Whether jobs show what they were created with.
        voices: What each model answers to a prompt; other models are not known.
        lists_models: Whether it has a list of them.
        shows_models: Whether it shows one alone.
        asked: Every question that reached a model: model and prompt.
        cancelled: Every job that was asked to stop.
        reported: A job's events, newest first.
        ends: When models shut down, by what the server says.
        points: A job's checkpoints, newest first.
        names: The model that each stable name means.
        samplings: How each model was asked last.
        finishes: Why each model's answer to a prompt ends; ``stop`` unless it is said.
    """

    creates_once: bool = False
    keeps_metadata: bool = True
    lists_models: bool = True
    shows_models: bool = True
    clock: Callable[[], datetime] = field(default_factory=ManualClock)
    files: dict[str, bytes] = field(default_factory=dict)
    file_names: dict[str, str] = field(default_factory=dict)
    file_times: dict[str, int] = field(default_factory=dict)
    jobs: dict[str, RemoteJob] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    unlisted: set[str] = field(default_factory=set)
    voices: dict[str, Callable[[str], str]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    reported: list[JobEvent] = field(default_factory=list)
    ends: dict[str, date] = field(default_factory=dict)
    points: list[Mapping[str, Any]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    samplings: dict[str, Sampling] = field(default_factory=dict)
    finishes: dict[str, Callable[[str], str]] = field(default_factory=dict)
    create_requests: int = 0
    _mishaps: dict[str, list[tuple[ServiceError, bool]]] = field(default_factory=lambda: defaultdict(list))

    def goes_wrong(self, request: str, error: ServiceError, *, times: int = 1, although_done: bool = False) -> None:
        """Let the next calls of a method fail, before it did its work or although it did it."""
        self._mishaps[request] += [(error, although_done)] * times

    def upload(self, name: str, content: BinaryIO, size_bytes: int) -> str:
        self._maybe_fail("upload", done=False)
        read = content.read()
        assert len(read) == size_bytes
        file_id = next(
            (known for known, called in self.file_names.items() if called == name and self._shows(known)), ""
        )
        if not file_id:
            file_id = self.add_file(name, read)
        self._maybe_fail("upload", done=True)
        return file_id

    def add_file(self, name: str, content: bytes = b"") -> str:
        """Let a file be there without anybody having had an answer."""
        file_id = f"file-{len(self.file_names) + 1}"
        self.file_names[file_id], self.files[file_id] = name, content
        self.file_times[file_id] = int(self.clock().timestamp())
        return file_id

    def _shows(self, thing_id: str) -> bool:
        return thing_id not in self.unlisted and (thing_id in self.files or thing_id in self.jobs)

    def find_jobs(self, run_id: str, training_file: str) -> list[RemoteJob]:
        self._maybe_fail("find_jobs", done=False)
        return [
            job for job in self._listed() if job.metadata.get("run_id", run_id) == run_id and _fits(job, training_file)
        ]

    def _listed(self) -> list[RemoteJob]:
        return [job for job in self.jobs.values() if self._shows(job.job_id)]

    def create_job(self, run: Run, *, training_file: str, validation_file: str | None) -> RemoteJob:
        self.create_requests += 1
        self._maybe_fail("create_job", done=False)
        assert training_file in self.files
        assert validation_file is None or validation_file in self.files
        job = next(
            (job for job in self.jobs.values() if self.creates_once and self.keys[job.job_id] == run.run_id), None
        )
        if job is None:
            job = self.add_job(run.run_id, training_file, installation=run.fact("installation"))
        self._maybe_fail("create_job", done=True)
        return job

    def add_job(self, run_id: str, training_file: str | None, *, installation: str | None = None) -> RemoteJob:
        """Let a job exist without anybody having had an answer."""
        metadata = {"run_id": run_id} | ({"installation": installation} if installation else {})
        number = len(self.jobs) + 1
        job = RemoteJob(
            job_id=f"ftjob-{number}",
            status="validating_files",
            outcome="open",
            created_at=1_800_000_000 + number,
            tuned_model=None,
            trained_tokens=None,
            training_file=training_file,
            metadata=metadata if self.keeps_metadata else {},
            result_files=(),
            error=None,
        )
        self.jobs[job.job_id] = job
        self.keys[job.job_id] = run_id
        return job

    def becomes(self, job_id: str, status: str, **facts: Any) -> None:  # noqa: ANN401 - fields of RemoteJob
        """Let a job be in another state from now on."""
        outcome = status if status in {"succeeded", "failed", "cancelled"} else "open"
        self.jobs[job_id] = replace(self.jobs[job_id], status=status, outcome=outcome, **facts)

    def job(self, job_id: str) -> RemoteJob:
        self._maybe_fail("job", done=False)
        if job_id not in self.jobs:
            raise JobMissing("no such job", code="not_found")
        return self.jobs[job_id]

    def cancel(self, job_id: str) -> None:
        self._maybe_fail("cancel", done=False)
        if job_id not in self.jobs:
            raise JobMissing("no such job", code="not_found")
        self.cancelled.append(job_id)
        self.becomes(job_id, "cancelled")

    def events(self, job_id: str) -> Iterator[JobEvent]:
        self._maybe_fail("events", done=False)
        assert job_id in self.jobs
        yield from self.reported

    def checkpoints(self, job_id: str) -> list[Mapping[str, Any]]:
        self._maybe_fail("checkpoints", done=False)
        assert job_id in self.jobs
        return list(self.points)

    def file_content(self, file_id: str) -> bytes:
        self._maybe_fail("file_content", done=False)
        if file_id not in self.files:
            raise TrainerRefused("no such file", code="not_found")
        return self.files[file_id]

    def list_jobs(self) -> Iterator[RemoteJob]:
        self._maybe_fail("list_jobs", done=False)
        yield from self._listed()[::-1]

    def list_files(self) -> Iterator[RemoteFile]:
        self._maybe_fail("list_files", done=False)
        for file_id in [file_id for file_id in self.files if self._shows(file_id)][::-1]:
            yield RemoteFile(file_id, self.file_names[file_id], self.file_times[file_id])

    def delete_file(self, file_id: str) -> None:
        self._maybe_fail("delete_file", done=False)
        self.files.pop(file_id, None)

    def model(self, model_id: str) -> RemoteModel | None:
        self._maybe_fail("model", done=False)
        is_shown = self.shows_models and model_id in self.voices
        return RemoteModel(model_id, self.ends.get(model_id)) if is_shown else None

    def models(self) -> list[RemoteModel] | None:
        self._maybe_fail("models", done=False)
        return (
            [RemoteModel(name, self.ends.get(name)) for name in self.voices if name not in self.unlisted]
            if self.lists_models
            else None
        )

    def set_alias(self, alias: str, model: str) -> None:
        self._maybe_fail("set_alias", done=False)
        self.names[alias] = model
        self._maybe_fail("set_alias", done=True)

    def aliases(self) -> Mapping[str, str]:
        self._maybe_fail("aliases", done=False)
        return dict(self.names)

    def remove_alias(self, alias: str, model: str) -> None:
        self._maybe_fail("remove_alias", done=False)
        if self.names.get(alias) == model:
            del self.names[alias]

    def answer(self, model: str, messages: Sequence[Message], sampling: Sampling = USUAL) -> Answer:
        self._maybe_fail(f"answer {model}", done=False)
        if model not in self.voices:
            raise ModelNotReady(f"{model} is not known")
        prompt = messages[-1]["content"]
        self.asked.append((model, prompt))
        self.samplings[model] = sampling
        return Answer(self.voices[model](prompt), 10, 5, self.finishes.get(model, lambda _: "stop")(prompt))

    def _maybe_fail(self, request: str, *, done: bool) -> None:
        waiting = self._mishaps[request]
        if waiting and waiting[0][1] == done:
            raise waiting.pop(0)[0]


def _fits(job: RemoteJob, training_file: str) -> bool:
    """Say whether a job may be that of a file: where metadata is kept it decides alone."""
    return "run_id" in job.metadata or job.training_file == training_file
