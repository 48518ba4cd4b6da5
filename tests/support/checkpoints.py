"""A training that overshot: the epoch before its end answers better than its end."""

from collections.abc import Callable, Mapping

from service.domain.runs import Run
from service.usecases.ask_patiently import Patience
from service.usecases.compare_checkpoints import CheckpointComparison, compare_checkpoints
from service.usecases.judge_checkpoint import JudgedCheckpoint, judge_checkpoint
from tests.support.report_stores import half_leaking
from tests.support.workshop import TUNED, Workshop, good_answer, leaking_answer

BEST, WORST, LAST = 82, 41, 123


def checkpoint_name(step: int) -> str:
    return f"{TUNED}:ckpt-step-{step}"


def keeps(shop: Workshop, models: Mapping[int, str]) -> None:
    """Let the trainer list these checkpoints by their steps, the latest first."""
    shop.trainer.points = [
        {"checkpoint_id": f"ckpt-{step}", "created_at": step, "step": step, "model": model, "metrics": {}}
        for step, model in models.items()
    ]


def overshot(shop: Workshop, run_id: str | None = None, *, voice: Callable[[str], str] = half_leaking) -> Run:
    """Judge a run, trained now unless it was; its checkpoint of step 82 answers well, that of step 41 like the base."""
    keeps(shop, {LAST: TUNED, BEST: checkpoint_name(BEST), WORST: checkpoint_name(WORST)})
    shop.trainer.voices |= {checkpoint_name(BEST): good_answer, checkpoint_name(WORST): leaking_answer}
    run = shop.go(run_id or shop.train(voice=voice))
    shop.trainer.asked.clear()
    return run


def patience(shop: Workshop) -> Patience:
    told: list[str] = []
    return Patience(shop.clock.forward, told.append)


def compared(shop: Workshop, run: Run) -> CheckpointComparison:
    return compare_checkpoints(run.run_id, shop.parts, patience(shop))


def judged(shop: Workshop, run: Run, step: int = BEST) -> JudgedCheckpoint:
    return judge_checkpoint(run.run_id, step, shop.parts, patience(shop))
