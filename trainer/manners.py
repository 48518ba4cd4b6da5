"""How other servers of this shape behave, as data: for trying a client against what it will meet there.

Source: docs/trainers.md names where each was read. None of them is more than an imitation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from trainer.store.ids import new_hex, new_short_id

JOB_FIELDS = frozenset(
    {
        "model", "training_file", "validation_file", "method", "hyperparameters",
        "seed", "suffix", "metadata", "integrations",
    }
)  # fmt: skip
OPENAI_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "step": "step",
        "train_loss": "train_loss",
        "train_accuracy": "train_mean_token_accuracy",
        "valid_loss": "valid_loss",
        "valid_mean_token_accuracy": "valid_mean_token_accuracy",
    }
)
"""A result file's columns and the metrics in them."""
AZURE_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "step": "step",
        "train_loss": "train_loss",
        "train_mean_token_accuracy": "train_mean_token_accuracy",
        "valid_loss": "valid_loss",
        "validation_mean_token_accuracy": "valid_mean_token_accuracy",
        "full_valid_loss": "full_valid_loss",
        "full_valid_mean_token_accuracy": "full_valid_mean_token_accuracy",
    }
)
Naming = Callable[[str, str, str], str]


def _openai_name(base: str, organization: str, suffix: str) -> str:
    return f"ft:{base}:{organization}:{suffix}:{new_short_id()}"


def _azure_name(base: str, _organization: str, suffix: str) -> str:
    return f"{base}.ft-{new_hex()}" + (f"-{suffix}" if suffix else "")


def _plain_name(base: str, _organization: str, _suffix: str) -> str:
    return f"{base}-tuned-{new_short_id().lower()}"


@dataclass(frozen=True, slots=True)
class Manners:
    """What a server does in its own way; the defaults are this trainer's.

    Attributes:
        without: Names of the addresses that it does not have, as ``ROUTES`` calls them.
        bom: Whether a training file must begin with a byte-order mark, which is then no fault.
        job_fields: What may stand in the body that creates a job.
        more_hyperparameters: Which it takes besides OpenAI's; the engines here do nothing with them.
        suffix_max: The longest suffix, in characters.
        suffix_without: Characters that a suffix may not hold.
        idempotency: Whether ``Idempotency-Key`` is honoured, or passed over like any unknown header.
        metadata: Whether a job keeps its metadata.
        metadata_filter: Whether a list of jobs can be narrowed by them, or comes whole.
        healthy_error: What a job that did not fail shows as its error.
        words: Other words for a job's status.
        more_job_fields: Fields a job shows besides, each with the metric of its newest step.
        base64_results: Whether result files are base64; None leaves it to the option.
        columns: Of result files.
        name_model: Makes a tuned model's name of base, organization and suffix.
        serving: When a tuned model answers: at once, under a deployment's name, or once it is registered.
    """

    without: frozenset[str] = frozenset()
    bom: bool = False
    job_fields: frozenset[str] = JOB_FIELDS
    more_hyperparameters: frozenset[str] = frozenset()
    suffix_max: int = 64
    suffix_without: str = ":/?#% "
    idempotency: bool = True
    metadata: bool = True
    metadata_filter: bool = True
    healthy_error: Mapping[str, None] = field(default_factory=lambda: {"code": None, "message": None, "param": None})
    words: Mapping[str, str] = field(default_factory=dict)
    more_job_fields: Mapping[str, str] = field(default_factory=dict)
    base64_results: bool | None = None
    columns: Mapping[str, str] = field(default_factory=lambda: OPENAI_COLUMNS)
    name_model: Naming = _openai_name
    serving: Literal["at_once", "deployment", "registration"] = "at_once"


MANNERS: Mapping[str, Manners] = MappingProxyType(
    {
        "tuneloop": Manners(),
        "openai": Manners(idempotency=False, healthy_error={}, base64_results=True),
        "azure": Manners(
            bom=True,
            job_fields=JOB_FIELDS | {"trainingType"},
            suffix_max=18,
            suffix_without=":/?#% .",
            idempotency=False,
            metadata_filter=False,
            words={"validating_files": "pending"},
            columns=AZURE_COLUMNS,
            name_model=_azure_name,
            serving="deployment",
        ),
        "nebius": Manners(
            job_fields=JOB_FIELDS - {"method"},
            more_hyperparameters=frozenset(
                {"learning_rate", "lora", "lora_r", "lora_alpha", "packing", "context_length"}
            ),
            idempotency=False,
            metadata_filter=False,
            more_job_fields={"trained_steps": "step", "total_steps": "total_steps"},
            serving="registration",
        ),
        "generic": Manners(
            without=frozenset({"list_files", "list_events", "list_checkpoints"}),
            idempotency=False,
            metadata=False,
            metadata_filter=False,
            words={
                "validating_files": "PENDING",
                "queued": "PENDING",
                "running": "TRAINING",
                "succeeded": "COMPLETED",
                "failed": "ERROR",
                "cancelled": "CANCELED",
            },
            name_model=_plain_name,
        ),
    }
)
