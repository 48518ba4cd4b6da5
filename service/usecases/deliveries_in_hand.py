"""The deliveries that a job has taken, until each is acknowledged or given back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from service.domain.deliveries import Doorbell, read_doorbell
from service.domain.errors import ConversionCrashed, ServiceError, UnknownProject
from service.domain.exports import MAX_ATTEMPTS, MAX_IDS
from service.domain.pipelines import Pipeline
from service.ports import Clock, DeadLetters, Inbox, Taken
from service.usecases.settle_deliveries import Rung

# Deliveries kept whole while their project's export is away; of more only the names are kept.
HELD = 2 * MAX_IDS


class DeliveriesInHand:
    """What was taken, sorted by project.

    Args:
        inbox: Where they come from.
        letters: Where those go that nobody can use.
        pipelines: By name.
        clock: The time.
        wish: Has a project reconciled.

    Attributes:
        waiting: The deliveries that wait for an export of their project, by entry id.
        taken: How many were taken; ``settled``: how many of them for good.
    """

    def __init__(
        self,
        inbox: Inbox,
        letters: DeadLetters,
        pipelines: Mapping[str, Pipeline],
        *,
        clock: Clock,
        wish: Callable[[str], object],
    ) -> None:
        self._inbox, self._letters, self._pipelines = inbox, letters, pipelines
        self._clock, self._wish = clock, wish
        self._hand: dict[str, Taken] = {}
        self._seen: set[str] = set()
        self.waiting: dict[str, dict[str, Rung]] = {}
        self.taken = self.settled = 0

    def __len__(self) -> int:
        return len(self._hand)

    def touch(self) -> None:
        """Say that they are still being worked on; called from beside."""
        self._inbox.touch(list(self._hand.values()))

    def take(self, limit: int) -> bool:
        """Take more from the inbox; say whether there was something new."""
        taken = self._inbox.take(limit)
        fresh = [item for item in taken if item.entry_id not in self._seen]
        # What comes a second time counts as not taken: a job looks at nothing twice, or it might never end.
        again = [item for item in taken if item.entry_id in self._seen]
        self._inbox.hold([self._hand[item.entry_id] for item in again if item.entry_id in self._hand])
        self._inbox.give_back([item for item in again if item.entry_id not in self._hand])
        self.taken += len(fresh)
        for rung in self._sort(fresh):
            self.keep(rung)
        return bool(fresh)

    def gather(self, project: str, entry_ids: Sequence[str]) -> list[Rung]:
        """Give these of a project's, whoever has them; those that are settled are left out."""
        waiting = self.waiting.setdefault(project, {})
        found = [waiting.pop(entry_id) for entry_id in entry_ids if entry_id in waiting]
        here = {rung.taken.entry_id for rung in found}
        elsewhere = [entry_id for entry_id in entry_ids if entry_id not in here]
        for rung in self._sort(self._inbox.claim(elsewhere) if elsewhere else []):
            if rung.project == project:
                found.append(rung)
            else:
                # It is routed elsewhere since: the configuration was changed.
                self.keep(rung)
        return found

    def keep(self, rung: Rung) -> None:
        """Let a delivery wait for an export."""
        waiting = self.waiting.setdefault(rung.project, {})
        if len(waiting) < HELD:
            waiting[rung.taken.entry_id] = rung
            self._hand[rung.taken.entry_id] = rung.taken
        else:
            # In hand, so that those behind it are seen, but without its body.
            bare = replace(rung.taken, delivery=replace(rung.taken.delivery, body=b""))
            self._hand[rung.taken.entry_id] = bare

    def settle(self, taken: Iterable[Taken]) -> None:
        """Acknowledge these: they are converted or in the dead letters."""
        done = list(taken)
        self._inbox.acknowledge(done)
        self.drop(done)
        self.settled += len(done)

    def bury(self, taken: Iterable[Taken], error: ServiceError) -> None:
        """Set these aside, if we still have them."""
        lost = [item for item in taken if item.entry_id in self._hand]
        for item in lost:
            self._letters.put("delivery", item.delivery.key, error, content=item.delivery, now=self._clock())
        self.settle(lost)

    def drop(self, taken: Iterable[Taken]) -> None:
        """Let go of these as they are."""
        for item in taken:
            self._hand.pop(item.entry_id, None)

    def give_back(self, pause: timedelta = timedelta(0)) -> None:
        """Let others take what is left, not before the pause is over."""
        left = list(self._hand.values())
        self._hand.clear()
        self._inbox.give_back(left, pause=pause)

    def _sort(self, taken: Sequence[Taken]) -> list[Rung]:
        """Give the deliveries that point to rows; the others are settled here."""
        found = []
        self._hand.update((item.entry_id, item) for item in taken)
        self._seen.update(item.entry_id for item in taken)
        for item in taken:
            try:
                rung = self._rung(item)
            except ServiceError as error:
                self.bury([item], error)
                continue
            if 0 < len(rung.doorbell.data_row_ids) <= MAX_IDS:
                found.append(rung)
            else:
                # It only says that something in the project changed, or names more than one export can.
                self._wish(rung.project)
                self.settle([item])
        self._inbox.hold([rung.taken for rung in found])
        return found

    def _rung(self, item: Taken) -> Rung:
        if item.attempts > MAX_ATTEMPTS:
            raise ConversionCrashed(f"the worker died {item.attempts - 1} times while it was converted")
        doorbell = read_doorbell(item.delivery.topic, item.delivery.body)
        project, names = self._route(item, doorbell)
        return Rung(item, doorbell, project, names)

    def _route(self, item: Taken, doorbell: Doorbell) -> tuple[str, tuple[str, ...]]:
        named = self._pipelines.get(item.delivery.pipeline)
        project = doorbell.project_id or (named.labels.project if named else None)
        names = tuple(
            name
            for name, pipeline in self._pipelines.items()
            if pipeline.labels.project == project and item.delivery.pipeline in ("", name)
        )
        if project is None or not names:
            words = f"project {project[:60]}" if project else "what names no project"
            raise UnknownProject(f"no pipeline reads {words} (path: {item.delivery.pipeline[:60] or '-'})")
        return project, names
