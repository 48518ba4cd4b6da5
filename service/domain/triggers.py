"""When a run is due: a pure function of numbers, with every reason why not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from service.domain.pipelines import DatasetPolicy, TriggerPolicy
from service.domain.plurals import how_many
from service.domain.runs import RunState

# Why a run began: by itself, or because a person said so.
BY_ITSELF = "threshold"
BY_HAND = "by hand"


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that has not ended.

    Attributes:
        usd: What it is estimated to cost; None while nobody knows.
        error: What stands in its way now; None where nothing does.
    """

    run_id: str
    state: str
    usd: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What is known about a pipeline's examples and runs at one moment.

    Attributes:
        watermark: The newest change that ``new`` includes; what a run claims.
        new: Newly accepted or changed examples since the last run's snapshot.
        last_run: Ordinal of the newest run, 0 if there was none.
        last_run_at: When the newest began that was of new examples: one of an older snapshot begins no cooldown.
        prompts: Prompts without answers, of projects in which labelers write nothing else.
        held: Examples that a check found something in and that wait for a person's decision.
        kept_out: Rows that are labelled and approved and give no example, by reason, the held ones included.
        train_tokens: Of the contents of the training examples, without the system text of each line.
        failures: Runs that failed in a row, see ``failures_in_a_row``.
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
    open_run: OpenRun | None
    prompts: int = 0
    held: int = 0
    kept_out: Mapping[str, int] = field(default_factory=dict)
    train_tokens: int = 0
    failures: int = 0


# Another run of the same pipeline is under way.
OPEN_RUN_CODES = frozenset({"run_open", "awaiting_approval"})


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that stands in the way, or that is good to know.

    Attributes:
        code: A stable word, see docs/trigger.md.
        text: The same for people, with its numbers.
        facts: The numbers for programs: counts, US dollars, moments.
    """

    code: str
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a run is due now, and if not, everything that is missing.

    Attributes:
        notes: What stands in nobody's way and is good to know: what the run would cost, that it would wait for a
            person.
    """

    due: bool
    reasons: tuple[Reason, ...]
    notes: tuple[Reason, ...] = ()


def decide(
    trigger: TriggerPolicy,
    dataset: DatasetPolicy,
    counts: Counts,
    *,
    now: datetime,
    more: Sequence[Reason] = (),
    notes: Sequence[Reason] = (),
) -> Decision:
    """Decide whether a pipeline's next run is due.

    Args:
        trigger: When enough is new.
        dataset: The least that is trained on and judged by.
        counts: What there is.
        now: The time.
        more: What else stands in the way: the budgets, or anything that is not known here.
        notes: What is good to know.

    Returns:
        A decision without reasons if it is due, otherwise all the reasons at once.
    """
    reasons = (
        *_too_little_new(trigger, counts),
        *blocks_manual_start(dataset, counts, more=more),
        *_too_early(trigger, counts, now),
        *filter(None, [open_breaker(trigger, counts)]),
    )
    return Decision(not reasons, reasons, tuple(notes))


def blocks_manual_start(dataset: DatasetPolicy, counts: Counts, *, more: Sequence[Reason] = ()) -> tuple[Reason, ...]:
    """Give what stands in the way even of a run that a person starts: threshold, waiting and failures do not."""
    sizes = too_few(dataset, train=counts.train, validation=counts.validation, held_out=counts.held_out)
    return (*_open_run(counts.open_run), *_prompts_only(counts), *sizes, *more)


def too_few(dataset: DatasetPolicy, *, train: int, validation: int, held_out: int) -> list[Reason]:
    """Give what is less than its minimum, of so many examples."""
    sizes = (
        ("training", "too_few_training", train, dataset.min_train),
        ("validation", "too_few_validation", validation, dataset.min_validation),
        ("held-out", "too_few_held_out", held_out, dataset.min_held_out),
    )
    return [
        Reason(code, f"{there} of {needed} {name} examples", {"have": there, "need": needed})
        for name, code, there, needed in sizes
        if there < needed
    ]


def failures_in_a_row(runs: Iterable[tuple[str, str]]) -> int:
    """Count the newest runs that failed one after another.

    A run that ended well ends the row, and so does one that a person started and that did not fail. One that was
    cancelled or is open, and began by itself, says nothing either way.

    Args:
        runs: State and cause of each, newest first.
    """
    failed = 0
    for state, cause in runs:
        if state == RunState.FAILED:
            failed += 1
        elif state in {RunState.PROMOTED, RunState.KEPT} or cause != BY_ITSELF:
            break
    return failed


def open_breaker(trigger: TriggerPolicy, counts: Counts) -> Reason | None:
    """Give why no run starts by itself any more, after too many failures in a row; None if it may."""
    if not trigger.max_failures or counts.failures < trigger.max_failures:
        return None
    text = f"{counts.failures} runs failed in a row: see why (tuneloop runs list), then tuneloop runs start tries again"
    return Reason("breaker_open", text, {"failures": counts.failures, "limit": trigger.max_failures})


def _too_little_new(trigger: TriggerPolicy, counts: Counts) -> list[Reason]:
    if counts.new >= trigger.threshold:
        return []
    held = f"; {how_many(counts.held, 'waits', 'wait')} for a decision: tuneloop datasets held" if counts.held else ""
    facts = {"have": counts.new, "need": trigger.threshold, "held": counts.held}
    return [Reason("below_threshold", f"{counts.new} of {trigger.threshold} new examples{held}", facts)]


def _open_run(run: OpenRun | None) -> list[Reason]:
    if run is None:
        return []
    facts = {"run": run.run_id, "state": run.state, "usd": run.usd}
    if run.state != RunState.AWAITING_APPROVAL:
        hindered = f": {run.error}" if run.error else ""
        text = f"run {run.run_id} ({run.state}) is not finished{hindered}"
        return [Reason("run_open", text, {**facts, "error": run.error})]
    cost = "at an unknown price" if run.usd is None else f"of {run.usd:.2f} USD"
    text = f"run {run.run_id} {cost} waits for approval: tuneloop runs approve {run.run_id}"
    return [Reason("awaiting_approval", text, facts)]


def _prompts_only(counts: Counts) -> list[Reason]:
    if not counts.prompts or counts.train + counts.validation + counts.held_out:
        return []
    text = f"{counts.prompts} prompts without answers: a prompt set trains no model"
    return [Reason("prompts_only", text, {"have": counts.prompts})]


def _too_early(trigger: TriggerPolicy, counts: Counts, now: datetime) -> list[Reason]:
    found = []
    if until := _quiet_until(trigger, counts, now):
        found.append(Reason("not_quiet", f"quiet until {until:%Y-%m-%d %H:%M:%S} UTC", {"until": until}))
    if counts.last_run_at and now < counts.last_run_at + trigger.cooldown:
        until = counts.last_run_at + trigger.cooldown
        found.append(Reason("cooldown", f"cooldown until {until:%Y-%m-%d %H:%M:%S} UTC", {"until": until}))
    return found


def _quiet_until(trigger: TriggerPolicy, counts: Counts, now: datetime) -> datetime | None:
    if counts.last_new_at is None or counts.first_new_at is None:
        return None
    until = min(counts.last_new_at + trigger.quiet, counts.first_new_at + trigger.max_wait)
    return until if now < until and trigger.quiet > timedelta(0) else None
