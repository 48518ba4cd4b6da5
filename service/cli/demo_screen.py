"""The demo's live progress: redrawn in place on a terminal, a line for each news elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from service.cli.demo_play import Scene
from service.domain.runs import RunState

BAR = 30
# Without a terminal every line stays, so they come more slowly.
QUIET_S = 1.0
_STAGES = (
    RunState.CLAIMED,
    RunState.SNAPSHOTTED,
    RunState.UPLOADED,
    RunState.SUBMITTED,
    RunState.TRAINING,
    RunState.EVALUATING,
)


class Screen:
    """Shows scenes as they come; a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=8) if console.is_terminal else None
        self._last = ""
        self._state: RunState | None = None
        self._shown_s = 0.0

    def __enter__(self) -> Self:
        """Begin to draw."""
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last scene on the screen."""
        if self._live:
            self._live.stop()

    def show(self, scene: Scene) -> None:
        """Draw a scene."""
        if self._live:
            self._live.update(_table(scene))
            return
        line, state = _line(scene), scene.run.state if scene.run else None
        moved = state != self._state
        if line != self._last and (moved or time.monotonic() - self._shown_s > QUIET_S):
            self._console.print(f"  {line}")
            self._last, self._state, self._shown_s = line, state, time.monotonic()


def _table(scene: Scene) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2))
    table.add_row("deliveries", f"{scene.received} acknowledged, {scene.waiting} waiting to be converted")
    table.add_row("examples", f"{scene.examples} approved and converted")
    if scene.run is None:
        done = min(scene.new, scene.threshold) * BAR // max(scene.threshold, 1)
        bar = "━" * done + "[dim]" + "━" * (BAR - done) + "[/]"
        pause = ", waiting for a quiet moment" if scene.new >= scene.threshold else ""
        table.add_row("threshold", f"{bar} {scene.new} of {scene.threshold} new{pause}")
    else:
        table.add_row("run", _stages(scene))
        table.add_row("training", _training(scene))
    return table


def _line(scene: Scene) -> str:
    if scene.run is None:
        return f"{scene.received} deliveries, {scene.new} of {scene.threshold} new examples"
    words = [f"run {scene.run.ordinal}: {scene.run.state}", _training(scene)]
    return ", ".join(word for word in words if word != "-")


def _stages(scene: Scene) -> str:
    state = scene.run.state if scene.run else RunState.CLAIMED
    if state not in _STAGES:
        return f"{' > '.join(_STAGES)} > [bold]{state}[/]"
    at = _STAGES.index(state)
    return " > ".join(f"[bold]{name}[/]" if number == at else name for number, name in enumerate(_STAGES[: at + 1]))


def _training(scene: Scene) -> str:
    loss = f"loss {scene.loss:.3f}" if scene.loss is not None else ""
    return ", ".join(part for part in (scene.step, loss) if part) or "-"
