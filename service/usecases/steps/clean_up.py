"""Leave nothing behind of a run that will have no job."""

from service.domain.errors import ServiceError
from service.domain.runs import Run
from service.usecases.steps.parts import Parts


def clean_up(run: Run, parts: Parts) -> None:
    """Release the money and delete the uploads; one that cannot be deleted becomes a dead letter."""
    parts.ledger.release(run, note="the run has no job", now=parts.clock())
    for name in ("training_file", "validation_file"):
        if file_id := run.fact(name):
            try:
                parts.account(run.trainer).connect().delete_file(file_id)
            except ServiceError as error:
                parts.letters.put("file", file_id, error, content=None, now=parts.clock())
