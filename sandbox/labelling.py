"""What labelers do to a data row of a project. Pure: the row in, the changed row and its events out.

What each action moves follows exports that were published: a sibling's arrival moves a label's ``updated_at`` but not
``content_last_updated_at``, and a row that still lacks labels has no history.
"""

from dataclasses import replace

from sandbox.changes import Change, Doing, Event
from sandbox.errors import OperationNotAllowed
from sandbox.history import passed_on
from sandbox.label_choice import best_id, named_or_own, own, with_label
from sandbox.records import Content, Label, ProjectRow
from sandbox.scores import with_benchmark, with_consensus


def submit(row: ProjectRow, doing: Doing, *, content: Content, label_id: str, skipped: bool = False) -> Change:
    """Answer, and pass the row to review once it has all its labels.

    In the labeling queue a person whose label is still wanted makes one. In rework, and where a full row was moved
    back by hand, the label that is there is changed. A reviewer may add a label of their own to a row with consensus,
    and everybody may label a benchmark, wherever the row stands.

    Raises:
        OperationNotAllowed: The row asks for no label, or for none of this person any more.
    """
    if row.benchmark_label_id or (row.expected_labels and row.status == "IN_REVIEW"):
        return _joined(row, doing, _made(doing, content, label_id, skipped=skipped))
    if row.status not in {"TO_LABEL", "IN_REWORK"}:
        raise OperationNotAllowed(f"the row is {row.status}, nobody is asked to label it")
    if row.status == "IN_REWORK" or row.is_full:
        return _reworked(row, doing, content, skipped=skipped)
    change = _joined(row, doing, _made(doing, content, label_id, skipped=skipped))
    return Change(passed_on(change.row, doing), change.events) if change.row.is_full else change


def edit(row: ProjectRow, doing: Doing, *, content: Content) -> Change:
    """Change the answers of a label where the row stands, also when it is done.

    Raises:
        OperationNotAllowed: There is no label.
    """
    return _changed(row, doing, _rewritten(named_or_own(row, doing.label_id, doing.by), doing, content))


def delete_label(row: ProjectRow, doing: Doing) -> Change:
    """Delete a label; a row that now lacks one goes back to the labeling queue.

    Raises:
        OperationNotAllowed: There is no label.
    """
    label = named_or_own(row, doing.label_id, doing.by)
    left = tuple(one for one in row.labels if one is not label)
    benchmark = None if label.id == row.benchmark_label_id else row.benchmark_label_id
    changed = replace(row, labels=left, benchmark_label_id=benchmark, last_activity_at=doing.at)
    if not changed.is_full:
        changed = replace(changed, status="TO_LABEL", selected_label_id=None, history=())
    elif label.id == row.selected_label_id:
        changed = replace(changed, selected_label_id=best_id(changed))
    return Change(_scored(changed, doing), (Event("LABEL_DELETED", label),))


def mark_benchmark(row: ProjectRow, doing: Doing) -> Change:
    """Make a label the one that all others of this row are compared with.

    Raises:
        OperationNotAllowed: There is no label.
    """
    label = named_or_own(row, doing.label_id, doing.by)
    changed = replace(row, benchmark_label_id=label.id, last_activity_at=doing.at)
    return Change(_scored(changed, doing), ())


def delete_row(row: ProjectRow, doing: Doing) -> Change:
    """Delete the data row, and its labels with it."""
    gone = replace(row, deleted=True, labels=(), selected_label_id=None, last_activity_at=doing.at)
    return Change(gone, tuple(Event("LABEL_DELETED", label) for label in row.labels))


def _made(doing: Doing, content: Content, label_id: str, *, skipped: bool) -> Label:
    return Label(
        id=label_id,
        created_at=doing.at,
        updated_at=doing.at,
        content_last_updated_at=doing.at,
        created_by=doing.by,
        classifications=content.classifications,
        objects=content.objects,
        skipped=skipped,
        seconds_to_label=doing.seconds,
    )


def _rewritten(label: Label, doing: Doing, content: Content, *, skipped: bool = False) -> Label:
    return replace(
        label,
        classifications=content.classifications,
        objects=content.objects,
        skipped=skipped,
        updated_at=doing.at,
        content_last_updated_at=doing.at,
    )


def _joined(row: ProjectRow, doing: Doing, label: Label) -> Change:
    """Add a label; those that were there get a new ``updated_at``, as in real exports, but no new content."""
    if own(row, doing.by):
        raise OperationNotAllowed(f"{doing.by} has labelled this row already")
    siblings = tuple(replace(one, updated_at=doing.at) for one in row.labels)
    changed = replace(row, labels=(*siblings, label), last_activity_at=doing.at)
    return Change(_scored(changed, doing), (Event("LABEL_CREATED", label),))


def _reworked(row: ProjectRow, doing: Doing, content: Content, *, skipped: bool) -> Change:
    label = _rewritten(named_or_own(row, doing.label_id, doing.by), doing, content, skipped=skipped)
    label = replace(label, seconds_to_rework=label.seconds_to_rework + doing.seconds)
    change = _changed(row, doing, label)
    return Change(passed_on(change.row, doing), change.events)


def _changed(row: ProjectRow, doing: Doing, label: Label) -> Change:
    changed = replace(with_label(row, label), last_activity_at=doing.at)
    return Change(_scored(changed, doing), (Event("LABEL_UPDATED", label),))


def _scored(row: ProjectRow, doing: Doing) -> ProjectRow:
    known_at = doing.at + doing.scores_after
    if row.benchmark_label_id:
        return replace(row, labels=with_benchmark(row.labels, row.benchmark_label_id, known_at))
    return replace(row, labels=with_consensus(row.labels, known_at)) if row.expected_labels else row
