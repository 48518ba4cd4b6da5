"""Reading the project by itself: it alone suffices to make the examples true."""

from random import Random

import pytest

from service.domain.errors import LabelsUnreachable
from service.domain.exports import LAG_ATTEMPTS
from tests.support.conversion import Desk


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


# Everything at once.


def live(desk: Desk, random: Random, *, rows: int = 8, moves: int = 60) -> None:
    """Let people work while deliveries are lost, doubled and late, and workers convert now and then."""
    waiting: list[tuple[str, str]] = []
    for move in range(moves):
        row_id = f"row-{random.randrange(rows)}"
        row = desk.labelbox.rows_by_id.get(row_id)
        chance = random.random()
        desk.clock.forward(1)
        topic = "LABEL_UPDATED"
        if row is None or chance < 0.4 or not row.labels:
            desk.label(row_id, f"text {move}", rung=False, status=random.choice(["DONE", "DONE", "IN_REVIEW"]))
        elif chance < 0.55:
            desk.labelbox.delete_label(row_id)
            topic = "LABEL_DELETED"
        elif chance < 0.65:
            desk.labelbox.remove(row_id)
            topic = "LABEL_DELETED"
        else:
            desk.labelbox.move(row_id, random.choice(["DONE", "IN_REWORK"]))
            topic = "WORKFLOW_ACTION"
        waiting += [(row_id, topic)] * random.choice([0, 1, 1, 2])
        random.shuffle(waiting)
        while waiting and random.random() < 0.4:
            desk.ring(waiting[0][0], waiting.pop(0)[1])
        if random.random() < 0.2:
            desk.labelbox.lag() if random.random() < 0.5 else desk.labelbox.catch_up()
        if random.random() < 0.15:
            desk.convert(desk.inbox_of(f"worker-{random.randrange(3)}"))
    desk.labelbox.catch_up()
    for row_id, topic in waiting:
        desk.ring(row_id, topic)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happened_the_examples_equal_what_labelbox_holds(desk: Desk, seed: int) -> None:
    live(desk, Random(seed))
    for _ in range(LAG_ATTEMPTS + 1):
        desk.convert()
    assert desk.inbox.depth() == 0
    desk.reconcile(whole=True)
    assert desk.texts() == desk.labelbox.texts()
    assert desk.reconcile(whole=True) == 0
    assert desk.errors() == []
    for example in desk.examples.existing("summaries", [f"row-{number}" for number in range(8)]).values():
        assert (example.status == "active") == (example.reason is None)


def test_without_losses_no_reconcile_is_needed(desk: Desk) -> None:
    random = Random(42)
    for number in range(40):
        desk.label(f"row-{random.randrange(10)}", f"text {number}")
        if random.random() < 0.3:
            desk.convert()
    desk.convert()
    assert desk.texts() == desk.labelbox.texts()
    assert desk.convert().taken == 0
