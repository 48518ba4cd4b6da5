"""Checkpoints of a training that answer questions themselves, and which of them to judge on held-out examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from service.domain.comparisons import compare
from service.domain.guards import GuardRule
from service.domain.metrics import Metric
from service.domain.runs import Run


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A moment of a training as a model; ``step`` is None for a run's own model where the trainer does not tell."""

    step: int | None
    model: str


def at_checkpoint(run: Run, checkpoint: Checkpoint) -> Run:
    """Give a run as if it had ended with this checkpoint: what asks, judges and promotes its model means this one."""
    facts = {name: fact for name, fact in (run.facts or {}).items() if name != "inference_model"}
    return replace(run, tuned_model=checkpoint.model, facts=facts)


def choose(
    metrics: Sequence[Metric], scores: Mapping[str, Mapping[str, Sequence[float]]], *, final: str, rule: GuardRule
) -> str:
    """Choose the model that looks best on the validation examples.

    Args:
        metrics: The first one ranks, the others are guards.
        scores: By metric's name and model, a value for each example; the models from the latest step to the earliest.
        final: The run's own model, which serves unless another one looks better.
        rule: When a guard fell too far; against the final model, which every guard is compared with.

    Returns:
        The model with the best mean whose guards hold; of equal ones the latest.
    """
    first, *guards = metrics
    best, lead = final, 0.0
    for model, values in scores[first.name].items():
        gain = compare(first, values, scores[first.name][final]).difference
        held = (compare(guard, scores[guard.name][model], scores[guard.name][final]) for guard in guards)
        if gain > lead and not any(map(rule.is_failed_by, held)):
            best, lead = model, gain
    return best
