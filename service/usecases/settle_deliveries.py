"""Write what an export's rows say, and tell for each delivery whether that settles it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from traceback import extract_tb
from typing import Any

from service.domain.deliveries import Doorbell
from service.domain.errors import ConversionCrashed, ExportFailed, ServiceError
from service.domain.exports import LAG_ATTEMPTS, MAX_ATTEMPTS, shows
from service.domain.pipelines import Pipeline
from service.ports import Clock, DeadLetters, ExampleStore, PromptTexts, Taken
from service.usecases.read_rows import RowsRead, read_rows
from service.usecases.write_examples import Appraisers, write_outcomes

# A row that is not done after a step of the workflow is looked at once more: exports lag.
WORKFLOW_LOOKS = 2
# Where more than this crashes it is no single delivery, and looking for it would take all day.
MOST_CRASHES = 60


@dataclass(frozen=True, slots=True)
class Rung:
    """A delivery, what it points to, and which pipelines of which project it concerns."""

    taken: Taken
    doorbell: Doorbell
    project: str
    names: tuple[str, ...]


class Fate(IntEnum):
    """What comes of a delivery; of several pipelines the worst counts.

    ``LATER`` is looked at again with a later export; ``CRASHED`` counts as tried, and comes back with fewer others.
    """

    SETTLED = 0
    LATER = 1
    CRASHED = 2


@dataclass(frozen=True, slots=True)
class Shown:
    """What an export showed.

    Attributes:
        rows: By data row id.
        malformed: Lines that were no JSON: rows that are not here may stand in them.
        observed_at: When it was asked for.
    """

    rows: Mapping[str, Mapping[str, Any]]
    malformed: int
    ontology: Mapping[str, Any]
    observed_at: datetime


class Settling:
    """One export's worth of deliveries.

    Attributes:
        changes: Examples written.
        crashes: Faults of ours, in words that hold no text of a label.
    """

    def __init__(
        self,
        examples: ExampleStore,
        letters: DeadLetters,
        pipelines: Mapping[str, Pipeline],
        *,
        prompts: PromptTexts,
        appraisers: Appraisers,
        clock: Clock,
    ) -> None:
        self._examples = examples
        self._appraisers = appraisers
        self._prompts = prompts
        self._letters = letters
        self._pipelines = pipelines
        self._clock = clock
        self.changes = 0
        self.crashes: list[str] = []

    def settle(self, rungs: Sequence[Rung], shown: Shown) -> dict[Rung, Fate]:
        """Write the examples of every pipeline; give what comes of each delivery."""
        fates = dict.fromkeys(rungs, Fate.SETTLED)
        for name in dict.fromkeys(name for rung in rungs for name in rung.names):
            mine = [rung for rung in rungs if name in rung.names]
            for rung, fate in self._isolate(self._pipelines[name], mine, shown).items():
                fates[rung] = max(fates[rung], fate)
        return fates

    def _isolate(self, pipeline: Pipeline, rungs: Sequence[Rung], shown: Shown) -> dict[Rung, Fate]:
        """Write together what can be written together: a crash is narrowed down to the delivery that causes it."""
        try:
            return self._write(pipeline, rungs, shown)
        except ServiceError as error:
            # One pipeline that is configured wrong keeps no label from the others.
            return {rung: self._give_up(rung, error) for rung in rungs}
        except Exception as error:  # noqa: BLE001 - whatever a fault of ours raises
            # With the database away nothing can be said about the deliveries; this raises then.
            self._examples.counts(pipeline.name)
            self.crashes.append(place_of(error))
            if len(rungs) == 1 or len(self.crashes) > MOST_CRASHES:
                crash = ConversionCrashed(self.crashes[-1])
                return {rung: self._note_crash(rung, crash) for rung in rungs}
        half = len(rungs) // 2
        first = self._isolate(pipeline, rungs[:half], shown)
        return first | self._isolate(pipeline, rungs[half:], shown)

    def _write(self, pipeline: Pipeline, rungs: Sequence[Rung], shown: Shown) -> dict[Rung, Fate]:
        asked = dict.fromkeys(row_id for rung in rungs for row_id in rung.doorbell.data_row_ids)
        rows = [shown.rows[row_id] for row_id in asked if row_id in shown.rows]
        read = read_rows(rows, pipeline=pipeline, ontology=shown.ontology, prompts=self._prompts)
        fates = {rung: self._look(rung, read, shown) for rung in rungs}
        settled = [rung for rung in rungs if fates[rung] is Fate.SETTLED]
        # Each of these was not there in several exports already, see LAG_ATTEMPTS.
        gone = {row_id for rung in settled for row_id in rung.doorbell.data_row_ids} - shown.rows.keys()
        written = write_outcomes(
            self._examples,
            pipeline,
            read.outcomes.values(),
            appraisers=self._appraisers,
            gone=() if shown.malformed else gone,
            observed_at=shown.observed_at,
            audit=[self._audit(rung, self._outcome(rung, read, shown)) for rung in settled],
        )
        self.changes += len(written)
        return fates

    def _look(self, rung: Rung, read: RowsRead, shown: Shown) -> Fate:
        """Say whether the export shows what the delivery announced, or has been looked at often enough."""
        looks, bell = rung.taken.looks + 1, rung.doorbell
        missing = [row_id for row_id in bell.data_row_ids if row_id not in shown.rows]
        if missing and shown.malformed:
            return Fate.LATER if looks < MAX_ATTEMPTS else Fate.SETTLED
        if any(row_id in read.delayed for row_id in bell.data_row_ids):
            return Fate.LATER if looks < MAX_ATTEMPTS else Fate.SETTLED
        is_shown = all(
            row_id in read.unreadable
            or shows(
                read.outcomes.get(row_id),
                topic=rung.taken.delivery.topic,
                label_id=bell.label_id,
                announced_at=bell.announced_at,
            )
            for row_id in bell.data_row_ids
        )
        enough = LAG_ATTEMPTS if bell.label_id else WORKFLOW_LOOKS
        return Fate.SETTLED if is_shown or looks >= enough else Fate.LATER

    def _outcome(self, rung: Rung, read: RowsRead, shown: Shown) -> str:
        for row_id in rung.doorbell.data_row_ids:
            if error := read.unreadable.get(row_id) or read.delayed.get(row_id):
                self._bury(rung, error)
                return "dead_lettered"
            if row_id not in shown.rows and shown.malformed:
                self._bury(rung, ExportFailed(f"{shown.malformed} lines of the export are no JSON object"))
                return "dead_lettered"
        return "converted"

    def _give_up(self, rung: Rung, error: ServiceError) -> Fate:
        if error.retryable and rung.taken.looks + 1 < MAX_ATTEMPTS:
            return Fate.LATER
        self._bury(rung, error)
        return Fate.SETTLED

    def _note_crash(self, rung: Rung, crash: ConversionCrashed) -> Fate:
        if rung.taken.attempts < MAX_ATTEMPTS:
            return Fate.CRASHED
        self._bury(rung, crash)
        return Fate.SETTLED

    def _bury(self, rung: Rung, error: ServiceError) -> None:
        self._letters.put("delivery", rung.taken.delivery.key, error, content=rung.taken.delivery, now=self._clock())

    def _audit(self, rung: Rung, outcome: str) -> dict[str, Any]:
        return {
            "entry_id": rung.taken.entry_id,
            "delivery_key": rung.taken.delivery.key,
            "topic": rung.taken.delivery.topic,
            "project_id": rung.project,
            "data_row_id": next(iter(rung.doorbell.data_row_ids), None),
            "label_id": rung.doorbell.label_id,
            "outcome": outcome,
            "received_at": rung.taken.delivery.received_at,
            "converted_at": self._clock(),
        }


def place_of(error: Exception) -> str:
    """Say what was raised where; its message may quote the text of a label."""
    frames = extract_tb(error.__traceback__)
    where = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "?"
    return f"{type(error).__name__} at {where}"
