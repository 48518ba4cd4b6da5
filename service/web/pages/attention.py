"""What needs a person, the most urgent first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from service.bootstrap import Deps
from service.domain.plurals import how_many
from service.domain.runs import Run, RunState
from service.domain.sunsets import when
from service.usecases.dying import Dying
from service.usecases.take_stock import Stock
from service.web.pages.commands import Command, commands_for


@dataclass(frozen=True, slots=True)
class Attention:
    """One thing that will not go on by itself.

    Attributes:
        title: What it is, as the text of a link.
        path: Where the page tells more.
        words: Why it stands still.
        remedy: What to do about it; empty where the commands say it all.
        commands: What may be done.
    """

    title: str
    path: str
    words: str
    remedy: str
    commands: tuple[Command, ...]


def attention(deps: Deps, stocks: Mapping[str, Stock], dying: Sequence[Dying], *, today: date) -> list[Attention]:
    """Collect it, of the configured pipelines and of runs whose pipeline is gone.

    Args:
        deps: Everything.
        stocks: Where each pipeline stands.
        dying: The champions that are about to shut down.
        today: In UTC.
    """
    runs = [_of_run(run, deps.runs.history(run.run_id)[-1]["cause"]) for run in deps.runs.waiting()]
    ends = [_of_champion(item, today) for item in dying]
    return [*runs, *_of_breakers(stocks), *ends, *_of_letters(deps.letters.count()), *_of_stocks(stocks)]


def _of_run(run: Run, cause: str) -> Attention:
    asks = run.state == RunState.AWAITING_APPROVAL
    return Attention(
        title=f"{run.pipeline}, run {run.ordinal}, {'waits for approval' if asks else 'needs attention'}",
        path=f"/runs/{run.run_id}",
        words=cause,
        remedy=str(run.fact("remedy") or ""),
        commands=commands_for(run),
    )


def _of_breakers(stocks: Mapping[str, Stock]) -> Iterator[Attention]:
    for name, stock in stocks.items():
        if any(reason.code == "breaker_open" for reason in stock.decision.reasons):
            title, failed = f"{name}: no run starts by itself any more", how_many(stock.counts.failures, "run")
            commands = (
                Command(f"tuneloop runs list --pipeline {name}", "tells why they failed"),
                Command(f"tuneloop runs start {name}", "tries again, once that is mended"),
            )
            yield Attention(title, f"/pipelines/{name}", f"{failed} failed in a row.", "", commands)


def _of_champion(dying: Dying, today: date) -> Attention:
    return Attention(
        title=f"{dying.pipeline}: its champion {when(dying.shutdown_on, today)}",
        path=f"/pipelines/{dying.pipeline}",
        words=f"{dying.model} at {dying.trainer} answers nobody from then on.",
        remedy=dying.advice,
        commands=(Command("tuneloop models dying", "lists what could be trained in its place"),),
    )


def _of_letters(number: int) -> Iterator[Attention]:
    if number:
        title = how_many(number, "dead letter")
        command = Command("tuneloop dead-letters list", "tells what to do about each")
        yield Attention(title, "/dead-letters", "Work that was set aside after its last attempt.", "", (command,))


def _of_stocks(stocks: Mapping[str, Stock]) -> Iterator[Attention]:
    for name, stock in stocks.items():
        path = f"/pipelines/{name}"
        if held := stock.counts.held:
            words = "A check found something in them, and nobody has decided yet."
            command = Command(f"tuneloop datasets held --pipeline {name}", "lists them, and how to decide")
            yield Attention(f"{name}: {held:,} held for a decision", path, words, "", (command,))
        drift = stock.reconciled.drift if stock.reconciled else None
        if drift and drift.left:
            words = "What differs could not be mended when the project was last read."
            command = Command(f"tuneloop labelbox sync --pipeline {name}", "reads the whole project now")
            differ = how_many(drift.left, "data row differs", "data rows differ")
            yield Attention(f"{name}: {differ} from Labelbox", path, words, "", (command,))
