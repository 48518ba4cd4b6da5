"""A verdict says how its models and judges are asked, and answers asked for otherwise are not taken for these."""

from dataclasses import replace

import pytest

from service.bootstrap import metrics_of
from service.domain.metric_specs import JudgeSpec, MetricSpec
from service.domain.pipelines import VerdictPolicy
from service.domain.runs import RunState as S
from service.domain.sampling import USUAL, Sampling
from service.usecases.evaluate_base import BaseWanted, evaluate_base
from service.usecases.recompute import recompute
from tests.support.builders import make_pipeline
from tests.support.workshop import TUNED, Workshop

JUDGE = JudgeSpec("box", "judge-1", "Which is better?", sampling={"max_tokens": 16})


def set_up(shop: Workshop, judge: JudgeSpec | None = None, **sampling: object) -> None:
    own: dict[str, MetricSpec] = {"careful": judge} if judge else {}
    guard = ("careful",) if judge else ("chrf",)
    shop.pipelines["summaries"] = make_pipeline(
        verdict=VerdictPolicy("pii_leak", guard, sampling=sampling), metrics=own
    )


def test_both_models_are_asked_as_the_verdict_says_and_that_is_recorded(shop: Workshop) -> None:
    set_up(shop, temperature=0.5, top_p=0.9, seed=7)
    run = shop.go(shop.train())
    asked = Sampling(0.5, 0.9, 7)
    assert {model: shop.trainer.samplings[model] for model in ("base-model", TUNED)} == {
        "base-model": asked,
        TUNED: asked,
    }
    evaluation = shop.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    assert evaluation["sampling"] == {"temperature": 0.5, "top_p": 0.9, "seed": 7, "max_tokens": 1024}
    assert evaluation["answers_in"]["challenger"] == f"box/{TUNED}?temperature=0.5&top_p=0.9&seed=7"
    shop.trainer.asked.clear()
    assert recompute(run.run_id, shop, metrics_of).is_equal


def test_a_changed_setting_asks_anew_and_the_old_one_finds_its_answers_again(shop: Workshop) -> None:
    def numbers_asked() -> int:
        shop.clock.forward(1)
        shop.trainer.asked.clear()
        evaluate_base(BaseWanted("summaries"), shop.parts, wait=shop.clock.forward, tell=len)
        return len(shop.trainer.asked)

    everything = numbers_asked()
    set_up(shop, seed=7)
    assert numbers_asked() == everything > 0
    set_up(shop)
    assert numbers_asked() == 0
    # The trainer's own table counts as well, where the pipeline says nothing else.
    shop.accounts["box"] = replace(shop.accounts["box"], sampling=Sampling(max_tokens=50))
    assert numbers_asked() == everything
    set_up(shop, max_tokens=1024)
    assert numbers_asked() == 0


def test_a_judge_is_asked_as_its_table_says_and_its_replies_are_found_when_the_trainer_says_otherwise(
    shop: Workshop,
) -> None:
    set_up(shop, JUDGE)
    shop.trainer.voices["judge-1"] = lambda _: "tie"
    run = shop.go(shop.train())
    assert run.state in {S.PROMOTED, S.KEPT}
    assert shop.trainer.samplings["judge-1"] == USUAL.but({"max_tokens": 16})
    shop.accounts["box"] = replace(shop.accounts["box"], sampling=Sampling("omit", max_tokens=9))
    assert recompute(run.run_id, shop, metrics_of).is_equal


@pytest.mark.parametrize("judge", [JUDGE, replace(JUDGE, sampling={})])
def test_a_judge_whose_trainer_is_set_otherwise_is_asked_anew(shop: Workshop, judge: JudgeSpec) -> None:
    set_up(shop, judge)
    shop.trainer.voices["judge-1"] = lambda _: "tie"
    shop.go(shop.train())
    before = len([model for model, _ in shop.trainer.asked if model == "judge-1"])
    shop.accounts["box"] = replace(shop.accounts["box"], sampling=Sampling(0.7))
    set_up(shop, judge)
    shop.go(shop.train(2))
    again = len([model for model, _ in shop.trainer.asked if model == "judge-1"]) - before
    assert again >= before > 0
    assert shop.trainer.samplings["judge-1"].temperature == 0.7
