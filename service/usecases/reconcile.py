"""Read a project by itself, whatever the deliveries said: it alone suffices to make the examples true."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from service.domain.errors import (
    ConversionCrashed,
    ExportMoved,
    LabelsUnreachable,
    NotFound,
    RowsRefused,
    ServiceError,
)
from service.domain.exports import MAX_ATTEMPTS, WHOLE_EVERY, Before, Export, ExportState, policy_of, window_asked
from service.domain.pipelines import Pipeline
from service.ports import Clock, DeadLetters, ExampleStore, LabelSource, PromptTexts, ReconcileStore
from service.usecases.exporting import Exports, Patience
from service.usecases.look import Look
from service.usecases.settle_deliveries import place_of
from service.usecases.write_examples import Appraisers

ROWS_A_WRITE = 1000
WATCH_S = 0.5


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What one call did.

    Attributes:
        facts: What was found, by pipeline, once the reconcile is done; see ``Reconcile``.
        refused: The pipelines that could not be read, each with the words that say why.
        error: Why it is not done, if something failed.
    """

    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    error: ServiceError | None = None


@dataclass(frozen=True, slots=True)
class Reconciles:
    """What the use case works on."""

    labels: LabelSource
    prompts: PromptTexts
    exports: Exports
    examples: ExampleStore
    appraisers: Appraisers
    letters: DeadLetters
    store: ReconcileStore
    pipelines: Mapping[str, Pipeline]
    overlap: timedelta
    clock: Clock
    patience: Patience


class Reconcile:
    """Export what had activity since the last reconcile, once for all pipelines of a project, and mend the examples.

    What is found, by pipeline, is kept as facts:

    - ``rows`` read, and ``unreadable`` ones among them;
    - ``drift``: data rows whose example differed from Labelbox (missing here, still here, other content), of which
      ``healed`` were mended and ``left`` were not: what they should be cannot be read;
    - ``whole``: whether all of the project was read, which alone notices deleted data rows; ``whole_at``: when last;
    - ``labels_there``: accepted labels in Labelbox; ``labels_here``: examples, before mending; both at ``whole_at``;
    - ``policy``: what the pipeline reads; ``refused`` and ``refused_at``: why it could not be read.
    """

    def __init__(self, parts: Reconciles) -> None:
        self._parts = parts

    def want(self, project: str, *, whole: bool = False) -> Export:
        """Have a project reconciled when it is its turn."""
        return self._parts.exports.want(project, "window", {"whole": True} if whole else {})

    def __call__(self, project: str) -> Reconciled:
        """Go on with the project's reconcile, if one is wanted and it is its turn, for one slice."""
        export = self._begin(project)
        if export is None:
            return Reconciled()
        job = _Job(self._parts, export)
        with self._parts.patience.keep(job.touch):
            try:
                return job.run()
            except ExportMoved:
                return Reconciled()
            except ServiceError as error:
                return job.fail(error)
            except Exception as error:
                # With the database away nothing can be said about the export; this raises then.
                self._parts.exports.is_paused()
                job.fail(ConversionCrashed(place_of(error), retryable=True))
                raise

    def until_done(self, project: str, *, whole: bool = False) -> Reconciled:
        """Reconcile a project and wait for it, whether it is done here or by a worker.

        Raises:
            ServiceError: It failed; what stands is tried again by the workers.
        """
        export_id = self.want(project, whole=whole).export_id
        while True:
            done = self(project)
            if done.error is not None:
                raise done.error
            try:
                export = self._parts.exports.get(export_id)
            except NotFound:
                # Another one that failed meanwhile took its place in the line.
                export_id = self.want(project, whole=whole).export_id
                continue
            if export.state is ExportState.READ:
                return Reconciled(export.progress.get("facts", {}), export.progress.get("refused", {}))
            if export.error is not None:
                raise LabelsUnreachable(f"export {export_id}: {export.error}")
            self._parts.patience.wait(WATCH_S)

    def _begin(self, project: str) -> Export | None:
        exports = self._parts.exports
        if exports.is_paused():
            return None
        for export in exports.due("window"):
            if export.project == project and export.state is ExportState.RUNNING:
                return self._taken_over(exports.lease(export))
        return self._turn(project)

    def _taken_over(self, export: Export | None) -> Export | None:
        """Give up what too many workers died over: it would keep the project's deliveries from their turn."""
        if export is None or export.attempts < MAX_ATTEMPTS:
            return export
        _Job(self._parts, export).fail(ConversionCrashed(f"{export.attempts} workers died or failed while it was read"))
        return None

    def _turn(self, project: str) -> Export | None:
        exports = self._parts.exports
        mine = {name: item for name, item in self._parts.pipelines.items() if item.labels.project == project}
        before = {name: Before(self._parts.store.latest(name), self._parts.store.cursor(name)) for name in mine}
        policies = {name: policy_of(pipeline) for name, pipeline in mine.items()}
        now = self._parts.clock()

        def ask(wish: Mapping[str, Any]) -> Mapping[str, Any]:
            return window_asked(wish, before, policies, overlap=self._parts.overlap, now=now)

        export = exports.turn(project, "window", ask if mine else None)
        if export is not None and not mine:
            # Wanted by an earlier configuration.
            exports.end(export)
            return None
        return export


