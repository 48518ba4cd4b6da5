"""One look at a project: what its export shows, held against the examples of every pipeline that reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from service.domain.errors import ConversionCrashed, ServiceError
from service.domain.examples import KEPT, Change, Example
from service.domain.exports import MAX_IDS, Export
from service.domain.label_choice import NOT_LABELLED
from service.domain.labels import RowOutcome, RowReader
from service.domain.pipelines import Pipeline
from service.ports import DeadLetters, ExampleStore, PromptTexts
from service.usecases.read_rows import RowsRead, read_rows, row_id_of
from service.usecases.settle_deliveries import MOST_CRASHES, place_of
from service.usecases.write_examples import Appraisers, write_outcomes

Row = Mapping[str, Any]


@dataclass(slots=True)
class Found:
    """What the look found for one pipeline, see ``Reconcile``."""

    rows: int = 0
    healed: int = 0
    left: int = 0
    unreadable: int = 0
    labels_there: int = 0
    labels_here: int | None = None


class Look:
    """A reconcile's export while it is read: first the window, then by id what a whole window did not show.

    Attributes:
        parts_read: So many parts of this task were read and written before.
        missing: Data rows that have an example and that were not shown; to be asked for by id.
        looked_at: When the window was asked for.
        refused: The pipelines that could not be read, each with the words that say why.
    """

    def __init__(
        self,
        export: Export,
        pipelines: Sequence[Pipeline],
        ontology: Mapping[str, Any],
        *,
        prompts: PromptTexts,
        examples: ExampleStore,
        appraisers: Appraisers,
        letters: DeadLetters,
    ) -> None:
        self._export, self._ontology, self._appraisers = export, ontology, appraisers
        self._prompts, self._examples, self._letters = prompts, examples, letters
        self._pipelines = {pipeline.name: pipeline for pipeline in pipelines}
        # What was read for other pipelines, or by other rules, says nothing of these.
        self._policies: Mapping[str, str] = export.asked.get("policies", {})
        is_ours = export.progress.get("policies", self._policies) == self._policies
        before: Mapping[str, Any] = export.progress if is_ours else {}
        self._found = {name: Found(**before.get("found", {}).get(name, {})) for name in self._pipelines}
        # Of another task of ours the count says nothing.
        self.parts_read = int(before.get("parts", 0)) if before.get("task") == export.task_id else 0
        self.missing: list[str] = list(before.get("missing", ()))
        self._part = int(before.get("part", MAX_IDS))
        looked_at = before.get("looked_at")
        self.looked_at = datetime.fromisoformat(looked_at) if looked_at else export.observed_at
        self.is_whole = bool(export.asked.get("whole"))
        self.refused: dict[str, str] = dict(before.get("refused", {}))
        self._by_id = bool(self.missing)
        # Of a window what has an example and was not shown yet; of a request by id what was shown.
        self._unseen: dict[str, set[str]] = {}
        self._shown: set[str] = set()
        self._malformed = 0
        self._held_back: set[str] = set(before.get("held_back", ()))

    def begin(self) -> None:
        """Note what stands here before anything is mended, and which pipelines cannot read the ontology at all."""
        for name, pipeline in self._pipelines.items():
            try:
                # Also where the window holds no row that would show it.
                RowReader(self._ontology, pipeline.labels, form=pipeline.form)
            except ServiceError as error:
                self.refused[name] = _words(error)
        if self._by_id:
            return
        for name, found in self._found.items():
            if not self.parts_read:
                # Begun anew: what was mended stays counted, what was only seen is seen again.
                here = found.labels_here
                self._found[name] = Found(healed=found.healed, labels_here=here)
            if self.is_whole:
                self._unseen[name] = self._examples.standing_ids(name)
                if self._found[name].labels_here is None:
                    self._found[name].labels_here = len(self._unseen[name])

    def pass_over(self, rows: Sequence[Row | None]) -> None:
        """Only note that these were shown."""
        self._malformed += sum(row is None for row in rows)
        for row in rows:
            if row is not None:
                for unseen in self._unseen.values():
                    unseen.discard(row_id_of(row))
                if self._by_id:
                    self._shown.add(row_id_of(row))

    def read(self, rows: Sequence[Row | None]) -> None:
        """Mend the examples of these rows."""
        good = [row for row in rows if row is not None]
        for name, pipeline in self._pipelines.items():
            if name in self.refused:
                continue
            found = self._found[name]
            found.rows += len(good)
            found.unreadable += len(rows) - len(good)
            found.left += len(rows) - len(good)
            if len(rows) > len(good):
                self._held_back.add(name)
            try:
                self._isolate(pipeline, good, [])
            except ServiceError as error:
                if error.retryable:
                    raise
                # One pipeline that is configured wrong keeps no label from the others.
                self.refused[name] = _words(error)
        self.pass_over(rows)
        self.parts_read += 1

    def end(self) -> None:
        """Say what is to be asked for next: nothing, or what was not shown, a part at a time."""
        if self._by_id:
            asked = list(self._export.request.data_row_ids or ())
            self._withdraw(asked)
            self.missing = self.missing[len(asked) :]
            # After some that Labelbox refused to name together it is tried with more again.
            self._part = min(4 * len(asked), MAX_IDS)
        else:
            self.missing = sorted(set().union(*self._unseen.values()))
        self.parts_read = 0

    def progress(self) -> dict[str, Any]:
        """Give how far it came, as JSON."""
        return {
            "task": self._export.task_id,
            "parts": self.parts_read,
            "found": {name: asdict(found) for name, found in self._found.items()},
            "missing": self.missing,
            "part": self._part,
            "policies": self._policies,
            "held_back": sorted(self._held_back),
            "refused": self.refused,
            "looked_at": self.looked_at.isoformat(),
        }

    def is_held_back(self, name: str) -> bool:
        """Say whether rows of this window could not be read now and may be later."""
        return name in self._held_back

    def names(self) -> list[str]:
        """Give the pipelines that were read."""
        return [name for name in self._pipelines if name not in self.refused]

    def facts(self, name: str) -> dict[str, Any]:
        """Give what was found for a pipeline."""
        found = self._found[name]
        return {**asdict(found), "drift": found.healed + found.left}

    def _isolate(self, pipeline: Pipeline, rows: Sequence[Row], crashes: list[str]) -> None:
        """Mend together what can be mended together: a crash is narrowed down to the row that causes it."""
        try:
            self._mend(pipeline, self._as_read_by(pipeline, rows))
        except ServiceError:
            raise
        except Exception as error:
            # With the database away nothing can be said about the rows; this raises then.
            self._examples.counts(pipeline.name)
            crashes.append(place_of(error))
            if len(crashes) > MOST_CRASHES:
                # No single row: the reconcile is tried again, and ends as a dead letter.
                raise
            if len(rows) > 1:
                half = len(rows) // 2
                self._isolate(pipeline, rows[:half], crashes)
                self._isolate(pipeline, rows[half:], crashes)
            else:
                self._set_aside(pipeline.name, row_id_of(rows[0]), ConversionCrashed(place_of(error)))

    def _as_read_by(self, pipeline: Pipeline, rows: Sequence[Row]) -> RowsRead:
        return read_rows(rows, pipeline=pipeline, ontology=self._ontology, prompts=self._prompts)

    def _mend(self, pipeline: Pipeline, read: RowsRead) -> None:
        before = self._examples.existing(pipeline.name, list(read.outcomes))
        # A queue of a hundred thousand rows that nobody has labelled yet is no news.
        news = [item for item in read.outcomes.values() if item.reason != NOT_LABELLED or item.data_row_id in before]
        self._write(pipeline, news, (), before)
        for row_id, error in read.unreadable.items():
            self._set_aside(pipeline.name, row_id, error)
        subjects = [f"{pipeline.name}/{row_id}" for row_id in read.outcomes]
        self._letters.settle("row", subjects, now=self._export.observed_at)
        found = self._found[pipeline.name]
        # What cannot be fetched now stays as it is, and the next look reads this window once more.
        found.left += len(read.delayed)
        if read.delayed:
            self._held_back.add(pipeline.name)
        found.labels_there += sum(outcome.reason is None for outcome in read.outcomes.values())

    def _withdraw(self, asked: Sequence[str]) -> None:
        """Take back what neither the window nor the request by id showed."""
        unseen = [row_id for row_id in asked if row_id not in self._shown]
        for name in self.names():
            before = self._examples.existing(name, unseen)
            if self._malformed:
                # They may stand in the lines that could not be read.
                self._found[name].left += sum(example.status in KEPT for example in before.values())
            else:
                self._write(self._pipelines[name], (), unseen, before)

    def _write(
        self,
        pipeline: Pipeline,
        outcomes: Sequence[RowOutcome],
        gone: Sequence[str],
        before: Mapping[str, Example],
    ) -> None:
        changes = write_outcomes(
            self._examples,
            pipeline,
            outcomes,
            appraisers=self._appraisers,
            gone=gone,
            observed_at=self._export.observed_at,
        )
        self._found[pipeline.name].healed += sum(_is_drift(before, change) for change in changes)

    def _set_aside(self, name: str, row_id: str, error: ServiceError) -> None:
        now = self._export.observed_at
        self._letters.put("row", f"{name}/{row_id}", error, content=None, now=now)
        self._found[name].unreadable += 1
        self._found[name].left += 1


def _words(error: ServiceError) -> str:
    return f"{type(error).__name__}: {error}. What to do: {error.remedy}"


def _is_drift(before: Mapping[str, Example], change: Change) -> bool:
    """Say whether the example itself was wrong: rows that give none, and touched rows with the same text, are not."""
    old, new = before.get(change.example.data_row_id), change.example
    stood, stands = old is not None and old.status in KEPT, new.status in KEPT
    return stood != stands or (stands and old is not None and old.content_hash != new.content_hash)
