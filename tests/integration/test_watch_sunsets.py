"""Who asks the trainers when their models end, who hears of it, and what is proposed instead."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service.adapters.sql_tables import notices, runs
from service.domain.budgets import Price
from service.domain.dialects import DIALECTS
from service.domain.errors import TrainerUnreachable
from service.domain.pipelines import Budget, TrainPolicy
from service.domain.runs import RunState
from service.domain.sunsets import Sunset, Sunsets
from service.usecases.dying import Dying, dying_champions
from service.usecases.promote_run import promote_run
from service.usecases.retrain import Retraining, retrain
from service.usecases.steps.parts import TrainerAccount
from service.usecases.watch_sunsets import look_at_models, warn_of_ends
from tests.support.builders import make_pipeline
from tests.support.fakes import NOON, FakeTrainer
from tests.support.workshop import TUNED, Workshop, good_answer

S = RunState
TODAY = NOON.date()
LASTING = Price(1.0, TODAY)


@dataclass
class Watch:
    """A workshop with a champion, of which time passes."""

    shop: Workshop
    run_id: str

    def knows(self, end: date | None, training_ends: date | None = None, trainer: str = "box") -> None:
        sunsets = Sunsets({"base-model": Sunset(end, replacement="its-successor")}, training_ends)
        self.shop.accounts[trainer] = replace(self.shop.accounts[trainer], sunsets=sunsets)

    def adds(self, name: str, *models: str, **fields: Any) -> FakeTrainer:  # noqa: ANN401 - the fields of TrainerAccount
        trainer = FakeTrainer()
        account = TrainerAccount(name, Budget(), dict.fromkeys(models, LASTING), lambda: trainer)
        self.shop.accounts[name] = replace(account, **fields)
        return trainer

    def look(self) -> dict[str, str]:
        failed = look_at_models(self.shop.pipelines, self.shop.parts, clock=self.shop.clock)
        return {trainer: type(error).__name__ for trainer, error in failed.items()}

    def warn(self) -> list[tuple[str, str, int]]:
        told = warn_of_ends(self.shop.pipelines, self.shop.parts, now=self.shop.clock.now)
        return [(notice.kind, notice.facts["model"], notice.facts["days_left"]) for notice in told]

    def dying(self, within_days: int | None = None) -> list[Dying]:
        return dying_champions(self.shop.pipelines, self.shop.parts, within_days=within_days, now=self.shop.clock.now)

    def seen(self, model: str) -> date | None:
        found = self.shop.models_seen.find("box", model)
        assert found is not None
        return found.shutdown_on


@pytest.fixture
def watch(shop: Workshop) -> Watch:
    run_id = shop.train()
    assert shop.go(run_id).state == S.PROMOTED
    return Watch(shop, run_id)


# Asking.


def test_every_model_in_use_is_asked_about_once_a_day(watch: Watch) -> None:
    trainer = watch.shop.trainer
    trainer.ends = {"base-model": date(2027, 1, 14), TUNED: date(2027, 1, 1)}
    watch.shop.clock.forward(25 * 3600)
    assert watch.look() == {}
    assert (watch.seen("base-model"), watch.seen(TUNED)) == (date(2027, 1, 14), date(2027, 1, 1))
    trainer.ends = {}
    watch.shop.clock.forward(23 * 3600)
    watch.look()
    assert watch.seen(TUNED) == date(2027, 1, 1)
    watch.shop.clock.forward(3600)
    watch.look()
    assert watch.seen(TUNED) is None


def test_a_trainer_that_is_away_leaves_what_was_seen_and_keeps_nobody_waiting(watch: Watch) -> None:
    other = watch.adds("other")
    other.voices["lasting"], other.ends["lasting"] = good_answer, date(2030, 1, 1)
    watch.shop.pipelines["second"] = make_pipeline("second", train=TrainPolicy("other", "lasting"))
    watch.shop.trainer.ends["base-model"] = date(2027, 1, 14)
    watch.shop.clock.forward(25 * 3600)
    watch.look()
    watch.shop.clock.forward(25 * 3600)
    watch.shop.trainer.goes_wrong("model", TrainerUnreachable())
    assert watch.look() == {"box": "TrainerUnreachable"}
    assert watch.seen("base-model") == date(2027, 1, 14)
    found = watch.shop.models_seen.find("other", "lasting")
    assert found is not None
    assert found.at == watch.shop.clock.now


def test_a_champion_of_a_trainer_that_left_the_configuration_is_told_as_such(watch: Watch) -> None:
    watch.adds("other")
    watch.shop.pipelines["summaries"] = make_pipeline(train=TrainPolicy("other", "lasting"))
    del watch.shop.accounts["box"]
    watch.shop.clock.forward(25 * 3600)
    assert watch.look() == {"box": "NotFound"}
    assert watch.dying() == []


# Telling.


def test_people_hear_of_an_end_once_at_each_threshold(watch: Watch) -> None:
    watch.knows(TODAY + timedelta(100))
    assert watch.warn() == []
    heard = []
    for _ in range(130):
        watch.shop.clock.forward(24 * 3600)
        heard += [(model, left) for _, model, left in watch.warn()]
    assert heard == [(model, left) for left in (90, 30, 7) for model in (TUNED, "base-model")]


def test_whoever_looks_late_hears_of_the_nearest_threshold_alone(watch: Watch) -> None:
    watch.knows(TODAY + timedelta(5))
    assert watch.warn() == [("model_dying", TUNED, 5), ("model_dying", "base-model", 5)]
    assert watch.warn() == []


def test_an_end_that_is_put_off_is_told_again_when_it_comes_near(watch: Watch) -> None:
    watch.knows(TODAY + timedelta(5))
    assert len(watch.warn()) == 2
    watch.knows(TODAY + timedelta(400))
    assert watch.warn() == []
    watch.shop.clock.forward(395 * 24 * 3600)
    assert len(watch.warn()) == 2


def test_the_end_of_training_is_told_as_well(watch: Watch) -> None:
    watch.knows(None, TODAY + timedelta(20))
    assert watch.warn() == [("training_ends", "base-model", 20)]


def test_pipelines_that_train_the_same_model_are_told_of_it_together(watch: Watch) -> None:
    watch.shop.pipelines["second"] = make_pipeline("second")
    watch.knows(TODAY + timedelta(50))
    assert watch.warn() == [("model_dying", TUNED, 50), ("model_dying", "base-model", 50)]
    with watch.shop.engine.connect() as connection:
        rows = connection.execute(sa.select(notices).order_by(notices.c.pipeline)).all()
    (of_base,) = [row for row in rows if row.kind == "model_dying" and row.facts["model"] == "base-model"]
    assert (of_base.pipeline, of_base.facts["pipelines"]) == (None, ["summaries", "second"])
    (of_champion,) = [row for row in rows if row.facts["model"] == TUNED]
    assert of_champion.pipeline == "summaries"
    assert of_champion.title == f"{TUNED} at box shuts down on {TODAY + timedelta(50)}, in 50 days"


# Proposing.


def test_a_dying_champion_is_listed_with_its_snapshot_and_the_command_that_trains_it_elsewhere(watch: Watch) -> None:
    watch.adds("other", "lasting")
    watch.knows(TODAY + timedelta(48))
    (found,) = watch.dying()
    snapshot = watch.shop.runs.get(watch.run_id).snapshot_id
    assert (found.pipeline, found.model, found.trainer, found.run_id) == ("summaries", TUNED, "box", watch.run_id)
    assert (found.snapshot_id, found.days_left, found.replacement) == (snapshot, 48, "its-successor")
    command = f"tuneloop runs start summaries --snapshot {str(snapshot)[:16]} --trainer other --model lasting"
    assert found.commands == (command,)
    assert found.advice == f"Train the same examples elsewhere: {command}"


def test_only_those_within_the_days_asked_for_are_listed(watch: Watch) -> None:
    watch.knows(TODAY + timedelta(48))
    assert watch.dying(47) == []
    assert len(watch.dying(48)) == len(watch.dying()) == 1
    watch.knows(TODAY + timedelta(91))
    assert watch.dying() == []
    assert len(watch.dying(365)) == 1


def test_a_champion_that_is_gone_already_is_listed(watch: Watch) -> None:
    watch.knows(TODAY - timedelta(3))
    assert [found.days_left for found in watch.dying(0)] == [-3]


def test_models_that_last_longest_are_proposed_first_and_dying_ones_never(watch: Watch) -> None:
    ends = {"short": Sunset(TODAY + timedelta(10)), "long": Sunset(TODAY + timedelta(500))}
    watch.adds("dated", "short", "long", sunsets=Sunsets(ends))
    watch.adds("endless", "forever")
    watch.adds("closed", "anything", sunsets=Sunsets(training_ends=TODAY))
    watch.adds("nameless")
    watch.knows(TODAY + timedelta(48))
    (found,) = watch.dying()
    assert [command.partition("--trainer ")[2] for command in found.commands] == [
        "endless --model forever",
        "dated --model long",
    ]


def test_the_same_base_at_another_trainer_is_proposed_where_it_lives_longer(watch: Watch) -> None:
    ends = {"other-base": Sunset(date(2030, 1, 1)), "base-model": Sunset(date(2030, 1, 1))}
    watch.adds("cloud", sunsets=Sunsets(ends))
    watch.knows(TODAY + timedelta(48))
    (found,) = watch.dying()
    assert [command.partition("--trainer ")[2] for command in found.commands] == ["cloud --model base-model"]


def test_a_trainer_without_the_method_is_not_proposed(watch: Watch) -> None:
    watch.adds("plain", "m", dialect=DIALECTS["nebius"])
    watch.knows(TODAY + timedelta(48))
    assert len(watch.dying()[0].commands) == 1
    # What counts is how the champion was trained, whatever the pipeline does by now.
    with watch.shop.engine.begin() as connection:
        facts = {**(watch.shop.runs.get(watch.run_id).facts or {}), "method": "preference"}
        connection.execute(sa.update(runs).values(facts=facts))
    assert watch.dying()[0].commands == ()


def test_without_any_other_trainer_the_advice_says_what_is_missing(watch: Watch) -> None:
    watch.knows(TODAY + timedelta(48))
    (found,) = watch.dying()
    assert found.commands == ()
    assert "Add one" in found.advice
    assert found.advice.endswith("--trainer TRAINER --model MODEL")


def test_a_run_that_would_take_its_place_is_named_until_it_has(watch: Watch) -> None:
    other, shop = watch.adds("other", "lasting"), watch.shop
    other.voices["lasting"] = good_answer
    watch.knows(TODAY + timedelta(48))
    shop.clock.forward(1)
    snapshot = str(shop.runs.get(watch.run_id).snapshot_id)
    run = retrain(Retraining(snapshot, trainer="other", model="lasting"), shop.parts)
    (found,) = watch.dying()
    assert (found.successor, found.advice) == (run.run_id, f"Under way: tuneloop runs show {run.run_id}")
    shop.go(run.run_id, S.SUBMITTED)
    other.becomes("ftjob-1", "succeeded", tuned_model="tuned-elsewhere", trained_tokens=5000)
    other.voices["tuned-elsewhere"] = good_answer
    assert shop.go(run.run_id).state == S.KEPT
    (found,) = watch.dying()
    assert found.advice.endswith(f"tuneloop models promote {run.run_id}")
    promote_run(run.run_id, shop.parts)
    assert watch.dying() == []


def test_what_was_trained_there_already_is_not_proposed_again_but_to_be_promoted(watch: Watch) -> None:
    """The champion went elsewhere with the same examples, and now that model goes: the first one is still there."""
    other, shop = watch.adds("other", "lasting"), watch.shop
    other.voices["lasting"] = good_answer
    snapshot = str(shop.runs.get(watch.run_id).snapshot_id)
    shop.clock.forward(1)
    run = retrain(Retraining(snapshot, trainer="other", model="lasting"), shop.parts)
    shop.go(run.run_id, S.SUBMITTED)
    other.becomes("ftjob-1", "succeeded", tuned_model="tuned-elsewhere", trained_tokens=5000)
    other.voices["tuned-elsewhere"] = good_answer
    shop.go(run.run_id)
    promote_run(run.run_id, shop.parts)
    shop.accounts["other"] = replace(
        shop.accounts["other"], sunsets=Sunsets({"lasting": Sunset(TODAY + timedelta(48))})
    )
    (found,) = watch.dying()
    assert (found.run_id, found.commands, found.successor) == (run.run_id, (), watch.run_id)
    assert found.advice.endswith(f"tuneloop models promote {watch.run_id}")
    promote_run(watch.run_id, shop.parts)
    assert watch.dying() == []


def test_a_run_whose_model_ends_meanwhile_names_the_finished_one_of_the_same_examples(watch: Watch) -> None:
    other, shop = watch.adds("other", "lasting"), watch.shop
    snapshot = str(shop.runs.get(watch.run_id).snapshot_id)
    shop.clock.forward(1)
    run = retrain(Retraining(snapshot, trainer="other", model="lasting"), shop.parts)
    other.ends["lasting"] = TODAY + timedelta(5)
    other.voices["lasting"] = good_answer
    ended = shop.go(run.run_id)
    assert ended.state == S.FAILED
    assert str(ended.fact("error")).startswith("ModelEnds")
    assert f"tuneloop models promote {watch.run_id}" in ended.fact("remedy")
    assert "--snapshot" not in ended.fact("remedy")


# Gone.


def test_a_champion_that_its_trainer_no_longer_lists_is_gone_until_it_is_listed_again(watch: Watch) -> None:
    shop = watch.shop
    watch.look()
    voice = shop.trainer.voices.pop(TUNED)
    shop.clock.forward(86_400)
    watch.look()
    champion = shop.evaluations.champion("summaries")
    assert champion is not None
    assert champion["gone_since"] == shop.clock.now
    shop.trainer.voices[TUNED] = voice
    shop.clock.forward(86_400)
    watch.look()
    champion = shop.evaluations.champion("summaries")
    assert champion is not None
    assert champion["gone_since"] is None


def test_a_champion_that_its_trainer_never_listed_is_not_taken_for_gone(watch: Watch) -> None:
    del watch.shop.trainer.voices[TUNED]
    for _ in range(2):
        watch.look()
        watch.shop.clock.forward(86_400)
    champion = watch.shop.evaluations.champion("summaries")
    assert champion is not None
    assert champion["gone_since"] is None


def test_what_its_trainer_does_not_have_is_not_proposed_once_it_was_asked(watch: Watch) -> None:
    other = watch.adds("other", "never-there", "there", dialect=DIALECTS["openai"])
    other.voices = {"there": good_answer}
    watch.knows(TODAY + timedelta(48))
    assert "--model never-there" in watch.dying()[0].advice
    assert watch.look() == {}
    (found,) = watch.dying()
    assert [command.partition("--trainer ")[2] for command in found.commands] == ["other --model there"]
