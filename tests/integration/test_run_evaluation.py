"""Asking every model the same held-out questions, once each, and judging."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.adapters.sql_tables import answers, champions, runs
from service.bootstrap import metrics_of
from service.domain.dialects import Dialect
from service.domain.errors import ModelNotReady, TrainerBusy, TrainerRefused, TrainerUnreachable
from service.domain.metrics import METRICS
from service.domain.pipelines import DatasetPolicy
from service.domain.runs import RunState
from service.domain.sampling import stored_name
from service.usecases.advance_run import advance_run
from service.usecases.promote_run import NotJudged, promote_run
from service.usecases.steer_run import approve_run
from service.usecases.steps.evaluate import (
    CHAMPION_ATTEMPTS,
    Question,
    evaluate,
    held_out_questions,
)
from service.usecases.write_examples import write_outcomes
from tests.support.appraising import appraisers
from tests.support.builders import make_outcome, make_pipeline
from tests.support.fakes import ManualClock
from tests.support.workshop import SHORT_SLICES, TUNED, Workshop, good_answer, leaking_answer

S = RunState


def questions_asked(shop: Workshop) -> Counter[str]:
    """Count the questions by model; that none was asked twice is checked on the way."""
    assert len(set(shop.trainer.asked)) == len(shop.trainer.asked)
    return Counter(model for model, _ in shop.trainer.asked)


def test_base_and_challenger_answer_every_held_out_question_once(shop: Workshop) -> None:
    run = shop.go(shop.train())
    evaluation = shop.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    assert questions_asked(shop) == {"base-model": evaluation["held_out"], TUNED: evaluation["held_out"]}
    assert evaluation["models"] == {"base": "base-model", "challenger": TUNED}
    assert set(evaluation["scores"]["pii_leak"]) == {"base", "challenger"}
    assert set(evaluation["scores"]["pii_leak"]["base"]) == {1.0}
    assert set(evaluation["scores"]["pii_leak"]["challenger"]) == {0.0}


def test_a_champion_is_compared_with_and_the_bases_answers_are_not_paid_again(shop: Workshop) -> None:
    shop.go(shop.train())
    shop.trainer.asked.clear()
    second = shop.go(shop.train(2, voice=leaking_answer))
    assert second.state == S.KEPT
    evaluation = shop.evaluations.evaluation(second.run_id)
    assert evaluation is not None
    assert (evaluation["incumbent"], evaluation["outcome"]) == ("champion", "worse")
    assert evaluation["models"]["champion"] == TUNED
    # The examples are the same as before: only the challenger has anything new to say.
    assert set(questions_asked(shop)) == {"ft:base-model:2"}
    champion = shop.evaluations.champion("summaries")
    assert champion is not None
    assert champion["model"] == TUNED


def test_each_look_at_the_same_examples_has_to_prove_more_and_says_so(shop: Workshop) -> None:
    looks, sentences = [], []
    for number in (1, 2, 3):
        run = shop.go(shop.train(number, voice=leaking_answer))
        evaluation = shop.evaluations.evaluation(run.run_id)
        assert evaluation is not None
        looks.append(evaluation["look"])
        sentences.append(evaluation["sentence"])
    assert [look["number"] for look in looks] == [1, 2, 3]
    assert [look["alpha"] for look in looks] == pytest.approx([0.05, 0.005, 0.025 * (1 / 1.25 - 1 / 1.5)])
    assert ["look at these examples" in sentence for sentence in sentences] == [False, True, True]


def test_new_held_out_examples_count_as_new(shop: Workshop) -> None:
    first = shop.go(shop.train())
    shop.fill(60, 120)
    second = shop.go(shop.train(2))
    one, other = (shop.evaluations.evaluation(run.run_id) for run in (first, second))
    assert one is not None
    assert other is not None
    new = len(set(other["questions"]) - set(one["questions"])) / other["held_out"]
    assert (other["look"]["number"], other["look"]["step"]) == (2, pytest.approx(max(0.25, new)))
    assert new > 0.25


def test_an_evaluation_that_is_done_twice_is_no_second_look(shop: Workshop) -> None:
    run_id = shop.train()
    run = shop.go(run_id)
    again, evaluation = evaluate(replace(run, state=S.EVALUATING), shop.parts)
    assert evaluation is not None
    assert (again.state, evaluation["look"]["number"]) == (S.PROMOTED, 1)


def test_a_model_below_the_base_is_not_promoted_though_it_beats_the_champion(shop: Workshop) -> None:
    # The base never leaks; the champion, chosen by hand, always does, and the challenger does so half of the time.
    shop.trainer.voices["base-model"] = good_answer
    chosen = shop.go(shop.train(voice=leaking_answer))
    promote_run(chosen.run_id, shop.parts)
    shop.fill(60, 240)
    run = shop.go(shop.train(2, voice=sometimes_leaking))
    evaluation = shop.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    assert (evaluation["incumbent"], run.state) == ("champion", S.KEPT)
    assert (evaluation["outcome"], evaluation["below_base"]) == ("cannot tell", True)
    assert evaluation["comparisons"]["champion"]["pii_leak"]["p"] < evaluation["look"]["alpha"]


def sometimes_leaking(prompt: str) -> str:
    return leaking_answer(prompt) if hashlib.sha256(prompt.encode()).digest()[0] % 2 else good_answer(prompt)


def test_an_evaluation_makes_room_for_others_and_goes_on_where_it_stood(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    # Every look at the clock takes a second.
    clock = ManualClock(tick=timedelta(seconds=1))
    shop = Workshop(sqlite_engine, tmp_path, clock=clock, timing=SHORT_SLICES)
    shop.fill()
    run_id = shop.train()
    shop.queue.woken.clear()
    run = shop.advance(run_id)
    assert run is not None
    assert (run.state, run.due_at, run.attempts) == (S.EVALUATING, None, 0)
    assert " answers of base-model" in run.fact("progress")
    assert shop.queue.woken == [("advance_run", run_id)]
    assert shop.go(run_id).state == S.PROMOTED
    assert set(questions_asked(shop)) == {"base-model", TUNED}


@pytest.mark.parametrize("error", [TrainerUnreachable("reset"), TrainerBusy("429")])
def test_an_evaluation_that_is_interrupted_asks_nothing_twice(
    shop: Workshop, error: TrainerUnreachable | TrainerBusy
) -> None:
    run_id = shop.train()
    for times in range(3):
        shop.trainer.voices[TUNED] = stumbling(after=times + 1)
        shop.trainer.goes_wrong("answer base-model", error)
        shop.advance(run_id)
    shop.trainer.voices[TUNED] = good_answer
    assert shop.go(run_id).state == S.PROMOTED
    questions_asked(shop)


def stumbling(*, after: int) -> Callable[[str], str]:
    """Give a voice that answers some questions, and then the model is away."""
    left = [after]

    def answer(prompt: str) -> str:
        left[0] -= 1
        if left[0] < 0:
            raise TrainerUnreachable("reset")
        return good_answer(prompt)

    return answer


def test_a_worker_killed_during_the_evaluation_loses_no_answer(shop: Workshop) -> None:
    run_id = shop.train()
    heard = 0

    def dying(prompt: str) -> str:
        nonlocal heard
        heard += 1
        if heard == 5:
            raise KeyboardInterrupt
        return leaking_answer(prompt)

    shop.trainer.voices["base-model"] = dying
    with pytest.raises(KeyboardInterrupt):
        shop.advance(run_id)
    keys = [question.key for question in held_out(shop, run_id)]
    assert len(shop.evaluations.answers(stored_name("box", "base-model"), keys)) == 4
    assert shop.advance(run_id) is None
    # Its lease was prolonged with every answer.
    shop.clock.forward(shop.timing.lease.total_seconds() + 1)
    assert shop.go(run_id).state == S.PROMOTED


def held_out(shop: Workshop, run_id: str) -> list[Question]:
    snapshot = shop.snapshots.get(str(shop.runs.get(run_id).snapshot_id))
    return held_out_questions(snapshot, shop.parts)


def test_a_prompt_that_two_held_out_rows_share_is_asked_once(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = Workshop(sqlite_engine, tmp_path)
    shop.pipelines["summaries"] = make_pipeline(dataset=DatasetPolicy(min_held_out=1))
    shop.fill()
    run_id = shop.train()
    shared = held_out(shop, run_id)[0].prompt
    shop.go(run_id)
    at = shop.clock.forward(1)
    twins = [make_outcome(f"twin-{n}", f"another summary {n}", prompt=shared, at=at) for n in range(2)]
    write_outcomes(shop.examples, shop.pipelines["summaries"], twins, appraisers=appraisers, gone=(), observed_at=at)
    shop.trainer.asked.clear()
    run = shop.go(shop.train(2))
    evaluation = shop.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    # Counted twice it would make the test surer than it is.
    assert len(evaluation["questions"]) == len(set(evaluation["questions"]))
    questions_asked(shop)


def test_a_run_is_kept_while_its_answers_are_scored(shop: Workshop) -> None:
    """Scoring says nothing of how far it is: another worker would judge the same once more."""
    run_id = shop.train()
    taken: list[object] = []

    def slow(prompt: str, reference: str, answer: str) -> float:
        del prompt, reference, answer
        if not taken:
            # Longer than a lease, in steps that are shorter than one.
            for _ in range(3):
                before = leased_until(shop, run_id)
                shop.clock.forward(shop.timing.lease.total_seconds() / 2)
                wait_for(lambda before=before: leased_until(shop, run_id) > before)
            taken.append(advance_run(run_id, shop.parts))
        return 0.0

    leak = METRICS["pii_leak"]
    parts = replace(
        shop.parts, metrics=lambda pipeline: {**metrics_of(pipeline), leak.name: replace(leak, measure=slow)}
    )
    advance_run(run_id, parts)
    assert taken == [None]
    assert shop.runs.get(run_id).state == S.KEPT


def leased_until(shop: Workshop, run_id: str) -> datetime:
    with shop.engine.connect() as connection:
        until: datetime = connection.execute(sa.select(runs.c.leased_until).where(runs.c.run_id == run_id)).scalar_one()
    return until


def wait_for(happens: Callable[[], bool]) -> None:
    for _ in range(600):
        if happens():
            return
        time.sleep(0.1)
    raise AssertionError("it never happened")


# Models that do not answer.


def test_a_new_model_may_take_its_time(shop: Workshop) -> None:
    run_id = shop.train()
    voice = shop.trainer.voices.pop(TUNED)
    for _ in range(3):
        run = shop.advance(run_id)
        assert run is not None
        assert run.state == S.EVALUATING
        assert run.due_at is not None
    shop.trainer.voices[TUNED] = voice
    assert shop.go(run_id).state == S.PROMOTED


def test_a_champion_that_is_gone_is_reported_and_no_longer_compared_with(shop: Workshop) -> None:
    shop.go(shop.train())
    shop.fill(60, 90)
    del shop.trainer.voices[TUNED]
    run = shop.go(shop.train(2))
    evaluation = shop.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    assert (evaluation["champion_gone"], evaluation["incumbent"]) == (True, "base")
    assert run.state == S.PROMOTED


@pytest.mark.parametrize("is_deleted", [True, False])
def test_a_champion_that_was_deleted_is_found_out_also_where_all_its_answers_are_stored(
    shop: Workshop, *, is_deleted: bool
) -> None:
    shop.accounts["box"] = replace(shop.accounts["box"], dialect=Dialect(model_list="complete"))
    shop.go(shop.train())
    asked = questions_asked(shop)[TUNED]
    run_id = shop.train(2, voice=leaking_answer)
    if is_deleted:
        del shop.trainer.voices[TUNED]
    shop.go(run_id)
    evaluation = shop.evaluations.evaluation(run_id)
    assert evaluation is not None
    assert (evaluation["champion_gone"], evaluation["incumbent"]) == (
        (True, "base") if is_deleted else (False, "champion")
    )
    assert questions_asked(shop)[TUNED] == asked


def test_a_champion_that_is_away_for_a_while_is_waited_for(shop: Workshop) -> None:
    shop.go(shop.train())
    shop.fill(60, 90)
    shop.trainer.goes_wrong(f"answer {TUNED}", ModelNotReady(), times=CHAMPION_ATTEMPTS - 1)
    run = shop.go(shop.train(2))
    evaluation = shop.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    assert (evaluation["champion_gone"], evaluation["incumbent"]) == (False, "champion")


def test_a_challenger_that_takes_its_time_does_not_remove_the_champion(shop: Workshop) -> None:
    """A better champion must not be passed over because another model was slow to load."""
    shop.go(shop.train())
    shop.fill(60, 90)
    run_id = shop.train(2, voice=leaking_answer)
    shop.trainer.goes_wrong("answer ft:base-model:2", ModelNotReady(), times=CHAMPION_ATTEMPTS + 3)
    run = shop.go(run_id)
    evaluation = shop.evaluations.evaluation(run_id)
    assert evaluation is not None
    assert (evaluation["champion_gone"], evaluation["incumbent"], run.state) == (False, "champion", S.KEPT)


def test_a_slow_challenger_and_then_a_short_absence_of_the_champion_are_not_added_up(shop: Workshop) -> None:
    shop.go(shop.train())
    shop.fill(60, 90)
    run_id = shop.train(2)
    shop.trainer.goes_wrong("answer ft:base-model:2", ModelNotReady(), times=CHAMPION_ATTEMPTS)
    shop.trainer.goes_wrong(f"answer {TUNED}", ModelNotReady(), times=2)
    shop.go(run_id)
    evaluation = shop.evaluations.evaluation(run_id)
    assert evaluation is not None
    assert evaluation["champion_gone"] is False


def test_a_model_that_is_unknown_for_a_quarter_of_an_hour_is_left_to_a_person_who_can_let_it_go_on(
    shop: Workshop,
) -> None:
    run_id = shop.train()
    begun_at = shop.clock.now
    voice = shop.trainer.voices.pop(TUNED)
    run = shop.go(run_id)
    assert (run.state, run.fact("resume")) == (S.NEEDS_ATTENTION, "evaluating")
    assert timedelta(minutes=15) <= run.updated_at - begun_at <= timedelta(minutes=17)
    assert "New models take some minutes" in run.fact("remedy")
    shop.trainer.voices[TUNED] = voice
    assert approve_run(run_id, shop.parts).state == S.EVALUATING
    assert shop.go(run_id).state == S.PROMOTED


def rename_trainer_of_champion(shop: Workshop) -> None:
    """Leave the champion, and its stored answers, at a trainer that is no longer configured."""
    with shop.engine.begin() as connection:
        connection.execute(sa.update(champions).values(trainer="old"))
        stored = sa.update(answers).where(answers.c.model == f"box/{TUNED}")
        connection.execute(stored.values(model=f"old/{TUNED}"))


def test_a_champion_whose_trainer_left_the_configuration_is_compared_with_by_its_stored_answers(shop: Workshop) -> None:
    first = shop.go(shop.train())
    rename_trainer_of_champion(shop)
    shop.fill(60, 120)
    run = shop.go(shop.train(2, voice=sometimes_leaking))
    evaluation = shop.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    assert (evaluation["incumbent"], evaluation["champion_gone"]) == ("champion", False)
    assert (evaluation["champion_unasked"], evaluation["left_out"] > 0) == (True, True)
    assert evaluation["comparisons"]["champion"]["pii_leak"]["worse_on"] > 0
    champion = shop.evaluations.champion("summaries")
    assert champion is not None
    assert (run.state, champion["run_id"]) == (S.KEPT, first.run_id)


def test_a_model_never_takes_the_place_of_a_champion_it_could_not_be_compared_with_by_itself(shop: Workshop) -> None:
    first = shop.go(shop.train())
    with shop.engine.begin() as connection:
        connection.execute(sa.update(champions).values(trainer="closed down"))
    shop.fill(60, 120)
    run = shop.go(shop.train(2, voice=sometimes_leaking))
    evaluation = shop.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    assert (evaluation["incumbent"], evaluation["outcome"]) == ("base", "better")
    assert (run.state, run.fact("waits_for_promotion")) == (S.KEPT, True)
    champion = shop.evaluations.champion("summaries")
    assert champion is not None
    # Nobody knows that it is gone.
    assert (champion["run_id"], champion["gone_since"]) == (first.run_id, None)
    promote_run(run.run_id, shop.parts)


def test_a_person_may_promote_a_judged_model_and_go_back_to_an_earlier_one(shop: Workshop) -> None:
    first = shop.go(shop.train())
    shop.fill(60, 120)
    second = shop.go(shop.train(2))
    assert (first.state, second.state) == (S.PROMOTED, S.KEPT)
    for run in (second, first):
        promote_run(run.run_id, shop.parts)
        champion = shop.evaluations.champion("summaries")
        assert champion is not None
        assert champion["model"] == run.tuned_model
    causes = [row["cause"] for row in shop.evaluations.champion_history("summaries")]
    assert causes[:2] == ["by hand", "by hand"]


def test_a_model_that_was_never_judged_cannot_be_promoted(shop: Workshop) -> None:
    run_id = shop.train()
    with pytest.raises(NotJudged):
        promote_run(run_id, shop.parts)
    assert shop.evaluations.champion("summaries") is None


@pytest.mark.parametrize("code", ["insufficient_quota", "invalid_api_key"])
def test_a_champion_that_is_only_refused_an_answer_is_not_passed_over(shop: Workshop, code: str) -> None:
    """An unpaid bill or a revoked key must not put a model in its place that was never compared with it."""
    shop.go(shop.train())
    shop.fill(60, 90)
    shop.trainer.goes_wrong(f"answer {TUNED}", TrainerRefused("refused", code=code))
    run = shop.go(shop.train(2))
    assert (run.state, run.fact("resume"), run.fact("champion_gone")) == (S.NEEDS_ATTENTION, "evaluating", None)
    approve_run(run.run_id, shop.parts)
    shop.go(run.run_id)
    evaluation = shop.evaluations.evaluation(run.run_id)
    assert evaluation is not None
    assert (evaluation["champion_gone"], evaluation["incumbent"]) == (False, "champion")
