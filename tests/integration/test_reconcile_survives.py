"""Reconciles whose worker dies, whose configuration changes, or that meet rows that cannot be read now."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from service.domain.errors import ExportFailed, LabelsUnreachable, UnfetchablePrompt
from service.domain.exports import MAX_ATTEMPTS
from service.domain.pipelines import LabelPolicy
from service.ports import Wanted
from service.usecases import reconcile
from tests.support.builders import make_pipeline
from tests.support.conversion import Desk

ADDRESS = "https://storage.labelbox.com/chat.txt"
Row = Mapping[str, Any] | None


class Killed(BaseException):
    """What a worker that is killed looks like from inside."""


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write after every second row, so that a worker dies in the middle of an export."""
    monkeypatch.setattr(reconcile, "ROWS_A_WRITE", 2)


def dies(desk: Desk, when: Callable[[int, Row], bool], *, times: int = 1) -> list[int]:
    """Let the worker that reads an export die at some row; give how often it did."""
    died: list[int] = []
    read = desk.labelbox.read

    def dying(task_id: str) -> Iterator[Row]:
        for number, row in enumerate(read(task_id)):
            if len(died) < times and when(number, row):
                died.append(number)
                raise Killed
            yield row

    desk.labelbox.read = dying  # type: ignore[method-assign]
    return died


def killed(desk: Desk) -> None:
    with pytest.raises(Killed):
        desk.reconciling("project-1")
    desk.clock.forward(60)


@pytest.mark.usefixtures("small_parts")
def test_who_goes_on_with_a_request_by_id_knows_of_the_lines_that_could_not_be_read(desk: Desk) -> None:
    rows = {f"row-{number}" for number in range(6)}
    for row_id in sorted(rows):
        desk.label(row_id, "a summary")
    desk.convert()
    desk.labelbox.unlisted, desk.labelbox.garbled = set(rows), {"row-0"}
    died = dies(desk, lambda number, _: number == 3 and bool(desk.labelbox.requests[-1].data_row_ids))
    desk.reconciling.want("project-1", whole=True)
    killed(desk)
    desk.reconciling("project-1")
    assert died
    assert desk.texts().keys() == rows


@pytest.mark.usefixtures("small_parts")
def test_a_configuration_that_changes_meanwhile_has_everything_read_again(desk: Desk) -> None:
    rows = {f"row-{number}" for number in range(4)}
    for row_id in sorted(rows):
        desk.label(row_id, "a summary", rung=False, status="IN_REVIEW")
    desk.clock.forward(7200)
    dies(desk, lambda number, _: number == 2)
    desk.reconciling.want("project-1")
    killed(desk)
    desk.pipelines = {"summaries": make_pipeline(labels=LabelPolicy("project-1", accept="submitted"))}
    desk.reconciling("project-1")
    desk.look_round(seconds=60)
    assert desk.texts().keys() == rows


def test_a_pipeline_that_comes_meanwhile_is_not_taken_for_read(desk: Desk) -> None:
    for row_id in ("row-0", "row-1"):
        desk.label(row_id, "a summary")
    desk.convert()
    desk.clock.forward(7200)
    desk.labelbox.unlisted = {"row-0"}
    start = desk.labelbox.start_export
    failed: list[int] = []

    def failing(project: str, request: Any) -> Any:  # noqa: ANN401 - handed through
        if request.data_row_ids and not failed:
            failed.append(1)
            raise LabelsUnreachable("503")
        return start(project, request)

    desk.labelbox.start_export = failing  # type: ignore[method-assign]
    desk.reconciling.want("project-1", whole=True)
    assert desk.reconciling("project-1").error is not None
    desk.pipelines["second"] = make_pipeline("second")
    desk.labelbox.unlisted = set()
    for _ in range(3):
        desk.look_round(seconds=3600)
    assert desk.texts("second").keys() == {"row-0", "row-1"}


