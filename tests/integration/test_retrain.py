"""A frozen snapshot, trained again: elsewhere, on another model, through every door, and never twice unseen."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from service.domain.budgets import Price
from service.domain.dialects import DIALECTS, Dialect
from service.domain.errors import (
    ConfigurationError,
    CorruptFile,
    NotFound,
    ServiceError,
    TrainedAlready,
    TrainerUnreachable,
)
from service.domain.pipelines import Budget, DatasetPolicy, TrainPolicy, TriggerPolicy
from service.domain.runs import RETRAINING, Run, RunState, Step
from service.domain.snapshots import SPLITS, Snapshot
from service.domain.sunsets import Sunset, Sunsets
from service.domain.triggers import BY_HAND
from service.usecases.advance_run import advance_run
from service.usecases.promote_run import promote_run
from service.usecases.retrain import CannotRetrain, Retraining, doors_shut, retrain
from service.usecases.start_run import RunNotStarted, new_run, open_run, opened_by_hand, start_if_due
from service.usecases.steps.paid_once import require_news
from service.usecases.steps.parts import Parts, TrainerAccount
from tests.support.builders import make_pipeline
from tests.support.fakes import NOON, FakeTrainer
from tests.support.freezing import build, make_frozen
from tests.support.workshop import TUNED, Workshop, good_answer, leaking_answer

S = RunState
TODAY = NOON.date()


@dataclass
class Elsewhere:
    """A workshop in which a snapshot was trained, and a second trainer."""

    shop: Workshop
    trainer: FakeTrainer
    first: Run

    @property
    def snapshot_id(self) -> str:
        return str(self.first.snapshot_id)

    def account(self, dialect: Dialect = DIALECTS["generic"], **fields: Any) -> None:  # noqa: ANN401 - the fields of TrainerAccount
        account = TrainerAccount("other", Budget(), {}, lambda: self.trainer, dialect=dialect)
        self.shop.accounts["other"] = replace(account, **fields)

    def again(self, **wanted: Any) -> Run:  # noqa: ANN401 - the fields of Retraining
        self.shop.clock.forward(1)
        chosen = {"snapshot": self.snapshot_id[:12], "trainer": "other", "model": "lasting"} | wanted
        return retrain(Retraining(**chosen), self.shop.parts)


@pytest.fixture
def elsewhere(shop: Workshop) -> Elsewhere:
    first = shop.go(shop.train())
    assert first.state == S.PROMOTED
    made = Elsewhere(shop, FakeTrainer(), first)
    made.trainer.voices["lasting"] = leaking_answer
    made.account()
    return made


def finish(trainer: FakeTrainer, model: str = "tuned-elsewhere", *, voice: Callable[[str], str] = good_answer) -> None:
    trainer.becomes("ftjob-1", "succeeded", tuned_model=model, trained_tokens=5000)
    trainer.voices[model] = voice


# The way.


def test_a_snapshot_is_trained_again_at_another_trainer(elsewhere: Elsewhere) -> None:
    shop, snapshots = elsewhere.shop, elsewhere.shop.snapshots
    run = elsewhere.again()
    assert (run.snapshot_id, run.cause, run.pipeline) == (elsewhere.snapshot_id, RETRAINING, "summaries")
    assert (run.trainer, run.model, run.ordinal) == ("other", "lasting", 2)
    assert shop.queue.woken[-1] == ("advance_run", run.run_id)

    shop.go(run.run_id, S.SUBMITTED)
    finish(elsewhere.trainer)
    shop.go(run.run_id)

    assert shop.states(run.run_id)[:4] == ["claimed", "snapshotted", "uploaded", "submitted"]
    sent = {hashlib.sha256(content).hexdigest() for content in elsewhere.trainer.files.values()}
    files = snapshots.get(elsewhere.snapshot_id).files
    assert sent == {files[split].sha256 for split in ("train", "validation")}
    assert len(snapshots.recent(None, 10)) == 1
    assert (shop.trainer.create_requests, elsewhere.trainer.create_requests) == (1, 1)


def test_its_model_is_judged_against_its_own_base_and_the_champion(elsewhere: Elsewhere) -> None:
    shop = elsewhere.shop
    run = elsewhere.again()
    shop.go(run.run_id, S.SUBMITTED)
    finish(elsewhere.trainer)
    assert shop.go(run.run_id).state in {S.KEPT, S.PROMOTED}
    evaluation = shop.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    assert evaluation["models"] == {"base": "lasting", "challenger": "tuned-elsewhere", "champion": TUNED}
    assert {model for model, _ in elsewhere.trainer.asked} == {"lasting", "tuned-elsewhere"}


def test_what_is_no_better_than_a_champion_that_goes_takes_its_place_by_hand(elsewhere: Elsewhere) -> None:
    shop = elsewhere.shop
    # It need not answer any more: what it said to the same questions is kept.
    del shop.trainer.voices[TUNED]
    run = elsewhere.again()
    shop.go(run.run_id, S.SUBMITTED)
    finish(elsewhere.trainer)
    assert shop.go(run.run_id).state == S.KEPT
    promote_run(run.run_id, shop.parts)
    champion = shop.evaluations.champion("summaries")
    assert champion is not None
    assert (champion["model"], champion["trainer"]) == ("tuned-elsewhere", "other")


def test_the_trigger_goes_on_from_where_it_was(elsewhere: Elsewhere) -> None:
    shop = elsewhere.shop
    shop.fill(60, 67)
    assert shop.examples.counts("summaries").new == 7
    run = elsewhere.again()
    assert shop.examples.counts("summaries").new == 7
    shop.go(run.run_id, S.SUBMITTED)
    finish(elsewhere.trainer)
    ended = shop.go(run.run_id)
    assert ended.watermark == shop.snapshots.get(elsewhere.snapshot_id).watermark == 60
    assert shop.examples.counts("summaries").new == 7
    # The next run takes them up.
    shop.go(shop.start(), S.SNAPSHOTTED)
    assert shop.examples.counts("summaries").new == 0


def test_it_begins_no_cooldown(elsewhere: Elsewhere) -> None:
    shop = elsewhere.shop
    trigger = TriggerPolicy(threshold=10, quiet=timedelta(0), cooldown=timedelta(hours=1))
    patient = make_pipeline(trigger=trigger)
    began = elsewhere.first.created_at
    shop.fill(60, 80)
    shop.clock.now = began + timedelta(minutes=59)
    run = elsewhere.again()
    shop.runs.record(run, Step(S.FAILED, "x"), now=shop.clock.now)
    decision, _ = start_if_due(patient, shop, clock=shop.clock)
    assert [(reason.code, reason.facts) for reason in decision.reasons] == [
        ("cooldown", {"until": began + timedelta(hours=1)})
    ]
    shop.clock.now = began + timedelta(hours=1)
    assert start_if_due(patient, shop, clock=shop.clock)[0].due


def test_taking_the_snapshot_twice_changes_nothing(elsewhere: Elsewhere) -> None:
    shop, run = elsewhere.shop, elsewhere.again()
    assert shop.runs.lease(run.run_id, until=shop.clock.now + timedelta(minutes=1), now=shop.clock.now)
    shop.clock.forward(120)  # its worker died in the step
    after = shop.go(run.run_id, S.SNAPSHOTTED)
    assert after.snapshot_id == elsewhere.snapshot_id
    assert len(shop.snapshots.recent(None, 10)) == 1


def test_pipeline_trainer_and_model_are_its_own_where_none_is_named(elsewhere: Elsewhere) -> None:
    run = elsewhere.again(trainer=None, model=None, pipeline="summaries", again=True)
    assert (run.trainer, run.model) == ("box", "base-model")


# What fits.


def refusal(elsewhere: Elsewhere, kind: type[ServiceError], **wanted: Any) -> ServiceError:  # noqa: ANN401 - as above
    with pytest.raises(kind) as raised:
        elsewhere.again(**wanted)
    assert len(elsewhere.shop.runs.recent(None, 10)) == 1
    assert raised.value.remedy
    return raised.value


def test_a_snapshot_of_another_pipeline_is_refused(elsewhere: Elsewhere) -> None:
    elsewhere.shop.pipelines["second"] = make_pipeline("second")
    assert "is of summaries, not of second" in str(refusal(elsewhere, CannotRetrain, pipeline="second"))


def test_a_snapshot_of_a_pipeline_that_is_no_longer_configured_is_refused(elsewhere: Elsewhere) -> None:
    elsewhere.shop.pipelines["renamed"] = elsewhere.shop.pipelines.pop("summaries")
    assert "[pipelines.summaries]" in refusal(elsewhere, CannotRetrain).remedy


def test_an_unknown_snapshot_is_refused(elsewhere: Elsewhere) -> None:
    assert "datasets list" in refusal(elsewhere, NotFound, snapshot="ffff").remedy


def test_an_unknown_trainer_is_refused_with_those_there_are(elsewhere: Elsewhere) -> None:
    assert refusal(elsewhere, ConfigurationError, trainer="none").remedy == "There are: box, other"


def test_another_trainer_needs_a_model(elsewhere: Elsewhere) -> None:
    assert "--model" in refusal(elsewhere, ConfigurationError, model=None).remedy


def test_preference_lines_are_refused_where_only_supervised_training_is_done(elsewhere: Elsewhere) -> None:
    shop, pipeline = elsewhere.shop, make_pipeline(train=TrainPolicy("box", "base-model", "preference"))
    pairs = [make_frozen(number, split) for number, split in enumerate(SPLITS)]
    built = build(pairs, shop.files, pipeline=pipeline)
    shop.snapshots.add(Snapshot(built.snapshot_id, "summaries", 1, NOON, built.files, built.head))
    elsewhere.account(DIALECTS["nebius"])
    error = refusal(elsewhere, CannotRetrain, snapshot=built.snapshot_id)
    assert "holds preference lines, and other trains only supervised" in str(error)


def test_settings_of_a_job_are_translated_for_another_dialect(elsewhere: Elsewhere) -> None:
    given = {"n_epochs": 2, "lora_r": 8}
    suffix = "support.summaries-of-2026"
    train = TrainPolicy("box", "base-model", hyperparameters=given, suffix=suffix)
    elsewhere.shop.pipelines["summaries"] = make_pipeline(train=train)
    elsewhere.account(DIALECTS["azure"])
    run = elsewhere.again()
    assert (run.fact("hyperparameters"), run.fact("suffix")) == ({"n_epochs": 2}, "support-summaries-")
    elsewhere.shop.runs.record(run, Step(S.CANCELLED, "x"), now=NOON)
    own = elsewhere.again(trainer="box", model="another")
    assert (own.fact("hyperparameters"), own.fact("suffix")) == (given, suffix)


@pytest.mark.parametrize(
    ("dialect", "left"),
    [("together", {"n_epochs": 2, "batch_size": 8}), ("nebius", None), ("generic", None), ("azure", None)],
)
def test_a_trainer_is_sent_no_hyperparameter_that_it_does_not_know(
    dialect: str, left: dict[str, int] | None, elsewhere: Elsewhere
) -> None:
    given = {"n_epochs": 2, "batch_size": 8, "learning_rate_multiplier": 1.5}
    train = TrainPolicy("box", "base-model", hyperparameters=given)
    elsewhere.shop.pipelines["summaries"] = make_pipeline(train=train)
    elsewhere.account(DIALECTS[dialect])
    assert elsewhere.again().fact("hyperparameters") == (left or given)


# Once.


def test_the_same_snapshot_trainer_and_model_are_not_paid_twice_unseen(elsewhere: Elsewhere) -> None:
    error = refusal(elsewhere, TrainedAlready, trainer="box", model="base-model")
    assert elsewhere.first.run_id in str(error)
    assert "--again" in error.remedy
    run = elsewhere.again(trainer="box", model="base-model", again=True)
    assert run.ordinal == 2


def test_a_start_without_a_changed_example_is_refused_as_that_of_the_snapshot_is(elsewhere: Elsewhere) -> None:
    shop = elsewhere.shop
    with pytest.raises(TrainedAlready) as refused:
        shop.start(again=False)
    assert elsewhere.first.run_id in str(refused.value)
    assert refused.value.remedy.endswith("tuneloop runs start summaries --again")
    assert shop.runs.get(shop.start(again=True)).ordinal == 2


def test_whoever_opened_a_run_a_moment_before_is_no_reason_to_pay_twice(elsewhere: Elsewhere) -> None:
    shop = elsewhere.shop
    shop.fill(60, 61)
    pipeline, counts = shop.pipelines["summaries"], shop.examples.counts("summaries")
    # Both counted before either had opened one.
    first, second = (new_run(pipeline, counts, BY_HAND, now=shop.clock.forward(1)) for _ in range(2))
    assert open_run(first, shop) is not None
    require_news(second, shop.runs)
    with pytest.raises(RunNotStarted, match="at the same moment"):
        opened_by_hand(second, shop)


def test_a_start_with_changed_examples_pays(elsewhere: Elsewhere) -> None:
    shop = elsewhere.shop
    shop.fill(60, 61)
    run_id = shop.start(again=False)
    assert shop.go(run_id, S.SUBMITTED).state == S.SUBMITTED


def test_a_start_with_another_system_text_pays_for_the_same_examples(elsewhere: Elsewhere) -> None:
    shop = elsewhere.shop
    shop.pipelines["summaries"] = replace(shop.pipelines["summaries"], system="Another text.")
    run_id = shop.start(again=False)
    assert shop.go(run_id, S.SUBMITTED).state == S.SUBMITTED


def test_what_only_the_snapshot_shows_to_be_the_same_is_not_paid_for_either(elsewhere: Elsewhere) -> None:
    shop = elsewhere.shop
    # It might have shaped the snapshot, and did not.
    policy = replace(shop.pipelines["summaries"].dataset, min_train=1)
    shop.pipelines["summaries"] = replace(shop.pipelines["summaries"], dataset=policy)
    run = shop.go(shop.start(again=False))
    assert (run.state, shop.trainer.create_requests) == (S.FAILED, 1)
    assert str(run.error).startswith(f"TrainedAlready: run {elsewhere.first.run_id} (promoted) is of the same snapshot")
    assert f"--snapshot {elsewhere.snapshot_id[:16]} --trainer box --model base-model --again" in str(run.remedy)
    assert shop.ledger.entries_of(run.run_id) == []


def test_what_failed_before_it_trained_may_be_tried_again(elsewhere: Elsewhere) -> None:
    shop = elsewhere.shop
    failed = elsewhere.again()
    shop.accounts.pop("other")
    assert shop.go(failed.run_id).state == S.FAILED
    elsewhere.account()
    assert elsewhere.again().ordinal == 3


# The doors.


def test_an_open_run_is_in_the_way(elsewhere: Elsewhere) -> None:
    open_run = elsewhere.again()
    with pytest.raises(RunNotStarted, match=f"{open_run.run_id}.*is not finished"):
        elsewhere.again(model="another")


def test_the_minimums_are_asked_of_the_snapshots_files(elsewhere: Elsewhere) -> None:
    elsewhere.shop.fill(60, 200)
    elsewhere.shop.pipelines["summaries"] = make_pipeline(dataset=DatasetPolicy(min_train=60))
    assert "of 60 training examples" in str(refusal(elsewhere, RunNotStarted))


def test_a_model_that_ends_soon_is_refused_unless_told_otherwise(elsewhere: Elsewhere) -> None:
    elsewhere.account(sunsets=Sunsets({"lasting": Sunset(TODAY + timedelta(9))}))
    assert "--despite-sunset" in refusal(elsewhere, RunNotStarted).remedy
    run = elsewhere.again(despite_sunset=True)
    assert elsewhere.shop.go(run.run_id, S.SUBMITTED).state == S.SUBMITTED


def test_the_budget_of_that_trainer_counts(elsewhere: Elsewhere) -> None:
    elsewhere.account(budget=Budget(run_usd=1.0), prices={"lasting": Price(1_000_000.0, TODAY)})
    assert "above 1.00 USD a run (trainer other)" in str(refusal(elsewhere, RunNotStarted))


def test_an_approval_is_asked_for_and_shown_with_its_estimate(elsewhere: Elsewhere) -> None:
    elsewhere.account(budget=Budget(approve_above_usd=1.0), prices={"lasting": Price(1_000_000.0, TODAY)})
    run = elsewhere.shop.go(elsewhere.again().run_id)
    assert run.state == S.AWAITING_APPROVAL
    assert run.fact("estimate")["tokens"] == elsewhere.shop.snapshots.get(elsewhere.snapshot_id).files["train"].tokens


# The snapshot itself.


def test_tokens_are_counted_anew_for_a_model_of_another_encoding(elsewhere: Elsewhere) -> None:
    shop = elsewhere.shop
    parts = _counting(shop.parts)
    run = retrain(Retraining(elsewhere.snapshot_id, trainer="other", model="lasting"), parts)
    after = advance_run(run.run_id, parts)
    assert after is not None
    train = shop.snapshots.get(elsewhere.snapshot_id).files["train"]
    assert train.tokens < after.fact("train_tokens") < 3 * train.tokens
    estimated = advance_run(run.run_id, parts)
    assert estimated is not None
    assert estimated.fact("estimate")["tokens"] == after.fact("train_tokens")


def _counting(parts: Parts) -> Parts:
    """Have "lasting" count each word as three tokens."""
    return replace(
        parts,
        archive=replace(
            parts.archive,
            encoding_of=lambda model: "threefold" if model == "lasting" else "words",
            count_tokens=lambda text, model: len(text.split()) * (3 if model == "lasting" else 1),
        ),
    )


def test_without_its_manifest_nothing_begins(elsewhere: Elsewhere) -> None:
    Path(elsewhere.shop.files.location(elsewhere.snapshot_id)).unlink()
    assert "datasets verify --repair" in refusal(elsewhere, CorruptFile).remedy


def test_a_snapshot_that_is_lost_meanwhile_is_paid_nothing_for(elsewhere: Elsewhere) -> None:
    shop, run = elsewhere.shop, elsewhere.again()
    shop.fill(60, 65)  # what stands now gives another snapshot
    Path(shop.files.location(elsewhere.snapshot_id)).unlink()
    assert shop.go(run.run_id).state == S.FAILED
    assert shop.letter_errors() == {f"run {run.run_id}": "CorruptFile"}
    assert elsewhere.trainer.files == {}


def test_a_damaged_file_is_built_again_from_what_it_was_made_of(elsewhere: Elsewhere) -> None:
    shop, run = elsewhere.shop, elsewhere.again()
    train = shop.snapshots.get(elsewhere.snapshot_id).files["train"].sha256
    Path(shop.files.location(train)).unlink()
    assert shop.go(run.run_id, S.SUBMITTED).state == S.SUBMITTED
    sent = {hashlib.sha256(content).hexdigest() for content in elsewhere.trainer.files.values()}
    assert train in sent


def test_a_snapshot_that_is_too_small_by_the_rules_of_the_moment_is_not_sent(elsewhere: Elsewhere) -> None:
    shop, run = elsewhere.shop, elsewhere.again()
    shop.pipelines["summaries"] = make_pipeline(dataset=DatasetPolicy(min_held_out=500))
    assert shop.go(run.run_id).state == S.FAILED
    assert shop.letter_errors() == {f"run {run.run_id}": "TooFewExamples"}


def test_an_open_run_of_the_same_snapshot_is_no_reason_to_pay_a_second_time(elsewhere: Elsewhere) -> None:
    open_run = elsewhere.again()
    with pytest.raises(RunNotStarted, match=f"{open_run.run_id}.*is not finished") as refused:
        elsewhere.again()
    assert "--again" not in refused.value.remedy
    assert f"tuneloop runs cancel {open_run.run_id}" in refused.value.remedy


def test_a_refused_retraining_says_what_to_do_at_the_trainer_it_was_meant_for(elsewhere: Elsewhere) -> None:
    prices = {"lasting": Price(1_000_000.0, TODAY)}
    elsewhere.account(DIALECTS["openai"], budget=Budget(run_usd=1.0), prices=prices)
    elsewhere.trainer.voices = {"other-model": leaking_answer}
    with pytest.raises(RunNotStarted, match=r"above 1\.00 USD a run .*; lasting is not among the models") as refused:
        elsewhere.again()
    assert "aise run_usd of the budget trainer:other" in refused.value.remedy
    assert "--despite-list" in refused.value.remedy


def test_what_would_be_refused_is_known_without_asking_the_trainer(elsewhere: Elsewhere) -> None:
    shop, wanted = elsewhere.shop, Retraining(elsewhere.snapshot_id, trainer="other", model="lasting")
    elsewhere.account(DIALECTS["openai"])
    elsewhere.trainer.goes_wrong("model", TrainerUnreachable())
    assert doors_shut(wanted, shop.parts) == ()
    prices = {"lasting": Price(1_000_000.0, TODAY)}
    elsewhere.account(DIALECTS["openai"], budget=Budget(run_usd=1.0), prices=prices)
    assert [reason.code for reason in doors_shut(wanted, shop.parts)] == ["over_run_budget"]
