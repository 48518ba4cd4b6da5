"""Read exported rows for one pipeline; a row that cannot be read does not spoil the others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from service.domain.errors import UnreadableRow
from service.domain.export_rows import row_of
from service.domain.labels import RowOutcome, RowReader
from service.domain.pipelines import Pipeline

# Labelbox exports at most this many rows by id.
MAX_EXPORT_IDS = 2000


@dataclass(slots=True)
class RowsRead:
    """What the rows said and which could not be read, both by data row id."""

    outcomes: dict[str, RowOutcome] = field(default_factory=dict)
    unreadable: dict[str, UnreadableRow] = field(default_factory=dict)


def read_rows(rows: Iterable[Mapping[str, Any]], *, pipeline: Pipeline, ontology: Mapping[str, Any]) -> RowsRead:
    """Read each row of an export as this pipeline sees it.

    Raises:
        AmbiguousOntology: The ontology does not say which answer is wanted.
    """
    reader = RowReader(ontology, pipeline.labels, form=pipeline.form)
    found = RowsRead()
    for row in rows:
        try:
            outcome = reader.read(row_of(row))
            found.outcomes[outcome.data_row_id] = outcome
        except UnreadableRow as error:
            found.unreadable[row_id_of(row)] = error
    return found


def row_id_of(row: Mapping[str, Any]) -> str:
    """Give the data row id of an exported row of any shape."""
    data_row = row.get("data_row")
    return str(data_row.get("id")) if isinstance(data_row, Mapping) else "?"
