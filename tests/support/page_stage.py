"""An installation to look at: runs that were promoted, failed and wait, and odd texts wherever others write."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from service.config import Settings, TrainerSettings
from service.domain.budgets import Estimate, Price
from service.domain.errors import TrainerRefused, UnknownTopic
from service.domain.pipelines import Budget
from service.domain.runs import RunState, Step
from service.ports import JobEvent
from tests.support.builders import make_delivery, make_pipeline, make_run
from tests.support.fakes import ManualClock
from tests.support.web_stage import Stage, make_settings, staged
from tests.support.workshop import Workshop

# What others could write into anything that comes from outside.
ODD = "<script>alert('odd')</script>"
ESCAPED = "&lt;script&gt;alert(&#39;odd&#39;)&lt;/script&gt;"
STEPS = 900
BUDGET = Budget(run_usd=20, month_usd=50, approve_above_usd=5)


@dataclass(frozen=True)
class Scene:
    """What there is to see; each but ``stage`` is a run's id.

    Attributes:
        promoted: It has charts, checkpoints and a verdict.
        failed: The trainer refused it with an odd text.
        waiting: It waits for approval.
        doubtful: It needs attention; its pipeline is not in the configuration.
    """

    stage: Stage
    promoted: str
    failed: str
    waiting: str
    doubtful: str


@contextmanager
def page_scene(
    folder: Path, redis_url: str, database: Path | None = None, *, database_url: str | None = None
) -> Iterator[Scene]:
    """Serve it, on a copy of a migrated SQLite file or on the database of this address."""
    with staged(page_settings(folder, redis_url, database_url), database=database) as stage:
        clock = ManualClock(datetime.now(UTC) - timedelta(hours=1))
        pipelines = dict(stage.deps.settings.pipelines)
        price = Price(3.0, date(2026, 11, 1))
        shop = Workshop(
            stage.deps.engine, folder / "files", clock=clock, pipelines=pipelines, budget=BUDGET, price=price
        )
        shop.fill()
        promoted = _promoted(shop)
        shop.fill(60, 75)
        shop.trainer.goes_wrong("create_job", TrainerRefused(f"no such model {ODD}"))
        failed = shop.start()
        shop.go(failed)
        shop.fill(75, 80)
        _set_aside(stage, clock)
        yield Scene(stage, promoted, failed, _waiting(shop), _doubtful(shop))


def page_settings(folder: Path, redis_url: str, database_url: str | None = None) -> Settings:
    """Give two pipelines, one of which nothing has happened in."""
    trainer = TrainerSettings("box", "generic", "http://127.0.0.1:9/v1", budget=BUDGET)
    pipelines = [make_pipeline(), make_pipeline("idle")]
    return make_settings(folder, redis_url, pipelines=pipelines, trainers={"box": trainer}, database_url=database_url)


def _promoted(shop: Workshop) -> str:
    run_id = shop.train()
    shop.go(run_id)
    events = [_measured(step) for step in range(1, STEPS + 1)]
    shop.runs.add_job_events(run_id, [*events, _said(f"Job succeeded {ODD}")])
    return run_id


def _measured(step: int) -> JobEvent:
    loss = 2.4 / (1 + step / 80) + 0.15 * ((step * 7919) % 13) / 13
    facts: dict[str, float | None] = {"step": step, "total_steps": STEPS, "train_loss": loss}
    facts |= {"train_mean_token_accuracy": 1 - loss / 3, "valid_loss": None if step % 50 else loss + 0.2}
    if step % 300 == 0:
        facts |= {"full_valid_loss": loss + 0.25, "full_valid_mean_token_accuracy": 0.9 - loss / 3}
    return JobEvent(f"measured-{step}", 1_793_600_000 + step, "info", "metrics", f"Step {step}", facts)


def _said(message: str) -> JobEvent:
    return JobEvent("said-1", 1_793_700_000, "info", "message", message, {})


def _set_aside(stage: Stage, clock: ManualClock) -> None:
    letter = make_delivery(b'{"label": "what somebody wrote"}', ODD, pipeline="summaries")
    stage.deps.letters.put(
        "delivery", letter.key, UnknownTopic(f"the topic {ODD}"), content=letter, now=clock.forward(1)
    )
    drift = {"drift": 3, "labels_there": 812, "labels_here": 809, "left": 1, "whole_at": "2026-11-26T03:00:00+00:00"}
    stage.deps.reconciles.reconciled("summaries", {"rows": 1, "healed": 2, **drift}, until=clock.now, now=clock.now)


def _waiting(shop: Workshop) -> str:
    run = shop.runs.get(shop.start())
    reason, estimate = "12.40 USD is above 5.00 USD", Estimate(1_377_778, 3, 12.4, 3.0, "2026-11-01")
    remedy = f"tuneloop runs approve {run.run_id}, or set another budget"
    facts = {"error": reason, "remedy": remedy, "estimate": asdict(estimate)}
    frozen = shop.runs.record(run, Step(RunState.SNAPSHOTTED, "snapshot frozen"), now=shop.clock.forward(1))
    shop.runs.record(frozen, Step(RunState.AWAITING_APPROVAL, reason, facts=facts), now=shop.clock.forward(1))
    return run.run_id


def _doubtful(shop: Workshop) -> str:
    run = make_run("run-doubtful", pipeline="retired", created_at=shop.clock.now, updated_at=shop.clock.now)
    claimed = shop.runs.claim(run)
    assert claimed is not None
    for state in (RunState.SNAPSHOTTED, RunState.UPLOADED, RunState.NEEDS_ATTENTION):
        facts = {"remedy": "Look for a job of this run in the trainer's console.", "resume": "uploaded"}
        step = Step(state, f"nobody can say whether the job was created {ODD}", facts=facts)
        claimed = shop.runs.record(claimed, step, now=shop.clock.forward(1))
    return run.run_id
