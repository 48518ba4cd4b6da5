"""Turn deliveries into examples: coalesce by data row, read those rows once, write, and only then acknowledge."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.domain.deliveries import Doorbell, read_doorbell
from service.domain.errors import ServiceError, UnknownProject
from service.domain.pipelines import Pipeline
from service.ports import Clock, DeadLetters, ExampleStore, Inbox, JobQueue, LabelSource, PromptTexts, Taken
from service.usecases.read_rows import MAX_EXPORT_IDS, RowsRead, read_rows, row_id_of
from service.usecases.write_examples import write_outcomes

# With the inbox's growing patience this is a good hour.
MAX_ATTEMPTS = 12
# An export lags behind the webhook; after this many looks what it shows is believed.
LAG_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Rung:
    """A delivery and what it points to."""

    taken: Taken
    doorbell: Doorbell


@dataclass(frozen=True, slots=True)
class Conversion:
    """What one call did: deliveries taken, settled for good, and examples written."""

    taken: int
    settled: int
    changes: int


class ConvertDeliveries:
    """The use case, with what it works on."""

    def __init__(
        self,
        *,
        inbox: Inbox,
        labels: LabelSource,
        prompts: PromptTexts,
        examples: ExampleStore,
        letters: DeadLetters,
        queue: JobQueue,
        pipelines: Mapping[str, Pipeline],
        clock: Clock,
    ) -> None:
        self._inbox = inbox
        self._labels = labels
        self._prompts = prompts
        self._examples = examples
        self._letters = letters
        self._queue = queue
        self._pipelines = pipelines
        self._clock = clock

    def __call__(self, limit: int = MAX_EXPORT_IDS) -> Conversion:
        """Convert up to ``limit`` deliveries."""
        taken = self._inbox.take(limit)
        groups = self._sort(taken)
        # What is in no group is in the dead letters.
        settled, changes = len(taken) - sum(map(len, groups.values())), 0
        left = {item.taken.entry_id: item.taken for rung in groups.values() for item in rung}
        for (project_id, names), rung in groups.items():
            pipelines = [self._pipelines[name] for name in names]
            try:
                done, written = self._convert(
                    project_id, pipelines, rung, on_wait=lambda: self._inbox.touch(list(left.values()))
                )
            except ServiceError as error:
                done, written = self._give_up(rung, error), 0
            self._inbox.acknowledge([item.taken for item in done])
            for item in rung:
                del left[item.taken.entry_id]
            settled += len(done)
            changes += written
        return Conversion(len(taken), settled, changes)

    def _sort(self, taken: Sequence[Taken]) -> dict[tuple[str, tuple[str, ...]], list[Rung]]:
        """Group the readable deliveries by project and the pipelines that read it; the others are dead letters."""
        found = defaultdict(list)
        for item in taken:
            try:
                doorbell = read_doorbell(item.delivery.topic, item.delivery.body)
                found[self._route(item, doorbell)].append(Rung(item, doorbell))
            except ServiceError as error:
                self._bury(item, error)
                self._inbox.acknowledge([item])
        return found

    def _route(self, item: Taken, doorbell: Doorbell) -> tuple[str, tuple[str, ...]]:
        named = self._pipelines.get(item.delivery.pipeline)
        project_id = doorbell.project_id or (named.labels.project if named else None)
        names = tuple(
            name
            for name, pipeline in self._pipelines.items()
            if pipeline.labels.project == project_id and item.delivery.pipeline in ("", name)
        )
        if project_id is None or not names:
            project = f"project {project_id[:60]}" if project_id else "what names no project"
            raise UnknownProject(f"no pipeline reads {project} (path: {item.delivery.pipeline[:60] or '-'})")
        return project_id, names

    def _convert(
        self, project_id: str, pipelines: Sequence[Pipeline], rung: Sequence[Rung], *, on_wait: Callable[[], None]
    ) -> tuple[list[Rung], int]:
        """Read the rows and write the examples; give what is settled and the number of changes."""
        if any(not item.doorbell.data_row_ids for item in rung):
            # It only says that something in the project changed.
            for pipeline in pipelines:
                self._queue.wake("reconcile", pipeline.name)
        observed_at = self._clock()
        ontology = self._labels.normalized_ontology(project_id)
        row_ids = list(dict.fromkeys(row_id for item in rung for row_id in item.doorbell.data_row_ids))
        rows = self._export(project_id, row_ids, on_wait=on_wait)
        settled, changes = list(rung), 0
        for pipeline in pipelines:
            try:
                ready, written = self._write(pipeline, rung, rows, ontology=ontology, observed_at=observed_at)
            except ServiceError as error:
                # One pipeline that is configured wrong keeps no label from the others.
                ready, written = set(self._give_up(rung, error)), 0
            settled = [item for item in settled if item in ready]
            changes += written
        return settled, changes

    def _write(
        self,
        pipeline: Pipeline,
        rung: Sequence[Rung],
        rows: Mapping[str, Mapping[str, Any]],
        *,
        ontology: Mapping[str, Any],
        observed_at: datetime,
    ) -> tuple[set[Rung], int]:
        """Write one pipeline's examples; give the deliveries that this settles and the number of changes."""
        read = read_rows(rows.values(), pipeline=pipeline, ontology=ontology, prompts=self._prompts)
        outcomes = {item: self._outcome(item, read) for item in rung if not _lags(item, read)}
        asked_for = {row_id for item in outcomes for row_id in item.doorbell.data_row_ids}
        written = write_outcomes(
            self._examples,
            pipeline,
            read.outcomes.values(),
            gone=asked_for - rows.keys(),
            observed_at=observed_at,
            audit=[self._audit(item, pipeline.labels.project, outcome) for item, outcome in outcomes.items()],
        )
        return set(outcomes), len(written)

    def _outcome(self, item: Rung, read: RowsRead) -> str:
        for row_id in item.doorbell.data_row_ids:
            if row_id in read.unreadable:
                self._bury(item.taken, read.unreadable[row_id])
                return "dead_lettered"
        return "converted"

    def _export(
        self, project_id: str, row_ids: Sequence[str], *, on_wait: Callable[[], None]
    ) -> dict[str, Mapping[str, Any]]:
        found = {}
        for start in range(0, len(row_ids), MAX_EXPORT_IDS):
            for row in self._labels.rows(project_id, row_ids[start : start + MAX_EXPORT_IDS], on_wait=on_wait):
                found[row_id_of(row)] = row
        return found

    def _give_up(self, rung: Sequence[Rung], error: ServiceError) -> list[Rung]:
        """Bury what has no attempt left; the rest stays pending and comes back."""
        lost = [item for item in rung if not error.retryable or item.taken.attempts >= MAX_ATTEMPTS]
        for item in lost:
            self._bury(item.taken, error)
        return lost

    def _bury(self, item: Taken, error: ServiceError) -> None:
        self._letters.put("delivery", item.delivery.key, error, content=item.delivery, now=self._clock())

    def _audit(self, item: Rung, project_id: str, outcome: str) -> dict[str, Any]:
        return {
            "entry_id": item.taken.entry_id,
            "delivery_key": item.taken.delivery.key,
            "topic": item.taken.delivery.topic,
            "project_id": project_id,
            "data_row_id": next(iter(item.doorbell.data_row_ids), None),
            "label_id": item.doorbell.label_id,
            "outcome": outcome,
            "received_at": item.taken.delivery.received_at,
            "converted_at": self._clock(),
        }


def _lags(item: Rung, read: RowsRead) -> bool:
    """Say whether the export does not show yet what the delivery announced."""
    if item.taken.attempts >= LAG_ATTEMPTS:
        return False
    topic, announced = item.taken.delivery.topic, item.doorbell.label_id
    for row_id in item.doorbell.data_row_ids:
        if row_id in read.unreadable:
            continue
        if row_id in read.delayed:
            return True
        outcome = read.outcomes.get(row_id)
        if outcome is None:
            return True
        if announced and (announced in outcome.label_ids) == (topic == "LABEL_DELETED"):
            return True
    return False
