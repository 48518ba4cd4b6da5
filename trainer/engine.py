"""The port of an engine: what trains and serves the models behind the API.

An engine is one module or package in ``trainer/engines/`` with a function ``create_engine() -> Engine``;
``--engine NAME`` loads it by that name. ``docs/trainer.md`` tells how to write one.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from trainer.values import Asked, Hyperparameters, JsonObject, MethodType, StepMetrics


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A model that the engine offers untrained.

    Attributes:
        created_at: Unix seconds.
        shutdown_date: ``YYYY-MM-DD``, or None where no end is planned.
    """

    id: str
    created_at: int
    shutdown_date: str | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The model as it was after an epoch: a folder that the engine wrote."""

    step: int
    folder: Path


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """Everything that one job's training depends on; the same task must train the same model.

    Attributes:
        base_model: One of the ids in ``Engine.base_models``.
        parent: The folder of the tuned model that training continues from; None for the base model.
        training: The validated lines of the training file, parsed; may be iterated again and again.
        validation: The same of the validation file; None without one.
        seed: 0..2147483647.
        checkpoints: What an interrupted attempt left, oldest first; training may go on from the last.
        scratch: A folder for the engine alone. It outlives a crash, and goes when the job ends.
    """

    base_model: str
    parent: Path | None
    method: MethodType
    training: Collection[JsonObject]
    validation: Collection[JsonObject] | None
    hyperparameters: Hyperparameters
    seed: int
    checkpoints: Sequence[Checkpoint]
    scratch: Path


class TrainingFailed(Exception):
    """The engine cannot train this job, and trying again would not help; the text is for the job's owner."""


class TrainingStopped(BaseException):
    """The job was cancelled or paused, or the server stops. Engines let it pass and only release what they hold.

    A ``BaseException``, so that an engine's own ``except Exception`` does not swallow it.
    """


class Report(Protocol):
    """What an engine tells while it trains. Each call may raise ``TrainingStopped``."""

    def stop_if_asked(self) -> None:
        """Raise ``TrainingStopped`` if the training should end; for use within a long step."""

    def step(self, metrics: StepMetrics) -> None:
        """Tell a step's metrics. A step told by an earlier attempt is passed over."""

    def checkpoint(self, metrics: StepMetrics, save: Callable[[Path], None]) -> None:
        """Keep the model after an epoch; ``save`` writes it into an empty folder. Known ones are passed over."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an answer is chosen and where it ends.

    Attributes:
        temperature: 0..2; 0 asks for the likeliest answer.
        max_tokens: The answer's longest length in the engine's tokens; None for no limit.
        stop: Texts before which the answer ends.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer.

    Attributes:
        content: None where the answer is tool calls alone.
        tool_calls: ``{"type": "function", "function": {"name", "arguments"}}``; the server gives them ids.
    """

    content: str | None
    prompt_tokens: int
    completion_tokens: int
    finish_reason: Literal["stop", "length", "tool_calls"] = "stop"
    tool_calls: tuple[JsonObject, ...] = ()


class Model(Protocol):
    """A loaded model. Called from several threads at once."""

    def complete(self, messages: Sequence[JsonObject], tools: Sequence[JsonObject], sampling: Sampling) -> Reply:
        """Answer a conversation; messages and tools are of OpenAI's shape and were validated."""

    def pieces(self, content: str) -> Sequence[str]:
        """Cut an answer's text into its tokens, for streaming; joined they are the text again."""


class Engine(Protocol):
    """What trains and serves. One instance a process; training runs in one thread, answers in others."""

    def base_models(self) -> Sequence[BaseModel]:
        """Give the models that can be trained and asked."""

    def resolve(self, method: MethodType, asked: Asked, examples: int) -> Hyperparameters:
        """Choose a number for each hyperparameter that is "auto" or absent."""

    def train(self, task: TrainingTask, report: Report) -> int:
        """Train, reporting each step in order and one checkpoint after each epoch, the last at the last step.

        Returns:
            The tokens of the training file times the epochs: what a vendor would bill.

        Raises:
            TrainingFailed: This job can never be trained.
            TrainingStopped: Came from the report.
        """

    def load(self, base_model: str, folder: Path | None) -> Model:
        """Load a tuned model from a checkpoint's folder, or the base model where it is None."""
