"""A run for people, line by line."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import isfinite
from statistics import median_low
from typing import Any

from service.domain.budgets import Estimate
from service.domain.plurals import how_many
from service.domain.runs import Run
from service.domain.training_series import CELLS, Progress, SeriesPoint
from service.ports import JobEvent
from service.usecases.report_run import Checkpoint, ResultFile, RunReport, Tokens

_BARS = "▁▂▃▄▅▆▇█"
SPARKLINE_WIDTH = 40
_LOSSES = ("train_loss", "valid_loss", "full_valid_loss")
_LINES = {"train_loss": "train loss", "valid_loss": "valid loss", "full_valid_loss": "full valid"}


def lines_of_run(run: Run) -> Iterator[str]:
    """Write what a run is about."""
    named = {"trainer": run.trainer, "base model": run.model}
    named |= {name: getattr(run, name) for name in ("snapshot_id", "job_id", "tuned_model")}
    named |= {"train file": run.fact("training_file"), "valid file": run.fact("validation_file")}
    for name, value in named.items():
        yield f"  {name:<12} {value or '-'}"
    if run.answers_as != run.tuned_model:
        yield f"  {'answers as':<12} {run.answers_as}"
    if estimate := run.fact("estimate"):
        yield f"  {'estimate':<12} {Estimate(**estimate).in_words()}"


def lines_of_ledger(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Write what a run cost."""
    set_aside = sum(entry["usd"] for entry in entries if entry["kind"] == "reserved")
    for entry in entries:
        if entry["kind"] == "released":
            yield f"  {'released':<12} {set_aside:,.2f} USD given back ({entry['note']})"
            continue
        counted = f" for {entry['tokens']:,} tokens" if entry["tokens"] is not None else ""
        yield f"  {entry['kind']:<12} {entry['usd']:,.2f} USD{counted} ({entry['note']})"


def lines_of_story(run: Run, history: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Write what stands in the way, and how the run came where it is."""
    for name, words in (("error", run.error), ("remedy", run.remedy)):
        if words:
            yield f"  {name:<12} {words}"
    for row in history:
        moved = f"{row['before'] or '-':>12} -> {row['after']:<12}"
        yield f"  {row['at']:%Y-%m-%d %H:%M:%S}  {moved} {row['cause']}"


def lines_of_events(run: Run, newest: Sequence[JobEvent], *, known: int) -> Iterator[str]:
    """Write the newest events, given newest first, oldest first."""
    if newest:
        yield f"  the newest of {known} events, see tuneloop runs events {run.run_id}"
    for event in reversed(newest):
        yield f"  {line_of_event(event)}"


def lines_of_report(report: RunReport, points: Sequence[SeriesPoint]) -> Iterator[str]:
    """Write what a job reported, but for its events; nothing where there was no job yet."""
    if report.looked_at:
        yield f"  {'job':<12} {report.job_status}, looked at {report.looked_at:%Y-%m-%d %H:%M:%S}"
    if report.progress:
        yield f"  {'progress':<12} {_progress(report.progress)}"
    for name in _LOSSES:
        if values := [value for point in points if (value := getattr(point, name)) is not None]:
            yield f"  {_LINES[name]:<12} {sparkline(values)}  {values[0]:.4g} to {values[-1]:.4g}"
    if report.tokens.estimated is not None or report.tokens.billed is not None:
        yield f"  {'tokens':<12} {_tokens(report.tokens)}"
    for checkpoint in report.checkpoints:
        yield f"  {'checkpoint':<12} {_checkpoint(checkpoint)}"
    for file in report.result_files:
        yield f"  {'result file':<12} {_result_file(file)}"
    again = "not tried again" if report.is_complete else "tried again"
    for name, error in report.missing.items():
        yield f"  {'missing':<12} {name}: {error}; {again}"


def line_of_event(event: JobEvent) -> str:
    """Write an event."""
    at = event.at()
    return f"{f'{at:%Y-%m-%d %H:%M:%S}' if at else '-':<19}  {event.level:<5} {event.message}"


def table_of(points: Sequence[SeriesPoint], *, most: int) -> Iterator[str]:
    """Write a series as a table of about so many rows, the first and the last step among them."""
    yield "  ".join(["    step", *(f"{name:>19}" for name in CELLS[:6])])
    every = max(1, -(-len(points) // most))
    for position, point in enumerate(points):
        if position % every == 0 or position == len(points) - 1:
            values = (getattr(point, name) for name in CELLS[:6])
            yield "  ".join([f"{point.step:>8}", *(f"{'' if v is None else f'{v:.6g}':>19}" for v in values)]).rstrip()


def csv_of(points: Sequence[SeriesPoint]) -> Iterator[str]:
    """Write a whole series as CSV, cells empty where nothing was measured."""
    yield ",".join(["step", *CELLS])
    for point in points:
        values = (getattr(point, name) for name in CELLS)
        yield ",".join([str(point.step), *("" if value is None else repr(value) for value in values)])


def sparkline(values: Sequence[float]) -> str:
    """Draw values as bars from the least to the greatest; of many, the medians of equal pieces."""
    pieces = min(len(values), SPARKLINE_WIDTH)
    cuts = [round(len(values) * number / pieces) for number in range(pieces + 1)]
    shown = [median_low(values[begin:end]) for begin, end in pairwise(cuts)]
    least, span = min(shown), max(shown) - min(shown)
    if not span or not isfinite(span):
        return _BARS[0] * pieces
    return "".join(_BARS[round((value - least) / span * (len(_BARS) - 1))] for value in shown)


def _progress(progress: Progress) -> str:
    told = [f"step {progress.step} of {progress.total_steps or 'an unknown number'}"]
    told += [
        f"{name.replace('_', ' ')} {value:.4g}" for name in _LOSSES if (value := getattr(progress, name)) is not None
    ]
    if progress.finish_at:
        told.append(f"ends about {progress.finish_at:%Y-%m-%d %H:%M:%S}")
    return ", ".join(told)


def _tokens(tokens: Tokens) -> str:
    told = [f"estimated {tokens.estimated:,}"] if tokens.estimated is not None else []
    if tokens.billed is not None:
        off = f" ({tokens.difference_percent:+.1f} %)" if tokens.difference_percent is not None else ""
        told.append(f"billed {tokens.billed:,}{off}")
    return ", ".join(told)


def _checkpoint(checkpoint: Checkpoint) -> str:
    told = [f"step {checkpoint.step}"] if checkpoint.step is not None else []
    told += [
        f"{name.replace('_', ' ')} {checkpoint.metrics[name]:.4g}" for name in _LOSSES if name in checkpoint.metrics
    ]
    best = "  (best)" if checkpoint.is_best else ""
    return f"{checkpoint.model or checkpoint.checkpoint_id}  {', '.join(told)}{best}"


def _result_file(file: ResultFile) -> str:
    told = [f"{file.size_bytes:,} bytes"] if file.size_bytes is not None else []
    told += [how_many(file.steps, "step")] if file.steps is not None else []
    told.append(f"sha256 {file.sha256}" if file.sha256 else str(file.note))
    return f"{file.file_id}  {', '.join(told)}"
