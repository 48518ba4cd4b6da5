"""``tuneloop demo``: the whole loop on this machine, from a label to a promoted model, then out."""

import json
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from service.cli.app import app
from service.cli.demo_facts import gather
from service.cli.demo_play import Scene, play_wave
from service.cli.demo_report import print_report
from service.cli.demo_screen import Screen
from service.cli.demo_stage import Stage, set_stage
from service.cli.supervisor import Supervisor
from service.domain.errors import ConfigurationError
from service.logs import silence_logging

# So many chats are there for each label that is wanted: some are skipped.
SPARE_ROWS = 1.4
# A wave is a little longer than the threshold, so that what is lost on the way does not stop it.
THRESHOLD_SHARE = 5 / 6
MIN_LABELS = 100


@app.command()
def demo(
    *,
    labels: Annotated[int, typer.Option(min=MIN_LABELS, max=5000, help="Labels in all, in two waves.")] = 120,
    seed: Annotated[int, typer.Option(min=0, help="Of the chats, the labelers and the faults.")] = 7,
    rate: Annotated[float, typer.Option(min=1, max=200, help="Labels a second.")] = 12.0,
    folder: Annotated[Path | None, typer.Option(help="Where everything is kept.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the facts as JSON only.")] = False,
) -> None:
    """Watch the whole loop: labels, dataset, job, verdict, promotion. Exit code 0 only if it closed."""
    silence_logging()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    place = (folder or Path("tuneloop-demo") / f"{datetime.now(UTC):%Y%m%d-%H%M%S}").resolve()
    try:
        place.mkdir(parents=True, exist_ok=False)
        (place / "data").mkdir()
    except OSError as error:
        remedy = "Name a folder that does not exist yet, in a place you may write to, with --folder."
        raise ConfigurationError(f"{place}: {error.strerror}", remedy=remedy) from error
    console = Console(stderr=as_json, highlight=False)
    facts = _play(place, console, labels=labels, seed=seed, rate=rate)
    (place / "report.json").write_text(json.dumps(facts, indent=2, default=str), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(facts, indent=2, default=str))
    else:
        print_report(facts, console)
    raise typer.Exit(0 if facts["closed"] else 1)


def _play(place: Path, console: Console, *, labels: int, seed: int, rate: float) -> dict[str, Any]:
    console.print("[bold]The loop on this machine[/]: sandbox Labelbox, our own trainer and the real service.\n")
    began_at = datetime.now(UTC)
    supervisor = Supervisor(place / "logs", lambda line: console.print(f"  {line}"))
    wave_size = labels // 2
    try:
        stage = set_stage(
            place,
            supervisor,
            seed=seed,
            rows=int(labels * SPARE_ROWS),
            threshold=int(wave_size * THRESHOLD_SHARE),
        )
        _play_waves(stage, supervisor, console, sizes=(wave_size, labels - wave_size), rate=rate)
        facts = gather(stage)
    finally:
        supervisor.stop()
    return {**facts, "seed": seed, "seconds": round((datetime.now(UTC) - began_at).total_seconds(), 1)}


def _play_waves(stage: Stage, supervisor: Supervisor, console: Console, *, sizes: tuple[int, ...], rate: float) -> None:
    for wave, size in enumerate(sizes, start=1):
        console.print(f"\n[bold]Wave {wave}[/]: the labelers get to work on {size} chats")
        with Screen(console) as screen:

            def show(scene: Scene, screen: Screen = screen) -> None:
                screen.show(scene)

            play_wave(stage, supervisor, wave=wave, labels=size, rate=rate, show=show)
