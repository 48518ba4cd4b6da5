"""Words shared by the whole trainer."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

JsonObject = dict[str, Any]
MethodType = Literal["supervised", "dpo"]
Asked = Mapping[str, int | float | Literal["auto"]]
"""Hyperparameters as a job's creator gave them: a number, or ``"auto"``."""

TARGET_EXAMPLES = 100
MOST_AUTO_EPOCHS = 25
MOST_AUTO_EXAMPLES = 25_000
DEFAULT_EPOCHS = 3


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """The numbers a job is trained with, nothing left on "auto".

    Attributes:
        n_epochs: Passes over the training file, 1..50.
        batch_size: Lines between two learning steps, 1..256.
        learning_rate_multiplier: Above 0; 1.0 is the engine's own rate.
        beta: Preference training only, 0 < beta <= 2; None otherwise.
    """

    n_epochs: int
    batch_size: int
    learning_rate_multiplier: float
    beta: float | None = None

    def steps(self, examples: int) -> int:
        """Count the learning steps of the whole job."""
        return self.n_epochs * math.ceil(examples / self.batch_size)


@dataclass(frozen=True, slots=True)
class StepMetrics:
    """What was measured at one learning step. Losses are in nats a token, accuracies 0..1.

    Attributes:
        step: Counted from 1, over all epochs.
        valid_loss: Measured on a batch of the validation file, at some steps only.
        full_valid_loss: Measured on the whole validation file, at the end of an epoch only.
    """

    step: int
    total_steps: int
    train_loss: float
    train_mean_token_accuracy: float
    valid_loss: float | None = None
    valid_mean_token_accuracy: float | None = None
    full_valid_loss: float | None = None
    full_valid_mean_token_accuracy: float | None = None

    def measured(self) -> JsonObject:
        """Give the metrics that were measured, by their names."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def auto_epochs(examples: int) -> int:
    """Choose the epochs for a training file: many for a tiny file, one for a huge one."""
    if examples * DEFAULT_EPOCHS < TARGET_EXAMPLES:
        return min(MOST_AUTO_EPOCHS, max(1, TARGET_EXAMPLES // examples))
    return max(1, min(DEFAULT_EPOCHS, MOST_AUTO_EXAMPLES // examples))


def auto_batch_size(examples: int) -> int:
    """Choose the batch size: about 0.2 % of the training file, 1..256."""
    return max(1, min(256, round(examples / 500)))
