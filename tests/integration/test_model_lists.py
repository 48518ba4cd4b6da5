"""A model that the trainer does not have: refused before anything is paid, where the trainer's list can tell."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain.deployments import Deployment
from service.domain.dialects import DIALECTS
from service.domain.errors import ServiceError, TrainerBusy, TrainerRefused, TrainerUnreachable
from service.domain.runs import RunState
from service.ports import RemoteModel
from service.usecases.doors import weigh
from service.usecases.retrain import Retraining, retrain
from service.usecases.start_run import RunNotStarted, start_by_hand, start_if_due
from service.usecases.watch_sunsets import look_at_models
from tests.support.builders import make_pipeline
from tests.support.workshop import Workshop, leaking_answer

S = RunState
MISSPELT = "base-modle"


def trains(shop: Workshop, model: str, *, dialect: str = "openai") -> None:
    """Have the pipeline train this model at a server of this dialect."""
    pipeline = shop.pipelines["summaries"]
    shop.pipelines["summaries"] = replace(pipeline, train=replace(pipeline.train, model=model))
    shop.accounts["box"] = replace(shop.accounts["box"], dialect=DIALECTS[dialect])


@pytest.fixture
def misspelt(shop: Workshop) -> Workshop:
    trains(shop, MISSPELT)
    return shop


def start(shop: Workshop, **despite: bool) -> str:
    return start_by_hand(shop.pipelines["summaries"], shop, clock=shop.clock, **despite).run_id


def weighed(shop: Workshop) -> dict[str, Any]:
    _, decision = weigh(shop.pipelines["summaries"], shop, now=shop.clock.now)
    return {reason.code: reason for reason in (*decision.reasons, *decision.notes)}


def seen(shop: Workshop, model: str = MISSPELT) -> bool | None:
    found = shop.models_seen.find("box", model)
    return None if found is None else found.known


# By hand.


def test_a_person_is_told_the_models_that_may_be_meant(misspelt: Workshop) -> None:
    with pytest.raises(RunNotStarted, match=r"base-modle is not among the models of box; .*: base-model") as raised:
        start(misspelt)
    assert "--despite-list" in raised.value.remedy
    assert misspelt.runs.recent(None, 1) == []
    # And nobody has to ask again to know it.
    assert seen(misspelt) is False
    assert weighed(misspelt)["model_not_listed"].facts["closest"] == []


def test_a_model_that_came_meanwhile_is_started(misspelt: Workshop) -> None:
    with pytest.raises(RunNotStarted):
        start(misspelt)
    misspelt.trainer.voices[MISSPELT] = leaking_answer
    assert start(misspelt)
    assert seen(misspelt) is True


def test_whoever_knows_better_trains_it_all_the_same(misspelt: Workshop) -> None:
    run_id = start(misspelt, despite_list=True)
    assert misspelt.go(run_id, S.SUBMITTED).state == S.SUBMITTED


def test_the_end_of_a_model_is_another_door(misspelt: Workshop) -> None:
    with pytest.raises(RunNotStarted, match="not among the models"):
        start(misspelt, despite_sunset=True)


@pytest.mark.parametrize("dialect", ["openai", "generic"])
@pytest.mark.parametrize(
    ("error", "told", "remedy"),
    [
        (TrainerUnreachable("no connection"), "box cannot be asked: TrainerUnreachable: no connection", "base_url in"),
        (TrainerRefused("401", remedy="Check the key."), "box cannot be asked: TrainerRefused: 401", "Check the key ("),
    ],
)
def test_nothing_is_started_by_hand_at_a_trainer_that_is_away_or_refuses_the_key(
    shop: Workshop, dialect: str, error: ServiceError, told: str, remedy: str
) -> None:
    trains(shop, "base-model", dialect=dialect)
    shop.trainer.goes_wrong("model", error)
    with pytest.raises(RunNotStarted, match=told) as raised:
        start(shop)
    assert remedy in raised.value.remedy
    assert "[trainers.box]" in raised.value.remedy
    assert shop.runs.recent(None, 1) == []
    # Whoever wants it tried later all the same asks nobody.
    shop.trainer.goes_wrong("model", error)
    assert start(shop, despite_list=True)


def test_a_trainer_that_is_busy_is_taken_to_be_as_it_was_seen(misspelt: Workshop) -> None:
    misspelt.trainer.goes_wrong("model", TrainerBusy("later"), times=2)
    misspelt.models_seen.note("box", MISSPELT, None, now=misspelt.clock.now)
    with pytest.raises(RunNotStarted, match="not among the models"):
        start(misspelt)
    trains(misspelt, "never-asked-about")
    assert start(misspelt)


def test_a_snapshot_is_not_trained_on_a_misspelt_model_either(shop: Workshop) -> None:
    first = shop.go(shop.train())
    trains(shop, "base-model")
    wanted = Retraining(str(first.snapshot_id), model="base-modl")
    with pytest.raises(RunNotStarted, match=r"base-modl is not among .*base-model") as raised:
        retrain(wanted, shop.parts)
    assert "--despite-list" in raised.value.remedy
    run = retrain(replace(wanted, despite_list=True), shop.parts)
    assert shop.go(run.run_id, S.SUBMITTED).model == "base-modl"


# By itself.


def test_no_run_begins_by_itself_once_the_trainer_said_that_it_has_no_such_model(misspelt: Workshop) -> None:
    look_at_models(misspelt.pipelines, misspelt, clock=misspelt.clock)
    decision, run = start_if_due(misspelt.pipelines["summaries"], misspelt, clock=misspelt.clock)
    assert [reason.code for reason in decision.reasons] == ["model_not_listed"]
    assert run is None


def test_deciding_asks_nobody(misspelt: Workshop) -> None:
    for request in ("model", "models"):
        misspelt.trainer.goes_wrong(request, TrainerUnreachable())
    assert "model_not_listed" not in weighed(misspelt)
    assert seen(misspelt) is None


def test_a_run_that_was_opened_is_sent_nothing_and_paid_nothing(misspelt: Workshop) -> None:
    _, run = start_if_due(misspelt.pipelines["summaries"], misspelt, clock=misspelt.clock)
    assert run is not None
    ended = misspelt.go(run.run_id)
    assert ended.state == S.FAILED
    assert str(ended.fact("error")).startswith("ModelNotListed: base-modle is not among the models of box; ")
    assert "base-model" in str(ended.fact("error"))
    assert "[pipelines.summaries.train]" in str(ended.fact("remedy"))
    assert "[trainers.box]" in str(ended.fact("remedy"))
    assert misspelt.letter_errors() == {f"run {run.run_id}": "ModelNotListed"}
    assert (misspelt.trainer.files, misspelt.trainer.create_requests) == ({}, 0)
    assert misspelt.ledger.reserved_usd(run.run_id) == 0


def test_the_list_counts_although_no_end_does(misspelt: Workshop) -> None:
    pipeline = misspelt.pipelines["summaries"]
    endless = replace(pipeline, train=replace(pipeline.train, min_days_left=0))
    misspelt.pipelines["summaries"] = endless
    _, run = start_if_due(endless, misspelt, clock=misspelt.clock)
    assert run is not None
    assert misspelt.go(run.run_id).state == S.FAILED


# Lists that cannot tell.


@pytest.mark.parametrize("dialect", [name for name, ways in DIALECTS.items() if ways.model_list != "complete"])
def test_a_list_that_need_not_be_complete_refuses_nothing(shop: Workshop, dialect: str) -> None:
    trains(shop, MISSPELT, dialect=dialect)
    look_at_models(shop.pipelines, shop, clock=shop.clock)
    assert start(shop)
    assert "model_not_listed" not in weighed(shop)


@pytest.mark.parametrize("how", ["refused", "missing", "empty"])
def test_a_list_that_shows_nothing_refuses_nothing(misspelt: Workshop, how: str) -> None:
    """A key that may train need not be allowed to look at models."""
    misspelt.trainer.lists_models = how != "missing"
    if how == "refused":
        misspelt.trainer.goes_wrong("models", TrainerRefused("403"), times=100)
    if how == "empty":
        misspelt.trainer.voices.clear()
    assert misspelt.go(start(misspelt), S.SUBMITTED).state == S.SUBMITTED
    assert seen(misspelt) is True


def test_a_model_that_is_listed_and_not_shown_alone_is_there(shop: Workshop) -> None:
    trains(shop, "base-model")
    shop.trainer.shows_models = False
    assert shop.go(start(shop), S.SUBMITTED).state == S.SUBMITTED


def test_a_day_that_was_told_once_is_not_forgotten_where_nothing_is_told(misspelt: Workshop) -> None:
    end = misspelt.clock.now.date()
    misspelt.models_seen.note("box", MISSPELT, RemoteModel(MISSPELT, end), now=misspelt.clock.now)
    misspelt.trainer.lists_models = False
    with pytest.raises(RunNotStarted, match="shut down on"):
        start(misspelt)
    found = misspelt.models_seen.find("box", MISSPELT)
    assert found is not None
    assert (found.known, found.shutdown_on) == (True, end)


def test_an_end_that_only_the_list_tells_counts(shop: Workshop) -> None:
    trains(shop, "base-model")
    shop.trainer.shows_models = False
    shop.trainer.ends["base-model"] = shop.clock.now.date()
    with pytest.raises(RunNotStarted, match="shut down on"):
        start(shop)


# What a person will have to do after the money is spent.


def test_a_deployment_by_hand_is_told_before_the_training_is_paid_for(shop: Workshop) -> None:
    assert "deploy_by_hand" not in weighed(shop)
    shop.accounts["box"] = replace(shop.accounts["box"], deployment=Deployment(by_hand=True))
    told = weighed(shop)["deploy_by_hand"]
    assert "[trainers.box] deploy" in told.text
    assert told.facts == {"trainer": "box"}
    decision, run = start_if_due(make_pipeline(), shop, clock=shop.clock)
    assert decision.due
    assert run is not None
