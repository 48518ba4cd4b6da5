"""The demo's course: two waves of labels, each over the threshold, each followed to its verdict."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from service.cli.demo_facts import compare_with_labelbox
from service.cli.demo_stage import PIPELINE, Stage
from service.cli.supervisor import Supervisor
from service.domain.errors import InboxUnavailable, ServiceError
from service.domain.runs import TERMINAL, WAITS_FOR_A_PERSON, Run

PATIENCE_S = 120.0
PAUSE_S = 0.25


class DemoStuck(ServiceError):
    """The demo did not come to an end in time."""

    remedy = "Look into the logs of the demo's folder; they name the step that failed."


@dataclass(frozen=True, slots=True)
class Scene:
    """What is going on at one moment, for the screen.

    Attributes:
        loss: The newest training loss, if a job reported one.
    """

    wave: int
    received: int
    waiting: int
    new: int
    threshold: int
    examples: int
    run: Run | None
    step: str
    loss: float | None


def play_wave(
    stage: Stage, supervisor: Supervisor, *, wave: int, labels: int, rate: float, show: Callable[[Scene], None]
) -> None:
    """Let the labelers finish so many labels, then wait until a run over them is judged and nothing is missing.

    Raises:
        DemoStuck: It took too long, or a run failed.
    """
    stage.sandbox.call("labelers", {"project": stage.project, "approve": labels, "rate": rate})
    end_s = time.monotonic() + PATIENCE_S
    while True:
        supervisor.mend()
        run = _run_of(stage, wave)
        waiting = _waiting(stage)
        show(_scene(stage, wave, run, waiting))
        if run is not None and run.state in WAITS_FOR_A_PERSON:
            raise DemoStuck(f"run {run.run_id} is {run.state}: {run.fact('error')}")
        if run is not None and run.state in TERMINAL and waiting == 0 and _is_complete(stage):
            return
        if time.monotonic() > end_s:
            raise DemoStuck(f"wave {wave} was not complete after {PATIENCE_S:.0f} s")
        time.sleep(PAUSE_S)


def _is_complete(stage: Stage) -> bool:
    state = stage.sandbox.call("state")
    at_work = any(project["labelers"]["running"] for project in state["projects"] if project["labelers"])
    return not at_work and bool(compare_with_labelbox(stage, state)["equal"])


def _waiting(stage: Stage) -> int | None:
    """Count the deliveries that wait; None while Redis is away, for it is started again."""
    try:
        return stage.deps.inbox.depth()
    except InboxUnavailable:
        return None


def _run_of(stage: Stage, wave: int) -> Run | None:
    found = [run for run in stage.deps.runs.recent(PIPELINE, 10) if run.ordinal == wave]
    return found[0] if found else None


def _scene(stage: Stage, wave: int, run: Run | None, waiting: int | None) -> Scene:
    counts = stage.deps.examples.counts(PIPELINE)
    losses = []
    if run is not None:
        events = stage.deps.runs.job_events(run.run_id)
        losses = [event.facts for event in events if "train_loss" in event.facts]
    step = f"step {losses[-1]['step']}/{losses[-1].get('total_steps', '?')}" if losses else ""
    sent = stage.sandbox.call("state")["deliveries"]
    return Scene(
        wave=wave,
        received=sent.get("accepted", 0),
        waiting=waiting or 0,
        new=counts.new,
        threshold=stage.threshold,
        examples=counts.train + counts.validation + counts.held_out,
        run=run,
        step=(run.fact("progress") if run and run.state == "evaluating" else step) or "",
        loss=losses[-1]["train_loss"] if losses else None,
    )
