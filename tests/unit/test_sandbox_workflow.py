"""What each action does to a row: status, label, history, activity, events."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox import labelling, reviewing
from sandbox.changes import Change, Doing
from sandbox.errors import OperationNotAllowed
from sandbox.ids import Ids
from sandbox.project import new_queues
from sandbox.records import Batch, Content, DataRow, ProjectRow

START = datetime(2026, 11, 20, 10, tzinfo=UTC)
QUEUES = new_queues(Ids(0))
ANSWER = Content(({"value": "summary", "text_answer": {"content": "first"}},))
OTHER = Content(({"value": "summary", "text_answer": {"content": "second"}},))
WAITING = ProjectRow(
    DataRow("row", "dataset", "text", None, None, START, START), Batch("b", "b", START), 5, "TO_LABEL", START
)


def doing(minutes: int, by: str = "labeler@example.com") -> Doing:
    return Doing(by=by, at=START + timedelta(minutes=minutes), queues=QUEUES, seconds=40)


def submitted(row: ProjectRow = WAITING, minutes: int = 1) -> ProjectRow:
    return labelling.submit(row, doing(minutes), content=ANSWER, label_id="label").row


def topics(change: Change) -> list[str]:
    return [event.topic for event in change.events]


def test_submitting_makes_a_label_and_passes_the_row_to_review() -> None:
    change = labelling.submit(WAITING, doing(1), content=ANSWER, label_id="label")
    (label,) = change.row.labels
    assert (change.row.status, topics(change)) == ("IN_REVIEW", ["LABEL_CREATED"])
    assert (label.id, label.created_by, label.seconds_to_label) == ("label", "labeler@example.com", 40)
    assert change.row.last_activity_at == label.content_last_updated_at == START + timedelta(minutes=1)
    assert change.row.selected_label_id is None
    assert [entry["next_task_name"] for entry in change.row.history] == [QUEUES.review.name, QUEUES.labeling.name]
    assert "previous_task_name" not in change.row.history[1]


def test_approving_names_the_label_and_leaves_its_stamps_alone() -> None:
    change = reviewing.approve(submitted(), doing(2, by="reviewer@example.com"))
    (label,) = change.row.labels
    assert (change.row.status, change.row.selected_label_id) == ("DONE", "label")
    assert topics(change) == ["WORKFLOW_ACTION"]
    assert label.updated_at == START + timedelta(minutes=1)
    assert change.row.last_activity_at == START + timedelta(minutes=2)
    assert change.row.history[0]["action"] == "Approve"
    assert "next_task_id" not in change.row.history[0]


def test_rework_changes_the_label_that_was_rejected() -> None:
    rejected = reviewing.reject(submitted(), doing(2)).row
    assert (rejected.status, rejected.history[0]["next_task_id"]) == ("IN_REWORK", QUEUES.rework.id)
    change = labelling.submit(rejected, doing(3), content=OTHER, label_id="unused")
    (label,) = change.row.labels
    assert (label.id, label.classifications, label.seconds_to_rework) == ("label", OTHER.classifications, 40)
    assert (change.row.status, topics(change)) == ("IN_REVIEW", ["LABEL_UPDATED"])
    assert change.row.history[0]["previous_task_id"] == QUEUES.rework.id


def test_editing_a_done_row_keeps_it_done_with_the_new_answer() -> None:
    done = reviewing.approve(submitted(), doing(2)).row
    change = labelling.edit(done, doing(3), content=OTHER)
    (label,) = change.row.labels
    assert (change.row.status, change.row.selected_label_id, label.classifications) == (
        "DONE",
        "label",
        OTHER.classifications,
    )
    assert label.created_at < label.content_last_updated_at == change.row.last_activity_at
    assert topics(change) == ["LABEL_UPDATED"]


def test_deleting_the_label_sends_the_row_back_to_labeling() -> None:
    done = reviewing.approve(submitted(), doing(2)).row
    change = labelling.delete_label(done, doing(3))
    assert (change.row.status, change.row.labels, change.row.selected_label_id) == ("TO_LABEL", (), None)
    assert [(event.topic, event.label and event.label.id) for event in change.events] == [("LABEL_DELETED", "label")]


def test_moving_out_of_done_takes_the_approval_back_and_moving_in_gives_it() -> None:
    done = reviewing.approve(submitted(), doing(2)).row
    back = reviewing.move(done, doing(3), to="IN_REVIEW")
    assert (back.row.status, back.row.selected_label_id, topics(back)) == ("IN_REVIEW", None, ["WORKFLOW_ACTION"])
    assert "previous_task_id" not in back.row.history[0]
    assert reviewing.move(back.row, doing(4), to="DONE").row.selected_label_id == "label"


def test_a_skipped_row_has_a_label_without_answers() -> None:
    change = labelling.submit(WAITING, doing(1), content=Content(), label_id="label", skipped=True)
    assert (change.row.labels[0].skipped, topics(change)) == (True, ["LABEL_CREATED"])
    assert reviewing.approve(change.row, doing(2)).row.status == "DONE"


def test_deleting_the_row_deletes_its_label() -> None:
    change = labelling.delete_row(submitted(), doing(2))
    assert (change.row.deleted, change.row.labels, topics(change)) == (True, (), ["LABEL_DELETED"])
    assert labelling.delete_row(WAITING, doing(2)).events == ()


def test_actions_are_refused_where_the_row_does_not_stand() -> None:
    done = reviewing.approve(submitted(), doing(2)).row
    with pytest.raises(OperationNotAllowed):
        submitted(done)
    with pytest.raises(OperationNotAllowed):
        reviewing.approve(done, doing(3))
    with pytest.raises(OperationNotAllowed):
        reviewing.reject(WAITING, doing(3))
    with pytest.raises(OperationNotAllowed):
        labelling.edit(WAITING, doing(3), content=OTHER)
    with pytest.raises(OperationNotAllowed):
        labelling.delete_label(WAITING, doing(3))
    with pytest.raises(OperationNotAllowed):
        reviewing.approve(reviewing.move(WAITING, doing(3), to="IN_REVIEW").row, doing(4))