class _Job:
    """One call's work on an export."""

    def __init__(self, parts: Reconciles, export: Export) -> None:
        self._parts = parts
        self._export = export

    def touch(self) -> None:
        """Say that we are alive; called from beside."""
        self._parts.exports.keep(self._export)

    def fail(self, error: ServiceError) -> Reconciled:
        """Write that it failed; what is not tried again becomes a dead letter."""
        with suppress(ExportMoved):
            if self._parts.exports.fail(self._export, error).state is ExportState.FAILED:
                now = self._parts.clock()
                self._parts.letters.put("reconcile", self._export.project, error, content=None, now=now)
        return Reconciled(error=error)

    def run(self) -> Reconciled:
        """Look at the export, read what it brings, ask for what it did not show, until all is read."""
        exports = self._parts.exports
        for pause_s in exports.pauses():
            while (look := self._step()) is not None:
                if not look.missing:
                    return self._end(look)
                self._export = exports.next_request(self._export, look.progress())
            if exports.is_old(self._export):
                break
            self._parts.patience.wait(pause_s)
        exports.leave(self._export)
        return Reconciled()

    def _step(self) -> Look | None:
        """Look at the export; give what it brings if it is complete."""
        exports = self._parts.exports
        try:
            self._export, is_complete = exports.look(self._export)
        except RowsRefused:
            ids = self._export.request.data_row_ids or ()
            if len(ids) == 1:
                # Not in the window, and not known by its id: it is not there.
                return self._read(is_empty=True)
            fewer = {**self._export.progress, "part": max(1, len(ids) // 4)}
            self._export = exports.next_request(self._export, fewer)
            return self._step()
        return self._read() if is_complete else None

    def _read(self, *, is_empty: bool = False) -> Look:
        """Read what the export shows and mend the examples, a part at a time."""
        parts, export = self._parts, self._export
        ontology = parts.labels.normalized_ontology(export.project)
        pipelines = [parts.pipelines[name] for name in export.asked["pipelines"] if name in parts.pipelines]
        look = Look(
            export,
            pipelines,
            ontology,
            prompts=parts.prompts,
            examples=parts.examples,
            appraisers=parts.appraisers,
            letters=parts.letters,
        )
        look.begin()
        rows_read = () if is_empty else parts.labels.read(export.task_id or "")
        for number, rows in enumerate(_chunks(rows_read)):
            if number >= look.parts_read:
                look.read(rows)
                self._export = parts.exports.write(replace(self._export, progress=look.progress()))
            else:
                # Read already, by a worker that was killed.
                look.pass_over(rows)
        look.end()
        return look

    def _end(self, look: Look) -> Reconciled:
        parts, now = self._parts, self._parts.clock()
        facts = {name: self._facts(look, name) for name in look.names()}
        for name, found in facts.items():
            parts.store.reconciled(name, found, until=self._until(look, name), now=now)
        parts.letters.settle("reconcile", [self._export.project], now=now)
        for name, words in look.refused.items():
            # Not further than it came before.
            until = parts.store.cursor(name) or look.looked_at
            refused = {"refused": words, "refused_at": look.looked_at.isoformat(), "policy": self._policy(name)}
            parts.store.reconciled(name, {**_NOTHING, **self._before(name), **refused}, until=until, now=now)
        parts.exports.end(replace(self._export, progress={"facts": facts, "refused": look.refused}))
        return Reconciled(facts, look.refused)

    def _until(self, look: Look, name: str) -> datetime:
        """Give from when activity is still to be read: what could not be read now comes with the next window.

        Not for ever: after a day only a look at the whole project asks for it again.
        """
        if not look.is_held_back(name):
            return look.looked_at
        a_day_ago = look.looked_at - WHOLE_EVERY
        return max(self._parts.store.cursor(name) or a_day_ago, a_day_ago)

    def _facts(self, look: Look, name: str) -> dict[str, Any]:
        """Give what was found; what only a look at everything can tell is carried on from the last one."""
        found = {**look.facts(name), "policy": self._policy(name)}
        if look.is_whole:
            return {**found, "whole": True, "whole_at": look.looked_at.isoformat()}
        before = self._before(name)
        kept = {key: before.get(key) for key in ("labels_there", "labels_here", "whole_at")}
        return {**found, **kept, "whole": False}

    def _before(self, name: str) -> dict[str, Any]:
        latest = self._parts.store.latest(name) or {}
        return {key: value for key, value in latest.items() if key not in {"at", "refused", "refused_at"}}

    def _policy(self, name: str) -> str:
        # As it was when the window was asked for: with another one since, all is read again.
        asked: Mapping[str, str] = self._export.asked.get("policies", {})
        return asked.get(name) or policy_of(self._parts.pipelines[name])


# What is said of a pipeline that was never read.
_NOTHING = {
    **dict.fromkeys(("rows", "drift", "healed", "left", "unreadable"), 0),
    **dict.fromkeys(("labels_there", "labels_here", "whole_at")),
    "whole": False,
}


def _chunks(rows: Iterable[Mapping[str, Any] | None]) -> Iterator[list[Mapping[str, Any] | None]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, ROWS_A_WRITE)):
        yield chunk