def test_a_row_that_kills_every_worker_ends_the_reconcile_and_keeps_no_delivery_waiting(desk: Desk) -> None:
    desk.label("row-0", "a summary", rung=False)
    desk.label("row-1", "another")
    dies(desk, lambda _, row: row is not None and row["data_row"]["id"] == "row-0", times=1000)
    desk.reconciling.want("project-1")
    for _ in range(3 * MAX_ATTEMPTS):
        desk.clock.forward(60)
        try:
            desk.reconciling("project-1")
        except Killed:
            continue
        finally:
            desk.convert()
    assert desk.texts() == {"row-1": "another"}
    assert desk.errors() == ["ConversionCrashed"]


def test_a_sync_that_meets_a_failing_reconcile_is_done_all_the_same(desk: Desk) -> None:
    desk.label("row-0", "a summary", rung=False)
    desk.labelbox.polls = 2
    desk.reconciling.want("project-1")
    look = desk.labelbox.look
    looks: list[str] = []

    def failing(task_id: str) -> Any:  # noqa: ANN401 - handed through
        looks.append(task_id)
        if len(looks) == 1:
            # A person syncs meanwhile, and this one fails.
            desk.reconciling.want("project-1", whole=True)
            raise ExportFailed("FAILED")
        return look(task_id)

    desk.labelbox.look = failing  # type: ignore[method-assign]
    desk.reconciling("project-1")
    desk.clock.forward(3600)
    assert desk.reconciling.until_done("project-1", whole=True).facts["summaries"]["whole"]


def test_a_prompt_that_could_not_be_fetched_comes_with_a_later_window(desk: Desk) -> None:
    desk.reconcile()
    desk.clock.forward(60)
    desk.labelbox.add("row-0", ADDRESS)
    desk.label("row-0", "a summary", rung=False)
    desk.prompts.texts_by_address = {ADDRESS: UnfetchablePrompt("address_unreachable")}
    left = [desk.look_round(seconds=300).facts["summaries"]["left"] for _ in range(5)]
    assert left == [1] * 5
    desk.prompts.texts_by_address = {ADDRESS: "A chat"}
    found = desk.look_round(seconds=1800)
    assert (desk.texts(), found.facts["summaries"]["left"]) == ({"row-0": "a summary"}, 0)


def test_a_pipeline_that_cannot_be_read_stays_refused_though_no_row_is_new(desk: Desk) -> None:
    desk.label("row-0", "a summary", rung=False)
    labels = LabelPolicy("project-1", where={"not there": ("good",)})
    desk.pipelines["second"] = make_pipeline("second", labels=labels)
    desk.reconcile()
    for _ in range(2):
        assert "second" in desk.look_round(seconds=3600).refused
    latest = desk.reconciles.latest("second")
    assert latest is not None
    assert "not there" in latest["refused"]


def test_a_letter_about_a_row_is_closed_once_the_row_is_read(desk: Desk) -> None:
    desk.label("row-0", "a summary", rung=False)
    desk.labelbox.rows_by_id["row-0"].broken = True
    desk.reconcile(whole=True)
    assert desk.errors() == ["UnreadableRow"]
    desk.labelbox.rows_by_id["row-0"].broken = False
    desk.reconcile(whole=True)
    assert (desk.errors(), desk.letters.count()) == ([], 0)


def test_what_cannot_be_read_is_counted_once_though_another_row_crashes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        desk.label(f"row-{number}", "a summary", rung=False)
    desk.labelbox.rows_by_id["row-0"].broken = True
    apply = desk.examples.apply

    def crashing(pipeline: str, plan: Any, *, wanted: Wanted, **more: Any) -> Any:  # noqa: ANN401 - handed through
        if "row-3" in wanted.data_row_ids:
            raise ZeroDivisionError
        return apply(pipeline, plan, wanted=wanted, **more)

    monkeypatch.setattr(desk.examples, "apply", crashing)
    found = desk.found(whole=True)
    assert (found["unreadable"], found["left"]) == (2, 2)
