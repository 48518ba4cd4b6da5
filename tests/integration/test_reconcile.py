"""Reading the project by itself: it alone suffices to make the examples true."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from service.domain.errors import ExportFailed, LabelsUnreachable
from service.domain.exports import LONGEST_RETRY, MAX_ATTEMPTS
from service.domain.pipelines import LabelPolicy
from service.ports import Wanted
from service.usecases.reconcile import ROWS_A_WRITE
from tests.support.builders import make_pipeline
from tests.support.conversion import Desk
from tests.support.fake_labelbox import FakeLabelbox


def test_a_reconcile_finds_what_no_delivery_told(desk: Desk) -> None:
    desk.reconcile()
    desk.label("row-1", "a summary", rung=False)
    desk.label("row-2", "another", rung=False)
    assert desk.reconcile() == 2
    assert desk.texts() == desk.labelbox.texts()
    assert desk.reconcile() == 0
    latest = desk.reconciles.latest("summaries")
    assert latest is not None
    assert (latest["rows"], latest["healed"], latest["whole"]) == (2, 0, False)


def test_a_label_that_an_export_showed_late_is_found_by_the_next(desk: Desk) -> None:
    desk.reconcile()
    desk.labelbox.lag()
    desk.label("row-1", "a summary", rung=False)
    assert desk.reconcile() == 0
    desk.labelbox.catch_up()
    desk.clock.forward(60)
    assert desk.reconcile() == 1


def test_only_a_reconcile_of_everything_notices_a_row_that_is_gone(desk: Desk) -> None:
    desk.label("row-1", "a summary")
    desk.convert()
    desk.reconcile()
    desk.labelbox.remove("row-1")
    assert desk.reconcile() == 0
    assert desk.reconcile(whole=True) == 1
    assert (desk.texts(), desk.example("row-1").reason) == ({}, "row_gone")
    assert desk.reconcile(whole=True) == 0


def test_a_row_that_one_export_misses_is_looked_at_again_before_it_is_given_up(desk: Desk) -> None:
    for number in range(3):
        desk.label(f"row-{number}", "a summary")
    desk.convert()
    desk.labelbox.unlisted = {"row-0", "row-1", "row-2"}
    assert desk.reconcile(whole=True) == 0
    assert set(desk.texts()) == {"row-0", "row-1", "row-2"}


def test_what_comes_while_a_project_is_read_is_converted_right_after(desk: Desk) -> None:
    def meanwhile() -> None:
        desk.labelbox.during_export = lambda: None
        desk.label("row-2", "new")
        done = desk.convert()
        assert (done.settled, done.waiting, desk.inbox.depth()) == (0, 1, 1)

    desk.label("row-1", "a summary", rung=False)
    desk.labelbox.during_export = meanwhile
    desk.reconcile(whole=True)
    assert desk.queue.woken[-1] == ("convert_deliveries",)
    assert desk.convert().settled == 1
    assert set(desk.texts()) == {"row-1", "row-2"}


def test_a_reconcile_that_fails_is_done_again_from_where_the_last_one_began(desk: Desk) -> None:
    desk.reconcile()
    desk.label("row-1", "a summary", rung=False)
    desk.labelbox.trouble = LabelsUnreachable("503")
    with pytest.raises(LabelsUnreachable):
        desk.reconcile()
    desk.clock.forward(3600)
    desk.labelbox.trouble = None
    assert desk.reconcile() == 1


def test_a_reconcile_sets_unreadable_rows_aside_and_reads_the_others(desk: Desk) -> None:
    desk.label("row-1", "a summary", rung=False)
    desk.label("row-2", "another", rung=False)
    desk.labelbox.rows_by_id["row-1"].broken = True
    desk.reconcile()
    assert desk.texts() == {"row-2": "another"}
    (letter,) = desk.letters.open(10)
    assert (letter["kind"], letter["subject"]) == ("row", "summaries/row-1")


def test_a_row_that_became_unreadable_keeps_its_example(desk: Desk) -> None:
    desk.label("row-1", "a summary")
    desk.convert()
    desk.labelbox.rows_by_id["row-1"].broken = True
    desk.reconcile(whole=True)
    assert desk.texts() == {"row-1": "a summary"}


# One export for all pipelines.


def test_a_project_is_exported_once_for_all_pipelines_that_read_it(desk: Desk) -> None:
    desk.pipelines["eager"] = make_pipeline("eager", labels=LabelPolicy("project-1", accept="submitted"))
    desk.label("row-1", "done", rung=False)
    desk.label("row-2", "in review", rung=False, status="IN_REVIEW")
    done = desk.look_round()
    assert {name: facts["healed"] for name, facts in done.facts.items()} == {"summaries": 1, "eager": 2}
    assert (desk.texts("summaries"), desk.texts("eager")) == (
        {"row-1": "done"},
        desk.texts("summaries") | {"row-2": "in review"},
    )
    assert len(desk.labelbox.requests) == 1


def test_a_pipeline_that_is_new_has_the_whole_project_read(desk: Desk) -> None:
    desk.label("row-1", "text", rung=False)
    desk.look_round()
    assert not desk.look_round().facts["summaries"]["whole"]
    desk.pipelines["second"] = make_pipeline("second")
    done = desk.look_round()
    assert [facts["whole"] for facts in done.facts.values()] == [True, True]
    assert desk.texts("second") == {"row-1": "text"}
    assert not desk.look_round().facts["second"]["whole"]


def test_a_pipeline_that_reads_something_else_now_has_the_whole_project_read(desk: Desk) -> None:
    desk.label("row-1", "text", rung=False, status="IN_REVIEW")
    desk.look_round()
    desk.clock.forward(3600)
    desk.pipelines["summaries"] = make_pipeline(labels=LabelPolicy("project-1", accept="submitted"))
    assert desk.look_round().facts["summaries"]["whole"]
    assert desk.texts() == {"row-1": "text"}


def test_a_pipeline_that_cannot_be_read_is_named_and_stops_no_other(desk: Desk) -> None:
    desk.pipelines["confused"] = make_pipeline("confused", labels=LabelPolicy("project-1", response="no question"))
    desk.label("row-1", "text", rung=False)
    done = desk.look_round()
    assert (set(done.facts), desk.texts()) == ({"summaries"}, {"row-1": "text"})
    assert done.refused["confused"].startswith("AmbiguousOntology")
    assert "What to do: " in done.refused["confused"]
    latest = desk.reconciles.latest("confused")
    assert latest is not None
    assert (latest["whole_at"], latest["labels_there"], latest["drift"]) == (None, None, 0)
    # Not everything each time for its sake, but again after a while, and at once when somebody corrects it.
    assert not desk.look_round().facts["summaries"]["whole"]
    assert desk.look_round(seconds=2 * 3600).facts["summaries"]["whole"]
    desk.pipelines["confused"] = make_pipeline("confused")
    assert desk.look_round().facts["confused"]["whole"]
    assert desk.texts("confused") == {"row-1": "text"}


def test_a_day_after_the_last_time_all_of_it_is_read(desk: Desk) -> None:
    desk.look_round()
    assert not desk.look_round(seconds=3600).facts["summaries"]["whole"]
    assert desk.look_round(seconds=24 * 3600).facts["summaries"]["whole"]
    assert [request.since is None for request in desk.labelbox.windows] == [True, False, True]


def test_what_is_wanted_by_an_earlier_configuration_is_forgotten(desk: Desk) -> None:
    desk.reconciling.want("another project")
    assert not desk.reconciling("another project").facts
    assert [export.state.value for export in desk.all_exports()] == ["read"]
    assert desk.labelbox.requests == []


# Slow, killed, and failing.


def test_a_slow_reconcile_is_left_and_gone_on_with(desk: Desk) -> None:
    desk.labelbox.polls = 1_000
    desk.label("row-1", "text", rung=False)
    began_at = desk.clock.now
    assert not desk.look_round().facts
    assert (desk.clock.now - began_at).total_seconds() < 40
    assert not desk.look_round(seconds=60).facts
    desk.labelbox.tasks["project-1-task-1"].polls_left = 0
    desk.clock.forward(60)
    assert desk.reconciling("project-1").facts["summaries"]["healed"] == 1
    assert len(desk.labelbox.requests) == 1


def test_a_reconcile_that_was_killed_goes_on_where_it_was(desk: Desk) -> None:
    for number in range(2500):
        desk.labelbox.add(f"row-{number}", f"chat {number}")
        desk.labelbox.label(f"row-{number}", "text")

    def kill() -> None:
        desk.labelbox.after_reading = lambda: None
        raise KeyboardInterrupt

    desk.labelbox.after_reading = kill
    with pytest.raises(KeyboardInterrupt):
        desk.look_round()
    assert len(desk.texts()) == 2000
    assert not desk.look_round().facts
    applied: list[int] = []
    apply = desk.examples.apply

    def counting(pipeline: str, plan: Any, *, wanted: Wanted, **rest: Any) -> Any:  # noqa: ANN401
        applied.append(len(wanted.data_row_ids))
        return apply(pipeline, plan, wanted=wanted, **rest)

    desk.examples.apply = counting  # type: ignore[method-assign]
    desk.clock.forward(60)
    facts = desk.reconciling("project-1").facts["summaries"]
    assert (applied, len(desk.labelbox.requests)) == ([500], 1)
    assert (facts["rows"], facts["healed"], facts["labels_there"], facts["labels_here"]) == (2500, 2500, 2500, 0)


def test_rows_that_a_whole_export_misses_are_asked_for_in_parts(desk: Desk) -> None:
    ids = [f"row-{number}" for number in range(2100)]
    for row_id in ids:
        desk.labelbox.add(row_id, f"chat {row_id}")
        desk.labelbox.label(row_id, "text")
    desk.look_round()
    desk.labelbox.unlisted = set(ids)
    for row_id in ids[:5]:
        desk.labelbox.remove(row_id)
    found = desk.found(whole=True)
    assert [len(asked) for asked in desk.labelbox.asked_ids] == [2000, 100]
    assert (found["healed"], found["labels_there"], found["labels_here"]) == (5, 2095, 2100)
    assert set(desk.texts()) == set(ids[5:])


def test_rows_that_labelbox_refuses_to_name_are_gone_and_the_others_are_not(desk: Desk) -> None:
    ids = [f"row-{number}" for number in range(50)]
    for row_id in ids:
        desk.label(row_id, "text", rung=False)
    desk.look_round()
    desk.labelbox.unlisted = set(ids)
    desk.labelbox.unnamed = {"row-3", "row-33"}
    assert desk.found(whole=True)["healed"] == 2
    assert set(ids) - set(desk.texts()) == desk.labelbox.unnamed
    assert len(desk.labelbox.requests) < 40


def test_a_whole_export_is_read_in_a_stream(desk: Desk) -> None:
    """Rows are written while later ones have not been read: what is in memory does not grow with the project."""

    class Endless(FakeLabelbox):
        def read(self, task_id: str) -> Iterator[Mapping[str, Any] | None]:
            assert task_id
            for number in range(5000):
                if number % 500 == 0:
                    assert len(desk.texts()) >= number - ROWS_A_WRITE
                row_id = f"row-{number}"
                yield self._exported(row_id, replace(row, prompt=f"chat {number}"))

    desk.label("row", "text", rung=False)
    row = desk.labelbox.rows_by_id["row"]
    desk.labels = Endless(desk.clock)
    assert desk.found()["rows"] == 5000


def test_a_reconcile_that_always_fails_becomes_a_dead_letter(desk: Desk) -> None:
    desk.labelbox.failing = 1_000
    for _ in range(MAX_ATTEMPTS):
        assert desk.errors() == []
        done = desk.look_round(seconds=LONGEST_RETRY.total_seconds())
        assert done.error is not None
    (letter,) = desk.letters.open(10)
    assert (letter["kind"], letter["subject"], letter["error"]) == ("reconcile", "project-1", "ExportFailed")
    desk.labelbox.failing = 0
    assert desk.look_round().facts


def test_a_person_is_told_what_failed(desk: Desk) -> None:
    desk.labelbox.failing = 1
    with pytest.raises(ExportFailed):
        desk.found(whole=True)
    desk.label("row-1", "text", rung=False)
    assert desk.found(whole=True)["healed"] == 1


def test_a_row_that_crashes_is_set_aside_and_the_others_are_mended(desk: Desk) -> None:
    for number in range(20):
        desk.label(f"row-{number}", "text", rung=False)
    apply = desk.examples.apply

    def cursed(pipeline: str, plan: Any, *, wanted: Wanted, **rest: Any) -> Any:  # noqa: ANN401
        if "row-7" in wanted.data_row_ids:
            raise ZeroDivisionError
        return apply(pipeline, plan, wanted=wanted, **rest)

    desk.examples.apply = cursed  # type: ignore[method-assign]
    found = desk.found()
    assert (len(desk.texts()), found["left"], found["unreadable"]) == (19, 1, 1)
    (letter,) = desk.letters.open(10)
    assert (letter["subject"], letter["error"]) == ("summaries/row-7", "ConversionCrashed")


def test_a_fault_that_hits_everything_fails_the_reconcile_and_not_each_row(desk: Desk) -> None:
    for number in range(500):
        desk.label(f"row-{number}", "text", rung=False)

    def cursed(*_: object, **__: object) -> Any:  # noqa: ANN401
        raise ZeroDivisionError

    desk.examples.apply = cursed  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        desk.look_round()
    (export,) = desk.all_exports()
    assert (export.attempts, export.error is not None) == (1, True)
    assert desk.letters.count() < 100


# Drift.

KEYS = {"rows", "drift", "healed", "left", "labels_there", "labels_here", "unreadable", "whole", "whole_at"}


def test_drift_is_what_differed_whichever_way(desk: Desk) -> None:
    for number in range(6):
        desk.label(f"row-{number}", "text")
    desk.convert()
    assert desk.found(whole=True)["drift"] == 0
    desk.clock.forward(1)
    desk.label("row-new", "text", rung=False)
    desk.label("row-0", "edited", rung=False)
    desk.labelbox.move("row-1", "IN_REWORK")
    desk.labelbox.remove("row-2")
    # Looked at, but as it was: no drift.
    desk.labelbox.move("row-3", "DONE")
    # Touched, and never an example: no drift either.
    desk.label("row-other", "text", rung=False, status="IN_REVIEW")
    found = desk.found(whole=True)
    assert found.keys() >= KEYS
    assert (found["drift"], found["healed"], found["left"]) == (4, 4, 0)
    assert (found["labels_there"], found["labels_here"], found["rows"]) == (5, 6, 7)
    assert found["whole_at"] == desk.all_exports()[-1].asked_at.isoformat()  # type: ignore[union-attr]
    again = desk.found(whole=True)
    assert (again["drift"], again["labels_there"], again["labels_here"]) == (0, 5, 5)


def test_what_could_not_be_mended_is_left(desk: Desk) -> None:
    for number in range(3):
        desk.label(f"row-{number}", "text", rung=False)
    desk.labelbox.rows_by_id["row-0"].broken = True
    desk.labelbox.garbled = {"row-1"}
    found = desk.found(whole=True)
    assert (found["drift"], found["healed"], found["left"], found["unreadable"]) == (3, 1, 2, 2)


def test_a_row_in_a_garbled_line_is_not_taken_for_gone(desk: Desk) -> None:
    desk.label("row-1", "text", rung=False)
    desk.found()
    desk.labelbox.garbled = {"row-1"}
    found = desk.found(whole=True)
    assert desk.texts() == {"row-1": "text"}
    assert found["left"] > 0
    desk.labelbox.garbled = set()
    assert desk.found(whole=True)["drift"] == 0


def test_what_only_a_look_at_everything_tells_is_carried_on(desk: Desk) -> None:
    desk.label("row-1", "text", rung=False)
    whole = desk.found(whole=True)
    desk.label("row-2", "text", rung=False)
    since = desk.found()
    assert (since["whole"], since["drift"], since["rows"]) == (False, 1, 2)
    carried = ("labels_there", "labels_here", "whole_at")
    assert [since[key] for key in carried] == [whole[key] for key in carried]
    assert (whole["labels_there"], whole["labels_here"]) == (1, 0)


# Everything together.


def test_without_losses_no_reconcile_is_needed(desk: Desk) -> None:
    random = Random(42)
    for number in range(40):
        desk.label(f"row-{random.randrange(10)}", f"text {number}")
        if random.random() < 0.3:
            desk.convert()
    desk.convert()
    assert desk.texts() == desk.labelbox.texts()
    assert desk.convert().taken == 0
