"""A training that overshot: its checkpoints are compared on validation examples, and an earlier one is promoted."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from redis import Redis

from service.adapters.sql_stories import SqlStoryStore
from service.adapters.sql_tables import answers, job_checkpoints
from service.bootstrap import metrics_of
from service.domain.budgets import Price
from service.domain.contents import Content, Turn
from service.domain.deployments import Deployment
from service.domain.dialects import Dialect
from service.domain.errors import ConfigurationError, OverBudget, TooFewExamples, TrainerRefused, TrainerUnreachable
from service.domain.metric_specs import JudgeSpec
from service.domain.pipelines import DatasetPolicy, TrainPolicy, VerdictPolicy
from service.domain.questions import question_in
from service.domain.runs import Run, RunState
from service.domain.snapshots import read_chats
from service.ports import Answer
from service.usecases.explain import explain
from service.usecases.find_checkpoints import CheckpointGone, IsFinal, NoCheckpoints, NotServed, UnknownCheckpoint
from service.usecases.gather_reports import gather_reports
from service.usecases.mend_snapshot import opened, whole_snapshot
from service.usecases.name_champion import champions_to_name
from service.usecases.promote_run import ModelGone, NotJudged, promote_run
from service.usecases.recompute import recompute
from service.usecases.report_evaluation import NoEvaluation, Wanted
from service.usecases.roll_back import NothingBefore, roll_back
from service.usecases.steps.asking import Asked, payer_of
from service.usecases.validation_questions import validation_questions
from service.usecases.watch_sunsets import look_at_models
from service.usecases.write_examples import write_outcomes
from service.web.pages.report import report_html
from tests.support.appraising import appraisers
from tests.support.builders import make_outcome, make_pipeline
from tests.support.checkpoints import BEST, LAST, WORST, checkpoint_name, compared, judged, keeps, overshot
from tests.support.erasing import ROWS, Installation
from tests.support.report_stores import told
from tests.support.workshop import TUNED, Workshop, good_answer, leaking_answer, prompt_of

PRICE = Price(0.0, date(2026, 11, 1), 1000.0, 2000.0)


def serving(shop: Workshop) -> tuple[str, str, str]:
    champion = shop.evaluations.champion("summaries")
    assert champion is not None
    return champion["model"], champion["run_id"], champion["decided"]


def numbers(shop: Workshop, run: Run) -> dict[str, int]:
    """Give how many validation and held-out questions the run's snapshot has."""
    snapshot = whole_snapshot(str(run.snapshot_id), shop.archive, keep=lambda: None)
    files = snapshot.files
    return {"validation": files["validation"].lines, "held_out": files["held_out"].lines}


# Comparing.


def test_checkpoints_are_compared_on_validation_examples_and_the_best_is_recommended(shop: Workshop) -> None:
    run = overshot(shop)
    found = compared(shop, run)
    assert (found.run_id, found.ranked_by, found.recommended) == (run.run_id, "pii_leak", BEST)
    assert found.validation == numbers(shop, run)["validation"] > 0
    assert [(one.step, one.model, one.is_final, one.gone) for one in found.models] == [
        (LAST, TUNED, True, None),
        (BEST, checkpoint_name(BEST), False, None),
        (WORST, checkpoint_name(WORST), False, None),
    ]
    last, best, worst = found.models
    assert (best.intervals["pii_leak"]["mean"], worst.intervals["pii_leak"]["mean"]) == (0.0, 1.0)
    assert best.intervals["pii_leak"]["low"] == 0.0 < best.intervals["pii_leak"]["high"]
    assert best.against_final["pii_leak"]["difference"] == last.intervals["pii_leak"]["mean"] > 0
    assert worst.against_final["pii_leak"]["difference"] < 0
    assert found.is_proven == (best.against_final["pii_leak"]["p"] < 0.05)
    assert last.against_final == {}
    own = shop.evaluations.evaluation(run.run_id)
    assert own is not None
    assert (last.outcome, best.outcome) == (own["outcome"], None)


