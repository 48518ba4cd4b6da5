"""When a run is due: a pure function of numbers, with every reason why not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from service.domain.pipelines import DatasetPolicy, TriggerPolicy


@dataclass(frozen=True, slots=True)
class Counts:
    """What is known about a pipeline's examples and runs at one moment.

    Attributes:
        watermark: The newest change that ``new`` includes; what a run claims.
        new: Newly accepted or changed examples since the last run's snapshot.
        last_run: Ordinal of the newest run, 0 if there was none.
        prompts: Prompts without answers, of projects in which labelers write nothing else.
        held: Examples that a check found something in and that wait for a person's decision.
        kept_out: Rows that are labelled and approved and give no example, by reason, the held ones included.
    """

    watermark: int
    new: int
    train: int
    validation: int
    held_out: int
    first_new_at: datetime | None
    last_new_at: datetime | None
    last_run: int
    last_run_at: datetime | None
    open_run: str | None
    prompts: int = 0
    held: int = 0
    kept_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that still stands in the way, with its number."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a run is due now, and if not, everything that is missing."""

    due: bool
    reasons: tuple[Reason, ...]


def decide(
    trigger: TriggerPolicy, dataset: DatasetPolicy, counts: Counts, *, now: datetime, more: Sequence[Reason] = ()
) -> Decision:
    """Decide whether a pipeline's next run is due.

    Args:
        trigger: When enough is new.
        dataset: What is the least of it.
        counts: What there is.
        now: The moment.
        more: What else stands in the way, found elsewhere.

    Returns:
        A decision without reasons if it is due, otherwise all the reasons at once.
    """
    reasons = (*_obstacles(trigger, dataset, counts, now), *more)
    return Decision(not reasons, reasons)


def blocks_manual_start(dataset: DatasetPolicy, counts: Counts) -> tuple[Reason, ...]:
    """Give what stands in the way even of a run that a person starts: neither waiting nor threshold do."""
    return tuple(_hard_obstacles(dataset, counts))


def _hard_obstacles(dataset: DatasetPolicy, counts: Counts) -> list[Reason]:
    found = []
    if counts.open_run:
        found.append(Reason("run_open", f"run {counts.open_run} is not finished"))
    if counts.prompts and not counts.train + counts.validation + counts.held_out:
        text = f"{counts.prompts} prompts without answers: a prompt set trains no model"
        found.append(Reason("prompts_only", text))
    found.extend(too_few(dataset, train=counts.train, validation=counts.validation, held_out=counts.held_out))
    return found


def too_few(dataset: DatasetPolicy, *, train: int, validation: int, held_out: int) -> list[Reason]:
    """Give what is less than its minimum, of so many examples."""
    sizes = (
        ("training", "too_few_training", train, dataset.min_train),
        ("validation", "too_few_validation", validation, dataset.min_validation),
        ("held-out", "too_few_held_out", held_out, dataset.min_held_out),
    )
    return [
        Reason(code, f"{there} of {needed} {name} examples") for name, code, there, needed in sizes if there < needed
    ]


def _obstacles(trigger: TriggerPolicy, dataset: DatasetPolicy, counts: Counts, now: datetime) -> list[Reason]:
    found = []
    if counts.new < trigger.threshold:
        held = f"; {counts.held} wait for a decision: tuneloop datasets held" if counts.held else ""
        found.append(Reason("below_threshold", f"{counts.new} of {trigger.threshold} new examples{held}"))
    found.extend(_hard_obstacles(dataset, counts))
    if waiting := _quiet_until(trigger, counts, now):
        found.append(Reason("not_quiet", f"quiet until {waiting:%Y-%m-%d %H:%M:%S} UTC"))
    if counts.last_run_at and now < counts.last_run_at + trigger.cooldown:
        until = counts.last_run_at + trigger.cooldown
        found.append(Reason("cooldown", f"cooldown until {until:%Y-%m-%d %H:%M:%S} UTC"))
    return found


def _quiet_until(trigger: TriggerPolicy, counts: Counts, now: datetime) -> datetime | None:
    if counts.last_new_at is None or counts.first_new_at is None:
        return None
    until = min(counts.last_new_at + trigger.quiet, counts.first_new_at + trigger.max_wait)
    return until if now < until and trigger.quiet > timedelta(0) else None
