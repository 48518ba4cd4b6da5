"""Read a project by itself, whatever the deliveries said: it alone suffices to make the examples true."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import islice
from typing import Any

from service.domain.pipelines import Pipeline
from service.ports import Clock, DeadLetters, ExampleStore, LabelSource, ReconcileStore
from service.usecases.read_rows import read_rows
from service.usecases.write_examples import write_outcomes

ROWS_A_WRITE = 1000


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
        whole: Read the whole project, which alone notices deleted data rows.

    Returns:
        ``rows`` read, ``healed`` differences found and mended, ``unreadable`` rows, and ``whole``.
    """
    began_at = clock()
    cursor = store.cursor(pipeline.name)
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
        healed += len(write_outcomes(examples, pipeline, read.outcomes.values(), gone=(), observed_at=began_at))
    if since is None:
        gone = examples.active_ids(pipeline.name) - seen
        healed += len(write_outcomes(examples, pipeline, (), gone=gone, observed_at=began_at))
    facts = {"rows": len(seen), "healed": healed, "unreadable": unreadable, "whole": since is None}
    store.reconciled(pipeline.name, facts, until=began_at, now=clock())
    return facts


def _chunks(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, ROWS_A_WRITE)):
        yield chunk
