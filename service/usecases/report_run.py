"""What is known of a run's job, for people and programs: progress, tokens, checkpoints and result files."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

from service.domain.runs import TERMINAL, Run, RunState
from service.domain.training_series import (
    Progress,
    SeriesPoint,
    best_checkpoint,
    merge,
    metrics_in,
    point_of,
    progress_of,
)
from service.ports import Gathering, ReportStore, RunStore


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of the training: file times epochs.

    Attributes:
        estimated: Before the job was created; None before the estimate.
        billed: As the trainer says; None before the end, or where it does not say.
        difference_percent: Billed against estimated.
    """

    estimated: int | None
    billed: int | None
    difference_percent: float | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint; ``is_best`` has the least loss on the whole validation file."""

    checkpoint_id: str
    step: int | None
    model: str | None
    metrics: Mapping[str, float]
    is_best: bool


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A result file at the trainer; ``sha256`` names our copy, and ``note`` says why there is none."""

    file_id: str
    size_bytes: int | None
    steps: int | None
    sha256: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class RunReport:
    """Everything that a job reported, but for its events and its series.

    Attributes:
        job_status: In the trainer's own word.
        looked_at: When the trainer last answered a look at the job.
        events: How many are known.
        missing: What could not be fetched so far, and which error kept it back.
        is_complete: Whether nothing more is going to be fetched.
    """

    job_status: str | None
    looked_at: datetime | None
    progress: Progress | None
    tokens: Tokens
    checkpoints: tuple[Checkpoint, ...]
    result_files: tuple[ResultFile, ...]
    events: int
    missing: Mapping[str, str]
    is_complete: bool


class Stores(Protocol):
    """Where it is read from."""

    @property
    def runs(self) -> RunStore:
        """The runs."""

    @property
    def reports(self) -> ReportStore:
        """What their jobs reported."""


def report_run(run: Run, stores: Stores) -> RunReport:
    """Read what is known of a run's job."""
    gathering = stores.reports.gathering(run.run_id)
    missed = {"events": str(run.fact("events_missed"))} if run.fact("events_missed") else {}
    return RunReport(
        job_status=run.fact("job_status"),
        looked_at=looked_at(run) if run.fact("looked_at") else None,
        progress=progress_of(
            series_of(run, stores), estimated_finish=run.fact("estimated_finish"), is_open=_is_followed(run)
        ),
        tokens=_tokens(run),
        checkpoints=_checkpoints(run, stores),
        result_files=_result_files(gathering),
        events=stores.reports.count_events(run.run_id),
        missing=gathering.facts.get("missing", {}) if gathering else missed,
        is_complete=gathering.due_at is None if gathering else run.state in TERMINAL,
    )


def series_of(run: Run, stores: Stores) -> list[SeriesPoint]:
    """Give what was measured, by step; of runs from before it was kept, what their events say."""
    if found := stores.reports.series(run.run_id):
        return found
    events = stores.runs.job_events(run.run_id)
    return merge(point for event in events if (point := point_of(event.facts, at=event.created_at)) is not None)


def looked_at(run: Run) -> datetime:
    """Give when the trainer last answered a look at the run's job; before the first, when the run moved last."""
    at = run.fact("looked_at")
    return datetime.fromisoformat(at) if at else run.updated_at


def _is_followed(run: Run) -> bool:
    return run.state in {RunState.SUBMITTED, RunState.TRAINING}


def _tokens(run: Run) -> Tokens:
    estimate: dict[str, Any] | None = run.fact("estimate")
    billed: int | None = run.fact("trained_tokens")
    if estimate is None:
        return Tokens(None, billed, None)
    expected = estimate["tokens"] * estimate["epochs"]
    difference = None if billed is None or not expected else round((billed / expected - 1) * 100, 1)
    return Tokens(expected, billed, difference)


def _checkpoints(run: Run, stores: Stores) -> tuple[Checkpoint, ...]:
    # Runs from before there was a place for them have theirs in their facts.
    found = [asdict(item) for item in stores.reports.checkpoints(run.run_id)] or run.fact("checkpoints") or []
    best = best_checkpoint(found)
    return tuple(
        Checkpoint(
            checkpoint_id=str(item.get("checkpoint_id")),
            step=item.get("step"),
            model=item.get("model"),
            metrics=metrics_in(item.get("metrics") or {}),
            is_best=best is not None and item.get("model") == best,
        )
        for item in found
    )


def _result_files(gathering: Gathering | None) -> tuple[ResultFile, ...]:
    known: Mapping[str, Mapping[str, Any]] = gathering.facts.get("files", {}) if gathering else {}
    return tuple(
        ResultFile(file_id, *(facts.get(name) for name in ("size_bytes", "steps", "sha256", "note")))
        for file_id, facts in known.items()
    )
