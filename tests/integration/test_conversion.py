"""From deliveries to examples: what is lost, doubled, late, refused or killed on the way."""

from collections.abc import Sequence

import msgspec
import pytest
import sqlalchemy as sa

from service.adapters.redis_inbox import RedisInbox
from service.adapters.sql_tables import deliveries
from service.domain.contents import pair
from service.domain.errors import LabelsRefused, LabelsUnreachable, UnfetchablePrompt
from service.domain.exports import LAG_ATTEMPTS, LONGEST_RETRY, MAX_ATTEMPTS
from service.domain.pipelines import LabelPolicy
from service.ports import Taken
from tests.support.builders import make_delivery, make_pipeline
from tests.support.conversion import Desk

LEASE_OVER_S = 31.0
LONGEST_PAUSE_S = LONGEST_RETRY.total_seconds()


def audited(desk: Desk) -> list[tuple[str, str]]:
    with desk.engine.connect() as connection:
        wanted = sa.select(deliveries.c.data_row_id, deliveries.c.outcome).order_by(deliveries.c.entry_id)
        return [(row[0], row[1]) for row in connection.execute(wanted)]


# The plain way.


def test_an_approved_label_becomes_an_example_and_its_delivery_is_forgotten(desk: Desk) -> None:
    desk.label("row-1", "a summary")
    done = desk.convert()
    assert (done.taken, done.settled, done.changes) == (1, 1, 1)
    assert desk.texts() == {"row-1": "a summary"}
    assert desk.inbox.depth() == 0
    assert audited(desk) == [("row-1", "converted")]


def test_a_hundred_deliveries_about_one_row_read_it_once(desk: Desk) -> None:
    for number in range(100):
        desk.label("row-1", f"text {number}")
    desk.label("row-2", "another")
    done = desk.convert()
    assert (done.taken, done.settled, done.changes) == (101, 101, 2)
    assert [sorted(ids) for ids in desk.labelbox.asked_ids] == [["row-1", "row-2"]]
    assert desk.example("row-1").version == 1


def test_more_rows_than_one_export_may_name_are_read_in_several(desk: Desk) -> None:
    ids = [f"row-{number}" for number in range(2500)]
    desk.clock.forward(1)
    for row_id in ids:
        desk.labelbox.add(row_id, f"chat {row_id}")
        desk.labelbox.label(row_id, "text")
    for start in range(0, len(ids), 500):
        body = {"project": {"id": "project-1"}, "dataRowIds": ids[start : start + 500]}
        desk.inbox.put_back(make_delivery(msgspec.json.encode(body), "WORKFLOW_ACTION"))
    assert desk.convert().changes == 2500
    assert [len(asked) for asked in desk.labelbox.asked_ids] == [2000, 500]


def test_an_empty_inbox_asks_labelbox_nothing(desk: Desk) -> None:
    desk.labelbox.trouble = LabelsRefused("must not be asked")
    assert desk.convert().taken == 0


def test_an_edit_is_a_new_version_and_taking_back_an_approval_withdraws(desk: Desk) -> None:
    desk.label("row-1", "first")
    desk.convert()
    desk.label("row-1", "second")
    desk.convert()
    assert (desk.texts(), desk.example("row-1").version) == ({"row-1": "second"}, 2)
    desk.label("row-1", "second", status="IN_REWORK")
    desk.convert()
    assert (desk.texts(), desk.example("row-1").status) == ({}, "withdrawn")


def test_a_deleted_label_withdraws_its_example(desk: Desk) -> None:
    desk.label("row-1", "a summary")
    desk.convert()
    desk.clock.forward(1)
    desk.labelbox.delete_label("row-1")
    desk.ring("row-1", "LABEL_DELETED")
    assert desk.convert().settled == 1
    assert (desk.texts(), desk.example("row-1").reason) == ({}, "not_labelled")


def test_a_forged_topic_deletes_nothing(desk: Desk) -> None:
    """The topic is not signed: whoever replays a delivery as LABEL_DELETED only has the row looked at again."""
    desk.label("row-1", "a summary")
    desk.convert()
    desk.ring("row-1", "LABEL_DELETED")
    for _ in range(LAG_ATTEMPTS):
        desk.convert()
    assert desk.texts() == {"row-1": "a summary"}
    assert desk.inbox.depth() == 0


