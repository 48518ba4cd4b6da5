"""Training with the memory engine alone, without a server."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict, Unpack

from trainer.engine import Checkpoint, Model, TrainingStopped, TrainingTask
from trainer.engines import create_engine
from trainer.values import Asked, MethodType, StepMetrics

BASE = "memory-base-1"


@dataclass
class KeptReport:
    """A report that keeps everything, and stops the training where it is told to."""

    folder: Path
    stop_at: int | None = None
    steps: list[StepMetrics] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)

    def stop_if_asked(self) -> None:
        """Never asked between steps."""

    def step(self, metrics: StepMetrics) -> None:
        if metrics.step == self.stop_at:
            raise TrainingStopped
        self.steps.append(metrics)

    def checkpoint(self, metrics: StepMetrics, save: Callable[[Path], None]) -> None:
        place = self.folder / str(metrics.step)
        place.mkdir(parents=True)
        save(place)
        self.checkpoints.append(Checkpoint(metrics.step, place))


class Options(TypedDict, total=False):
    """What a training may differ in."""

    validation: Collection[dict[str, Any]]
    method: MethodType
    asked: Asked
    parent: Path
    checkpoints: Sequence[Checkpoint]


def task(training: Collection[dict[str, Any]], folder: Path, **options: Unpack[Options]) -> TrainingTask:
    method = options.get("method", "supervised")
    return TrainingTask(
        BASE,
        options.get("parent"),
        method,
        training,
        options.get("validation"),
        create_engine("memory").resolve(method, options.get("asked", {}), len(training)),
        7,
        options.get("checkpoints", ()),
        folder,
    )


def tuned(training: Collection[dict[str, Any]], folder: Path, **options: Unpack[Options]) -> Model:
    """Train on lines and load the result."""
    engine, report = create_engine("memory"), KeptReport(folder)
    engine.train(task(training, folder, **options), report)
    return engine.load(BASE, report.checkpoints[-1].folder)


def base() -> Model:
    return create_engine("memory").load(BASE, None)
