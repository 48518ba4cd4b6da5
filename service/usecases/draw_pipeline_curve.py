"""A pipeline's learning curve, from what its evaluations left."""

from typing import Protocol

from service.domain.errors import NotFound, ServiceError
from service.domain.evaluation_facts import Facts, is_judged, metric_in, values_in
from service.domain.learning_curves import LearningCurve, Version, draw_curve
from service.domain.metrics import Metric
from service.domain.snapshots import sizes_of
from service.ports import EvaluationReads, RunStore, SnapshotStore, StoredEvaluation


class NoCurve(ServiceError):
    """The metric's values of different runs cannot be compared."""

    remedy = "Name another metric of the pipeline's verdict with --metric."


class CurveStores(Protocol):
    """Where it is read from."""

    @property
    def runs(self) -> RunStore:
        """The runs."""

    @property
    def snapshots(self) -> SnapshotStore:
        """What they were trained on."""

    @property
    def evaluation_reads(self) -> EvaluationReads:
        """What they scored."""


# The newest; older ones say little of what the next labels bring, and each is as large as its held-out set.
MOST_VERSIONS = 30


def draw_pipeline_curve(
    pipeline: str, stores: CurveStores, *, metric: str | None = None, until: str | None = None
) -> LearningCurve | None:
    """Draw it; None where no run was judged yet, or by nothing that a curve can be made of.

    Args:
        pipeline: Whose.
        stores: Where it is read from.
        metric: One of the verdict's; without it the first of the newest verdict that is no judge's.
        until: Only runs up to this one, by id.

    Raises:
        NotFound: No evaluation has a metric of this name.
        NoCurve: The metric is a judge's.
    """
    chosen: Metric | None = None
    versions: list[Version] = []
    known: set[str] = set()
    for one in stores.evaluation_reads.newest(pipeline, limit=MOST_VERSIONS, until=until):
        known |= set(one.facts.get("intervals", {}))
        chosen = chosen or _metric(one.facts, metric)
        if chosen and (version := _version(one, chosen.name, stores)):
            versions.append(version)
    if chosen is None and metric is not None and known:
        raise NotFound(f"no evaluation has the metric {metric!r}", remedy=f"There are: {', '.join(sorted(known))}")
    return draw_curve(chosen, versions) if chosen else None


def _metric(facts: Facts, name: str | None) -> Metric | None:
    measured = facts.get("intervals", {})
    if name is not None:
        if name in measured and is_judged(facts, name):
            raise NoCurve(f"{name} is a judge's: it says who of two is better, not how good one is")
        return metric_in(facts, name) if name in measured else None
    usual = (known for known in measured if not is_judged(facts, known))
    return next((metric for known in usual if (metric := metric_in(facts, known))), None)


def _version(one: StoredEvaluation, metric: str, stores: CurveStores) -> Version | None:
    """Give a run as a version; None where its evaluation has not this metric, or says of no snapshot."""
    values, snapshot_id = values_in(one.facts, metric), one.facts.get("snapshot_id")
    if not values or not snapshot_id:
        return None
    run = stores.runs.get(one.run_id)
    trained_on = sizes_of(stores.snapshots.find(snapshot_id).files)["train"]
    return Version(run.run_id, run.ordinal, run.model, trained_on, values)
