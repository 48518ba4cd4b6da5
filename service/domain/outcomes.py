"""What follows from each answer of a trainer, as data; docs/runs.md shows it as a table.

Sources: OpenAI's error codes as its API, its cookbook and public issues show them. The set is open: a code that is
not here is a refusal for good, or a failed job, with the general remedy.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from service.domain.errors import TrainerRefused

# A new model or job may be unknown for some minutes; then it is taken to be gone.
MISSING_PATIENCE = timedelta(minutes=15)
# How often it is asked for meanwhile, at the least.
MISSING_PAUSE = timedelta(minutes=1)
# A job, or a wait for a busy trainer, that lasts longer is told of; it is never stopped for that.
SLOW_AFTER = timedelta(hours=24)
# Somebody paused the job, and only somebody can let it go on.
PAUSED_AFTER = timedelta(minutes=30)
PAUSED = frozenset({"paused", "pausing"})
NOT_BEGUN = frozenset({"validating_files", "queued"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a refused request means.

    Attributes:
        remedy: What a person does about it.
        asks: Whether the run waits for that, its uploads and its money kept; otherwise it fails and gives them back.
        is_about_money: Whether it comes as a 429 that no waiting mends.
    """

    remedy: str
    asks: bool = False
    is_about_money: bool = False


_PAY = Refusal(
    "Add credit or raise the spending limit at the trainer, then: tuneloop runs approve RUN, which goes on with the "
    "files that are uploaded. tuneloop runs cancel RUN gives them up.",
    asks=True,
    is_about_money=True,
)
_FILE = Refusal(
    "The trainer does not take the file: tuneloop datasets export SNAPSHOT --out refused, then tuneloop validate "
    "refused/train.jsonl; mend the labels or the checks and start the run again."
)
_CONTENT = Refusal(
    "The trainer's content policy does not allow these examples. Read its message and the job's events, withdraw what "
    "it means (reject the labels, or see tuneloop datasets held), and start the run again; or train elsewhere."
)
_MODEL = Refusal(
    "The trainer does not train this model, and may say in its message which it does. Then name another model."
)
_GONE = Refusal(
    "OpenAI no longer trains for this organisation, and for nobody from 2027-01-06. Add another trainer to "
    "tuneloop.toml (dialect azure, nebius, generic, or our own, tuneloop), name it in the pipeline's train "
    "table and start the run again."
)

TRAINING_NOT_AVAILABLE = "training_not_available"
INSUFFICIENT_QUOTA = "insufficient_quota"
REFUSALS: Mapping[str, Refusal] = MappingProxyType(
    {
        TRAINING_NOT_AVAILABLE: _GONE,
        INSUFFICIENT_QUOTA: _PAY,
        "exceeded_quota": _PAY,
        "billing_hard_limit_reached": _PAY,
        "invalid_training_file": _FILE,
        "invalid_validation_file": _FILE,
        "invalid_file_format": _FILE,
        "invalid_n_examples": _FILE,
        "model_not_found": _MODEL,
        "model_not_available": _MODEL,
        "content_policy_violation": _CONTENT,
        "moderation_blocked": _CONTENT,
    }
)
_QUOTA_OF_JOB = "Add credit or raise the spending limit at the trainer, then start the run again."
# Words in codes and in kinds of events by which trainers say that they looked at what the file teaches.
_CONTENT_WORDS = ("moderation", "content_policy", "content_filter", "safety", "usage_policy")


def remedy_of_failure(code: str | None, told: Collection[str]) -> str:
    """Say what to do about a job that failed.

    Args:
        code: The job's error code.
        told: The kinds of its events that are errors.
    """
    found = REFUSALS.get(code or "")
    if found is not None:
        return _QUOTA_OF_JOB if found.is_about_money else found.remedy
    if any(word in text for text in (code or "", *told) for word in _CONTENT_WORDS):
        return _CONTENT.remedy
    return TrainerRefused.remedy


def train_elsewhere(command: str, others: Collection[str]) -> str:
    """Say how a snapshot is trained by one of the other trainers of the configuration, and the command for one."""
    if not others:
        return _GONE.remedy
    return (
        f"This trainer no longer trains for this account. Others are configured: {', '.join(sorted(others))}. Train "
        f"the same snapshot there: {command}; and name it in the pipeline's train table."
    )
