"""What the service is compared with: one RQ job a delivery, which exports its row, converts it and writes it."""

from service.bootstrap import now
from service.usecases.read_rows import read_rows
from service.usecases.write_examples import write_outcomes
from workers.environment import deps


def convert_one(data_row_id: str) -> None:
    """Convert one data row."""
    parts = deps()
    pipeline = parts.settings.pipelines["bench"]
    project = pipeline.labels.project
    observed_at = now()
    ontology = parts.labels.normalized_ontology(project)
    rows = parts.labels.rows(project, [data_row_id], on_wait=lambda: None)
    read = read_rows(rows, pipeline=pipeline, ontology=ontology, prompts=parts.prompts)
    write_outcomes(parts.examples, pipeline, read.outcomes.values(), gone=(), observed_at=observed_at)