def test_choosing_is_no_look_at_the_held_out_examples(shop: Workshop) -> None:
    run = overshot(shop)
    looks = len(list(shop.evaluations.earlier_looks("summaries", but="")))
    compared(shop, run)
    snapshot = whole_snapshot(str(run.snapshot_id), shop.archive, keep=lambda: None)
    with opened(snapshot, "held_out", shop.archive, keep=lambda: None) as lines:
        held_out = {question_in(chat).prompt for chat in read_chats(iter(lines))}
    assert {prompt for _, prompt in shop.trainer.asked}.isdisjoint(held_out)
    assert len(list(shop.evaluations.earlier_looks("summaries", but=""))) == looks


def test_an_answer_is_paid_for_once_and_a_second_comparison_asks_nothing(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    shop = Workshop(sqlite_engine, tmp_path / "files", price=PRICE)
    shop.fill()
    run = overshot(shop)
    before = shop.ledger.entries_of(run.run_id)
    first = compared(shop, run)
    paid = shop.ledger.entries_of(run.run_id)[len(before) :]
    assert {entry.kind for entry in paid} == {"answers"}
    assert [entry.tokens for entry in paid] == [15 * first.validation] * 3
    shop.trainer.asked.clear()
    assert compared(shop, run) == first
    assert (shop.trainer.asked, len(shop.ledger.entries_of(run.run_id))) == ([], len(before) + 3)


def test_a_comparison_goes_on_after_short_failures_and_with_what_was_stored_before(shop: Workshop) -> None:
    run = overshot(shop)
    is_away = True

    def voice(prompt: str) -> str:
        if is_away:
            raise TrainerUnreachable("reset")
        return good_answer(prompt)

    shop.trainer.voices[checkpoint_name(BEST)] = voice
    with pytest.raises(TrainerUnreachable):
        compared(shop, run)
    is_away = False
    shop.trainer.goes_wrong(f"answer {checkpoint_name(BEST)}", TrainerUnreachable("reset"))
    shop.trainer.asked.clear()
    assert compared(shop, run).recommended == BEST
    # What the run's own model answered before is not asked again.
    assert {model for model, _ in shop.trainer.asked} == {checkpoint_name(BEST), checkpoint_name(WORST)}
    assert len(set(shop.trainer.asked)) == len(shop.trainer.asked)


def test_a_comparison_above_the_budget_asks_nothing(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = Workshop(sqlite_engine, tmp_path / "files", price=PRICE)
    shop.fill()
    run = overshot(shop)
    pipeline = shop.pipelines["summaries"]
    shop.pipelines["summaries"] = replace(pipeline, verdict=replace(pipeline.verdict, budget_usd=1.0))
    for act in (compared, judged):
        with pytest.raises(OverBudget):
            act(shop, run)
    assert shop.trainer.asked == []


def test_what_a_killed_worker_left_unbilled_counts_against_the_budget(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = Workshop(sqlite_engine, tmp_path / "files", price=PRICE)
    shop.fill()
    run = overshot(shop)
    payer, asked = payer_of(run), Asked("box", checkpoint_name(BEST), run.model)
    left = payer.owes(asked, Answer("", prompt_tokens=2_000_000, completion_tokens=0))
    shop.evaluations.add_answer("box/another", "key", Answer("", 0, 0), now=shop.clock.now, debt=left)
    pipeline = shop.pipelines["summaries"]
    shop.pipelines["summaries"] = replace(pipeline, verdict=replace(pipeline.verdict, budget_usd=1000.0))
    for act in (compared, judged):
        with pytest.raises(OverBudget, match=r"2000\.\d+ USD are spent"):
            act(shop, run)
    assert shop.trainer.asked == []


def test_no_earlier_checkpoint_is_recommended_where_none_is_better(shop: Workshop) -> None:
    run = overshot(shop, voice=good_answer)
    found = compared(shop, run)
    assert (found.recommended, found.is_proven) == (None, False)


@pytest.mark.parametrize("form", ["completion", "preference"])
def test_validation_examples_are_asked_as_held_out_ones_whatever_form_the_file_has(
    sqlite_engine: sa.Engine, tmp_path: Path, form: str
) -> None:
    ways: dict[str, Any] = {"format": form} if form == "completion" else {"method": form}
    shop = Workshop(sqlite_engine, tmp_path / "files")
    shop.pipelines["summaries"] = make_pipeline(train=TrainPolicy("box", "base-model", **ways), system="Be short.")
    rejected = ("One that is worse.", "And another one.") if form == "preference" else ()
    rows = [replace(make_outcome(f"row-{n}", prompt=prompt_of(n)), content=_content(n, rejected)) for n in range(60)]
    write_outcomes(
        shop.examples, shop.pipelines["summaries"], rows, appraisers=appraisers, gone=(), observed_at=shop.clock.now
    )
    run = shop.go(shop.start(), RunState.SNAPSHOTTED)
    snapshot = whole_snapshot(str(run.snapshot_id), shop.archive, keep=lambda: None)
    asked = validation_questions(snapshot, shop.archive)
    assert len(asked) == snapshot.files["validation"].examples
    assert len(asked) * max(1, len(rejected)) == snapshot.files["validation"].lines > 0
    for question in asked:
        assert [item["role"] for item in question.messages] == ["system", "user"]
        assert question.reference == good_answer(question.prompt)


def _content(number: int, rejected: tuple[str, ...]) -> Content:
    return Turn("user", prompt_of(number)), Turn("assistant", good_answer(prompt_of(number)), rejected)


def test_a_checkpoint_whose_answers_are_cut_is_not_recommended_and_said_to_be_cut(shop: Workshop) -> None:
    run = overshot(shop)
    shop.trainer.finishes[checkpoint_name(BEST)] = lambda _: "length"
    found = compared(shop, run)
    assert [one.unfinished for one in found.models] == [0, found.validation, 0]
    assert (found.models[1].intervals["pii_leak"]["mean"], found.recommended) == (1.0, None)


def test_only_so_many_validation_examples_are_asked_as_the_verdict_may(shop: Workshop) -> None:
    run = overshot(shop)
    pipeline = shop.pipelines["summaries"]
    shop.pipelines["summaries"] = replace(pipeline, verdict=replace(pipeline.verdict, max_questions=2))
    assert compared(shop, run).validation == 2
    assert len(shop.trainer.asked) == 6


# What cannot be compared.


def test_a_checkpoint_that_is_gone_is_said_to_be_and_the_others_are_compared(shop: Workshop) -> None:
    run = overshot(shop)
    del shop.trainer.voices[checkpoint_name(BEST)]
    found = compared(shop, run)
    _, best, worst = found.models
    assert (best.intervals, best.against_final, worst.gone, found.recommended) == ({}, {}, None, None)
    assert best.gone is not None
    assert checkpoint_name(BEST) in best.gone


def test_without_any_earlier_checkpoint_that_answers_nothing_is_compared(shop: Workshop) -> None:
    run = overshot(shop)
    for step in (BEST, WORST):
        del shop.trainer.voices[checkpoint_name(step)]
    with pytest.raises(CheckpointGone, match="no earlier checkpoint") as refused:
        compared(shop, run)
    # It would fail again.
    assert "models compare" not in refused.value.remedy


def test_without_the_runs_own_model_its_checkpoints_are_compared(shop: Workshop) -> None:
    run = overshot(shop)
    del shop.trainer.voices[TUNED]
    with shop.engine.begin() as connection:
        connection.execute(sa.delete(answers))
    found = compared(shop, run)
    final, best, worst = found.models
    assert (final.is_final, TUNED in str(final.gone), final.intervals) == (True, True, {})
    assert best.intervals["pii_leak"]["mean"] < worst.intervals["pii_leak"]["mean"]
    assert (best.against_final, worst.against_final) == ({}, {})
    assert (found.recommended, found.is_proven) == (BEST, False)


def test_a_job_without_checkpoints_and_a_run_without_a_model_are_refused(shop: Workshop) -> None:
    waiting = shop.runs.get(shop.start())
    with pytest.raises(NoCheckpoints, match="no model yet"):
        compared(shop, waiting)
    shop.go(waiting.run_id, RunState.SUBMITTED)
    shop.finish_job()
    run = shop.go(waiting.run_id)
    with pytest.raises(NoCheckpoints, match="no checkpoint but its model"):
        compared(shop, run)
    shop.trainer.goes_wrong("checkpoints", TrainerRefused("404"))
    with pytest.raises(NoCheckpoints, match="tells no checkpoints"):
        compared(shop, run)
    # One without a step has no name here, one without a model cannot be asked.
    odd = {"checkpoint_id": "c", "created_at": 1, "metrics": {}}
    shop.trainer.points = [{**odd, "step": None, "model": "ft:x"}, {**odd, "step": 3, "model": None}]
    for act in (compared, judged):
        with pytest.raises(NoCheckpoints):
            act(shop, run)


def test_a_trainer_whose_models_are_deployed_serves_no_checkpoints(shop: Workshop) -> None:
    run = overshot(shop)
    shop.accounts["box"] = replace(shop.accounts["box"], deployment=Deployment(by_hand=True))
    for act in (compared, judged):
        with pytest.raises(NotServed) as refused:
            act(shop, run)
        assert "n_epochs" in refused.value.remedy


def test_a_snapshot_without_validation_examples_cannot_choose(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = Workshop(sqlite_engine, tmp_path / "files")
    shop.pipelines["summaries"] = make_pipeline(dataset=DatasetPolicy(validation_percent=0))
    shop.fill()
    run = overshot(shop)
    with pytest.raises(TooFewExamples, match="no validation examples") as refused:
        compared(shop, run)
    assert "validation_percent" in refused.value.remedy


def test_judges_alone_cannot_choose(shop: Workshop) -> None:
    run = overshot(shop)
    judge = JudgeSpec("box", "judge-1", "Which is better?")
    shop.pipelines["summaries"] = make_pipeline(verdict=VerdictPolicy("careful", ()), metrics={"careful": judge})
    with pytest.raises(ConfigurationError, match="judges alone") as refused:
        compared(shop, run)
    assert "[pipelines.summaries.verdict]" in refused.value.remedy


# Judging.


def test_a_checkpoint_is_judged_on_held_out_examples_as_a_look_of_its_own(shop: Workshop) -> None:
    run = overshot(shop)
    own = shop.evaluations.evaluation(run.run_id)
    found = judged(shop, run)
    assert (found.model, found.is_new) == (checkpoint_name(BEST), True)
    assert own is not None
    assert found.evaluation["models"] == {**own["models"], "challenger": checkpoint_name(BEST)} | (
        {"champion": TUNED} if run.state == RunState.PROMOTED else {}
    )
    assert found.evaluation["checkpoint"] == BEST
    assert found.evaluation["look"]["number"] == own["look"]["number"] + 1
    assert found.evaluation["look"]["alpha"] < own["look"]["alpha"]
    assert found.evaluation["intervals"]["pii_leak"]["challenger"]["mean"] == 0.0
    # Beside the run's own, which stays as it was, like the run.
    assert shop.evaluations.evaluation(run.run_id) == own
    assert shop.runs.get(run.run_id) == run
    assert {model for model, _ in shop.trainer.asked} == {checkpoint_name(BEST)}
    assert len(shop.trainer.asked) == own["held_out"]
    assert compared(shop, run).models[1].outcome == found.evaluation["outcome"]


def test_a_look_is_taken_once_and_counts_for_the_next_run(shop: Workshop) -> None:
    run = overshot(shop)
    first = judged(shop, run)
    shop.trainer.asked.clear()
    again = judged(shop, run)
    assert (again.evaluation, again.is_new, again.model) == (first.evaluation, False, first.model)
    assert shop.trainer.asked == []
    shop.fill(60, 90)
    later = shop.go(shop.train(2))
    evaluation = shop.evaluations.evaluation(later.run_id)
    assert evaluation is not None
    assert evaluation["look"]["number"] == 3


def test_judging_goes_on_with_what_was_answered_before_it_was_stopped(shop: Workshop) -> None:
    run = overshot(shop)
    heard = 0

    def voice(prompt: str) -> str:
        nonlocal heard
        heard += 1
        if heard == 4:
            raise KeyboardInterrupt
        return good_answer(prompt)

    shop.trainer.voices[checkpoint_name(BEST)] = voice
    with pytest.raises(KeyboardInterrupt):
        judged(shop, run)
    assert shop.evaluations.judged_checkpoints(run.run_id) == {}
    judged(shop, run)
    # The one that was on its way is asked again, and no other.
    assert heard == numbers(shop, run)["held_out"] + 1


def test_a_judge_is_asked_about_a_checkpoint_for_as_long_as_it_takes_and_never_chooses_one(shop: Workshop) -> None:
    own = {"careful": JudgeSpec("box", "judge-1", "Which is better?")}
    shop.pipelines["summaries"] = make_pipeline(verdict=VerdictPolicy("careful", ("pii_leak",)), metrics=own)
    asked = 0

    def slow(shown: str) -> str:
        nonlocal asked
        asked += 1
        shop.clock.forward(3)
        first, second = shown.split("--- ANSWER A ")[1].split("--- ANSWER B ")
        return {(False, True): "A", (True, False): "B"}.get(("@" in first, "@" in second), "tie")

    shop.trainer.voices["judge-1"] = slow
    run = overshot(shop)
    asked = 0
    found = compared(shop, run)
    assert (found.ranked_by, found.recommended, asked) == ("pii_leak", BEST, 0)
    evaluation = judged(shop, run).evaluation
    # More than one slice of time.
    assert asked * 3 > shop.timing.slice.total_seconds()
    assert evaluation["intervals"]["careful"]["challenger"]["mean"] > 0.5
    assert recompute(run.run_id, shop, metrics_of, checkpoint=BEST).is_equal


def test_the_story_of_a_held_out_row_names_the_checkpoints_that_were_asked(shop: Workshop) -> None:
    run = overshot(shop)
    judged(shop, run)
    rows = shop.examples.existing("summaries", [f"row-{number}" for number in range(60)])
    row_id = next(row_id for row_id, row in rows.items() if row.split == "held_out")
    stories = SqlStoryStore(shop.engine)
    stores: dict[str, Any] = {"snapshots": shop.snapshots, "evaluations": shop.evaluations, "files": shop.files}
    (story,) = explain(row_id, stories=stories, **stores)
    (told_run,) = story["pipelines"][0]["runs"]
    assert told_run["asked_models"][f"checkpoint {BEST}"] == checkpoint_name(BEST)
    assert told_run["asked_models"]["challenger"] == TUNED


def test_every_number_of_a_judged_checkpoint_follows_from_stored_answers(shop: Workshop) -> None:
    run = overshot(shop)
    judged(shop, run)
    shop.trainer.asked.clear()
    found = recompute(run.run_id, shop, metrics_of, checkpoint=BEST)
    assert (found.is_equal, shop.trainer.asked) == (True, [])
    with pytest.raises(NoEvaluation) as refused:
        recompute(run.run_id, shop, metrics_of, checkpoint=WORST)
    assert f"tuneloop runs judge {run.run_id} --checkpoint {WORST}" in refused.value.remedy


def test_a_checkpoint_has_a_report_of_its_own(shop: Workshop) -> None:
    run = overshot(shop)
    judged(shop, run)
    report = told(shop, run.run_id, Wanted(checkpoint=BEST))
    assert (report.run.checkpoint, report.models["challenger"]) == (BEST, checkpoint_name(BEST))
    html = report_html(report)
    assert f"checkpoint of step {BEST}" in html
    assert f"tuneloop report {run.run_id} --checkpoint {BEST} --json" in html
    own = told(shop, run.run_id)
    assert (own.run.checkpoint, own.models["challenger"]) == (None, TUNED)
    assert "checkpoint of step" not in report_html(own)


def test_what_cannot_be_judged_is_refused_and_takes_no_look(shop: Workshop) -> None:
    waiting = shop.train()
    with pytest.raises(NotJudged):
        judged(shop, shop.runs.get(waiting))
    run = overshot(shop, waiting)
    with pytest.raises(UnknownCheckpoint, match=f"step 7; there are {WORST}, {BEST}, {LAST}"):
        judged(shop, run, 7)
    with pytest.raises(IsFinal) as refused:
        judged(shop, run, LAST)
    assert "Leave --checkpoint out" in refused.value.remedy
    del shop.trainer.voices[checkpoint_name(BEST)]
    shop.trainer.asked.clear()
    with pytest.raises(CheckpointGone, match="does not answer"):
        judged(shop, run)
    assert shop.trainer.asked == []
    assert shop.evaluations.judged_checkpoints(run.run_id) == {}
    assert len(list(shop.evaluations.earlier_looks("summaries", but=""))) == 1


def test_checkpoints_that_the_trainer_lists_no_longer_are_known_from_the_end_of_the_job(shop: Workshop) -> None:
    run = overshot(shop)
    gather_reports(run.run_id, shop.parts)
    shop.trainer.points = []
    assert [one.step for one in compared(shop, run).models] == [LAST, BEST, WORST]
    # Where the run's own model is not among them it is compared all the same.
    with shop.engine.begin() as connection:
        connection.execute(sa.delete(job_checkpoints).where(job_checkpoints.c.step == LAST))
    assert [(one.step, one.is_final) for one in compared(shop, run).models] == [
        (None, True),
        (BEST, False),
        (WORST, False),
    ]


def test_a_champion_that_does_not_answer_is_left_out_after_some_patience(shop: Workshop) -> None:
    first = shop.go(shop.train())
    shop.fill(60, 90)
    later = shop.go(shop.train(2))
    keeps(shop, {9: "ft:base-model:2:ckpt-step-9"})
    shop.trainer.voices["ft:base-model:2:ckpt-step-9"] = good_answer
    assert serving(shop)[:2] == (TUNED, first.run_id)
    del shop.trainer.voices[TUNED]
    with shop.engine.begin() as connection:
        connection.execute(sa.delete(answers).where(answers.c.model == f"box/{TUNED}"))
    found = judged(shop, later, 9)
    assert (found.evaluation["champion_gone"], found.evaluation["incumbent"]) == (True, "base")
    champion = shop.evaluations.champion("summaries")
    assert champion is not None
    assert champion["gone_since"] == shop.clock.now
    assert shop.runs.get(later.run_id) == later


def test_a_champion_that_is_back_is_compared_with_though_the_run_itself_was_judged_without_it(shop: Workshop) -> None:
    first = shop.go(shop.train())
    shop.fill(60, 90)
    later_id = shop.train(2, voice=leaking_answer)
    del shop.trainer.voices[TUNED]
    later = shop.go(later_id)
    champion = shop.evaluations.champion("summaries")
    assert champion is not None
    assert (champion["run_id"], champion["gone_since"] is None) == (first.run_id, False)
    shop.trainer.voices[TUNED] = good_answer
    shop.evaluations.note_gone(champion, since=None, now=shop.clock.now)
    keeps(shop, {9: "ft:base-model:2:ckpt-step-9"})
    shop.trainer.voices["ft:base-model:2:ckpt-step-9"] = good_answer
    evaluation = judged(shop, later, 9).evaluation
    assert (evaluation["champion_gone"], evaluation["models"]["champion"]) == (False, TUNED)
    champion = shop.evaluations.champion("summaries")
    assert champion is not None
    assert champion["gone_since"] is None


def test_a_judge_of_the_models_family_is_refused_with_what_lets_the_command_go_on(shop: Workshop) -> None:
    run = overshot(shop)
    own = {"careful": JudgeSpec("box", "base-model", "Which is better?")}
    shop.pipelines["summaries"] = make_pipeline(verdict=VerdictPolicy("careful", ("pii_leak",)), metrics=own)
    with pytest.raises(ConfigurationError, match="family") as refused:
        judged(shop, run)
    assert refused.value.remedy.endswith("then the same command again")


# Promoting.


def test_an_earlier_checkpoint_is_promoted_with_its_evidence(shop: Workshop) -> None:
    shop.accounts["box"] = replace(shop.accounts["box"], dialect=Dialect(aliases=True))
    run = overshot(shop)
    found = judged(shop, run)
    promoted = promote_run(run.run_id, shop.parts, checkpoint=BEST, by="ada", reason="the end leaks")
    assert promoted.answers_as == checkpoint_name(BEST)
    assert serving(shop) == (checkpoint_name(BEST), run.run_id, "by hand")
    row = shop.evaluations.champion_history("summaries")[0]
    assert (row["decided_by"], row["reason"], row["trainer"]) == ("ada", "the end leaks", "box")
    assert row["evidence"] | {"checkpoint": BEST, "sentence": found.evaluation["sentence"]} == row["evidence"]
    # The run itself is as it was.
    assert shop.runs.get(run.run_id) == run
    # The stable name follows at once.
    assert champions_to_name(shop.parts) == []
    assert shop.trainer.names == {"tuneloop/summaries": checkpoint_name(BEST)}
    # A second time changes nothing.
    promote_run(run.run_id, shop.parts, checkpoint=BEST)
    assert shop.evaluations.champion_history("summaries")[0] == row


def test_a_rollback_goes_between_the_models_of_one_run(shop: Workshop) -> None:
    run = overshot(shop)
    judged(shop, run)
    promote_run(run.run_id, shop.parts)
    promote_run(run.run_id, shop.parts, checkpoint=BEST)
    assert serving(shop)[0] == checkpoint_name(BEST)
    assert roll_back("summaries", shop.parts).answers_as == TUNED
    assert serving(shop) == (TUNED, run.run_id, "rollback")
    with pytest.raises(NothingBefore):
        roll_back("summaries", shop.parts)
    # By the run's name it is the other of its models.
    assert roll_back("summaries", shop.parts, to=run.run_id).answers_as == checkpoint_name(BEST)
    champion = shop.evaluations.champion("summaries")
    assert champion is not None
    assert champion["evidence"]["checkpoint"] == BEST


def test_a_later_run_is_compared_with_the_checkpoint_that_serves(shop: Workshop) -> None:
    run = overshot(shop)
    judged(shop, run)
    promote_run(run.run_id, shop.parts, checkpoint=BEST)
    shop.fill(60, 90)
    evaluation = shop.evaluations.evaluation(shop.go(shop.train(2)).run_id)
    assert evaluation is not None
    assert evaluation["models"]["champion"] == checkpoint_name(BEST)
    # And back over a run's own model to the checkpoint.
    promote_run(shop.runs.recent("summaries", 1)[0].run_id, shop.parts)
    assert roll_back("summaries", shop.parts).answers_as == checkpoint_name(BEST)


def test_a_checkpoint_without_an_evaluation_is_not_promoted(shop: Workshop) -> None:
    run = overshot(shop)
    before = shop.evaluations.champion_history("summaries")
    with pytest.raises(NotJudged) as refused:
        promote_run(run.run_id, shop.parts, checkpoint=BEST, despite_sunset=True)
    assert f"tuneloop runs judge {run.run_id} --checkpoint {BEST}" in refused.value.remedy
    assert shop.evaluations.champion_history("summaries") == before


def test_a_checkpoint_that_serves_and_is_gone_is_said_to_be_and_its_run_stays_promotable(shop: Workshop) -> None:
    run = overshot(shop)
    judged(shop, run)
    promote_run(run.run_id, shop.parts, checkpoint=BEST)
    assert look_at_models(shop.pipelines, shop.parts, clock=shop.clock) == {}
    del shop.trainer.voices[checkpoint_name(BEST)]
    shop.clock.forward(86_400)
    look_at_models(shop.pipelines, shop.parts, clock=shop.clock)
    champion = shop.evaluations.champion("summaries")
    assert champion is not None
    assert champion["gone_since"] == shop.clock.now
    promote_run(run.run_id, shop.parts)
    assert serving(shop)[0] == TUNED
    with pytest.raises(ModelGone):
        promote_run(run.run_id, shop.parts, checkpoint=BEST)
    promote_run(run.run_id, shop.parts, checkpoint=BEST, despite_sunset=True)
    assert serving(shop)[0] == checkpoint_name(BEST)


# Forgetting.


def test_forgetting_takes_a_row_out_of_what_checkpoints_answered(
    engine: sa.Engine, redis: Redis, tmp_path: Path
) -> None:
    here = Installation(engine, redis, tmp_path)
    for number in range(ROWS):
        here.label(number)
    here.desk.convert()
    run = overshot(here.shop, voice=leaking_answer)
    before = compared(here.shop, run)
    judged(here.shop, run)
    rows = {split: here.row_in(split) for split in ("validation", "held_out")}
    marks = [f"marker{number:03}qx" for number in rows.values()]
    assert here.traces(marks) != []
    here.forget(*rows.values())
    assert here.traces(marks) == []
    found = here.shop.evaluations.evaluation(run.run_id, checkpoint=BEST)
    assert found is not None
    assert found["questions"].count("") == 1
    assert compared(here.shop, run).validation == before.validation - 1
