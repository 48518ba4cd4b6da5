"""The sunset guard: what is known shuts the door, and the trainer is asked once more before money is set aside."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from service.domain.budgets import Price
from service.domain.errors import TrainerRefused, TrainerUnreachable
from service.domain.pipelines import Budget, TrainPolicy
from service.domain.runs import RunState
from service.domain.sunsets import Sunset, Sunsets
from service.usecases.start_run import RunNotStarted, start_by_hand, start_if_due
from service.usecases.steer_run import approve_run
from service.usecases.steps.parts import TrainerAccount
from service.usecases.sunset import sunset_door
from tests.support.builders import make_pipeline
from tests.support.fakes import NOON, FakeTrainer
from tests.support.workshop import EXPENSIVE, Workshop

S = RunState
TODAY = NOON.date()
SOON, LATE = TODAY + timedelta(29), TODAY + timedelta(30)


def knows(shop: Workshop, *, shutdown_on: date | None = None, training_ends: date | None = None) -> None:
    """Have the configuration know an end of the model that is trained."""
    sunsets = Sunsets({"base-model": Sunset(shutdown_on)}, training_ends)
    shop.accounts["box"] = replace(shop.accounts["box"], sunsets=sunsets)


def codes(shop: Workshop) -> list[str]:
    return [reason.code for reason in sunset_door(shop.pipelines["summaries"], shop.parts, now=shop.clock.now)]


def start(shop: Workshop, *, despite_sunset: bool = False) -> str:
    pipeline = shop.pipelines["summaries"]
    return start_by_hand(pipeline, shop, clock=shop.clock, despite_sunset=despite_sunset).run_id


# The door of the trigger, without any request.


def test_a_model_that_ends_soon_keeps_a_run_from_being_due(shop: Workshop) -> None:
    knows(shop, shutdown_on=SOON)
    decision, run = start_if_due(shop.pipelines["summaries"], shop, clock=shop.clock)
    assert [(reason.code, str(SOON) in reason.text) for reason in decision.reasons] == [("model_shuts_down", True)]
    assert run is None
    assert shop.runs.recent(None, 1) == []
    assert shop.models_seen.find("box", "base-model") is None


def test_a_person_is_told_of_it_and_of_the_way_around(shop: Workshop) -> None:
    knows(shop, shutdown_on=SOON, training_ends=TODAY)
    with pytest.raises(RunNotStarted, match=r"in 29 days.*for nobody from") as raised:
        start(shop)
    assert "--despite-sunset" in raised.value.remedy


def test_what_a_trainer_said_counts_beside_what_is_written_down(shop: Workshop) -> None:
    knows(shop, shutdown_on=LATE)
    assert codes(shop) == []
    shop.trainer.ends["base-model"] = SOON
    shop.models_seen.note("box", "base-model", shop.trainer.model("base-model"), now=shop.clock.now)
    assert codes(shop) == ["model_shuts_down"]


# The last look.


def test_a_trainer_that_announces_an_end_meanwhile_is_paid_nothing(shop: Workshop) -> None:
    shop.accounts["other"] = TrainerAccount("other", Budget(), {"lasting": Price(1.0, TODAY)}, FakeTrainer)
    run_id = start(shop)
    shop.trainer.ends["base-model"] = SOON
    run = shop.go(run_id)
    assert run.state == S.FAILED
    assert shop.letter_errors() == {f"run {run_id}": "ModelEnds"}
    assert str(SOON) in str(run.fact("error"))
    command = f"--snapshot {str(run.snapshot_id)[:16]} --trainer other --model lasting"
    assert f"tuneloop runs start summaries {command}. " in str(run.fact("remedy"))
    assert (shop.trainer.files, shop.trainer.create_requests) == ({}, 0)
    assert shop.ledger.reserved_usd(run_id) == 0
    # And nobody has to ask again to know it.
    assert codes(shop) == ["model_shuts_down"]


def test_a_trainer_that_takes_no_more_jobs_is_sent_nothing(shop: Workshop) -> None:
    run_id = start(shop)
    knows(shop, training_ends=TODAY + timedelta(1))
    assert shop.go(run_id).state == S.FAILED
    assert shop.trainer.files == {}


def test_a_model_with_time_enough_is_trained(shop: Workshop) -> None:
    shop.trainer.ends["base-model"] = LATE
    run_id = start(shop)
    assert shop.go(run_id, S.SUBMITTED).state == S.SUBMITTED
    seen = shop.models_seen.find("box", "base-model")
    assert seen is not None
    assert (seen.known, seen.shutdown_on) == (True, LATE)


def test_a_server_that_tells_nothing_of_its_models_is_no_obstacle(shop: Workshop) -> None:
    del shop.trainer.voices["base-model"]
    run_id = start(shop)
    assert shop.go(run_id, S.SUBMITTED).state == S.SUBMITTED
    seen = shop.models_seen.find("box", "base-model")
    assert seen is not None
    assert not seen.known


def test_while_the_trainer_is_away_nothing_is_set_aside(shop: Workshop) -> None:
    run_id = start(shop)
    shop.go(run_id, S.SNAPSHOTTED)
    shop.trainer.goes_wrong("model", TrainerUnreachable(), times=2)
    for _ in range(2):
        shop.advance(run_id)
        assert (shop.runs.get(run_id).state, shop.ledger.reserved_usd(run_id)) == (S.SNAPSHOTTED, 0)
    assert shop.go(run_id, S.SUBMITTED).state == S.SUBMITTED


@pytest.mark.parametrize(("seen_end", "state"), [(LATE, S.SUBMITTED), (SOON, S.FAILED)])
def test_a_trainer_that_fails_at_this_alone_is_taken_to_be_as_it_was_seen(
    shop: Workshop, seen_end: date, state: RunState
) -> None:
    """Some servers answer every unknown address with an error of their own: that must not keep a run for a day."""
    run_id = start(shop)
    shop.trainer.ends["base-model"] = seen_end
    shop.models_seen.note("box", "base-model", shop.trainer.model("base-model"), now=shop.clock.now)
    shop.trainer.goes_wrong("model", TrainerUnreachable(), times=100)
    assert shop.go(run_id, S.SUBMITTED).state == state


def test_a_key_that_may_not_look_at_models_is_refused_where_it_matters_or_not_at_all(shop: Workshop) -> None:
    run_id = start(shop)
    shop.trainer.goes_wrong("model", TrainerRefused("401"))
    assert shop.go(run_id, S.SUBMITTED).state == S.SUBMITTED


def test_a_run_that_waited_for_its_approval_is_looked_at_again(shop: Workshop) -> None:
    budget = Budget(approve_above_usd=1.0)
    shop.accounts["box"] = replace(shop.accounts["box"], budget=budget, prices={"base-model": EXPENSIVE})
    run_id = start(shop)
    assert shop.go(run_id).state == S.AWAITING_APPROVAL
    shop.trainer.ends["base-model"] = SOON
    approve_run(run_id, shop.parts)
    assert shop.go(run_id).state == S.FAILED
    assert (shop.trainer.files, shop.ledger.reserved_usd(run_id)) == ({}, 0)


# Told otherwise.


def test_a_person_may_train_a_dying_model_all_the_same(shop: Workshop) -> None:
    knows(shop, shutdown_on=SOON, training_ends=TODAY)
    shop.trainer.ends["base-model"] = SOON
    run_id = start(shop, despite_sunset=True)
    assert shop.go(run_id, S.SUBMITTED).state == S.SUBMITTED


def test_a_pipeline_without_a_limit_trains_everything(shop: Workshop) -> None:
    knows(shop, shutdown_on=TODAY)
    shop.pipelines["summaries"] = make_pipeline(train=TrainPolicy("box", "base-model", min_days_left=0))
    assert codes(shop) == []
    run_id = start(shop)
    assert shop.go(run_id, S.SUBMITTED).state == S.SUBMITTED


def test_a_run_that_waited_for_money_with_its_files_uploaded_is_looked_at_again(shop: Workshop) -> None:
    run_id = shop.start()
    shop.trainer.goes_wrong("create_job", TrainerRefused("pay first", code="insufficient_quota"))
    assert shop.go(run_id).state == S.NEEDS_ATTENTION
    shop.trainer.ends["base-model"] = (shop.clock.now + timedelta(days=5)).date()
    approve_run(run_id, shop.parts)
    run = shop.go(run_id)
    assert (run.state, str(run.fact("error")).partition(":")[0]) == (S.FAILED, "ModelEnds")
    assert (shop.trainer.jobs, shop.trainer.files, shop.ledger.month(now=shop.clock.now)) == ({}, {}, [])
