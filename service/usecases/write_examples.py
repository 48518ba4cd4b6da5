"""Write what an export showed: one transaction a pipeline, planned by the domain under the pipeline's lock."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from service.domain.contents import question_of
from service.domain.examples import ROW_GONE, Change, Example, plan_changes, withdrawn
from service.domain.labels import RowOutcome
from service.domain.pipelines import Pipeline
from service.domain.splits import Split, group_key
from service.ports import ExampleStore


def write_outcomes(
    examples: ExampleStore,
    pipeline: Pipeline,
    outcomes: Iterable[RowOutcome],
    *,
    gone: Collection[str],
    observed_at: datetime,
    audit: Sequence[Mapping[str, Any]] = (),
) -> Sequence[Change]:
    """Make the examples equal what was seen.

    Args:
        examples: Where they are kept.
        pipeline: Whose examples they are.
        outcomes: What each exported data row said.
        gone: Data rows that were asked for and that Labelbox no longer has.
        observed_at: When the export was asked for.
        audit: One row a delivery that this settles, written in the same transaction.

    Returns:
        What was changed.
    """
    found = list(outcomes)

    def plan(before: Mapping[str, Example], splits: Mapping[str, Split]) -> list[Change]:
        changes = plan_changes(
            pipeline.name,
            before=before,
            outcomes=found,
            observed_at=observed_at,
            policy=pipeline.dataset,
            splits=splits,
        )
        lost = [before[row_id] for row_id in sorted(gone) if row_id in before]
        changes += [
            withdrawn(example, observed_at=observed_at)
            for example in lost
            if example.reason != ROW_GONE and example.observed_at <= observed_at
        ]
        return changes

    return examples.apply(
        pipeline.name,
        plan,
        data_row_ids=[outcome.data_row_id for outcome in found] + sorted(gone),
        groups=[group_key(question_of(outcome.content)) for outcome in found if outcome.content is not None],
        audit=audit,
    )
