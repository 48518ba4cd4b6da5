"""Turn deliveries into examples: coalesce by data row, read those rows once, write, and only then acknowledge."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from service.domain.deliveries import Doorbell, read_doorbell
from service.domain.errors import ConversionCrashed, ExportMoved, InboxUnavailable, ServiceError, UnknownProject
from service.domain.exports import (
    FIRST_POLL_S,
    MAX_ATTEMPTS,
    MAX_IDS,
    Export,
    ExportState,
    longer_poll_s,
    pick,
    together,
)
from service.domain.pipelines import Pipeline
from service.ports import Clock, DeadLetters, ExampleStore, Inbox, LabelSource, Taken
from service.usecases.exporting import Exports, Patience
from service.usecases.read_rows import row_id_of
from service.usecases.settle_deliveries import Fate, Rung, Settling, Shown, place_of

# Deliveries kept whole while their project's export is away; of more only the names are kept.
HELD = 2 * MAX_IDS
# The more wait for something else, the less often they are all read from the inbox.
PAUSE_A_HUNDRED = timedelta(milliseconds=25)
LONGEST_PAUSE = timedelta(seconds=10)


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

    taken: int = 0
    settled: int = 0
    changes: int = 0
    waiting: int = 0
    crashes: tuple[str, ...] = ()
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Conversions:
    """What the use case works on."""

    inbox: Inbox
    labels: LabelSource
    exports: Exports
    examples: ExampleStore
    letters: DeadLetters
    pipelines: Mapping[str, Pipeline]
    clock: Clock
    patience: Patience


class ConvertDeliveries:
    """The use case: as much as can be done in one slice; what must wait stays in the inbox."""

    def __init__(self, parts: Conversions) -> None:
        self._parts = parts

    def __call__(self, limit: int = MAX_IDS) -> Conversion:
        """Convert what the inbox has, up to ``limit`` deliveries at a time."""
        job = _Job(self._parts, limit)
        with self._parts.patience.keep(job.touch):
            try:
                job.run()
            except Exception:
                # Not their fault: the database or Redis is away.
                job.give_back(timedelta(0))
                raise
            return job.end()


@dataclass(slots=True)
class _Follow:
    """An export that runs, and the deliveries that wait for it."""

    export: Export
    rungs: list[Rung]


@dataclass(slots=True)
class _Tally:
    taken: int = 0
    settled: int = 0
    changes: int = 0
    crashes: list[str] = field(default_factory=list)


class _Job:
    """One call: everything it has in hand, by entry id, until it is acknowledged or given back."""

    def __init__(self, parts: Conversions, limit: int) -> None:
        self._parts = parts
        self._limit = limit
        self._end_at = parts.clock() + parts.patience.slice
        self._hand: dict[str, Taken] = {}
        self._seen: set[str] = set()
        self._waiting: dict[str, dict[str, Rung]] = {}
        self._follows: list[_Follow] = []
        self._tally = _Tally()
        self._is_cut = self._wished = False

    def touch(self) -> None:
        """Say that we are alive; called from beside."""
        self._parts.inbox.touch(list(self._hand.values()))
        for follow in list(self._follows):
            self._parts.exports.keep(follow.export)

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
        for follow in self._follows:
            self._leave(follow)
        self._follows.clear()
        if self._hand or self._wished:
            # Whoever is before them in line may not know yet that it is their turn.
            self._parts.exports.call_waiting()
        waiting = len(self._hand)
        self.give_back(min(PAUSE_A_HUNDRED * (waiting // 100), LONGEST_PAUSE))
        tally = self._tally
        return Conversion(tally.taken, tally.settled, tally.changes, waiting, tuple(tally.crashes), self._is_cut)

    def give_back(self, pause: timedelta) -> None:
        """Let others take what is in hand."""
        self._parts.inbox.give_back(list(self._hand.values()), pause=pause)
        self._hand.clear()

    def _round(self) -> bool:
        """Do everything once; say whether there may be more at once."""
        settled = self._tally.settled
        fresh = self._take()
        self._resume()
        self._begin()
        self._look()
        return fresh or self._tally.settled > settled

    # Taking.

    def _take(self) -> bool:
        taken = self._parts.inbox.take(self._limit)
        fresh = [item for item in taken if item.entry_id not in self._seen]
        self._again([item for item in taken if item.entry_id in self._seen])
        self._tally.taken += len(fresh)
        for rung in self._sort(fresh):
            self._keep(rung)
        return bool(fresh)

    def _again(self, taken: Sequence[Taken]) -> None:
        """Count what came a second time as not taken: a job looks at nothing twice, or it might never end."""
        self._parts.inbox.hold([self._hand[item.entry_id] for item in taken if item.entry_id in self._hand])
        self._parts.inbox.give_back([item for item in taken if item.entry_id not in self._hand])

    def _sort(self, taken: Sequence[Taken]) -> list[Rung]:
        """Give the deliveries that point to rows; the others are settled here."""
        found = []
        self._hand.update((item.entry_id, item) for item in taken)
        self._seen.update(item.entry_id for item in taken)
        for item in taken:
            try:
                rung = self._rung(item)
            except ServiceError as error:
                self._bury([item], error)
                continue
            if 0 < len(rung.doorbell.data_row_ids) <= MAX_IDS:
                found.append(rung)
            else:
                # It only says that something in the project changed, or names more than one export can.
                self._parts.exports.want(rung.project, "window", {})
                self._wished = True
                self._settle([item])
        self._parts.inbox.hold([rung.taken for rung in found])
        return found

    def _rung(self, item: Taken) -> Rung:
        if item.attempts > MAX_ATTEMPTS:
            raise ConversionCrashed(f"the worker died {item.attempts - 1} times while it was converted")
        doorbell = read_doorbell(item.delivery.topic, item.delivery.body)
        project, names = self._route(item, doorbell)
        return Rung(item, doorbell, project, names)

    def _route(self, item: Taken, doorbell: Doorbell) -> tuple[str, tuple[str, ...]]:
        pipelines = self._parts.pipelines
        named = pipelines.get(item.delivery.pipeline)
        project = doorbell.project_id or (named.labels.project if named else None)
        names = tuple(
            name
            for name, pipeline in pipelines.items()
            if pipeline.labels.project == project and item.delivery.pipeline in ("", name)
        )
        if project is None or not names:
            words = f"project {project[:60]}" if project else "what names no project"
            raise UnknownProject(f"no pipeline reads {words} (path: {item.delivery.pipeline[:60] or '-'})")
        return project, names

    def _keep(self, rung: Rung) -> None:
        waiting = self._waiting.setdefault(rung.project, {})
        if len(waiting) < HELD:
            waiting[rung.taken.entry_id] = rung
        else:
            # In hand, so that those behind it are seen, but without its body.
            bare = replace(rung.taken, delivery=replace(rung.taken.delivery, body=b""))
            self._hand[rung.taken.entry_id] = bare

    # Exports.

    def _resume(self) -> None:
        """Go on with the exports that a worker left, or lost with its life."""
        followed = {follow.export.export_id for follow in self._follows}
        for export in self._parts.exports.due("rows"):
            if export.export_id not in followed:
                wanted = export.state is ExportState.WANTED
                ours = self._parts.exports.turn(export.project, "rows") if wanted else self._parts.exports.lease(export)
                if ours is not None:
                    self._follow(ours)

    def _begin(self) -> None:
        followed = {follow.export.project for follow in self._follows}
        for project in [name for name, rungs in self._waiting.items() if rungs and name not in followed]:
            rungs = list(self._waiting[project].values())
            chosen, ids = pick([(rung.taken.attempts, rung.doorbell.data_row_ids) for rung in rungs])
            entries = [rungs[position].taken.entry_id for position in chosen]
            export = self._turn(project, {"ids": ids, "entries": entries})
            if export is not None:
                self._follow(export)

    def _turn(self, project: str, asked: Mapping[str, Any]) -> Export | None:
        return self._parts.exports.turn(project, "rows", lambda _: asked, create=True)

    def _follow(self, export: Export) -> None:
        """Gather the deliveries that wait for this export."""
        entries: list[str] = list(export.asked.get("entries", ()))
        waiting = self._waiting.setdefault(export.project, {})
        elsewhere = [entry_id for entry_id in entries if entry_id not in waiting]
        claimed = self._sort(self._parts.inbox.claim(elsewhere) if elsewhere else [])
        rungs = [waiting.pop(entry_id) for entry_id in entries if entry_id in waiting]
        # One may be routed elsewhere since, if the configuration was changed.
        rungs += [rung for rung in claimed if rung.project == export.project]
        for rung in claimed:
            if rung.project != export.project:
                self._keep(rung)
        if len(rungs) > together(max((rung.taken.attempts for rung in rungs), default=1)):
            # A worker died over these: they are asked for again in smaller parts.
            for rung in rungs:
                self._keep(rung)
            rungs = []
        if rungs:
            self._follows.append(_Follow(export, rungs))
        else:
            self._parts.exports.end(export)

    def _look(self) -> None:
        if not self._follows:
            return
        if self._parts.exports.is_paused():
            for follow in self._follows:
                self._leave(follow)
            self._follows = []
        for follow in list(self._follows):
            if self._is_over(follow):
                self._follows.remove(follow)

    def _is_over(self, follow: _Follow) -> bool:
        """Look at one export, and convert what it brings; say whether it needs no more looks of ours."""
        exports = self._parts.exports
        try:
            follow.export, is_complete = exports.look(follow.export)
            if is_complete:
                self._convert(follow)
                exports.end(follow.export)
            elif exports.is_old(follow.export):
                self._leave(follow)
            else:
                return False
        except ExportMoved:
            # Another worker has the export, and so the deliveries.
            self._drop(rung.taken for rung in follow.rungs)
        except InboxUnavailable:
            raise
        except ServiceError as error:
            self._fail(follow, error)
        except Exception as error:  # noqa: BLE001 - whatever a fault of ours raises
            # With the database away nothing can be said about the export; this raises then.
            exports.is_paused()
            self._tally.crashes.append(place_of(error))
            crash = ConversionCrashed(place_of(error))
            crash.retryable = True
            self._fail(follow, crash)
        return True

    def _fail(self, follow: _Follow, error: ServiceError) -> None:
        """Write that it failed. What waits for it is set aside, or stays in hand to be given back."""
        taken = [rung.taken for rung in follow.rungs if rung.taken.entry_id in self._hand]
        try:
            if self._parts.exports.fail(follow.export, error).state is ExportState.FAILED:
                self._bury(taken, error)
        except ExportMoved:
            self._drop(taken)

    def _leave(self, follow: _Follow) -> None:
        try:
            self._parts.exports.leave(follow.export)
        except ExportMoved:
            self._drop(rung.taken for rung in follow.rungs)

    # Converting.

    def _convert(self, follow: _Follow) -> None:
        """Read the export's rows and settle the deliveries that asked for them, and no others."""
        parts, taken = self._parts, [rung.taken for rung in follow.rungs]
        ontology = parts.labels.normalized_ontology(follow.export.project)
        parts.inbox.begin(taken)
        shown = self._read(follow.export, ontology)
        # A worker that stood still has lost it: others have seen newer rows since.
        follow.export = parts.exports.write(follow.export)
        settling = Settling(parts.examples, parts.letters, parts.pipelines, parts.clock)
        fates = settling.settle(follow.rungs, shown)
        by_fate = {fate: [rung.taken for rung in follow.rungs if fates[rung] is fate] for fate in Fate}
        self._settle(by_fate[Fate.SETTLED])
        parts.inbox.look_again(by_fate[Fate.LATER])
        # The crashed ones stay as they are, counted as tried: they come back alone, or nearly.
        self._drop([*by_fate[Fate.LATER], *by_fate[Fate.CRASHED]])
        self._tally.changes += settling.changes
        self._tally.crashes += settling.crashes

    def _read(self, export: Export, ontology: Mapping[str, Any]) -> Shown:
        rows: dict[str, Mapping[str, Any]] = {}
        malformed = 0
        for row in self._parts.labels.read(export.task_id or ""):
            if row is None:
                malformed += 1
            else:
                rows[row_id_of(row)] = row
        return Shown(rows, malformed, ontology, export.observed_at)

    def _settle(self, taken: Iterable[Taken]) -> None:
        done = list(taken)
        self._parts.inbox.acknowledge(done)
        self._drop(done)
        self._tally.settled += len(done)

    def _bury(self, taken: Sequence[Taken], error: ServiceError) -> None:
        for item in taken:
            self._parts.letters.put(
                "delivery", item.delivery.key, error, content=item.delivery, now=self._parts.clock()
            )
        self._settle(taken)

    def _drop(self, taken: Iterable[Taken]) -> None:
        for item in taken:
            self._hand.pop(item.entry_id, None)
