"""Exports that take long, fail or end with their worker, and the deliveries that wait for them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from service.adapters.redis_inbox import RedisInbox
from service.adapters.sql_exports import SqlExportStore
from service.domain.errors import ExportFailed, LabelsLimited, LabelsRefused, LabelsUnreachable
from service.domain.examples import Change
from service.domain.exports import LAG_ATTEMPTS, LIMIT_PAUSE, LONGEST_RETRY, MAX_ATTEMPTS, MAX_IDS, ExportState
from service.domain.pipelines import LabelPolicy
from service.ports import LabelTask, Wanted
from service.usecases.exporting import call_for
from tests.support.builders import make_delivery, make_pipeline
from tests.support.conversion import Desk
from tests.support.fake_labelbox import FakeLabelbox, Organisation

SLOW = 1_000
LEASE_OVER_S = 31.0
LONGEST_PAUSE_S = LONGEST_RETRY.total_seconds()


def attempts(desk: Desk) -> list[int]:
    """Give how often each delivery that waits counts as tried."""
    pending = desk.redis.xpending_range("test:inbox", "convert", "-", "+", 100)
    return [item["times_delivered"] for item in pending]


def states(desk: Desk) -> list[tuple[str, str]]:
    return [(export.kind, export.state.value) for export in desk.all_exports()]


@pytest.fixture
def other(desk: Desk) -> FakeLabelbox:
    """Give a second project that the same installation reads."""
    made = FakeLabelbox(desk.clock, "project-2")
    desk.labels = Organisation(desk.labelbox, made)
    desk.pipelines["other"] = make_pipeline("other", labels=LabelPolicy("project-2"))
    return made


def ring_other(desk: Desk, other: FakeLabelbox, row_id: str, text: str) -> None:
    desk.clock.forward(1)
    other.add(row_id, f"the chat of {row_id}")
    other.label(row_id, text)
    desk.inbox.put_back(make_delivery(other.webhook_body(row_id), received_at=desk.clock.now))


# Waiting.


def test_no_worker_waits_beside_a_slow_export_and_its_deliveries_stay_in_the_inbox(desk: Desk) -> None:
    desk.labelbox.polls = SLOW
    desk.label("row-1", "a summary")
    began_at = desk.clock.now
    done = desk.convert()
    assert timedelta(seconds=15) < desk.clock.now - began_at < timedelta(seconds=40)
    assert (done.settled, done.waiting, desk.inbox.depth()) == (0, 1, 1)
    assert attempts(desk) == [0]
    assert states(desk) == [("rows", "running")]
    for _ in range(20):
        before = desk.clock.now
        desk.convert(seconds=30)
        # A look, and away.
        assert desk.clock.now - before < timedelta(seconds=40)
    assert (len(desk.labelbox.requests), attempts(desk)) == (1, [0])
    desk.labelbox.tasks["project-1-task-1"].polls_left = 1
    assert desk.convert(seconds=30).settled == 1
    assert (desk.texts(), desk.inbox.depth(), len(desk.labelbox.requests)) == ({"row-1": "a summary"}, 0, 1)


def test_an_export_that_takes_a_second_is_read_in_the_same_job(desk: Desk) -> None:
    desk.labelbox.polls = 2
    desk.label("row-1", "a summary")
    began_at = desk.clock.now
    assert desk.convert().settled == 1
    assert desk.clock.now - began_at < timedelta(seconds=4)


def test_what_comes_while_an_export_runs_gets_the_next_one(desk: Desk) -> None:
    desk.labelbox.polls = SLOW
    desk.label("row-1", "old")
    desk.convert()
    desk.label("row-1", "new")
    desk.label("row-2", "another")
    assert desk.convert().waiting == 3
    desk.labelbox.tasks["project-1-task-1"].polls_left = desk.labelbox.polls = 0
    done = desk.convert(seconds=30)
    assert (done.settled, desk.inbox.depth()) == (3, 0)
    assert desk.labelbox.asked_ids == [("row-1",), ("row-1", "row-2")]
    assert desk.texts() == {"row-1": "new", "row-2": "another"}


def test_a_delivery_that_came_after_the_question_is_not_settled_by_the_answer(desk: Desk) -> None:
    """The export's rows were chosen before: what it shows of the row says nothing about the newer delivery."""
    desk.label("row-1", "old")
    desk.labelbox.during_export = lambda: (
        setattr(desk.labelbox, "during_export", lambda: None),
        desk.label("row-1", "new"),
    )[0]
    assert desk.convert().settled == 2
    assert len(desk.labelbox.requests) == 2
    assert desk.texts() == {"row-1": "new"}


