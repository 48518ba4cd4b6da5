"""Several labels of one row: who may add one, what moves when, how they are scored, which one counts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sandbox import labelling, reviewing
from sandbox.changes import Change, Doing
from sandbox.errors import OperationNotAllowed, UnknownResource
from sandbox.ids import Ids
from sandbox.project import new_queues
from sandbox.records import Batch, Content, DataRow, Json, ProjectRow
from sandbox.scores import score_at

START = datetime(2026, 11, 20, 10, tzinfo=UTC)
QUEUES = new_queues(Ids(0))
WAITING = ProjectRow(
    DataRow("row", "dataset", "text", None, None, START, START),
    Batch("b", "b", START),
    5,
    "TO_LABEL",
    START,
    expected_labels=3,
)
ALONE = replace(WAITING, expected_labels=None)
SCORES_AFTER = timedelta(seconds=30)


def doing(minutes: int, by: str = "reviewer", label_id: str | None = None) -> Doing:
    at = START + timedelta(minutes=minutes)
    return Doing(by=by, at=at, queues=QUEUES, label_id=label_id, scores_after=SCORES_AFTER)


def said(*values: str) -> Content:
    return Content(tuple(radio(f"q{n}", value) for n, value in enumerate(values)))


def radio(name: str, value: str) -> Json:
    return {"value": name, "radio_answer": {"value": value, "classifications": []}}


def submit(row: ProjectRow, minutes: int, by: str, *values: str, skipped: bool = False) -> Change:
    return labelling.submit(row, doing(minutes, by), content=said(*values), label_id=by, skipped=skipped)


def full(*values: str) -> ProjectRow:
    row = WAITING
    for minutes, value in enumerate(values or ("yes", "yes", "yes"), start=1):
        row = submit(row, minutes, f"label-{minutes}", value).row
    return row


def scores(row: ProjectRow, at: datetime) -> list[float | None]:
    return [score_at(label, at) for label in row.labels]


def test_a_row_waits_for_all_its_labels_and_has_no_history_until_then() -> None:
    row = WAITING
    for minutes in (1, 2):
        row = submit(row, minutes, f"label-{minutes}", "yes").row
        assert (row.status, row.history, len(row.labels)) == ("TO_LABEL", (), minutes)
    row = submit(row, 3, "label-3", "yes").row
    assert (row.status, len(row.history), row.selected_label_id) == ("IN_REVIEW", 2, None)


def test_a_sibling_moves_the_stamp_of_older_labels_but_not_that_of_their_content() -> None:
    first, second, third = full().labels
    assert {label.updated_at for label in (first, second, third)} == {START + timedelta(minutes=3)}
    assert first.content_last_updated_at == first.created_at == START + timedelta(minutes=1)
    assert second.content_last_updated_at == START + timedelta(minutes=2)


def test_nobody_labels_a_row_twice() -> None:
    row = submit(WAITING, 1, "label-1", "yes").row
    with pytest.raises(OperationNotAllowed, match="already"):
        submit(row, 2, "label-1", "no")


def test_scores_come_late_and_the_newest_label_has_none_meanwhile() -> None:
    row = full("yes", "yes", "no")
    arrival = START + timedelta(minutes=3)
    assert scores(row, arrival) == [1.0, 1.0, None]
    third = pytest.approx(1 / 3)
    assert scores(row, arrival + SCORES_AFTER) == [third, third, third]


def test_a_skipped_label_counts_as_one_but_is_not_scored() -> None:
    row = submit(submit(WAITING, 1, "a", "yes").row, 2, "b", skipped=True).row
    row = submit(row, 3, "c", "yes").row
    assert (row.status, scores(row, START + timedelta(hours=1))) == ("IN_REVIEW", [1.0, None, 1.0])


def test_checklists_agree_in_part() -> None:
    def ticked(*values: str) -> Content:
        answers = [{"value": value, "classifications": []} for value in values]
        return Content(({"value": "q", "checklist_answers": answers},))

    row = labelling.submit(WAITING, doing(1, "a"), content=ticked("x", "y"), label_id="a").row
    row = labelling.submit(row, doing(2, "b"), content=ticked("y"), label_id="b").row
    assert scores(row, START + timedelta(hours=1)) == [0.5, 0.5]


def test_an_approved_row_names_the_answered_label_that_agrees_most_and_the_oldest_of_those() -> None:
    row = submit(submit(WAITING, 1, "a", skipped=True).row, 2, "b", "yes").row
    row = submit(row, 3, "c", "yes").row
    assert reviewing.approve(row, doing(4)).row.selected_label_id == "b"


def test_a_reviewer_may_choose_any_label_before_or_after_the_approval() -> None:
    chosen = reviewing.choose(full(), doing(4, label_id="label-3")).row
    assert (chosen.status, chosen.selected_label_id) == ("IN_REVIEW", None)
    done = reviewing.approve(chosen, doing(5)).row
    assert (done.status, done.selected_label_id) == ("DONE", "label-3")
    changed = reviewing.choose(done, doing(6, label_id="label-2"))
    assert (changed.row.selected_label_id, changed.row.last_activity_at) == ("label-2", START + timedelta(minutes=6))
    assert [event.topic for event in changed.events] == ["WORKFLOW_ACTION"]
    assert reviewing.approve(full(), doing(4, label_id="label-3")).row.selected_label_id == "label-3"


def test_a_reviewer_may_add_a_label_of_their_own_and_choose_it() -> None:
    added = submit(full(), 4, "reviewer", "maybe").row
    assert (added.status, len(added.labels), added.expected_labels) == ("IN_REVIEW", 4, 3)
    assert reviewing.approve(added, doing(5, label_id="reviewer")).row.selected_label_id == "reviewer"


def test_rework_and_edits_change_the_label_of_who_does_them() -> None:
    rejected = reviewing.reject(full(), doing(4)).row
    reworked = submit(rejected, 5, "label-2", "no")
    assert [event.topic for event in reworked.events] == ["LABEL_UPDATED"]
    assert (reworked.row.status, [label.id for label in reworked.row.labels]) == (
        "IN_REVIEW",
        ["label-1", "label-2", "label-3"],
    )
    edited = labelling.edit(full(), doing(5, "label-3"), content=said("no")).row
    assert [label.content_last_updated_at.minute for label in edited.labels] == [1, 2, 5]


def test_a_deleted_label_sends_the_row_back_and_the_others_stay() -> None:
    done = reviewing.approve(full(), doing(4)).row
    change = labelling.delete_label(done, doing(5, label_id="label-2"))
    assert (change.row.status, change.row.selected_label_id, change.row.history) == ("TO_LABEL", None, ())
    assert [label.id for label in change.row.labels] == ["label-1", "label-3"]
    assert [event.label and event.label.id for event in change.events] == ["label-2"]


def test_a_row_that_has_labels_to_spare_stays_done_and_chooses_anew() -> None:
    done = reviewing.approve(submit(full(), 4, "extra", "yes").row, doing(5, label_id="extra")).row
    left = labelling.delete_label(done, doing(6, label_id="extra")).row
    assert (left.status, left.selected_label_id) == ("DONE", "label-1")


def test_what_nobody_can_choose_is_refused() -> None:
    with pytest.raises(OperationNotAllowed, match="TO_LABEL"):
        reviewing.choose(WAITING, doing(1))
    with pytest.raises(UnknownResource):
        reviewing.choose(full(), doing(4, label_id="nobody"))
    with pytest.raises(OperationNotAllowed, match="no label"):
        labelling.mark_benchmark(WAITING, doing(1))


def test_a_benchmark_scores_everybody_elses_label_and_moves_no_row() -> None:
    done = reviewing.approve(submit(ALONE, 1, "expert", "yes", "no").row, doing(2)).row
    row = labelling.mark_benchmark(done, doing(3)).row
    row = submit(row, 4, "one", "yes", "yes").row
    row = submit(row, 5, "two", "yes", "no").row
    assert (row.status, row.selected_label_id, len(row.labels)) == ("DONE", "expert", 3)
    assert scores(row, START + timedelta(hours=1)) == [None, 0.5, 1.0]
    assert scores(row, START + timedelta(minutes=5)) == [None, 0.5, None]


def test_a_row_without_consensus_has_no_scores() -> None:
    row = submit(ALONE, 1, "a", "yes").row
    assert (row.status, scores(row, START + timedelta(hours=1))) == ("IN_REVIEW", [None])
