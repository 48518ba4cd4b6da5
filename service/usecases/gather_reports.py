"""Fetch what a job that has ended reported: all its events, checkpoints and result files.

It goes on beside the run, which waits for none of it. Everything may be done twice, and a worker that is killed
leaves a gathering that is due again.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from service.domain.errors import CorruptFile, ServiceError, UnreadableResult
from service.domain.result_files import read_result_file
from service.domain.runs import Run
from service.domain.training_series import SeriesPoint, merge, metrics_in, whole
from service.ports import CheckpointRecord, FileStore, Gathering, RemoteJob, Trainer
from service.usecases.steps.endings import backoff
from service.usecases.steps.gather import remember_events
from service.usecases.steps.parts import Parts

# With the growing pauses some minutes; what is still missing then is noted.
MOST_ATTEMPTS = 8
# A refusal is mostly the answer of a server that has no such thing; new files are sometimes refused for a moment.
MOST_REFUSALS = 3
# A job's last events come some seconds after its end.
LATE = timedelta(minutes=1)
# How long a worker has it to itself: a long list is thousands of requests.
HELD = timedelta(minutes=10)
MOST_FILES = 5
_LONGEST_ID = 200


def gather_reports(run_id: str, parts: Parts) -> Gathering | None:
    """Fetch what is missing, once.

    Returns:
        How far it is now; None if another worker has it, or nothing is due.
    """
    now = parts.clock()
    taken = parts.reports.take(run_id, until=now + HELD, now=now)
    if taken is None:
        return None
    work = _Work(parts.runs.get(run_id), parts, dict(taken.facts.get("files") or {}))
    if taken.attempts <= MOST_ATTEMPTS:
        work.do()
    else:
        work.missing["all"] = NeverFinished()
    facts = {
        "files": work.files,
        "missing": {name: type(error).__name__ for name, error in work.missing.items()},
    }
    after = replace(taken, facts=facts, due_at=_next(taken, work.missing, parts.clock()))
    parts.reports.put_back(after)
    return after


class NeverFinished(ServiceError):
    """Every attempt was killed before its end."""


def _next(taken: Gathering, missing: Mapping[str, ServiceError], now: datetime) -> datetime | None:
    most = MOST_ATTEMPTS if any(error.retryable for error in missing.values()) else MOST_REFUSALS
    if missing and taken.attempts < most:
        return now + backoff(taken.attempts)
    late = taken.ended_at + LATE
    return late if now < late and taken.attempts < MOST_ATTEMPTS else None


@dataclass
class _Work:
    """One attempt.

    Attributes:
        files: By the trainer's id what is known of each result file.
        missing: By name what could not be had.
    """

    run: Run
    parts: Parts
    files: dict[str, Any]
    missing: dict[str, ServiceError] = field(default_factory=dict)

    def do(self) -> None:
        self._try("job", self._look)

    def _look(self) -> None:
        trainer = self.parts.account(self.run.trainer).connect()
        job = trainer.job(str(self.run.job_id))
        self._try("events", lambda: self._events(trainer))
        self._try("checkpoints", lambda: self._checkpoints(trainer))
        # Over what the events told: the file is the trainer's last word.
        self.parts.reports.write_series(self.run.run_id, merge(self._filed(job, trainer)))

    def _try(self, name: str, act: Callable[[], None]) -> None:
        try:
            act()
        except ServiceError as error:
            self.missing[name] = error

    def _events(self, trainer: Trainer) -> None:
        # All of them once more: the list may have shown some late, below what was known already.
        if error := remember_events(self.run, trainer, self.parts, known=set()):
            raise error

    def _checkpoints(self, trainer: Trainer) -> None:
        found = [_record(item) for item in trainer.checkpoints(str(self.run.job_id))]
        self.parts.reports.write_checkpoints(self.run.run_id, found)

    def _filed(self, job: RemoteJob, trainer: Trainer) -> Iterator[SeriesPoint]:
        for file_id in job.result_files[:MOST_FILES]:
            try:
                facts, points = _result(file_id, self.files.get(file_id) or {}, trainer, self.parts.archive.files)
            except ServiceError as error:
                self.missing[f"result file {file_id}"] = error
            else:
                self.files[file_id] = facts
                yield from points


def _result(
    file_id: str, known: Mapping[str, Any], trainer: Trainer, files: FileStore
) -> tuple[dict[str, Any], tuple[SeriesPoint, ...]]:
    """Give what a result file is and says; it is kept if it is nothing but numbers, and fetched only once then."""
    content = _kept(known, files) or trainer.file_content(file_id)
    try:
        table = read_result_file(content)
    except UnreadableResult as error:
        return {"note": f"not kept: {error}", "size_bytes": len(content)}, ()
    facts: dict[str, Any] = {"size_bytes": len(content), "steps": len(table.points)}
    if table.odd_cells:
        return {**facts, "note": f"not kept: cells that are no numbers: {table.odd_cells}"}, table.points
    with files.writer() as writer:
        writer.write(content)
        sha256, _ = writer.commit()
    return {**facts, "sha256": sha256}, table.points


def _kept(known: Mapping[str, Any], files: FileStore) -> bytes | None:
    if sha256 := known.get("sha256"):
        try:
            with files.open(sha256) as file:
                return file.read()
        except CorruptFile:
            return None
    return None


def _record(found: Mapping[str, Any]) -> CheckpointRecord:
    step, model = whole(found.get("step")), found.get("model")
    return CheckpointRecord(
        checkpoint_id=str(found.get("checkpoint_id") or model or f"step {step}")[:_LONGEST_ID],
        created_at=int(found.get("created_at") or 0),
        step=step,
        model=str(model) if model else None,
        metrics=metrics_in(found.get("metrics") or {}),
    )
