"""Turn deliveries into examples: coalesce by data row, read those rows once, write, and only then acknowledge."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from service.domain.errors import ConversionCrashed, ExportMoved, InboxUnavailable, RowsRefused, ServiceError
from service.domain.exports import FIRST_POLL_S, MAX_IDS, Export, ExportState, longer_poll_s, pick, together
from service.domain.pipelines import Pipeline
from service.ports import Clock, DeadLetters, ExampleStore, Inbox, LabelSource, PromptTexts
from service.usecases.deliveries_in_hand import DeliveriesInHand
from service.usecases.exporting import Exports, Patience
from service.usecases.read_rows import row_id_of
from service.usecases.settle_deliveries import Fate, Rung, Settling, Shown, place_of
from service.usecases.write_examples import Appraisers

# The more wait for something else, the less often they are all read from the inbox.
PAUSE_A_HUNDRED = timedelta(milliseconds=25)
LONGEST_PAUSE = timedelta(seconds=10)
# After so many refusals in one job it is the project that is refused, and not one of its rows.
MOST_REFUSALS = 30


@dataclass(frozen=True, slots=True)
class Conversion:
    """What one call did.

    Attributes:
        taken: Deliveries looked at.
        settled: Those that are converted or in the dead letters.
        changes: Examples written.
        waiting: Those given back, because what they need is not there yet.
        crashes: What went wrong by a fault of ours, in words without any text of a label.
        is_cut: Whether there may be more that could be done at once.
    """

    taken: int
    settled: int
    changes: int
    waiting: int
    crashes: tuple[str, ...]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Conversions:
    """What the use case works on."""

    inbox: Inbox
    labels: LabelSource
    prompts: PromptTexts
    exports: Exports
    examples: ExampleStore
    appraisers: Appraisers
    letters: DeadLetters
    pipelines: Mapping[str, Pipeline]
    clock: Clock
    patience: Patience


class ConvertDeliveries:
    """The use case: as much as can be done in one slice; what must wait stays in the inbox."""

    def __init__(self, parts: Conversions) -> None:
        self._parts = parts

    def __call__(self, limit: int = MAX_IDS) -> Conversion:
        """Convert what the inbox has, taking up to ``limit`` deliveries at a time."""
        job = _Job(self._parts, limit)
        with self._parts.patience.keep(job.touch):
            try:
                job.run()
                return job.end()
            except Exception:
                # Not the deliveries' fault: the database or Redis is away.
                job.hand.give_back()
                raise


@dataclass(slots=True)
class _Follow:
    """An export that runs, and the deliveries that wait for it."""

    export: Export
    rungs: list[Rung]


class _Job:
    """One call, with what it has in hand and the exports that it follows."""

    def __init__(self, parts: Conversions, limit: int) -> None:
        self._parts, self._exports = parts, parts.exports
        self._limit = limit
        self._end_at = parts.clock() + parts.patience.slice
        self._follows: list[_Follow] = []
        self._refusals = Counter[str]()
        self._changes = 0
        self._crashes: list[str] = []
        self._is_cut = self._wished = False
        self.hand = DeliveriesInHand(
            parts.inbox, parts.letters, parts.pipelines, clock=parts.clock, wish=self._have_reconciled
        )

    def touch(self) -> None:
        """Say that we are alive; called from beside."""
        self.hand.touch()
        for follow in list(self._follows):
            self._exports.keep(follow.export)

    def run(self) -> None:
        """Take, begin exports, look at them and convert, until nothing more can be done now."""
        pause_s = FIRST_POLL_S
        while True:
            more = self._round()
            self._is_cut = self._parts.clock() >= self._end_at
            if self._is_cut or not (more or self._follows):
                return
            if not more:
                self._parts.patience.wait(pause_s)
                pause_s = longer_poll_s(pause_s)

    def end(self) -> Conversion:
        """Leave what still runs to others, and give back what must wait."""
        while self._follows:
            self._leave(self._follows.pop())
        waiting = len(self.hand)
        if waiting or self._wished:
            # Whoever is before them in line may not know yet that it is their turn.
            self._exports.call_waiting()
        self.hand.give_back(min(PAUSE_A_HUNDRED * (waiting // 100), LONGEST_PAUSE))
        hand = self.hand
        return Conversion(hand.taken, hand.settled, self._changes, waiting, tuple(self._crashes), self._is_cut)

    def _have_reconciled(self, project: str) -> None:
        self._exports.want(project, "window", {})
        self._wished = True

    def _round(self) -> bool:
        """Do everything once; say whether there may be more at once."""
        settled, refusals = self.hand.settled, self._refusals.total()
        fresh = self.hand.take(self._limit)
        self._resume()
        self._begin()
        self._look()
        return fresh or self.hand.settled > settled or self._refusals.total() > refusals

    def _resume(self) -> None:
        """Go on with the exports that a worker left, or lost with its life."""
        followed = {follow.export.export_id for follow in self._follows}
        for export in self._exports.due("rows"):
            if export.export_id not in followed:
                wanted = export.state is ExportState.WANTED
                ours = self._exports.turn(export.project, "rows") if wanted else self._exports.lease(export)
                if ours is not None:
                    self._follow(ours)

    def _begin(self) -> None:
        """Ask for the rows of what waits, where it is our turn."""
        followed = {follow.export.project for follow in self._follows}
        for project in [name for name, rungs in self.hand.waiting.items() if rungs and name not in followed]:
            rungs = list(self.hand.waiting[project].values())
            chosen, ids = pick([(rung.taken.attempts, rung.doorbell.data_row_ids) for rung in rungs])
            entries = [rungs[position].taken.entry_id for position in chosen]
            export = self._turn(project, {"ids": ids, "entries": entries})
            if export is not None:
                self._follow(export)

    def _turn(self, project: str, asked: Mapping[str, Any]) -> Export | None:
        return self._exports.turn(project, "rows", lambda _: asked, create=True)

    def _follow(self, export: Export) -> None:
        """Gather the deliveries that wait for this export."""
        rungs = self.hand.gather(export.project, export.asked.get("entries", ()))
        if len(rungs) > together(max((rung.taken.attempts for rung in rungs), default=1)):
            # A worker died over these: they are asked for again in smaller parts.
            for rung in rungs:
                self.hand.keep(rung)
            rungs = []
        if rungs:
            self._follows.append(_Follow(export, rungs))
        else:
            self._exports.end(export)

    def _look(self) -> None:
        if not self._follows:
            return
        is_paused = self._exports.is_paused()
        for follow in list(self._follows):
            if is_paused:
                self._leave(follow)
            if is_paused or self._is_over(follow):
                self._follows.remove(follow)

    def _is_over(self, follow: _Follow) -> bool:
        """Look at one export, and convert what it brings; say whether it needs no more looks of ours."""
        try:
            return self._try(follow)
        except ExportMoved:
            # Another worker has the export, and so the deliveries.
            self.hand.drop(rung.taken for rung in follow.rungs)
        except InboxUnavailable:
            raise
        except RowsRefused as error:
            self._narrow(follow, error)
        except ServiceError as error:
            self._fail(follow, error)
        except Exception as error:  # noqa: BLE001 - whatever a fault of ours raises
            # With the database away nothing can be said about the export; this raises then.
            self._exports.is_paused()
            self._crashes.append(place_of(error))
            self._fail(follow, ConversionCrashed(place_of(error), retryable=True))
        return True

    def _try(self, follow: _Follow) -> bool:
        follow.export, is_complete = self._exports.look(follow.export)
        if is_complete:
            self._convert(follow)
            self._exports.end(follow.export)
        elif self._exports.is_old(follow.export):
            self._leave(follow)
        else:
            return False
        return True

    def _narrow(self, follow: _Follow, error: RowsRefused) -> None:
        """Find the row that Labelbox refuses to name: ask for fewer, as where a worker died."""
        self._refusals[follow.export.project] += 1
        if len(follow.rungs) == 1 or self._refusals[follow.export.project] > MOST_REFUSALS:
            # What it announced is found by the reconcile.
            self._have_reconciled(follow.export.project)
            self._fail(follow, error)
            return
        self._exports.fail(follow.export, error)
        for rung in follow.rungs:
            tried = replace(rung.taken, attempts=rung.taken.attempts + 1)
            self.hand.keep(replace(rung, taken=tried))

    def _fail(self, follow: _Follow, error: ServiceError) -> None:
        """Write that it failed. What waits for it is set aside, or stays in hand to be given back."""
        taken = [rung.taken for rung in follow.rungs]
        try:
            if self._exports.fail(follow.export, error).state is ExportState.FAILED:
                self.hand.bury(taken, error)
        except ExportMoved:
            self.hand.drop(taken)

    def _leave(self, follow: _Follow) -> None:
        try:
            self._exports.leave(follow.export)
        except ExportMoved:
            self.hand.drop(rung.taken for rung in follow.rungs)

    def _convert(self, follow: _Follow) -> None:
        """Read the export's rows and settle the deliveries that asked for them, and no others."""
        parts, taken = self._parts, [rung.taken for rung in follow.rungs]
        ontology = parts.labels.normalized_ontology(follow.export.project)
        parts.inbox.begin(taken)
        shown = self._read(follow.export, ontology)
        # A worker that stood still has lost it: others have seen newer rows since.
        follow.export = self._exports.write(follow.export)
        settling = Settling(
            parts.examples,
            parts.letters,
            parts.pipelines,
            prompts=parts.prompts,
            appraisers=parts.appraisers,
            clock=parts.clock,
        )
        fates = settling.settle(follow.rungs, shown)
        by_fate = {fate: [rung.taken for rung in follow.rungs if fates[rung] is fate] for fate in Fate}
        self.hand.settle(by_fate[Fate.SETTLED])
        # The crashed ones stay as they are, counted as tried: they come back alone, or nearly.
        self.hand.drop([*by_fate[Fate.LATER], *by_fate[Fate.CRASHED]])
        parts.inbox.look_again(by_fate[Fate.LATER])
        self._changes += settling.changes
        self._crashes += settling.crashes

    def _read(self, export: Export, ontology: Mapping[str, Any]) -> Shown:
        rows: dict[str, Mapping[str, Any]] = {}
        malformed = 0
        for row in self._parts.labels.read(export.task_id or ""):
            if row is None:
                malformed += 1
            else:
                rows[row_id_of(row)] = row
        return Shown(rows, malformed, ontology, export.observed_at)
