"""Say where one pipeline stands: what it has, whether a run is due, how far it drifted, who serves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from service.domain.pipelines import Pipeline
from service.domain.runs import Run
from service.domain.triggers import Counts, Decision
from service.ports import DeadLetters, EvaluationStore, Inbox, ReconcileStore, RunStore
from service.usecases.doors import Doorkeepers, weigh
from service.usecases.sunset import champion_sunset


class Stores(Doorkeepers, Protocol):
    """Everything that is asked where things stand."""

    @property
    def inbox(self) -> Inbox:
        """Deliveries not converted yet."""

    @property
    def letters(self) -> DeadLetters:
        """Work set aside."""

    @property
    def runs(self) -> RunStore:
        """The runs."""

    @property
    def evaluations(self) -> EvaluationStore:
        """Verdicts and champions."""

    @property
    def reconciles(self) -> ReconcileStore:
        """What the reconciles found."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Labels in Labelbox against labels here, when the project was last read.

    Attributes:
        rows: Data rows that differed.
        labels_there: Labels in Labelbox.
        labels_here: Labels here.
        left: Differences that could not be mended.
        at: When it was read.
        whole_at: When the whole project was last read, and not only what had activity.
    """

    rows: int
    labels_there: int | None
    labels_here: int | None
    left: int | None
    at: datetime
    whole_at: datetime | None


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The newest reconcile.

    Attributes:
        at: When it ended.
        healed: Examples that were not as Labelbox had them.
        drift: None where that reconcile did not measure it.
    """

    at: datetime
    healed: int
    drift: Drift | None


@dataclass(frozen=True, slots=True)
class Stock:
    """Where one pipeline stands; ``champion`` also has ``shutdown_on``, None where no end is known."""

    counts: Counts
    decision: Decision
    reconciled: Reconciled | None
    newest: Run | None
    champion: Mapping[str, Any] | None


def take_stock(pipeline: Pipeline, stores: Stores, *, now: datetime) -> Stock:
    """Ask every store about a pipeline."""
    counts, decision = weigh(pipeline, stores, now=now)
    newest = stores.runs.recent(pipeline.name, 1)
    champion = stores.evaluations.champion(pipeline.name)
    return Stock(
        counts=counts,
        decision=decision,
        reconciled=last_reconcile(pipeline.name, stores.reconciles),
        newest=newest[0] if newest else None,
        champion=champion and {**champion, "shutdown_on": champion_sunset(champion, stores).shutdown_on},
    )


def last_reconcile(pipeline: str, reconciles: ReconcileStore) -> Reconciled | None:
    """Give what the newest reconcile of a pipeline found, None before the first."""
    facts = reconciles.latest(pipeline)
    return None if facts is None else Reconciled(facts["at"], facts["healed"], _drift(facts))


def _drift(facts: Mapping[str, Any]) -> Drift | None:
    if facts.get("drift") is None:
        return None
    whole_at = facts.get("whole_at")
    return Drift(
        rows=facts["drift"],
        labels_there=facts.get("labels_there"),
        labels_here=facts.get("labels_here"),
        left=facts.get("left"),
        at=facts["at"],
        whole_at=datetime.fromisoformat(whole_at) if whole_at else None,
    )