def test_another_worker_goes_on_with_a_killed_workers_export(desk: Desk) -> None:
    class Killed(BaseException):
        """What SIGKILL looks like from inside."""

    def kill(_: float) -> None:
        raise Killed

    desk.labelbox.polls = 3
    desk.label("row-1", "a summary")
    patience, desk.patience = desk.patience, replace(desk.patience, wait=kill)
    desk.labelbox.during_export = lambda: desk.clock.forward(10)
    with pytest.raises(Killed):
        desk.convert(RedisInbox(desk.redis, prefix="test", consumer="killed", claim_after_ms=60_000))
    # It had just shown a sign of life, and to wait is not to be tried.
    (export,) = desk.all_exports()
    assert export.leased_until == desk.clock.now + desk.patience.lease
    assert attempts(desk) == [0]
    desk.patience = patience
    assert desk.convert(seconds=5).waiting == 1
    assert desk.labelbox.looks.total() == 1
    assert [desk.convert(seconds=LEASE_OVER_S).settled for _ in range(2)] == [0, 1]
    assert desk.texts() == {"row-1": "a summary"}
    assert (len(desk.labelbox.requests), desk.labelbox.looks) == (1, {"project-1-task-1": 3})


def test_a_worker_that_stood_still_writes_nothing_that_it_has_read(desk: Desk) -> None:
    """Its export did not show a row; a whole reconcile has seen the row since, and changed nothing about it."""
    desk.label("row-1", "a summary")
    desk.convert()
    desk.labelbox.hidden = {"row-1"}
    desk.ring("row-1", "LABEL_DELETED")
    for _ in range(LAG_ATTEMPTS - 1):
        desk.convert()

    def meanwhile() -> None:
        desk.labelbox.after_reading = lambda: None
        desk.labelbox.hidden = set()
        desk.clock.forward(1000)
        assert desk.reconcile(whole=True) == 0

    desk.labelbox.after_reading = meanwhile
    assert desk.convert().settled == 0
    assert desk.texts() == {"row-1": "a summary"}


def test_the_sweep_calls_for_an_export_that_stands(desk: Desk) -> None:
    desk.labelbox.polls = SLOW
    desk.label("row-1", "a summary")
    desk.convert()
    desk.queue.woken.clear()
    call_for(desk.store, desk.queue, now=desk.clock.forward(30))
    assert desk.queue.woken == [("convert_deliveries",)]
    desk.convert()
    desk.look_round()
    desk.queue.woken.clear()
    call_for(desk.store, desk.queue, now=desk.clock.forward(30))
    assert set(desk.queue.woken) == {("convert_deliveries",), ("reconcile", "project-1")}


def test_an_export_whose_deliveries_are_gone_ends_without_a_look(desk: Desk) -> None:
    desk.labelbox.polls = SLOW
    desk.label("row-1", "a summary")
    desk.convert()
    desk.redis.delete("test:inbox")
    looks = desk.labelbox.looks.total()
    desk.convert(seconds=60)
    assert states(desk) == [("rows", "read")]
    assert desk.labelbox.looks.total() == looks


def test_a_task_that_labelbox_forgot_is_asked_for_anew(desk: Desk) -> None:
    desk.labelbox.polls = SLOW
    desk.label("row-1", "a summary")
    desk.convert()
    desk.labelbox.tasks.clear()
    desk.labelbox.polls = 0
    desk.convert(seconds=60)
    assert desk.convert(seconds=60).settled == 1
    assert (desk.texts(), len(desk.labelbox.requests)) == ({"row-1": "a summary"}, 2)


