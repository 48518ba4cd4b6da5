"""What the service is compared with: one RQ job a delivery, which exports its row, converts it and writes it."""

import time

from service.bootstrap import now
from service.domain.exports import Request
from service.usecases.read_rows import read_rows
from service.usecases.write_examples import write_outcomes
from workers.environment import deps

# What the SDK's own waiting does.
POLL_S = 2


def convert_one(data_row_id: str) -> None:
    """Convert one data row."""
    parts = deps()
    pipeline = parts.settings.pipelines["bench"]
    project = pipeline.labels.project
    observed_at = now()
    ontology = parts.labels.normalized_ontology(project)
    task = parts.labels.start_export(project, Request(data_row_ids=(data_row_id,)))
    while not task.is_complete:
        time.sleep(POLL_S)
        task = parts.labels.look(task.task_id)
    rows = [row for row in parts.labels.read(task.task_id) if row is not None]
    read = read_rows(rows, pipeline=pipeline, ontology=ontology, prompts=parts.prompts)
    write_outcomes(
        parts.examples, pipeline, read.outcomes.values(), appraisers=parts.appraisers, gone=(), observed_at=observed_at
    )
