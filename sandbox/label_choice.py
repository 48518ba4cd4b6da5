"""Which of a row's labels an action is about. Pure."""

from dataclasses import replace

from sandbox.errors import OperationNotAllowed, UnknownResource
from sandbox.records import Label, ProjectRow


def named_or_own(row: ProjectRow, label_id: str | None, by: str) -> Label:
    """Give the label named, else the person's own, else the oldest.

    Raises:
        OperationNotAllowed: The row has no label.
        UnknownResource: It has none of this id.
    """
    if not row.labels:
        raise OperationNotAllowed("the row has no label")
    if label_id is None:
        return own(row, by) or row.labels[0]
    return _named(row, label_id)


def named_or_best(row: ProjectRow, label_id: str | None) -> Label | None:
    """Give the label named, else the reviewer's choice so far, else the best: answered, of highest score, oldest.

    Raises:
        UnknownResource: There is none of this id.
    """
    if label_id is not None:
        return _named(row, label_id)
    best = max(row.labels, key=lambda label: (not label.skipped, _newest_score(label)), default=None)
    return row.label(row.chosen_label_id) or best


def best_id(row: ProjectRow) -> str | None:
    """Give the id of the label that counts unless somebody says otherwise."""
    best = named_or_best(row, None)
    return best.id if best else None


def with_label(row: ProjectRow, label: Label) -> ProjectRow:
    """Put a changed label in the place of the one with its id."""
    return replace(row, labels=tuple(label if one.id == label.id else one for one in row.labels))


def own(row: ProjectRow, by: str) -> Label | None:
    """Give the label that a person made."""
    return next((label for label in row.labels if label.created_by == by), None)


def _named(row: ProjectRow, label_id: str) -> Label:
    if found := row.label(label_id):
        return found
    raise UnknownResource(f"the row has no label {label_id!r}")


def _newest_score(label: Label) -> float:
    newest = label.scores[-1].value if label.scores else None
    return newest or 0.0
