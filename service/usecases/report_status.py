"""Sum up where everything stands, in a line or two for each pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from service.domain.pipelines import Pipeline
from service.ports import Clock
from service.usecases.take_stock import Drift, Stock, Stores, take_stock


@dataclass(frozen=True, slots=True)
class PipelineStatus:
    """Where one pipeline stands.

    Attributes:
        train: Examples to train on.
        validation: Examples that watch the training.
        held_out: Examples that no training ever sees.
        new: Newly accepted or changed examples since the last run.
        held: Examples that a check found something in and that wait for a person's decision.
        kept_out: Rows that are labelled and approved and give no example, by reason; the held ones included.
        reconciled: When the project was last read, and what was mended; null if never.
        drift: Labels in Labelbox against labels here; null where it was not measured.
        last_run: Id and state of the newest run.
        champion: The model that serves.
        champion_shutdown_on: When that model shuts down; null where no end is known.
        champion_gone_since: Since when that model does not answer any more; null where it does.
        due: Whether a run is due now.
        waits_for: Every reason why not.
        notes: What is good to know before the next run: its cost, whether it would wait for a person, budgets.
    """

    train: int
    validation: int
    held_out: int
    new: int
    held: int
    kept_out: Mapping[str, int]
    reconciled: str | None
    drift: Drift | None
    last_run: str | None
    champion: str | None
    champion_shutdown_on: date | None
    champion_gone_since: datetime | None
    due: bool
    waits_for: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """Where everything stands.

    Attributes:
        inbox: Deliveries not converted yet.
        dead_letters: Work set aside.
        pipelines: By name.
    """

    inbox: int
    dead_letters: int
    pipelines: Mapping[str, PipelineStatus]


def report_status(pipelines: Mapping[str, Pipeline], stores: Stores, *, clock: Clock) -> Status:
    """Ask every store about every pipeline."""
    # The database first: where there is none, nothing has begun, and that says more than that Redis is missing.
    letters = stores.letters.count()
    lines = {name: _line(take_stock(pipeline, stores, now=clock())) for name, pipeline in pipelines.items()}
    return Status(inbox=stores.inbox.depth(), dead_letters=letters, pipelines=lines)


def _line(stock: Stock) -> PipelineStatus:
    counts, reconciled, newest = stock.counts, stock.reconciled, stock.newest
    return PipelineStatus(
        train=counts.train,
        validation=counts.validation,
        held_out=counts.held_out,
        new=counts.new,
        held=counts.held,
        kept_out=counts.kept_out,
        reconciled=f"{reconciled.at:%Y-%m-%d %H:%M:%S} UTC, {reconciled.healed} mended" if reconciled else None,
        drift=reconciled.drift if reconciled else None,
        last_run=f"{newest.run_id} {newest.state}" if newest else None,
        champion=stock.champion["model"] if stock.champion else None,
        champion_shutdown_on=stock.champion["shutdown_on"] if stock.champion else None,
        champion_gone_since=stock.champion["gone_since"] if stock.champion else None,
        due=stock.decision.due,
        waits_for=tuple(reason.text for reason in stock.decision.reasons),
        notes=tuple(note.text for note in stock.decision.notes),
    )
