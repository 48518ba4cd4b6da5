"""Read a project by itself, whatever the deliveries said: it alone suffices to make the examples true."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from service.domain.examples import Change
from service.domain.labels import NOT_LABELLED
from service.domain.pipelines import Pipeline
from service.ports import Clock, DeadLetters, ExampleStore, LabelSource, ReconcileStore
from service.usecases.read_rows import MAX_EXPORT_IDS, read_rows
from service.usecases.write_examples import write_outcomes

ROWS_A_WRITE = 1000
WHOLE_EVERY = timedelta(days=1)


def reconcile(
    pipeline: Pipeline,
    *,
    labels: LabelSource,
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
    cursor = store.cursor(pipeline.name)
    latest = store.latest(pipeline.name) or {}
    whole_at = latest.get("whole_at")
    if whole_at is None or began_at - datetime.fromisoformat(whole_at) > WHOLE_EVERY:
        whole = True
    since = None if whole or cursor is None else cursor - overlap
    ontology = labels.normalized_ontology(pipeline.labels.project)
    seen: set[str] = set()
    healed = unreadable = 0
    for rows in _chunks(labels.rows_since(pipeline.labels.project, since)):
        read = read_rows(rows, pipeline=pipeline, ontology=ontology)
        for row_id, error in read.unreadable.items():
            letters.put("row", f"{pipeline.name}/{row_id}", error, content=None, now=clock())
        seen |= read.outcomes.keys() | read.unreadable.keys()
        unreadable += len(read.unreadable)
        # A queue of a hundred thousand rows that nobody has labelled yet is no news.
        known = examples.existing(pipeline.name, list(read.outcomes))
        news = [item for item in read.outcomes.values() if item.reason != NOT_LABELLED or item.data_row_id in known]
        healed += _count(write_outcomes(examples, pipeline, news, gone=(), observed_at=began_at))
    if since is None:
        missing = sorted(examples.active_ids(pipeline.name) - seen)
        for start in range(0, len(missing), MAX_EXPORT_IDS):
            row_ids = missing[start : start + MAX_EXPORT_IDS]
            again = labels.rows(pipeline.labels.project, row_ids, on_wait=lambda: None)
            read = read_rows(again, pipeline=pipeline, ontology=ontology)
            gone = set(row_ids) - read.outcomes.keys() - read.unreadable.keys()
            healed += _count(
                write_outcomes(examples, pipeline, read.outcomes.values(), gone=gone, observed_at=began_at)
            )
    facts = {
        "rows": len(seen),
        "healed": healed,
        "unreadable": unreadable,
        "whole": since is None,
        "whole_at": began_at.isoformat() if since is None else whole_at,
    }
    store.reconciled(pipeline.name, facts, until=began_at, now=clock())
    return facts


def _count(changes: Sequence[Change]) -> int:
    """Count the changes of examples; rows that never gave one are nobody's drift."""
    return sum(change.example.version > 0 for change in changes)


def _chunks(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, ROWS_A_WRITE)):
        yield chunk