def test_a_busy_project_keeps_no_other_waiting(desk: Desk, other: FakeLabelbox) -> None:
    desk.labelbox.polls = SLOW
    for number in range(MAX_IDS // 100):
        ids = [f"row-{number}-{index}" for index in range(250)]
        body = {"project": {"id": "project-1"}, "dataRowIds": ids}
        desk.inbox.put_back(make_delivery(msgspec.json.encode(body), "WORKFLOW_ACTION"))
    ring_other(desk, other, "row-x", "not kept waiting")
    done = desk.convert()
    assert (done.settled, done.waiting) == (1, MAX_IDS // 100)
    assert desk.texts("other") == {"row-x": "not kept waiting"}


def test_the_organisation_runs_no_more_exports_than_allowed(desk: Desk, other: FakeLabelbox) -> None:
    desk.patience = replace(desk.patience, at_once=1)
    desk.labelbox.polls = SLOW
    desk.label("row-1", "a summary")
    ring_other(desk, other, "row-x", "waits")
    assert desk.convert().settled == 0
    assert (len(desk.labelbox.requests), len(other.requests)) == (1, 0)
    desk.labelbox.tasks["project-1-task-1"].polls_left = 0
    assert desk.convert(seconds=30).settled == 2
    assert (len(desk.labelbox.requests), len(other.requests)) == (1, 1)


# Turns.


def test_a_stream_of_deliveries_keeps_no_reconcile_from_its_turn(desk: Desk) -> None:
    desk.labelbox.add("quiet", "a chat")
    desk.labelbox.label("quiet", "found by a reconcile alone")
    desk.reconciling.want("project-1")
    for number in range(2):
        desk.label(f"row-{number}", "text")
        desk.labelbox.during_export = lambda number=number: desk.label(f"more-{number}", "text")  # type: ignore[misc]
        desk.convert()
        desk.reconciling("project-1")
    assert len(desk.labelbox.windows) == 1
    assert desk.texts()["quiet"] == "found by a reconcile alone"


def test_reconcile_after_reconcile_keeps_no_delivery_from_its_turn(desk: Desk) -> None:
    desk.labelbox.polls = SLOW
    desk.look_round()
    desk.label("row-1", "a summary")
    desk.convert()
    desk.clock.forward(1)
    desk.reconciling.want("project-1")
    desk.labelbox.polls = desk.labelbox.tasks["project-1-task-1"].polls_left = 0
    desk.clock.forward(30)
    assert desk.reconciling("project-1").facts
    # The next one is wanted already, but the deliveries have waited longer.
    assert not desk.reconciling("project-1").facts
    desk.ring("row-1")
    assert desk.convert().settled == 2
    assert desk.reconciling("project-1").facts
    assert [request.data_row_ids for request in desk.labelbox.requests] == [None, ("row-1",), None]


def test_the_reconcile_of_one_project_blocks_no_other(desk: Desk, other: FakeLabelbox) -> None:
    desk.labelbox.polls = SLOW
    desk.look_round("project-1")
    ring_other(desk, other, "row-x", "text")
    assert desk.look_round("project-2").facts
    assert desk.convert().settled == 1
    assert desk.texts("other") == {"row-x": "text"}


# Failures.


def test_a_failed_task_is_asked_for_again_after_a_pause(desk: Desk) -> None:
    desk.labelbox.failing = 2
    desk.label("row-1", "a summary")
    for number in range(2):
        assert desk.convert(seconds=30).settled == 0
        (export,) = desk.all_exports()
        assert (export.state, export.attempts, export.task_id) == (ExportState.WANTED, number + 1, None)
        assert export.error is not None
        assert "ExportFailed" in export.error
        # Not yet.
        desk.convert(seconds=0)
        assert len(desk.labelbox.requests) == number + 1
    assert desk.convert(seconds=30).settled == 1
    assert (desk.texts(), attempts(desk)) == ({"row-1": "a summary"}, [])


def test_an_export_that_always_fails_ends_in_the_dead_letters_with_its_remedy(desk: Desk) -> None:
    desk.labelbox.failing = SLOW
    desk.label("row-1", "a summary")
    for _ in range(MAX_ATTEMPTS):
        assert desk.errors() == []
        desk.convert(seconds=LONGEST_PAUSE_S)
    (letter,) = desk.letters.open(10)
    assert (letter["error"], letter["remedy"]) == ("ExportFailed", ExportFailed.remedy)
    assert (desk.inbox.depth(), states(desk)) == (0, [("rows", "failed")])
    assert len(desk.labelbox.requests) == MAX_ATTEMPTS


def test_deliveries_that_came_after_a_failing_export_do_not_share_its_end(desk: Desk) -> None:
    desk.labelbox.failing = MAX_ATTEMPTS
    desk.label("row-1", "a summary")
    for _ in range(MAX_ATTEMPTS - 1):
        desk.convert(seconds=LONGEST_PAUSE_S)
    desk.label("row-2", "another")
    desk.convert(seconds=LONGEST_PAUSE_S)
    desk.convert()
    assert (desk.errors(), desk.texts()) == (["ExportFailed"], {"row-2": "another"})


def test_a_file_shorter_than_announced_is_asked_for_again(desk: Desk) -> None:
    desk.labelbox.breaking = 1
    for number in range(4):
        desk.label(f"row-{number}", "text")
    assert desk.convert().settled == 0
    assert attempts(desk) == [0] * 4
    assert desk.convert(seconds=30).settled == 4
    assert len(desk.labelbox.requests) == 2


def test_a_connection_that_is_lost_while_waiting_keeps_the_task(desk: Desk) -> None:
    desk.labelbox.polls = SLOW
    desk.label("row-1", "a summary")
    desk.convert()
    desk.labelbox.trouble = LabelsUnreachable("reset")
    desk.convert(seconds=30)
    (export,) = desk.all_exports()
    assert (export.state, export.task_id, export.attempts) == (ExportState.RUNNING, "project-1-task-1", 1)
    desk.labelbox.trouble, desk.labelbox.tasks["project-1-task-1"].polls_left = None, 0
    assert desk.convert(seconds=30).settled == 1
    assert len(desk.labelbox.requests) == 1


def test_a_limit_pauses_the_whole_organisation_and_costs_no_attempt(desk: Desk, other: FakeLabelbox) -> None:
    desk.labelbox.polls = SLOW
    desk.label("row-1", "a summary")
    desk.convert()
    desk.labelbox.trouble = LabelsLimited("429")
    assert desk.convert(seconds=30).settled == 0
    ring_other(desk, other, "row-x", "text")
    for _ in range(3):
        assert desk.convert(seconds=10).settled == 0
        assert not desk.look_round("project-2").facts
    assert other.requests == []
    desk.labelbox.trouble, desk.labelbox.tasks["project-1-task-1"].polls_left = None, 0
    assert desk.convert(seconds=LIMIT_PAUSE.total_seconds()).settled == 1
    assert desk.reconciling("project-2").facts
    assert desk.convert().settled == 1
    assert (len(desk.labelbox.requests), desk.errors()) == (1, [])
    assert desk.texts("other") == {"row-x": "text"}


def test_a_limit_that_lasts_for_days_loses_nothing(desk: Desk) -> None:
    desk.labelbox.trouble = LabelsLimited("429")
    desk.label("row-1", "a summary")
    for _ in range(4 * MAX_ATTEMPTS):
        desk.convert(seconds=3600)
    assert (desk.inbox.depth(), desk.errors()) == (1, [])
    desk.labelbox.trouble = None
    desk.convert(seconds=3600)
    assert desk.texts() == {"row-1": "a summary"}


def test_a_project_that_is_refused_is_told_at_once_and_the_others_go_on(desk: Desk, other: FakeLabelbox) -> None:
    desk.labelbox.trouble = LabelsRefused("403 Forbidden")
    desk.label("row-1", "a summary")
    ring_other(desk, other, "row-x", "text")
    assert desk.convert().settled == 2
    assert (desk.errors(), desk.texts("other")) == (["LabelsRefused"], {"row-x": "text"})
    assert desk.look_round("project-1").error is not None
    kinds = {(letter["kind"], letter["subject"]) for letter in desk.letters.open(10)}
    assert ("reconcile", "project-1") in kinds


def test_a_row_that_labelbox_refuses_to_name_drags_no_other_along(desk: Desk) -> None:
    for number in range(60):
        desk.label(f"row-{number}", "text")
    desk.labelbox.unnamed = {"row-17"}
    while desk.convert().waiting:
        pass
    assert (desk.errors(), len(desk.texts())) == (["RowsRefused"], 59)
    assert len(desk.labelbox.requests) < 20
    # What it announced is found otherwise.
    assert desk.queue.woken[-1] == ("reconcile", "project-1")
    desk.reconciling("project-1")
    assert len(desk.texts()) == 60


def test_a_project_whose_rows_are_all_refused_is_given_up_soon(desk: Desk) -> None:
    for number in range(300):
        desk.label(f"row-{number}", "text")
    desk.labelbox.unnamed = {f"row-{number}" for number in range(300)}
    desk.convert()
    assert len(desk.labelbox.requests) < 100
    desk.convert(seconds=LONGEST_PAUSE_S)
    assert desk.inbox.depth() < 300


def test_an_export_that_shows_nothing_is_believed_by_nobody_at_first(desk: Desk) -> None:
    desk.label("row-1", "a summary")
    desk.convert()
    desk.labelbox.hidden = {"row-1"}
    desk.ring("row-1", "LABEL_DELETED")
    for looks in range(1, LAG_ATTEMPTS):
        assert desk.convert().settled == 0
        assert len(desk.labelbox.requests) == 1 + looks
        assert desk.texts() == {"row-1": "a summary"}
    desk.convert()
    assert desk.example("row-1").reason == "row_gone"


def test_workers_that_die_count_as_no_look(desk: Desk) -> None:
    """A row is given up after several exports did not show it, however often a worker was killed before."""
    desk.label("row-1", "a summary")
    desk.convert()
    desk.ring("row-1", "LABEL_DELETED")
    (taken,) = desk.inbox.take(1)
    for _ in range(LAG_ATTEMPTS):
        desk.inbox.begin([taken])
        (taken,) = desk.inbox.take(1)
    assert taken.attempts > LAG_ATTEMPTS
    desk.labelbox.hidden = {"row-1"}
    assert desk.convert().settled == 0
    assert desk.texts() == {"row-1": "a summary"}


def test_rows_whose_lines_are_garbled_are_not_taken_for_gone(desk: Desk) -> None:
    desk.label("row-1", "a summary")
    desk.label("row-2", "another")
    desk.convert()
    desk.labelbox.garbled = {"row-1"}
    desk.ring("row-1")
    desk.label("row-2", "edited")
    assert desk.convert().settled == 1
    for _ in range(MAX_ATTEMPTS):
        desk.convert()
    assert desk.texts() == {"row-1": "a summary", "row-2": "edited"}
    assert (desk.inbox.depth(), desk.errors()) == (0, ["ExportFailed"])


# Faults of ours.


class Cursed:
    """An example store that crashes on some rows, by no fault of the database."""

    def __init__(self, desk: Desk, rows: set[str]) -> None:
        self._store, self._rows = desk.examples, rows
        self.calls = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the real store's own methods
        return getattr(self._store, name)

    def apply(self, pipeline: str, plan: Any, *, wanted: Wanted, **rest: Any) -> Sequence[Change]:  # noqa: ANN401
        self.calls += 1
        if self._rows & set(wanted.data_row_ids):
            raise ZeroDivisionError("the text of a label")
        return self._store.apply(pipeline, plan, wanted=wanted, **rest)


def test_a_delivery_that_crashes_is_found_among_many_and_ends_in_the_dead_letters(desk: Desk) -> None:
    for number in range(50):
        desk.label(f"row-{number}", "text")
    cursed = desk.examples = Cursed(desk, {"row-17"})  # type: ignore[assignment]
    done = desk.convert()
    assert (done.settled, len(desk.texts())) == (49, 49)
    assert set(done.crashes) == {done.crashes[0]}
    assert done.crashes[0].startswith("ZeroDivisionError at test_exporting.py:")
    assert cursed.calls < 20
    for number in range(2, MAX_ATTEMPTS + 1):
        assert (desk.inbox.depth(), desk.errors(), attempts(desk)) == (1, [], [number - 1])
        desk.convert()
    (letter,) = desk.letters.open(10)
    assert (letter["error"], desk.inbox.depth()) == ("ConversionCrashed", 0)
    assert "label" not in letter["message"]


def test_a_fault_that_hits_everything_does_not_search_for_ever(desk: Desk) -> None:
    for number in range(500):
        desk.label(f"row-{number}", "text")
    cursed = desk.examples = Cursed(desk, {f"row-{number}" for number in range(500)})  # type: ignore[assignment]
    desk.convert()
    assert cursed.calls < 100
    assert (desk.inbox.depth(), desk.errors()) == (500, [])


class Lost(Exception):
    """The database went away."""


class Away(Cursed):
    """A database that goes away in the middle of a conversion."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, set())
        self._desk = desk

    def apply(self, *_: object, **__: object) -> Sequence[Change]:
        self._desk.store.is_paused = self.counts  # type: ignore[method-assign]
        raise Lost

    def counts(self, *_: object, **__: object) -> bool:
        raise Lost


def test_while_the_database_is_away_nothing_counts_as_tried(desk: Desk) -> None:
    desk.label("row-1", "a summary")
    there = desk.examples
    desk.examples = Away(desk)  # type: ignore[assignment]
    for _ in range(2 * MAX_ATTEMPTS):
        desk.store = SqlExportStore(desk.engine)
        with pytest.raises(Lost):
            desk.convert(seconds=LEASE_OVER_S)
        assert attempts(desk) == [0]
    desk.examples, desk.store = there, SqlExportStore(desk.engine)
    desk.convert(seconds=LEASE_OVER_S)
    assert (desk.errors(), desk.texts()) == ([], {"row-1": "a summary"})


class Fatal:
    """A Labelbox whose rows kill the worker that reads them."""

    def __init__(self, labelbox: FakeLabelbox, row_id: str) -> None:
        self._labelbox, self._row_id = labelbox, row_id

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the fake's own methods
        return getattr(self._labelbox, name)

    def read(self, task_id: str) -> Iterator[Mapping[str, Any] | None]:
        for row in self._labelbox.read(task_id):
            if row is not None and row["data_row"]["id"] == self._row_id:
                raise KeyboardInterrupt
            yield row


def test_a_row_that_kills_its_worker_ends_in_the_dead_letters_alone(desk: Desk) -> None:
    for number in range(40):
        desk.label(f"row-{number}", "text")
    desk.labels = Fatal(desk.labelbox, "row-17")
    deaths = 0
    while desk.inbox.depth() and deaths < 100:
        try:
            desk.convert(seconds=LEASE_OVER_S)
        except KeyboardInterrupt:
            deaths += 1
    assert deaths == MAX_ATTEMPTS
    assert (desk.errors(), len(desk.texts())) == (["ConversionCrashed"], 39)
    assert "row-17" not in desk.texts()


class Odd(FakeLabelbox):
    """A Labelbox that makes the SDK raise what nobody foresaw."""

    def look(self, task_id: str) -> LabelTask:
        raise ZeroDivisionError(task_id)


def test_an_unforeseen_error_of_an_export_ends_in_the_dead_letters_too(desk: Desk) -> None:
    odd = desk.labels = Odd(desk.clock)
    odd.polls = 1
    odd.rows_by_id = desk.labelbox.rows_by_id
    desk.label("row-1", "a summary")
    for _ in range(MAX_ATTEMPTS):
        assert desk.errors() == []
        assert desk.convert(seconds=LONGEST_PAUSE_S).crashes
    assert (desk.errors(), desk.inbox.depth()) == (["ConversionCrashed"], 0)
