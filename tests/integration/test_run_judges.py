"""A run whose verdict asks a judge, and slices by what uploaders noted."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.adapters.sql_tables import judgements
from service.cli.app import run as command
from service.domain.budgets import Price
from service.domain.contents import Turn
from service.domain.errors import TrainerBusy, TrainerUnreachable
from service.domain.metric_specs import FunctionSpec, JudgeSpec, LengthSpec
from service.domain.pipelines import TrainPolicy, VerdictPolicy
from service.domain.runs import RunState as S
from service.usecases.steer_run import approve_run
from service.usecases.write_examples import write_outcomes
from tests.support.appraising import appraisers
from tests.support.builders import make_outcome, make_pipeline
from tests.support.fakes import ManualClock
from tests.support.workshop import SHORT_SLICES, TUNED, Workshop, good_answer, leaking_answer, prompt_of

CONFIGURATION = """[pipelines.summaries]
labels.project = "project-1"
train.model = "base-model"
"""
JUDGE = JudgeSpec("box", "judge-1", "Which summary leaves the address out?")


def prefers_no_address(shown: str) -> str:
    """Judge as the rubric says; what is shown has both answers behind the conversation."""
    first, second = shown.split("--- ANSWER A ")[1].split("--- ANSWER B ")
    leaks = ("@" in first, "@" in second)
    return {(False, True): "A", (True, False): "B"}.get(leaks, "tie")


@pytest.fixture
def judged(sqlite_engine: sa.Engine, tmp_path: Path) -> Workshop:
    """Give a workshop whose pipeline asks a judge."""
    return workshop(sqlite_engine, tmp_path)


def workshop(engine: sa.Engine, folder: Path, **parts: object) -> Workshop:
    shop = Workshop(engine, folder, **parts)  # type: ignore[arg-type]
    verdict = VerdictPolicy("careful", ("short",))
    own = {"careful": JUDGE, "short": LengthSpec(max_words=60)}
    shop.pipelines["summaries"] = make_pipeline(verdict=verdict, metrics=own)
    shop.trainer.voices["judge-1"] = prefers_no_address
    shop.fill()
    return shop


def asked_of_judge(shop: Workshop) -> Counter[str]:
    return Counter(prompt for model, prompt in shop.trainer.asked if model == "judge-1")


def test_a_judge_decides_and_says_how_far_it_is_to_be_trusted(judged: Workshop) -> None:
    run = judged.go(judged.train())
    evaluation = judged.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    assert (run.state, evaluation["outcome"]) == (S.PROMOTED, "better")
    held_out = evaluation["held_out"]
    assert evaluation["scores"]["careful"] == {"challenger": [1.0] * held_out, "base": [0.0] * held_out}
    assert evaluation["metrics"]["careful"]["higher_is_better"]
    report = evaluation["figures"]["careful"]["base"]
    assert (report["won"], report["flipped"]["hits"], report["unreadable"], report["agreement"]) == (
        held_out,
        0,
        0,
        None,
    )
    assert set(asked_of_judge(judged).values()) == {1}
    assert len(asked_of_judge(judged)) == 2 * held_out
    # What it cost is there to be counted.
    with judged.engine.connect() as connection:
        rows = connection.execute(sa.select(judgements.c.judge, judgements.c.prompt_tokens)).all()
    assert {row.judge for row in rows} == {"box/judge-1"}
    assert all(row.prompt_tokens for row in rows)


def test_a_champion_and_the_base_are_judged_against_and_nothing_is_asked_twice(judged: Workshop) -> None:
    judged.go(judged.train())
    judged.fill(60, 90)
    second = judged.go(judged.train(2, voice=leaking_answer))
    evaluation = judged.evaluations.evaluation(second.run_id)
    assert evaluation is not None
    assert (evaluation["incumbent"], evaluation["outcome"], second.state) == ("champion", "worse", S.KEPT)
    assert set(evaluation["figures"]["careful"]) == {"base", "champion"}
    # The base says the same as the second challenger: that needs no judge.
    assert evaluation["figures"]["careful"]["base"]["identical"] == evaluation["held_out"]
    assert set(asked_of_judge(judged).values()) == {1}


def test_judging_makes_room_for_others_and_goes_on_where_it_stood(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = workshop(sqlite_engine, tmp_path, clock=ManualClock(tick=timedelta(seconds=1)), timing=SHORT_SLICES)
    run_id = shop.train()
    progress = set()
    while shop.runs.get(run_id).state is S.EVALUATING:
        shop.advance(run_id)
        progress.add(str(shop.runs.get(run_id).fact("progress")))
    assert any("judgements of judge-1" in words for words in progress)
    assert shop.runs.get(run_id).state is S.PROMOTED
    assert set(asked_of_judge(shop).values()) == {1}


def test_a_worker_killed_while_a_judge_is_asked_loses_no_judgement(judged: Workshop) -> None:
    run_id = judged.train()
    heard = 0

    def dying(shown: str) -> str:
        nonlocal heard
        heard += 1
        if heard == 4:
            raise KeyboardInterrupt
        return prefers_no_address(shown)

    judged.trainer.voices["judge-1"] = dying
    with pytest.raises(KeyboardInterrupt):
        judged.advance(run_id)
    judged.clock.forward(judged.timing.lease.total_seconds() + 1)
    assert judged.go(run_id).state is S.PROMOTED
    # Only the one that was not answered.
    assert sorted(asked_of_judge(judged).values())[-2:] in ([1, 1], [1, 2])
    assert sum(asked_of_judge(judged).values()) <= len(asked_of_judge(judged)) + 1


def test_a_judge_is_asked_several_things_at_once(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = workshop(sqlite_engine, tmp_path, concurrency=4)
    run_id = shop.train()
    together = threading.Barrier(4, timeout=30)

    def in_company(shown: str) -> str:
        # Passes only with three others.
        if sum(asked_of_judge(shop).values()) <= 4:
            together.wait()
        return prefers_no_address(shown)

    shop.trainer.voices["judge-1"] = in_company
    assert shop.go(run_id).state is S.PROMOTED
    assert set(asked_of_judge(shop).values()) == {1}


def test_answers_and_judgements_together_stay_within_the_trainers_limit(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    shop = workshop(sqlite_engine, tmp_path, concurrency=4, requests_per_minute=5)
    run_id = shop.train()
    moments: list[datetime] = []
    while shop.runs.get(run_id).state is S.EVALUATING:
        before = len(shop.trainer.asked)
        shop.advance(run_id)
        moments += [shop.clock.now] * (len(shop.trainer.asked) - before)
    assert shop.runs.get(run_id).state is S.PROMOTED
    assert len(moments) > 5 * 4
    for moment in moments:
        assert sum(moment - timedelta(minutes=1) < other <= moment for other in moments) <= 5


def test_a_busy_judge_is_left_alone_for_as_long_as_it_says(judged: Workshop) -> None:
    run_id = judged.train()
    heard = 0

    def voice(shown: str) -> str:
        nonlocal heard
        heard += 1
        if heard == 3:
            raise TrainerBusy("429", retry_after_s=120)
        return prefers_no_address(shown)

    judged.trainer.voices["judge-1"] = voice
    before = judged.clock.now
    judged.advance(run_id)
    due_at = judged.runs.get(run_id).due_at
    assert due_at is not None
    assert (heard, due_at - before >= timedelta(seconds=120)) == (3, True)
    assert judged.go(run_id).state is S.PROMOTED


def priced(shop: Workshop, budget_usd: float | None = None) -> Workshop:
    """Let the judge cost a dollar for a thousand tokens asked, and two for a thousand said."""
    price = Price(0.0, date(2026, 11, 1), 1000.0, 2000.0)
    free = Price(0.0, date(2026, 11, 1), 0.0, 0.0)
    shop.accounts["box"] = replace(shop.accounts["box"], prices={"judge-1": price, "base-model": free})
    policy = replace(shop.pipelines["summaries"].verdict, budget_usd=budget_usd)
    shop.pipelines["summaries"] = replace(shop.pipelines["summaries"], verdict=policy)
    return shop


def test_what_a_judge_costs_is_in_the_ledger(judged: Workshop) -> None:
    run = priced(judged).go(judged.train())
    asked = sum(asked_of_judge(judged).values())
    entries = [entry for entry in judged.ledger.entries_of(run.run_id) if "judge-1" in entry.note]
    assert sum(entry.tokens or 0 for entry in entries) == 15 * asked > 0
    assert sum(entry.usd for entry in entries) == pytest.approx(0.02 * asked)
    assert {entry.kind for entry in entries} == {"answers"}


def test_what_a_judge_may_cost_is_estimated_before_any_model_is_asked(judged: Workshop) -> None:
    run_id = priced(judged, 1.0).train()
    judged.trainer.asked.clear()
    run = judged.go(run_id)
    assert (run.state, judged.trainer.asked) == (S.NEEDS_ATTENTION, [])
    assert "above 1.00 USD" in run.fact("error")
    priced(judged, 10_000.0)
    approve_run(run_id, judged.parts)
    assert judged.go(run_id).state is S.PROMOTED


def test_a_judge_that_became_too_dear_is_not_asked(judged: Workshop) -> None:
    run_id = judged.train()
    judged.trainer.goes_wrong("answer judge-1", TrainerUnreachable("reset"))
    judged.advance(run_id)
    answered = len(judged.trainer.asked)
    priced(judged, 0.001)
    run = judged.go(run_id)
    assert (run.state, len(judged.trainer.asked)) == (S.NEEDS_ATTENTION, answered)
    assert "above 0.0010 USD" in run.fact("error")


def test_a_judge_that_is_away_is_waited_for(judged: Workshop) -> None:
    run_id = judged.train()
    judged.trainer.goes_wrong("answer judge-1", TrainerUnreachable("reset"), times=3)
    assert judged.go(run_id).state is S.PROMOTED


def test_a_judge_that_chats_gives_ties_and_no_promotion(judged: Workshop) -> None:
    judged.trainer.voices["judge-1"] = lambda _: "Both answers are fine."
    run = judged.go(judged.train())
    evaluation = judged.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    assert (run.state, evaluation["outcome"]) == (S.KEPT, "cannot tell")
    assert evaluation["figures"]["careful"]["base"]["unreadable"] == 2 * evaluation["held_out"]


def test_a_judge_of_the_trained_models_family_waits_for_a_person(judged: Workshop) -> None:
    run_id = judged.train()
    pipeline = judged.pipelines["summaries"]
    relative = replace(JUDGE, model="base-model-large")
    judged.pipelines["summaries"] = replace(pipeline, metrics={**pipeline.metrics, "careful": relative})
    run = judged.go(run_id)
    assert run.state is S.NEEDS_ATTENTION
    assert "is of the family of base-model" in str(run.fact("error"))
    assert "same_family = true" in str(run.fact("remedy"))
    judged.trainer.voices["base-model-large"] = prefers_no_address
    allowed = replace(relative, same_family=True)
    judged.pipelines["summaries"] = replace(pipeline, metrics={**pipeline.metrics, "careful": allowed})
    approve_run(run_id, judged.parts)
    assert judged.go(run_id).state is S.PROMOTED


def test_a_judge_whose_name_says_nothing_is_of_the_family_that_its_server_serves(judged: Workshop) -> None:
    """A deployment may be called anything; ``tuneloop check`` refuses it as well."""
    run_id = judged.train()
    for name, dialect in (("box", "openai"), ("azure", "azure")):
        judged.accounts[name] = replace(judged.accounts["box"], name=name, dialect_name=dialect)
    pipeline = judged.pipelines["summaries"]
    relative = replace(JUDGE, trainer="azure", model="my-deployment")
    judged.pipelines["summaries"] = replace(pipeline, metrics={**pipeline.metrics, "careful": relative})
    run = judged.go(run_id)
    assert run.state is S.NEEDS_ATTENTION
    assert "the judge my-deployment is of the family of base-model" in str(run.fact("error"))


def test_choices_of_humans_are_asked_about_too(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = workshop(sqlite_engine, tmp_path)
    train = TrainPolicy("box", "base-model", method="preference")
    shop.pipelines["summaries"] = replace(shop.pipelines["summaries"], train=train)
    at = shop.clock.forward(1)
    outcomes = [
        replace(
            outcome, content=(outcome.content[0], Turn("assistant", good_answer(prompt), (leaking_answer(prompt),)))
        )
        for number in range(60)
        for prompt in (prompt_of(number),)
        for outcome in (make_outcome(f"row-{number}", good_answer(prompt), prompt=prompt, at=at),)
        if outcome.content
    ]
    write_outcomes(shop.examples, shop.pipelines["summaries"], outcomes, appraisers=appraisers, gone=(), observed_at=at)
    run = shop.go(shop.train())
    evaluation = shop.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    agreement = evaluation["figures"]["careful"]["base"]["agreement"]
    assert agreement["hits"] == agreement["n"] == min(50, evaluation["held_out"])
    assert agreement["low"] > 0.5
    assert set(asked_of_judge(shop).values()) == {1}


def test_people_read_beside_the_verdict_how_far_a_judge_is_to_be_trusted(
    judged: Workshop,
    sqlite_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = judged.go(judged.train())
    (tmp_path / "tuneloop.toml").write_text(CONFIGURATION)
    monkeypatch.setenv("TUNELOOP_CONFIG", str(tmp_path / "tuneloop.toml"))
    monkeypatch.setenv("TUNELOOP_DATABASE_URL", sqlite_url)
    assert not command(["runs", "show", run.run_id])
    shown = capsys.readouterr().out
    evaluation = judged.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    assert f"careful against base: won {evaluation['held_out']}, lost 0, even 0" in shown
    assert "careful against base: changed its mind with the order on 0 of" in shown
    assert "careful against base: agreement with humans is not known" in shown


# Slices, and functions of one's own.


def test_an_evaluation_is_cut_by_what_uploaders_noted(shop: Workshop) -> None:
    at = shop.clock.forward(1)
    outcomes = [
        replace(
            make_outcome(f"row-{number}", good_answer(prompt_of(number)), prompt=prompt_of(number), at=at),
            metadata={"channel": "mail" if number % 2 else "phone"},
        )
        for number in range(60)
    ]
    write_outcomes(shop.examples, shop.pipelines["summaries"], outcomes, appraisers=appraisers, gone=(), observed_at=at)
    run = shop.go(shop.train())
    evaluation = shop.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    slices = {name: found for name, found in evaluation["slices"].items() if name.startswith("metadata channel")}
    assert sum(found["n"] for found in slices.values()) == evaluation["held_out"]
    assert any(name.startswith("prompt: short") for name in evaluation["slices"])


def test_a_function_that_fails_waits_for_a_person_and_shows_no_text(shop: Workshop) -> None:
    own = {"own": FunctionSpec("operator:methodcaller")}
    shop.pipelines["summaries"] = make_pipeline(verdict=VerdictPolicy("own", ()), metrics=own)
    run = shop.go(shop.train())
    assert run.state is S.NEEDS_ATTENTION
    assert str(run.fact("error")) == (
        "MetricFailed: metric 'own': the function operator:methodcaller gave methodcaller and no number"
    )
    fixed = {"own": FunctionSpec("operator:countOf", high=1000)}
    shop.pipelines["summaries"] = make_pipeline(verdict=VerdictPolicy("own", ()), metrics=fixed)
    approve_run(run.run_id, shop.parts)
    assert "countOf raised TypeError" in str(shop.go(run.run_id).fact("error"))
    assert TUNED in shop.trainer.voices
