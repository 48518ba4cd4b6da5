"""What people do to a data row of a project. Pure: the row in, the changed row and its events out.

The steps are Labelbox's own: initial labeling, review, rework, done. What each action moves follows exports
that were published: approving moves the row's last activity but not the label's ``updated_at``, only a row
that is done names its chosen label, and the history is written newest first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sandbox.errors import OperationNotAllowed
from sandbox.records import Json, Label, ProjectRow, Queue, Queues, Status, Topic
from sandbox.stamps import export_stamp

_REVIEW_SECONDS = 6


@dataclass(frozen=True, slots=True)
class Event:
    """Something that webhooks tell of; a workflow action concerns no single label."""

    topic: Topic
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The row as it is now, and what happened to it."""

    row: ProjectRow
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Doing:
    """Who acts, when, in which project's workflow, and for how long."""

    by: str
    at: datetime
    queues: Queues
    seconds: int = 30


def submit(
    row: ProjectRow, doing: Doing, *, classifications: Sequence[Json], label_id: str, skipped: bool = False
) -> Change:
    """Answer, from the labeling queue or from rework, and pass the row to review.

    A row that has a label already keeps it: rework changes the label, it does not add a second one.

    Raises:
        OperationNotAllowed: The row is in review or done.
    """
    if row.status not in {"TO_LABEL", "IN_REWORK"}:
        raise OperationNotAllowed(f"the row is {row.status}, nobody is asked to label it")
    topic: Topic = "LABEL_UPDATED" if row.labels else "LABEL_CREATED"
    label = (
        _reworked(row, doing, classifications, skipped=skipped)
        if row.labels
        else Label(
            id=label_id,
            created_at=doing.at,
            updated_at=doing.at,
            content_last_updated_at=doing.at,
            created_by=doing.by,
            classifications=tuple(classifications),
            skipped=skipped,
            seconds_to_label=doing.seconds,
        )
    )
    moves = [_move(doing, _queue_of(row.status, doing.queues), doing.queues.review)]
    if row.status == "TO_LABEL":
        # Labelbox writes the arrival in the labeling queue only now, a moment before the row leaves it.
        moves.append(_move(doing, None, doing.queues.labeling))
    changed = replace(row, status="IN_REVIEW", labels=(label,), last_activity_at=doing.at)
    return Change(_with_history(changed, moves), (Event(topic, label),))


def edit(row: ProjectRow, doing: Doing, *, classifications: Sequence[Json]) -> Change:
    """Change the answers of the label where the row stands, also when it is done.

    Raises:
        OperationNotAllowed: There is no label.
    """
    label = replace(
        _label_of(row),
        classifications=tuple(classifications),
        skipped=False,
        updated_at=doing.at,
        content_last_updated_at=doing.at,
    )
    changed = replace(row, labels=(label,), last_activity_at=doing.at)
    return Change(changed, (Event("LABEL_UPDATED", label),))


def delete_label(row: ProjectRow, doing: Doing) -> Change:
    """Delete the label; the row goes back to the labeling queue.

    Raises:
        OperationNotAllowed: There is no label.
    """
    label = _label_of(row)
    changed = replace(row, status="TO_LABEL", labels=(), selected_label_id=None, history=(), last_activity_at=doing.at)
    return Change(changed, (Event("LABEL_DELETED", label),))


def approve(row: ProjectRow, doing: Doing) -> Change:
    """Let the reviewer accept the label: the row is done and names it.

    Raises:
        OperationNotAllowed: The row is not in review, or its label was deleted.
    """
    label = replace(_in_review(row), seconds_to_review=_label_of(row).seconds_to_review + _REVIEW_SECONDS)
    entry = _action("Approve", doing, doing.queues.review, None)
    changed = replace(row, status="DONE", labels=(label,), selected_label_id=label.id, last_activity_at=doing.at)
    return Change(_with_history(changed, [entry]), (Event("WORKFLOW_ACTION"),))


def reject(row: ProjectRow, doing: Doing) -> Change:
    """Let the reviewer send the label to rework.

    Raises:
        OperationNotAllowed: The row is not in review, or its label was deleted.
    """
    label = replace(_in_review(row), seconds_to_review=_label_of(row).seconds_to_review + _REVIEW_SECONDS)
    # The spelling "Reject" was in no export that we saw; receivers must go by the status.
    entry = _action("Reject", doing, doing.queues.review, doing.queues.rework)
    changed = replace(row, status="IN_REWORK", labels=(label,), last_activity_at=doing.at)
    return Change(_with_history(changed, [entry]), (Event("WORKFLOW_ACTION"),))


def move(row: ProjectRow, doing: Doing, *, to: Status) -> Change:
    """Move the row by hand; out of done this takes the approval back."""
    entry = _move(doing, _queue_of(row.status, doing.queues), _queue_of(to, doing.queues))
    chosen = row.labels[0].id if to == "DONE" and row.labels else None
    changed = replace(row, status=to, selected_label_id=chosen, last_activity_at=doing.at)
    return Change(_with_history(changed, [entry]), (Event("WORKFLOW_ACTION"),))


def delete_row(row: ProjectRow, doing: Doing) -> Change:
    """Delete the data row, and its labels with it."""
    gone = replace(row, deleted=True, labels=(), selected_label_id=None, last_activity_at=doing.at)
    return Change(gone, tuple(Event("LABEL_DELETED", label) for label in row.labels))


def _reworked(row: ProjectRow, doing: Doing, classifications: Sequence[Json], *, skipped: bool) -> Label:
    label = row.labels[0]
    return replace(
        label,
        classifications=tuple(classifications),
        skipped=skipped,
        updated_at=doing.at,
        content_last_updated_at=doing.at,
        seconds_to_rework=label.seconds_to_rework + doing.seconds,
    )


def _label_of(row: ProjectRow) -> Label:
    if not row.labels:
        raise OperationNotAllowed("the row has no label")
    return row.labels[0]


def _in_review(row: ProjectRow) -> Label:
    if row.status != "IN_REVIEW":
        raise OperationNotAllowed(f"the row is {row.status}, not IN_REVIEW")
    return _label_of(row)


def _queue_of(status: Status, queues: Queues) -> Queue | None:
    return {"TO_LABEL": queues.labeling, "IN_REVIEW": queues.review, "IN_REWORK": queues.rework}.get(status)


def _move(doing: Doing, previous: Queue | None, following: Queue | None) -> Json:
    return _action("Move", doing, previous, following)


def _action(action: str, doing: Doing, previous: Queue | None, following: Queue | None) -> Json:
    entry: Json = {"action": action, "created_at": export_stamp(doing.at), "created_by": doing.by}
    if previous is not None:
        entry |= {"previous_task_name": previous.name, "previous_task_id": previous.id}
    if following is not None:
        entry |= {"next_task_name": following.name, "next_task_id": following.id}
    return entry


def _with_history(row: ProjectRow, newest_first: list[Json]) -> ProjectRow:
    return replace(row, history=(*newest_first, *row.history))
