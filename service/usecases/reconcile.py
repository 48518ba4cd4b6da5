"""Read a project by itself, whatever the deliveries said: it alone suffices to make the examples true."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from service.domain.label_choice import NOT_LABELLED
from service.domain.labels import RowOutcome
from service.domain.pipelines import Pipeline
from service.ports import Clock, DeadLetters, ExampleStore, LabelSource, PromptTexts, ReconcileStore
from service.usecases.read_rows import MAX_EXPORT_IDS, RowsRead, read_rows
from service.usecases.write_examples import write_outcomes

ROWS_A_WRITE = 1000
WHOLE_EVERY = timedelta(days=1)


def reconcile(
    pipeline: Pipeline,
    *,
    labels: LabelSource,
    prompts: PromptTexts,
    examples: ExampleStore,
    letters: DeadLetters,
    store: ReconcileStore,
    overlap: timedelta,
    clock: Clock,
    whole: bool = False,
) -> Mapping[str, Any]:
    """Export what had activity since the last reconcile and heal what the deliveries missed.

    Args:
        pipeline: The pipeline whose project is read.
        labels: Labelbox.
        prompts: Fetches prompts behind addresses.
        examples: Where the examples are kept.
        letters: Where unreadable rows go.
        store: How far the last reconcile came.
        overlap: How much of the last window is read again, because exports lag.
        clock: The time, in UTC.
        whole: Read the whole project, which alone notices deleted data rows; done once a day without being asked
            for. What it misses is asked for once more by id: such an export is now and then short of rows.

    Returns:
        ``rows`` read, ``healed`` examples that were not as Labelbox has them, ``unreadable`` rows, and ``whole``.
    """
    began_at = clock()
    whole_at = (store.latest(pipeline.name) or {}).get("whole_at")
    whole = whole or whole_at is None or began_at - datetime.fromisoformat(whole_at) > WHOLE_EVERY
    cursor = store.cursor(pipeline.name)
    since = None if whole or cursor is None else cursor - overlap
    look = _Look(pipeline, labels=labels, prompts=prompts, examples=examples, letters=letters, began_at=began_at)
    look.read(since)
    if since is None:
        look.read_missing()
        whole_at = began_at.isoformat()
    facts = {
        "rows": len(look.seen),
        "healed": look.healed,
        "unreadable": look.unreadable,
        "whole": since is None,
        "whole_at": whole_at,
    }
    store.reconciled(pipeline.name, facts, until=began_at, now=clock())
    return facts


class _Look:
    """One reading of a project, and what it found."""

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        labels: LabelSource,
        prompts: PromptTexts,
        examples: ExampleStore,
        letters: DeadLetters,
        began_at: datetime,
    ) -> None:
        self._pipeline, self._project = pipeline, pipeline.labels.project
        self._labels, self._prompts, self._examples, self._letters = labels, prompts, examples, letters
        self._began_at = began_at
        self._ontology = labels.normalized_ontology(self._project)
        self.seen: set[str] = set()
        self.healed = self.unreadable = 0

    def read(self, since: datetime | None) -> None:
        """Read the rows with activity since then, or all."""
        for rows in _chunks(self._labels.rows_since(self._project, since)):
            read = self._rows(rows)
            for row_id, error in read.unreadable.items():
                self._letters.put("row", f"{self._pipeline.name}/{row_id}", error, content=None, now=self._began_at)
            self.seen |= read.outcomes.keys() | read.unreadable.keys()
            self.unreadable += len(read.unreadable)
            # A queue of a hundred thousand rows that nobody has labelled yet is no news.
            known = self._examples.existing(self._pipeline.name, list(read.outcomes))
            self._write(
                [item for item in read.outcomes.values() if item.reason != NOT_LABELLED or item.data_row_id in known]
            )

    def read_missing(self) -> None:
        """Ask once more, by id, for the examples that a whole export did not show."""
        missing = sorted(self._examples.active_ids(self._pipeline.name) - self.seen)
        for start in range(0, len(missing), MAX_EXPORT_IDS):
            row_ids = missing[start : start + MAX_EXPORT_IDS]
            read = self._rows(self._labels.rows(self._project, row_ids, on_wait=lambda: None))
            gone = set(row_ids) - read.outcomes.keys() - read.unreadable.keys()
            self._write(read.outcomes.values(), gone=gone)

    def _rows(self, rows: Iterable[Mapping[str, Any]]) -> RowsRead:
        return read_rows(rows, pipeline=self._pipeline, ontology=self._ontology, prompts=self._prompts)

    def _write(self, outcomes: Iterable[RowOutcome], *, gone: Collection[str] = ()) -> None:
        changes = write_outcomes(self._examples, self._pipeline, outcomes, gone=gone, observed_at=self._began_at)
        # Rows that never gave an example are nobody's drift.
        self.healed += sum(change.example.version > 0 for change in changes)


def _chunks(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, ROWS_A_WRITE)):
        yield chunk