def test_a_delivery_without_a_row_has_the_project_reconciled(desk: Desk) -> None:
    body = msgspec.json.encode({"project": {"id": "project-1"}})
    desk.inbox.put_back(make_delivery(body, "WORKFLOW_ACTION"))
    assert desk.convert().settled == 1
    assert desk.queue.woken == [("reconcile", "project-1")]
    assert desk.inbox.depth() == 0


def test_useless_deliveries_are_settled_too(desk: Desk) -> None:
    # The worker goes on while something is settled: thousands of useless ones must not look like a standstill.
    for number in range(3):
        desk.inbox.put_back(make_delivery(b"not json %d" % number))
    done = desk.convert()
    assert (done.taken, done.settled, done.changes) == (3, 3, 0)
    assert desk.errors() == ["UnreadableDelivery"] * 3


# Killed workers.


def test_a_killed_workers_deliveries_are_taken_over(desk: Desk) -> None:
    desk.label("row-1", "a summary")
    desk.label("row-2", "another")
    assert len(desk.inbox_of("killed").take(10)) == 2
    assert desk.convert(desk.inbox_of("heir")).settled == 2
    assert desk.texts() == {"row-1": "a summary", "row-2": "another"}
    assert desk.inbox.depth() == 0


class DiesBeforeItAcknowledges(RedisInbox):
    """An inbox whose worker is killed after the examples were written."""

    def acknowledge(self, taken: Sequence[Taken]) -> None:
        raise KeyboardInterrupt(len(taken))


def test_a_worker_killed_between_writing_and_acknowledging_does_nothing_twice(desk: Desk) -> None:
    desk.label("row-1", "a summary")
    with pytest.raises(KeyboardInterrupt):
        desk.convert(DiesBeforeItAcknowledges(desk.redis, prefix="test", consumer="killed", claim_after_ms=0))
    assert desk.inbox.depth() == 1
    done = desk.convert(seconds=LEASE_OVER_S)
    assert (done.settled, done.changes) == (1, 0)
    assert len(desk.labelbox.requests) == 1
    assert desk.example("row-1").version == 1
    assert desk.examples.counts("summaries").new == 1
    assert audited(desk) == [("row-1", "converted")]


def test_of_two_exports_the_slower_one_does_not_overwrite_the_newer(desk: Desk) -> None:
    """A worker stands still while it has read what was true a minute ago; others have gone on without it."""
    desk.label("row-1", "old")

    def meanwhile() -> None:
        desk.labelbox.after_reading = lambda: None
        desk.convert(seconds=LEASE_OVER_S)
        desk.label("row-1", "new")
        desk.convert()
        assert desk.texts() == {"row-1": "new"}

    desk.labelbox.after_reading = meanwhile
    desk.convert()
    assert desk.texts() == {"row-1": "new"}
    assert (desk.inbox.depth(), len(desk.labelbox.requests)) == (0, 2)


# Labelbox lags, or does not answer.


def test_a_label_that_the_export_does_not_show_yet_is_waited_for(desk: Desk) -> None:
    desk.labelbox.add("row-1", "a chat")
    desk.labelbox.lag()
    desk.label("row-1", "a summary")
    assert desk.convert().settled == 0
    assert (desk.inbox.depth(), audited(desk)) == (1, [])
    desk.labelbox.catch_up()
    assert desk.convert().settled == 1
    assert desk.texts() == {"row-1": "a summary"}


def test_an_edit_that_the_export_does_not_show_yet_is_waited_for(desk: Desk) -> None:
    desk.label("row-1", "a first summary")
    desk.convert()
    desk.labelbox.lag()
    desk.clock.forward(60)
    desk.labelbox.label("row-1", "a better summary")
    desk.ring("row-1", "LABEL_UPDATED")
    assert desk.convert().settled == 0
    assert (desk.texts(), desk.inbox.depth()) == ({"row-1": "a first summary"}, 1)
    desk.labelbox.catch_up()
    assert desk.convert().settled == 1
    assert desk.texts() == {"row-1": "a better summary"}


def test_an_approval_that_the_export_does_not_show_yet_is_waited_for(desk: Desk) -> None:
    desk.label("row-1", "a summary", status="IN_REVIEW")
    desk.convert()
    desk.labelbox.lag()
    desk.labelbox.move("row-1", "DONE")
    desk.ring("row-1", "WORKFLOW_ACTION")
    assert (desk.convert().settled, desk.inbox.depth()) == (0, 1)
    desk.labelbox.catch_up()
    assert desk.convert().settled == 1
    assert desk.texts() == {"row-1": "a summary"}


