"""What reviewers do to a data row of a project. Pure: the row in, the changed row and its events out.

Approving moves the row's last activity but not the label's ``updated_at``, and only a row that is done names its
chosen label, as in exports that were published.
"""

from dataclasses import replace

from sandbox.changes import Change, Doing, Event
from sandbox.errors import OperationNotAllowed
from sandbox.history import action, queue_of, with_history
from sandbox.history import move as moved
from sandbox.label_choice import best_id, named_or_best, named_or_own, with_label
from sandbox.records import Label, ProjectRow, Status

_REVIEW_SECONDS = 6


def approve(row: ProjectRow, doing: Doing) -> Change:
    """Let the reviewer accept a label: the row is done and names it.

    Raises:
        OperationNotAllowed: The row is not in review, or its label was deleted.
    """
    label = _reviewed(row, doing)
    entry = action("Approve", doing, doing.queues.review, None)
    changed = replace(
        with_label(row, label),
        status="DONE",
        selected_label_id=label.id,
        chosen_label_id=label.id,
        last_activity_at=doing.at,
    )
    return Change(with_history(changed, [entry]), (Event("WORKFLOW_ACTION"),))


def reject(row: ProjectRow, doing: Doing) -> Change:
    """Let the reviewer send the label to rework.

    Raises:
        OperationNotAllowed: The row is not in review, or its label was deleted.
    """
    label = _reviewed(row, doing)
    # The spelling "Reject" was in no export that we saw; receivers must go by the status.
    entry = action("Reject", doing, doing.queues.review, doing.queues.rework)
    changed = replace(with_label(row, label), status="IN_REWORK", last_activity_at=doing.at)
    return Change(with_history(changed, [entry]), (Event("WORKFLOW_ACTION"),))


def choose(row: ProjectRow, doing: Doing) -> Change:
    """Let the reviewer say which of several labels counts; a done row shows it at once.

    Raises:
        OperationNotAllowed: The row is neither in review nor done, or has no label.
    """
    if row.status not in {"IN_REVIEW", "DONE"}:
        raise OperationNotAllowed(f"the row is {row.status}, nobody chooses among its labels")
    chosen = named_or_own(row, doing.label_id, doing.by).id
    shown = chosen if row.status == "DONE" else None
    changed = replace(row, chosen_label_id=chosen, selected_label_id=shown, last_activity_at=doing.at)
    return Change(changed, (Event("WORKFLOW_ACTION"),))


def move(row: ProjectRow, doing: Doing, *, to: Status) -> Change:
    """Move the row by hand; out of done this takes the approval back."""
    entry = moved(doing, queue_of(row.status, doing.queues), queue_of(to, doing.queues))
    chosen = best_id(row) if to == "DONE" else None
    changed = replace(row, status=to, selected_label_id=chosen, last_activity_at=doing.at)
    return Change(with_history(changed, [entry]), (Event("WORKFLOW_ACTION"),))


def _reviewed(row: ProjectRow, doing: Doing) -> Label:
    if row.status != "IN_REVIEW":
        raise OperationNotAllowed(f"the row is {row.status}, not IN_REVIEW")
    label = named_or_best(row, doing.label_id)
    if label is None:
        raise OperationNotAllowed("the row has no label")
    return replace(label, seconds_to_review=label.seconds_to_review + _REVIEW_SECONDS)
