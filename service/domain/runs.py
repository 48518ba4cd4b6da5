"""A run: one crossing of the threshold, followed from the claim to the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class RunState(StrEnum):
    """Where a run stands; ``TRANSITIONS`` says what may follow."""

    CLAIMED = "claimed"
    SNAPSHOTTED = "snapshotted"
    AWAITING_APPROVAL = "awaiting_approval"
    UPLOADED = "uploaded"
    SUBMITTED = "submitted"
    TRAINING = "training"
    DEPLOYING = "deploying"
    EVALUATING = "evaluating"
    NEEDS_ATTENTION = "needs_attention"
    PROMOTED = "promoted"
    KEPT = "kept"
    FAILED = "failed"
    CANCELLED = "cancelled"


_S = RunState
_ENDS = {_S.FAILED, _S.CANCELLED}
_ASKS = {_S.NEEDS_ATTENTION}
TRANSITIONS: Mapping[RunState, frozenset[RunState]] = {
    _S.CLAIMED: frozenset({_S.SNAPSHOTTED} | _ENDS),
    _S.SNAPSHOTTED: frozenset({_S.AWAITING_APPROVAL, _S.UPLOADED} | _ENDS | _ASKS),
    _S.AWAITING_APPROVAL: frozenset({_S.SNAPSHOTTED} | _ENDS),
    _S.UPLOADED: frozenset({_S.SUBMITTED} | _ENDS | _ASKS),
    _S.SUBMITTED: frozenset({_S.TRAINING, _S.DEPLOYING, _S.EVALUATING} | _ENDS | _ASKS),
    _S.TRAINING: frozenset({_S.DEPLOYING, _S.EVALUATING} | _ENDS | _ASKS),
    _S.DEPLOYING: frozenset({_S.EVALUATING} | _ENDS | _ASKS),
    _S.EVALUATING: frozenset({_S.PROMOTED, _S.KEPT} | _ENDS | _ASKS),
    _S.NEEDS_ATTENTION: frozenset(
        {_S.SNAPSHOTTED, _S.UPLOADED, _S.SUBMITTED, _S.TRAINING, _S.DEPLOYING, _S.EVALUATING} | _ENDS
    ),
}
TERMINAL = frozenset({_S.PROMOTED, _S.KEPT, _S.FAILED, _S.CANCELLED})
WAITS_FOR_A_PERSON = frozenset({_S.AWAITING_APPROVAL, _S.NEEDS_ATTENTION})
# Runs of earlier versions keep what once went wrong among their facts.
_ENDED_UNHINDERED = TERMINAL - {_S.FAILED}
_PAID_FOR_NOTHING = frozenset({_S.FAILED, _S.CANCELLED})
_OF_ONE_STEP = frozenset({"error", "error_name", "remedy"})
# Such a run takes up nothing new, so that the trigger counts on from the run before it.
RETRAINING = "retraining"


@dataclass(frozen=True, slots=True)
class Run:
    """One run as it stands.

    Attributes:
        ordinal: Counts the runs of a pipeline from 1; unique, so that a crossing is claimed once.
        watermark: The newest change that its snapshot includes.
        intent_at: When a job was about to be created; from then on the trainer is searched first.
        cause: What began it; ``RETRAINING`` for a run of a snapshot that was frozen before.
        turns: How often it was taken for a step, this time included, since a step of it last ended.
        facts: What the steps found out: file ids, model, error, estimate, evaluation.
    """

    run_id: str
    pipeline: str
    ordinal: int
    state: RunState
    watermark: int
    trainer: str
    model: str
    created_at: datetime
    updated_at: datetime
    snapshot_id: str | None = None
    job_id: str | None = None
    tuned_model: str | None = None
    intent_at: datetime | None = None
    due_at: datetime | None = None
    attempts: int = 0
    turns: int = 0
    cause: str = "threshold"
    facts: Mapping[str, Any] | None = None

    def fact(self, name: str) -> Any:  # noqa: ANN401 - JSON values of a dozen shapes
        """Give what a step found out under this name, or None."""
        return (self.facts or {}).get(name)

    def facts_after(self, step: "Step") -> dict[str, Any]:
        """Give the facts once a step is written: what went wrong before it is over, unless the step says it again."""
        lasting = {name: value for name, value in (self.facts or {}).items() if name not in _OF_ONE_STEP}
        return {**lasting, **(step.facts or {})}

    @property
    def is_paid_for(self) -> bool:
        """Whether its training brought a model, or may still; not that of one that failed or was cancelled without."""
        return self.tuned_model is not None or self.state not in _PAID_FOR_NOTHING

    @property
    def error(self) -> str | None:
        """What stands in its way now, or made it fail; None where nothing does."""
        return None if self.state in _ENDED_UNHINDERED else self.fact("error")

    @property
    def remedy(self) -> str | None:
        """What to do about that."""
        return None if self.state in _ENDED_UNHINDERED else self.fact("remedy")

    @property
    def answers_as(self) -> str | None:
        """The name its model is asked by: the one it was deployed under, or else the trainer's own."""
        return self.fact("inference_model") or self.tuned_model


@dataclass(frozen=True, slots=True)
class Step:
    """What a step decided; written in one transaction with the run's history.

    Attributes:
        state: The state that follows; the same one means "look again at ``due_at``".
        cause: Why, in words, for the history.
        changes: Columns of the run to set.
        facts: Facts to add.
        due_at: When the next step is due; None is at once.
    """

    state: RunState
    cause: str
    changes: Mapping[str, Any] | None = None
    facts: Mapping[str, Any] | None = None
    due_at: datetime | None = None


def names_at_trainer(run: Run) -> set[str]:
    """Give what the trainer calls a run's files, results and checkpoints, and what its model is deployed as."""
    checkpoints = (str(item.get(key)) for item in run.fact("checkpoints") or () for key in ("checkpoint_id", "model"))
    files = (run.fact("training_file"), run.fact("validation_file"), *(run.fact("result_files") or ()))
    return {name for name in (*files, *checkpoints, run.fact("inference_model")) if name and name != "None"}


def may_follow(before: RunState, after: RunState) -> bool:
    """Say whether a run may go from one state to another; staying is always allowed while it is open."""
    return before not in TERMINAL and (before == after or after in TRANSITIONS[before])
