"""Examples as they are kept, and what a fresh look at Labelbox changes in them.

One row a pipeline and data row, whether it gives an example or not: so a row is never both example and reject.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from service.domain.contents import Content, content_hash_of, question_of
from service.domain.labels import RowOutcome
from service.domain.pipelines import DatasetPolicy
from service.domain.splits import Split, group_key, split_of

Status = Literal["active", "prompt", "withdrawn", "rejected"]
# A row of these gives a training line, or a prompt of a prompt set.
STANDING: frozenset[Status] = frozenset({"active", "prompt"})
LONGEST_LAG = timedelta(hours=1)
ROW_GONE = "row_gone"
# Its prompt was edited into one whose group has another split already.
SPLIT_CONFLICT = "split_conflict"


@dataclass(frozen=True, slots=True)
class Example:
    """The standing of one data row in one pipeline.

    Attributes:
        example_id: Stable for a pipeline and data row, whatever happens to its labels.
        status: ``active`` gives a training line; ``prompt`` is one of a prompt set; ``withdrawn`` once was either;
            ``rejected`` never was.
        version: Counts the distinct contents this example has had; 0 while it had none.
        content_hash: SHA-256 over the content, empty while there is none.
        choice: Why this label counts and no other.
        reason: Why it is not active.
        label_ids: Every label that the row had when it was read.
        activity_at: Labelbox's own time of the state this was read from.
        observed_at: When the export was asked for that this was read from.
    """

    pipeline: str
    data_row_id: str
    example_id: str
    activity_at: datetime
    observed_at: datetime
    global_key: str | None = None
    status: Status = "rejected"
    reason: str | None = None
    label_id: str | None = None
    choice: str | None = None
    label_ids: tuple[str, ...] = ()
    version: int = 0
    content_hash: str = ""
    content: Content = ()
    group: str = ""
    split: Split | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One row to write.

    Attributes:
        example: The row as it shall be.
        is_new_version: Whether its content differs from before. Only that counts towards the threshold: un-approving
            and approving the same text again must not pay for a second training.
        is_told: Whether it belongs into the row's story: not where the row was only touched.
    """

    example: Example
    is_new_version: bool
    is_told: bool = True


def example_id_of(pipeline: str, data_row_id: str) -> str:
    """Give the stable id of the example that a data row may become in a pipeline."""
    return "ex-" + hashlib.sha256(f"{pipeline}\n{data_row_id}".encode()).hexdigest()[:24]


def plan_changes(
    pipeline: str,
    *,
    before: Mapping[str, Example],
    outcomes: Iterable[RowOutcome],
    observed_at: datetime,
    policy: DatasetPolicy,
    splits: Mapping[str, Split],
) -> list[Change]:
    """Say what to write so that the examples equal what Labelbox just showed.

    Args:
        pipeline: The pipeline's name.
        before: The rows as they stand, by data row id.
        outcomes: What the export said, at most one a data row.
        observed_at: When that export was asked for.
        policy: The shares of the splits.
        splits: The split of every group that already has one.

    Returns:
        The rows that differ; a row that was seen more recently than this export is left alone.
    """
    given = dict(splits)
    changes = []
    for outcome in outcomes:
        old = before.get(outcome.data_row_id)
        if old and _is_stale(old, outcome, observed_at):
            continue
        new = _standing(pipeline, old, outcome, observed_at, policy, given)
        if old is None or _substance(old) != _substance(new):
            changed = old is None or old.content_hash != new.content_hash
            told = old is None or _story(old) != _story(new)
            changes.append(Change(new, is_new_version=new.status in STANDING and changed, is_told=told))
    return changes


def _is_stale(old: Example, outcome: RowOutcome, observed_at: datetime) -> bool:
    if old.reason == ROW_GONE and old.observed_at > observed_at:
        # A row that is gone has no activity to compare with: what was asked for earlier knows nothing newer.
        return True
    if outcome.activity_at < old.activity_at:
        # Exports lag, and show an older state for a while. What they show long after is what there is: whether a
        # deletion takes the time of a row's last activity back, nobody says.
        return observed_at - old.observed_at < LONGEST_LAG
    return outcome.activity_at == old.activity_at and observed_at < old.observed_at


def withdrawn(example: Example, *, observed_at: datetime) -> Change:
    """Take an example back whose data row is gone from Labelbox."""
    status: Status = "withdrawn" if example.version else "rejected"
    gone = replace(example, status=status, reason=ROW_GONE, label_id=None, observed_at=observed_at)
    return Change(gone, is_new_version=False)


def _standing(  # noqa: PLR0917 - private, called once; keyword names would only repeat the names
    pipeline: str,
    old: Example | None,
    outcome: RowOutcome,
    observed_at: datetime,
    policy: DatasetPolicy,
    given: dict[str, Split],
) -> Example:
    row_id = outcome.data_row_id
    base = old or Example(pipeline, row_id, example_id_of(pipeline, row_id), outcome.activity_at, observed_at)
    base = replace(
        base,
        activity_at=outcome.activity_at,
        observed_at=observed_at,
        global_key=outcome.global_key,
        label_id=outcome.label_id,
        choice=outcome.choice,
        label_ids=outcome.label_ids,
    )
    if outcome.content is None:
        # The old text stays on the row: a snapshot that holds it must still be explained.
        status: Status = "withdrawn" if base.version else "rejected"
        return replace(base, status=status, reason=outcome.reason)
    content_hash = content_hash_of(outcome.content)
    fresh = replace(
        base,
        reason=None,
        version=base.version + (content_hash != base.content_hash),
        content_hash=content_hash,
        content=outcome.content,
    )
    if outcome.is_prompt:
        return replace(fresh, status="prompt")
    group = group_key(question_of(outcome.content))
    if group not in given:
        # An edited prompt is another group, but the example stays where it was: it must not wander into training.
        given[group] = base.split or _draw(pipeline, group, policy)
    if base.split not in (None, given[group]):
        status = "withdrawn" if base.version else "rejected"
        return replace(base, status=status, reason=SPLIT_CONFLICT)
    return replace(fresh, status="active", group=group, split=given[group])


def _draw(pipeline: str, group: str, policy: DatasetPolicy) -> Split:
    return split_of(
        group,
        salt=pipeline,
        held_out_percent=policy.held_out_percent,
        validation_percent=policy.validation_percent,
    )


def _story(example: Example) -> tuple[object, ...]:
    return (example.status, example.reason, example.label_id, example.choice, example.version)


def _substance(example: Example) -> tuple[object, ...]:
    # Not observed_at: a second look that finds the same is no change.
    return (
        example.status,
        example.reason,
        example.label_id,
        example.content_hash,
        example.global_key,
        example.activity_at,
    )
