"""Jobs, events, checkpoints and models as the API shows them."""

from trainer.engine import BaseModel
from trainer.manners import Manners
from trainer.store.events import EventRecord
from trainer.store.job_records import JobRecord
from trainer.store.models import CheckpointRecord, ModelRecord
from trainer.values import JsonObject


def job_shape(job: JobRecord, organization: str, manners: Manners, newest: JsonObject) -> JsonObject:
    """Show a job.

    Args:
        job: The job.
        organization: Whose it is.
        manners: How this server shows jobs.
        newest: What was measured at the newest step.
    """
    hyperparameters = dict(job.hyperparameters)
    return {
        "object": "fine_tuning.job",
        "id": job.id,
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "estimated_finish": job.estimated_finish,
        "status": manners.words.get(job.status, job.status),
        "model": job.model,
        "fine_tuned_model": job.fine_tuned_model,
        "organization_id": f"org-{organization}",
        "training_file": job.training_file,
        "validation_file": job.validation_file,
        "result_files": [job.result_file] if job.result_file else [],
        "trained_tokens": job.trained_tokens,
        # OpenAI gives these for supervised jobs only; the method has them for all.
        "hyperparameters": hyperparameters if job.method == "supervised" else None,
        "method": {"type": job.method, job.method: {"hyperparameters": hyperparameters}},
        "seed": job.seed,
        "user_provided_suffix": job.suffix,
        "metadata": None if job.metadata is None else dict(job.metadata),
        "integrations": [],
        # OpenAI shows an error on healthy jobs too, an empty one; clients go by the status.
        "error": job.error or dict(manners.healthy_error),
        **{name: newest.get(metric) for name, metric in manners.more_job_fields.items()},
    }


def event_shape(record: EventRecord) -> JsonObject:
    """Show an event."""
    return {
        "object": "fine_tuning.job.event",
        "id": record.id,
        "created_at": record.created_at,
        "level": record.event.level,
        "message": record.event.message,
        "data": record.event.data,
        "type": record.type,
    }


def checkpoint_shape(checkpoint: CheckpointRecord, job_id: str) -> JsonObject:
    """Show a checkpoint."""
    return {
        "object": "fine_tuning.job.checkpoint",
        "id": checkpoint.id,
        "created_at": checkpoint.created_at,
        "fine_tuned_model_checkpoint": checkpoint.model,
        "fine_tuning_job_id": job_id,
        "step_number": checkpoint.step,
        "metrics": checkpoint.metrics,
    }


def base_model_shape(model: BaseModel) -> JsonObject:
    """Show a model that the engine offers."""
    return {
        "id": model.id,
        "object": "model",
        "created": model.created_at,
        "owned_by": "system",
        "shutdown_date": model.shutdown_date,
    }


def tuned_model_shape(model: ModelRecord, organization: str, shutdown_date: str | None) -> JsonObject:
    """Show a tuned model; it ends with its base."""
    return {
        "id": model.id,
        "object": "model",
        "created": model.created_at,
        "owned_by": organization,
        "shutdown_date": shutdown_date,
    }