def test_a_step_that_was_no_approval_is_looked_at_twice_and_no_more(desk: Desk) -> None:
    desk.label("row-1", "a summary", status="IN_REVIEW")
    desk.convert()
    desk.labelbox.move("row-1", "IN_REWORK")
    desk.ring("row-1", "WORKFLOW_ACTION")
    assert [desk.convert().settled, desk.convert().settled] == [0, 1]


def test_a_prompt_that_cannot_be_fetched_now_keeps_its_delivery(desk: Desk) -> None:
    address = "https://storage.labelbox.com/chat.txt"
    desk.labelbox.add("row-1", address)
    desk.prompts.texts_by_address[address] = UnfetchablePrompt("address_unreachable")
    desk.label("row-1", "a summary")
    assert (desk.convert().settled, desk.inbox.depth(), desk.errors()) == (0, 1, [])
    desk.prompts.texts_by_address[address] = "A chat"
    assert desk.convert().settled == 1
    assert desk.example("row-1").content == pair("A chat", "a summary")


def test_a_prompt_that_can_never_be_fetched_ends_in_the_dead_letters_with_its_remedy(desk: Desk) -> None:
    address = "https://storage.labelbox.com/chat.txt"
    desk.labelbox.add("row-1", address)
    desk.prompts.texts_by_address[address] = UnfetchablePrompt("address_gone")
    desk.label("row-1", "a summary")
    for _ in range(MAX_ATTEMPTS):
        desk.convert(seconds=3600)
    assert (desk.inbox.depth(), desk.errors()) == (0, ["UnfetchablePrompt"])
    (letter,) = desk.letters.open(1)
    assert letter["remedy"]


def test_a_row_that_the_export_does_not_show_yet_is_waited_for(desk: Desk) -> None:
    desk.labelbox.lag()
    desk.label("row-1", "a summary")
    assert desk.convert().settled == 0
    desk.labelbox.catch_up()
    desk.convert()
    assert desk.texts() == {"row-1": "a summary"}


def test_a_lag_holds_up_no_other_delivery(desk: Desk) -> None:
    desk.label("row-1", "a summary", rung=False)
    desk.labelbox.add("row-2", "a chat")
    desk.labelbox.lag()
    desk.ring("row-1")
    desk.label("row-2", "another")
    done = desk.convert()
    assert (done.taken, done.settled) == (2, 1)
    assert desk.texts() == {"row-1": "a summary"}


def test_after_some_looks_what_the_export_shows_is_believed(desk: Desk) -> None:
    desk.labelbox.add("row-1", "a chat")
    desk.ring("row-1", label_id="a label that was deleted meanwhile")
    for attempt in range(1, LAG_ATTEMPTS + 1):
        assert desk.convert().settled == (attempt == LAG_ATTEMPTS)
    assert desk.examples.existing("summaries", ["row-1"])["row-1"].reason == "not_labelled"
    assert (desk.inbox.depth(), desk.errors()) == (0, [])


def test_a_row_that_is_gone_withdraws_its_example_after_a_second_look(desk: Desk) -> None:
    desk.label("row-1", "a summary")
    desk.convert()
    desk.labelbox.remove("row-1")
    desk.ring("row-1", "LABEL_DELETED")
    for _ in range(LAG_ATTEMPTS - 1):
        assert desk.convert().settled == 0
        assert desk.texts() == {"row-1": "a summary"}
    assert desk.convert().settled == 1
    assert (desk.texts(), desk.example("row-1").reason) == ({}, "row_gone")


def test_while_labelbox_does_not_answer_everything_stays_pending(desk: Desk) -> None:
    desk.label("row-1", "a summary")
    desk.labelbox.trouble = LabelsUnreachable("503")
    for _ in range(MAX_ATTEMPTS - 1):
        assert desk.convert(seconds=LONGEST_PAUSE_S).settled == 0
    assert (desk.inbox.depth(), desk.errors()) == (1, [])
    desk.labelbox.trouble = None
    desk.convert(seconds=LONGEST_PAUSE_S)
    assert desk.texts() == {"row-1": "a summary"}


