"""Write what an export showed: one transaction a pipeline, planned by the domain under the pipeline's lock."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.domain.appraisals import Appraisal, Appraiser
from service.domain.contents import content_hash_of, question_of
from service.domain.examples import FORGOTTEN, ROW_GONE, Change, Planner, Standing, withdrawn
from service.domain.labels import RowOutcome
from service.domain.pipelines import Pipeline
from service.domain.placements import stratum_of
from service.domain.splits import group_key, named_group
from service.ports import ExampleStore, Wanted

# Gives a pipeline's own.
Appraisers = Callable[[Pipeline], Appraiser]


def write_outcomes(
    examples: ExampleStore,
    pipeline: Pipeline,
    outcomes: Iterable[RowOutcome],
    *,
    appraisers: Appraisers,
    gone: Collection[str],
    observed_at: datetime,
    audit: Sequence[Mapping[str, Any]] = (),
) -> Sequence[Change]:
    """Make the examples equal what was seen.

    Args:
        examples: Where they are kept.
        pipeline: Whose examples they are.
        outcomes: What each exported data row said.
        appraisers: Each pipeline's.
        gone: Data rows that were asked for and that Labelbox no longer has.
        observed_at: When the export was asked for.
        audit: One row a delivery that this settles, written in the same transaction.

    Returns:
        What was changed.
    """
    found = list(outcomes)
    appraiser = appraisers(pipeline)
    batch = Batch(pipeline, appraiser, examples)
    planner = Planner(pipeline, observed_at, batch.appraise, appraiser.mark)

    def plan(standing: Standing) -> list[Change]:
        lost = [standing.before[row_id] for row_id in sorted(gone) if row_id in standing.before]
        return planner.plan(found, standing) + [
            withdrawn(example, observed_at=observed_at)
            for example in lost
            if example.reason not in {ROW_GONE, FORGOTTEN} and example.observed_at <= observed_at
        ]

    return examples.apply(pipeline.name, plan, wanted=batch.wanted(found, gone), audit=audit)


@dataclass
class Batch:
    """Appraises what is new before the lock is taken: it takes longer than everything that is done under it."""

    pipeline: Pipeline
    appraiser: Appraiser
    examples: ExampleStore
    made: dict[str, Appraisal] = field(default_factory=dict)

    def appraise(self, outcome: RowOutcome) -> Appraisal:
        """Appraise a row's content, once."""
        if outcome.data_row_id not in self.made:
            self.made[outcome.data_row_id] = self.appraiser.appraise(outcome)
        return self.made[outcome.data_row_id]

    def wanted(self, outcomes: Sequence[RowOutcome], gone: Collection[str] = ()) -> Wanted:
        """Say what must be known to plan these."""
        ids = [outcome.data_row_id for outcome in outcomes]
        known = self.examples.appraised(self.pipeline.name, ids)
        said = [outcome for outcome in outcomes if outcome.content is not None and not outcome.is_prompt]
        keys: dict[str, None] = {}
        for outcome in said:
            keys[group_key(question_of(outcome.content or ()))] = None
            if named := self._named(outcome):
                keys[named] = None
            if known.get(outcome.data_row_id) != (content_hash_of(outcome.content or ()), self.appraiser.mark(outcome)):
                self.appraise(outcome)
        return Wanted(
            data_row_ids=[*ids, *sorted(gone)],
            keys=list(keys),
            fingerprints=[made.fingerprint for made in self.made.values() if made.fingerprint],
            strata=sorted({stratum_of((outcome.content or ())[-1].content) for outcome in said if outcome.is_choice}),
            global_keys=[outcome.global_key for outcome in outcomes if outcome.global_key],
        )

    def _named(self, outcome: RowOutcome) -> str | None:
        group_by = self.pipeline.dataset.group_by
        return named_group(group_by, metadata=outcome.metadata, global_key=outcome.global_key)
