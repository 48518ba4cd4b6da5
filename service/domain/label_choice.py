"""Which of the labels on a data row counts, and why."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from service.domain.errors import NoExample
from service.domain.export_rows import Label, Project, moment_of

Accept = Literal["done", "submitted"]
NOT_LABELLED = "not_labelled"
_NEVER = datetime.min.replace(tzinfo=UTC)


def refusal(project: Project, accept: Accept) -> str | None:
    """Give the reason why no label of a row counts yet, or None.

    Args:
        project: The row's labels and its place in the workflow.
        accept: ``done`` for approved rows only, ``submitted`` also for those that nobody reviewed yet.
    """
    if not project.labels:
        return NOT_LABELLED
    details = project.project_details
    if details is None:
        # An export made without that option; the service's own always have it.
        return "status_unknown" if accept == "done" else None
    if accept == "done":
        return None if details.workflow_status == "DONE" else "not_done"
    if details.workflow_status == "IN_REWORK":
        return "in_rework"
    expected = details.consensus_expected_label_count or 0
    # Otherwise the example would change with each labeler's answer.
    is_waiting = details.workflow_status == "TO_LABEL" and len(project.labels) < expected
    return "consensus_incomplete" if is_waiting else None


def choose_label(project: Project) -> tuple[Label, str]:
    """Give the label that counts and why it does.

    The one that Labelbox selected; else the only one; else the highest consensus or benchmark score, and among
    equals the newest content. Scores come late: without any the newest content counts.

    Raises:
        NoExample: The row was skipped, or the selected label is not on it.

    Source: Labelbox documentation, "Consensus" and "Benchmark"; the order of the rest is ours.
    """
    selected = project.project_details.selected_label_id if project.project_details else None
    for label in project.labels:
        if label.id == selected:
            if _is_skipped(label):
                # Where a skip was approved, no other label may speak for the row.
                raise NoExample("skipped")
            return label, "selected"
    if selected:
        raise NoExample("selection_missing")
    useful = [label for label in project.labels if not _is_skipped(label)]
    if not useful:
        raise NoExample("skipped")
    if len(useful) == 1:
        return useful[0], "only"
    best = max(useful, key=lambda label: (_score(label), _changed_at(label), label.id))
    return best, "highest_score" if _score(best) > _lowest(useful) else "newest"


def touched_at(labels: Sequence[Label]) -> datetime | None:
    """Give when a label of the row was last touched, for whatever reason."""
    stamps = [label.label_details.updated_at for label in labels if label.label_details]
    return max((moment_of(stamp) for stamp in stamps if stamp), default=None)


def _is_skipped(label: Label) -> bool:
    return bool(label.performance_details and label.performance_details.skipped)


def _score(label: Label) -> float:
    performance = label.performance_details
    scores = (performance.consensus_score, performance.benchmark_score) if performance else ()
    return max((score for score in scores if score is not None), default=-1.0)


def _lowest(labels: Sequence[Label]) -> float:
    return min(map(_score, labels))


def _changed_at(label: Label) -> datetime:
    # updated_at moves when a sibling label arrives; content_last_updated_at only with the text.
    details = label.label_details
    stamp = (details.content_last_updated_at or details.created_at) if details else None
    return moment_of(stamp) if stamp else _NEVER
