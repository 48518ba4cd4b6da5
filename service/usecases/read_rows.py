"""Read exported rows for one pipeline; a row that cannot be read does not spoil the others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from service.domain.errors import ServiceError, UnfetchablePrompt, UnreadableRow
from service.domain.export_rows import ExportRow, row_of
from service.domain.labels import RowOutcome, RowReader
from service.domain.pipelines import Pipeline
from service.ports import PromptTexts

# Each text behind an address may have a mebibyte.
FETCHED_AT_ONCE = 100


@dataclass(slots=True)
class RowsRead:
    """What the rows said, and which could not be read: for good, or only now; all by data row id."""

    outcomes: dict[str, RowOutcome] = field(default_factory=dict)
    unreadable: dict[str, UnreadableRow] = field(default_factory=dict)
    delayed: dict[str, ServiceError] = field(default_factory=dict)


def read_rows(
    rows: Iterable[Mapping[str, Any]],
    *,
    pipeline: Pipeline,
    ontology: Mapping[str, Any],
    prompts: PromptTexts,
) -> RowsRead:
    """Read each row of an export as this pipeline sees it.

    Args:
        rows: Lines of the export, decoded.
        pipeline: Whose rules count.
        ontology: The project's normalized ontology.
        prompts: Fetches prompts that were uploaded as addresses.

    Raises:
        AmbiguousOntology: The ontology does not say which answer is wanted.
    """
    reader = RowReader(ontology, pipeline.labels, form=pipeline.form)
    found = RowsRead()
    behind: dict[str, list[ExportRow]] = {}
    for exported in rows:
        try:
            row = row_of(exported)
            if address := reader.address_in(row):
                behind.setdefault(address, []).append(row)
            else:
                _keep(found, reader.read(row))
        except UnreadableRow as error:
            found.unreadable[row_id_of(exported)] = error
    addresses = iter(behind)
    while some := list(islice(addresses, FETCHED_AT_ONCE)):
        for address, text in prompts.texts(some).items():
            for row in behind[address]:
                _read_fetched(found, reader, row, text)
    return found


def _read_fetched(found: RowsRead, reader: RowReader, row: ExportRow, text: str | UnfetchablePrompt) -> None:
    row_id = row.data_row.id
    try:
        if isinstance(text, str):
            _keep(found, reader.read(row, row_data=text))
        elif text.retryable:
            found.delayed[row_id] = text
        else:
            _keep(found, reader.refuse(row, text.reason))
    except UnreadableRow as error:
        found.unreadable[row_id] = error


def _keep(found: RowsRead, outcome: RowOutcome) -> None:
    found.outcomes[outcome.data_row_id] = outcome


def row_id_of(row: Mapping[str, Any]) -> str:
    """Give the data row id of an exported row of any shape."""
    data_row = row.get("data_row")
    return str(data_row.get("id")) if isinstance(data_row, Mapping) else "?"