def test_after_the_last_attempt_a_delivery_is_set_aside_and_can_be_replayed(desk: Desk) -> None:
    desk.label("row-1", "a summary")
    desk.labelbox.trouble = LabelsUnreachable("503")
    for _ in range(MAX_ATTEMPTS):
        desk.convert(seconds=LONGEST_PAUSE_S)
    assert (desk.inbox.depth(), desk.errors()) == (0, ["LabelsUnreachable"])
    desk.labelbox.trouble = None
    (letter,) = desk.letters.open(10)
    delivery = desk.letters.take(letter["letter_id"])
    assert delivery is not None
    desk.inbox.put_back(delivery)
    desk.letters.close(letter["letter_id"], taken_at=desk.clock())
    desk.convert()
    assert (desk.texts(), desk.errors()) == ({"row-1": "a summary"}, [])


def test_what_labelbox_refuses_is_set_aside_at_once_with_its_remedy(desk: Desk) -> None:
    desk.label("row-1", "a summary")
    desk.label("row-2", "another")
    desk.labelbox.trouble = LabelsRefused("403 Forbidden")
    assert desk.convert().settled == 2
    assert (desk.inbox.depth(), desk.errors()) == (0, ["LabelsRefused"] * 2)
    assert "LABELBOX_API_KEY" in desk.letters.open(1)[0]["remedy"]


def test_a_row_that_cannot_be_read_is_set_aside_and_the_others_are_converted(desk: Desk) -> None:
    desk.label("row-1", "a summary")
    desk.label("row-2", "another")
    desk.labelbox.rows_by_id["row-1"].broken = True
    assert desk.convert().settled == 2
    assert desk.texts() == {"row-2": "another"}
    assert desk.errors() == ["UnreadableRow"]
    assert audited(desk) == [("row-1", "dead_lettered"), ("row-2", "converted")]


@pytest.mark.parametrize("odd", ["half an emoji \ud83d", "a \x00 byte"])
def test_a_text_that_cannot_be_stored_holds_up_nothing(desk: Desk, odd: str) -> None:
    desk.label("row-1", odd)
    desk.label("row-2", "another")
    assert desk.convert().settled == 2
    assert desk.texts() == {"row-2": "another"}
    assert desk.example("row-1").reason == "broken_text"


# Several pipelines on one project.


def test_every_pipeline_of_a_project_gets_its_own_example(desk: Desk) -> None:
    desk.pipelines["strict"] = make_pipeline("strict")
    desk.pipelines["eager"] = make_pipeline("eager", labels=LabelPolicy("project-1", accept="submitted"))
    desk.label("row-1", "done")
    desk.label("row-2", "in review", status="IN_REVIEW")
    assert desk.convert().changes == 6
    assert desk.texts("summaries") == desk.texts("strict") == {"row-1": "done"}
    assert desk.texts("eager") == {"row-1": "done", "row-2": "in review"}
    assert len(desk.labelbox.asked_ids) == 1


def test_a_delivery_for_one_pipeline_is_converted_for_that_one_only(desk: Desk) -> None:
    desk.pipelines["other"] = make_pipeline("other")
    desk.label("row-1", "a summary", rung=False)
    desk.ring("row-1", pipeline="other")
    desk.convert()
    assert (desk.texts("summaries"), desk.texts("other")) == ({}, {"row-1": "a summary"})


@pytest.mark.parametrize("first", ["confused", "summaries"])
def test_a_pipeline_that_cannot_read_the_project_stops_no_other(desk: Desk, first: str) -> None:
    confused = make_pipeline("confused", labels=LabelPolicy("project-1", response="no such question"))
    both = {"summaries": make_pipeline(), "confused": confused}
    desk.pipelines = {first: both.pop(first), **both}
    desk.label("row-1", "a summary")
    assert desk.convert().settled == 1
    assert desk.texts("summaries") == {"row-1": "a summary"}
    assert desk.errors() == ["AmbiguousOntology"]


def test_a_pipelines_project_that_is_named_in_no_delivery_is_found_by_its_path(desk: Desk) -> None:
    desk.label("row-1", "a summary", rung=False)
    body = msgspec.json.encode({"dataRowId": "row-1"})
    desk.inbox.put_back(make_delivery(body, "WORKFLOW_ACTION", pipeline="summaries"))
    desk.convert()
    assert desk.texts() == {"row-1": "a summary"}
