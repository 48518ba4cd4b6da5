"""A run from its claim to its end, with a trainer at the port."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.domain.errors import RunMoved
from service.domain.pipelines import DatasetPolicy, TriggerPolicy, VerdictPolicy
from service.domain.runs import RunState, Step
from service.usecases.advance_run import note_crash
from service.usecases.start_run import RunNotStarted, start_by_hand, start_if_due
from service.usecases.steps.endings import MAX_ATTEMPTS
from tests.support.builders import make_pipeline
from tests.support.races import at_once
from tests.support.workshop import TUNED, Workshop, leaking_answer

S = RunState


# Starting.


def test_a_pipeline_that_is_due_gets_one_run_however_many_ask(shop: Workshop) -> None:
    def ask(_index: int) -> bool:
        return start_if_due(shop.pipelines["summaries"], shop, clock=shop.clock)[1] is not None

    assert sum(at_once(6, ask)) == 1
    (run,) = shop.runs.recent(None, 10)
    assert (run.ordinal, run.state, run.watermark, run.cause) == (1, S.CLAIMED, 60, "threshold")
    assert shop.queue.woken == [("advance_run", run.run_id)]


def test_a_pipeline_that_is_not_due_says_why_and_gets_none(shop: Workshop) -> None:
    patient = make_pipeline(trigger=TriggerPolicy(threshold=61))
    decision, run = start_if_due(patient, shop, clock=shop.clock)
    assert run is None
    assert [reason.code for reason in decision.reasons] == ["below_threshold", "not_quiet"]
    assert shop.runs.recent(None, 10) == []


def test_a_person_cannot_start_beside_an_open_run(shop: Workshop) -> None:
    shop.start()
    with pytest.raises(RunNotStarted, match="not finished"):
        shop.start()


def test_a_person_cannot_start_without_examples(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = Workshop(sqlite_engine, tmp_path)
    with pytest.raises(RunNotStarted, match="0 of 10 training examples"):
        start_by_hand(shop.pipelines["summaries"], shop, clock=shop.clock)


def test_examples_are_news_for_one_run_only(shop: Workshop) -> None:
    run_id = shop.start()
    assert shop.examples.counts("summaries").new == 0
    shop.fill(60, 65)
    # They came before the freeze, so they are in the snapshot.
    shop.go(run_id, S.SNAPSHOTTED)
    assert shop.examples.counts("summaries").new == 0
    shop.fill(65, 72)
    assert shop.examples.counts("summaries").new == 7


# The way to a champion.


def test_a_better_model_is_promoted(shop: Workshop) -> None:
    run_id = shop.train()
    run = shop.go(run_id)
    assert run.state == S.PROMOTED
    assert shop.states(run_id) == [
        "claimed",
        "snapshotted",
        "uploaded",
        "submitted",
        "evaluating",
        "promoted",
    ]
    champion = shop.evaluations.champion("summaries")
    assert champion is not None
    assert (champion["model"], champion["run_id"]) == (TUNED, run_id)
    evaluation = shop.evaluations.evaluation(run_id)
    assert evaluation is not None
    assert (evaluation["outcome"], evaluation["incumbent"], evaluation["champion_gone"]) == ("better", "base", False)
    assert evaluation["held_out"] == len(evaluation["questions"]) >= 8
    assert shop.trainer.create_requests == 1
    assert shop.letter_errors() == {}


def test_every_step_that_is_due_at_once_queues_the_next(shop: Workshop) -> None:
    run_id = shop.start()
    shop.queue.woken.clear()
    # Two files are uploaded, each in a step of its own.
    for state in (S.SNAPSHOTTED, S.SNAPSHOTTED, S.UPLOADED, S.SUBMITTED):
        run = shop.advance(run_id)
        assert run is not None
        assert run.state == state
        assert shop.queue.woken.pop() == ("advance_run", run_id)
    shop.advance(run_id)
    # Its job is looked at later; the sweep or the trainer's webhook sees to that.
    assert shop.queue.woken == []


def test_a_model_that_is_no_better_is_kept_back(shop: Workshop) -> None:
    run_id = shop.train(voice=leaking_answer)
    assert shop.go(run_id).state == S.KEPT
    assert shop.evaluations.champion("summaries") is None
    evaluation = shop.evaluations.evaluation(run_id)
    assert evaluation is not None
    assert evaluation["outcome"] == "cannot tell"


def test_a_better_model_waits_for_its_person_where_promotion_is_manual(shop: Workshop) -> None:
    shop.pipelines["summaries"] = make_pipeline(verdict=VerdictPolicy(promote="manual"))
    run_id = shop.train()
    assert shop.go(run_id).state == S.KEPT
    evaluation = shop.evaluations.evaluation(run_id)
    assert evaluation is not None
    assert evaluation["outcome"] == "better"
    assert shop.evaluations.champion("summaries") is None


def test_what_is_uploaded_is_the_snapshot_and_nothing_held_out(shop: Workshop) -> None:
    run_id = shop.start()
    run = shop.go(run_id, S.UPLOADED)
    snapshot = shop.snapshots.get(str(run.snapshot_id))
    uploaded = [shop.trainer.files[run.fact(name)] for name in ("training_file", "validation_file")]
    assert [hashlib.sha256(content).hexdigest() for content in uploaded] == [
        snapshot.files["train"].sha256,
        snapshot.files["validation"].sha256,
    ]
    assert sum(entry.lines for entry in snapshot.files.values()) == 60
    with shop.files.open(snapshot.files["held_out"].sha256) as stream:
        held_out = {user_text(line) for line in stream}
    assert held_out
    for content in uploaded:
        assert not held_out & {user_text(line) for line in content.splitlines()}


def user_text(line: bytes) -> str:
    return str(next(message["content"] for message in json.loads(line)["messages"] if message["role"] == "user"))


def test_the_same_examples_give_the_same_snapshot(shop: Workshop) -> None:
    first = shop.go(shop.train(), S.EVALUATING)
    shop.go(first.run_id)
    second = shop.go(shop.start(), S.SNAPSHOTTED)
    assert second.snapshot_id == first.snapshot_id
    shop.go(second.run_id, S.UPLOADED)
    # Each run has uploads of its own, so that deleting the first one's takes nothing from the second.
    assert len(shop.trainer.files) == 4


def test_without_validation_examples_no_empty_file_is_sent(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = Workshop(sqlite_engine, tmp_path)
    shop.pipelines["summaries"] = make_pipeline(dataset=DatasetPolicy(validation_percent=0))
    shop.fill()
    run = shop.go(shop.start(), S.UPLOADED)
    assert (run.fact("validation_file"), len(shop.trainer.files)) == (None, 1)
    assert shop.go(run.run_id, S.SUBMITTED).state == S.SUBMITTED


# Two workers, and workers that die.


def test_two_workers_do_not_do_one_step_together(shop: Workshop) -> None:
    run_id = shop.start()
    found = at_once(4, lambda _: shop.advance(run_id))
    assert len([run for run in found if run is not None]) >= 1
    assert shop.states(run_id)[:2] == ["claimed", "snapshotted"]
    assert len(set(shop.states(run_id))) == len(shop.states(run_id))


def test_a_run_whose_worker_died_is_taken_up_when_its_lease_ends(shop: Workshop) -> None:
    run_id = shop.start()
    assert shop.runs.lease(run_id, until=shop.clock.now + shop.timing.lease, now=shop.clock.now) is not None
    assert shop.advance(run_id) is None
    assert shop.runs.standing(now=shop.clock.now) == []
    shop.clock.forward(shop.timing.lease.total_seconds() + 1)
    assert [run.run_id for run in shop.runs.standing(now=shop.clock.now)] == [run_id]
    assert shop.advance(run_id) is not None


def test_a_worker_that_was_overtaken_changes_nothing(shop: Workshop) -> None:
    run_id = shop.start()
    slow = shop.runs.get(run_id)
    shop.go(run_id, S.UPLOADED)
    with pytest.raises(RunMoved):
        shop.runs.record(slow, Step(S.FAILED, "late"), now=shop.clock.now)
    assert shop.runs.get(run_id).state == S.UPLOADED


# Configuration that changes under a run.


def test_a_pipeline_that_left_the_configuration_fails_its_run_before_anything_was_paid(shop: Workshop) -> None:
    run_id = shop.start()
    del shop.pipelines["summaries"]
    run = shop.go(run_id)
    assert run.state == S.FAILED
    assert shop.letter_errors() == {f"run {run_id}": "NotFound"}
    assert shop.trainer.files == {}


def test_a_pipeline_that_left_the_configuration_after_the_training_asks_a_person(shop: Workshop) -> None:
    run_id = shop.train()
    pipeline = shop.pipelines.pop("summaries")
    run = shop.go(run_id)
    assert (run.state, run.fact("resume")) == (S.NEEDS_ATTENTION, "evaluating")
    shop.pipelines["summaries"] = pipeline


@pytest.mark.parametrize(
    ("state", "end"), [(S.SNAPSHOTTED, S.FAILED), (S.UPLOADED, S.FAILED), (S.SUBMITTED, S.NEEDS_ATTENTION)]
)
def test_a_trainer_that_left_the_configuration_ends_in_words_and_not_in_a_crash(
    shop: Workshop, state: RunState, end: RunState
) -> None:
    run_id = shop.start()
    shop.go(run_id, state)
    shop.accounts = {}
    run = shop.go(run_id)
    assert run.state == end
    assert "box" in str(run.fact("error"))


def test_cooldown_counts_from_the_last_run_whatever_became_of_it(shop: Workshop) -> None:
    run_id = shop.start()
    run = shop.runs.get(run_id)
    shop.runs.record(run, Step(S.FAILED, "x"), now=shop.clock.now)
    shop.fill(60, 80)
    patient = make_pipeline(trigger=TriggerPolicy(threshold=10, quiet=timedelta(0), cooldown=timedelta(hours=1)))
    decision, _ = start_if_due(patient, shop, clock=shop.clock)
    assert [reason.code for reason in decision.reasons] == ["cooldown"]


def test_a_step_that_crashes_waits_longer_each_time_and_then_asks_a_person(shop: Workshop) -> None:
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    pauses = []
    for _ in range(MAX_ATTEMPTS + 1):
        note_crash(run_id, KeyError("a fault of ours"), shop.parts)
        run = shop.runs.get(run_id)
        if run.due_at is not None:
            pauses.append(run.due_at - shop.clock.now)
    assert pauses[:3] == sorted(pauses[:3])
    assert (run.state, run.fact("error")) == (S.NEEDS_ATTENTION, "ServiceError: KeyError")
