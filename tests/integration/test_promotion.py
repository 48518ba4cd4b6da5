"""Who serves, decided by verdicts and by people: promote, roll back, and every refusal."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.adapters.sql_tables import evaluations, notices, runs
from service.domain.dialects import Dialect
from service.domain.errors import TrainerUnreachable
from service.domain.runs import Run, RunState
from service.domain.sunsets import Sunset, Sunsets
from service.ports import RemoteModel
from service.usecases.advance_run import advance_run
from service.usecases.promote_run import ModelGone, NotJudged, OtherData, promote_run
from service.usecases.roll_back import NeverServed, NothingBefore, roll_back
from tests.support.workshop import Workshop, good_answer, leaking_answer

S = RunState


@pytest.fixture
def shop(sqlite_engine: sa.Engine, tmp_path: Path) -> Workshop:
    made = Workshop(sqlite_engine, tmp_path / "files")
    made.fill()
    return made


def serving(shop: Workshop) -> dict[str, Any]:
    champion = shop.evaluations.champion("summaries")
    assert champion is not None
    return dict(champion)


def history(shop: Workshop) -> list[tuple[str, str]]:
    return [(row["run_id"], row["decided"]) for row in shop.evaluations.champion_history("summaries")]


def another(shop: Workshop, number: int) -> Run:
    """Train and judge a further run, which cannot be better than the first."""
    shop.fill(60 * (number - 1), 60 * number)
    return shop.go(shop.train(number))


def told(shop: Workshop, kind: str) -> list[str]:
    with shop.engine.connect() as connection:
        return list(
            connection.scalars(sa.select(notices.c.title + "\n" + notices.c.text).where(notices.c.kind == kind))
        )


def ends_on(shop: Workshop, day: date) -> None:
    sunsets = Sunsets({"base-model": Sunset(shutdown_on=day)})
    shop.accounts["box"] = replace(shop.accounts["box"], sunsets=sunsets)


# By the verdict.


def test_an_automatic_promotion_keeps_its_evidence_and_the_prompt_to_use(shop: Workshop) -> None:
    shop.pipelines["summaries"] = replace(shop.pipelines["summaries"], system="Be short.")
    run = shop.go(shop.train())
    champion = serving(shop)
    assert (champion["run_id"], history(shop)) == (run.run_id, [(run.run_id, "automatic")])
    evidence = champion["evidence"]
    assert (evidence["outcome"], evidence["system"], evidence["snapshot_id"]) == (
        "better",
        "Be short.",
        run.snapshot_id,
    )
    assert evidence["held_out"] > 0


def test_a_manual_promotion_waits_for_a_person_and_says_so(shop: Workshop) -> None:
    pipeline = shop.pipelines["summaries"]
    shop.pipelines["summaries"] = replace(pipeline, verdict=replace(pipeline.verdict, promote="manual"))
    run = shop.go(shop.train())
    assert (run.state, shop.evaluations.champion("summaries")) == (S.KEPT, None)
    (text,) = told(shop, "kept")
    assert "is better and waits for a person to promote it" in text
    assert f'tuneloop models promote {run.run_id} --reason "..."' in text
    promote_run(run.run_id, shop.parts, by="ada", reason="read fifty answers")
    (row,) = shop.evaluations.champion_history("summaries")
    assert (row["decided"], row["decided_by"], row["reason"]) == ("by hand", "ada", "read fifty answers")
    assert row["evidence"]["outcome"] == "better"
    assert len(told(shop, "champion_changed")) == 1


def test_a_run_that_lost_is_not_said_to_wait(shop: Workshop) -> None:
    shop.go(shop.train(voice=leaking_answer))
    (text,) = told(shop, "kept")
    assert "waits for a person" not in text


def test_a_champion_that_changes_while_a_run_is_judged_has_it_judged_again(shop: Workshop) -> None:
    first = shop.go(shop.train(voice=good_answer))
    second = another(shop, 2)
    assert second.state == S.KEPT
    # The next is better than the base alone, so that it would be promoted if nobody served.
    with shop.engine.begin() as connection:
        connection.execute(sa.delete(sa.table("champions")))
    shop.fill(120, 180)
    third = shop.train(3)
    interfering = _Interfering(shop, lambda: promote_run(second.run_id, shop.parts))
    run = advance_run(third, replace(shop.parts, evaluations=interfering))
    assert run is not None
    assert (run.state, interfering.times) == (S.EVALUATING, 1)
    assert (serving(shop)["run_id"], shop.evaluations.evaluation(third)) == (second.run_id, None)
    # Judged against who serves now, whom it does not beat.
    assert shop.go(third).state == S.KEPT
    evaluation = shop.evaluations.evaluation(third)
    assert evaluation is not None
    assert (evaluation["incumbent"], evaluation["judged_against"]) == ("champion", serving(shop)["position"])
    assert first.run_id != serving(shop)["run_id"]


def test_a_rollback_while_a_run_is_judged_has_it_judged_against_who_serves_then(shop: Workshop) -> None:
    first = shop.go(shop.train(voice=good_answer))
    shop.fill(60, 120)
    second = shop.go(shop.train(2, voice=leaking_answer))
    promote_run(second.run_id, shop.parts)
    shop.fill(120, 180)
    # Better than the second, and as good as the first.
    third = shop.train(3)
    interfering = _Interfering(shop, lambda: roll_back("summaries", shop.parts))
    run = advance_run(third, replace(shop.parts, evaluations=interfering))
    assert run is not None
    assert (run.state, interfering.times, serving(shop)["run_id"]) == (S.EVALUATING, 1, first.run_id)
    assert shop.go(third).state == S.KEPT
    evaluation = shop.evaluations.evaluation(third)
    assert evaluation is not None
    assert (evaluation["models"]["champion"], evaluation["judged_against"]) == (
        first.answers_as,
        serving(shop)["position"],
    )
    assert serving(shop)["run_id"] == first.run_id


def test_a_run_that_lost_against_a_champion_of_before_is_judged_again(shop: Workshop) -> None:
    shop.go(shop.train())
    second = another(shop, 2)
    shop.fill(120, 180)
    third = shop.train(3, voice=leaking_answer)
    interfering = _Interfering(shop, lambda: promote_run(second.run_id, shop.parts))
    run = advance_run(third, replace(shop.parts, evaluations=interfering))
    assert run is not None
    assert (run.state, shop.evaluations.evaluation(third)) == (S.EVALUATING, None)
    assert shop.go(third).state == S.KEPT
    evaluation = shop.evaluations.evaluation(third)
    assert evaluation is not None
    assert evaluation["judged_against"] == serving(shop)["position"]


class _Interfering:
    """A store before which a person does something, right before the first verdict is written."""

    def __init__(self, shop: Workshop, act: Callable[[], object]) -> None:
        self._shop, self._act, self.times = shop, act, 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - every method of the store
        return getattr(self._shop.evaluations, name)

    def conclude(self, *args: Any, **kwargs: Any) -> Run:  # noqa: ANN401 - as the store's
        if not self.times:
            self.times = 1
            self._act()
        return self._shop.evaluations.conclude(*args, **kwargs)


# By a person.


def test_promoting_who_serves_already_changes_nothing(shop: Workshop) -> None:
    run = shop.go(shop.train())
    promote_run(run.run_id, shop.parts)
    assert history(shop) == [(run.run_id, "automatic")]


def test_a_run_judged_on_no_held_out_example_has_no_evidence(shop: Workshop) -> None:
    run = shop.go(shop.train(voice=leaking_answer))
    with shop.engine.begin() as connection:
        connection.execute(sa.update(evaluations).values(facts={"outcome": "worse", "held_out": 0}))
    with pytest.raises(NotJudged, match="no held-out example"):
        promote_run(run.run_id, shop.parts)
    assert history(shop) == []


def test_a_run_of_another_pipelines_data_is_refused(shop: Workshop) -> None:
    run = shop.go(shop.train(voice=leaking_answer))
    with shop.engine.begin() as connection:
        connection.execute(sa.update(runs).values(pipeline="other"))
    with pytest.raises(OtherData, match="trained on examples of summaries"):
        promote_run(run.run_id, shop.parts)
    assert shop.evaluations.champion("other") is None


def test_a_model_that_ends_is_promoted_only_despite_its_end(shop: Workshop) -> None:
    run = shop.go(shop.train(voice=leaking_answer))
    ends_on(shop, date(2026, 11, 10))
    with pytest.raises(ModelGone, match="shuts down on 2026-11-10"):
        promote_run(run.run_id, shop.parts)
    assert history(shop) == []
    promote_run(run.run_id, shop.parts, despite_sunset=True)
    assert history(shop) == [(run.run_id, "by hand")]


def test_a_model_that_stopped_answering_is_not_promoted_again(shop: Workshop) -> None:
    first, second = shop.go(shop.train()), another(shop, 2)
    shop.evaluations.note_gone(serving(shop), since=shop.clock.now, now=shop.clock.now)
    promote_run(second.run_id, shop.parts)
    with pytest.raises(ModelGone, match="did not answer"):
        promote_run(first.run_id, shop.parts)


def test_a_model_that_its_trainer_deleted_is_not_promoted(shop: Workshop) -> None:
    run = shop.go(shop.train(voice=leaking_answer))
    lists_all(shop)
    deletes(shop, run)
    with pytest.raises(ModelGone, match=f"box does not have {run.answers_as} any more") as refused:
        promote_run(run.run_id, shop.parts)
    assert (history(shop), "--despite-sunset" in refused.value.remedy) == ([], True)
    promote_run(run.run_id, shop.parts, despite_sunset=True)
    assert history(shop) == [(run.run_id, "by hand")]


@pytest.mark.parametrize("case", ["away", "no list", "partial list", "shown alone", "deployed"])
def test_a_model_whose_absence_is_not_sure_is_promoted(shop: Workshop, case: str) -> None:
    run = shop.go(shop.train(voice=leaking_answer))
    lists_all(shop)
    if case == "away":
        shop.trainer.goes_wrong("models", TrainerUnreachable("down"))
    if case == "partial list":
        shop.accounts["box"] = replace(shop.accounts["box"], dialect=Dialect(model_list="partial"))
    if case == "deployed":
        with shop.engine.begin() as connection:
            connection.execute(sa.update(runs).values(facts={"inference_model": run.answers_as}))
    shop.trainer.lists_models = case != "no list"
    if case == "shown alone":
        shop.trainer.unlisted.add(str(run.answers_as))
    else:
        deletes(shop, run)
    promote_run(run.run_id, shop.parts)
    assert history(shop) == [(run.run_id, "by hand")]


def test_a_run_judged_before_evaluations_held_the_prompt_brings_that_of_its_snapshot(shop: Workshop) -> None:
    shop.pipelines["summaries"] = replace(shop.pipelines["summaries"], system="Be short.")
    run = shop.go(shop.train(voice=leaking_answer))
    with shop.engine.begin() as connection:
        connection.execute(sa.update(evaluations).values(facts={"outcome": "worse", "held_out": 9}))
    promote_run(run.run_id, shop.parts)
    assert serving(shop)["evidence"]["system"] == "Be short."


# Back.


def test_a_rollback_goes_to_the_previous_champion_and_the_next_one_further(shop: Workshop) -> None:
    first, second, third = shop.go(shop.train()), another(shop, 2), another(shop, 3)
    for run in (second, third):
        promote_run(run.run_id, shop.parts)
    asked = len(shop.trainer.asked)
    assert roll_back("summaries", shop.parts, by="ada", reason="it leaks").run_id == second.run_id
    assert roll_back("summaries", shop.parts).run_id == first.run_id
    assert [decided for _, decided in history(shop)] == ["rollback", "rollback", "by hand", "by hand", "automatic"]
    assert serving(shop)["evidence"]["run_id"] == first.run_id
    with pytest.raises(NothingBefore):
        roll_back("summaries", shop.parts)
    # Nothing is asked of anybody.
    assert len(shop.trainer.asked) == asked


def test_a_rollback_skips_a_model_that_is_gone(shop: Workshop) -> None:
    first, second, third = shop.go(shop.train()), another(shop, 2), another(shop, 3)
    promote_run(second.run_id, shop.parts)
    shop.evaluations.note_gone(serving(shop), since=shop.clock.now, now=shop.clock.now)
    promote_run(third.run_id, shop.parts)
    with pytest.raises(ModelGone):
        roll_back("summaries", shop.parts, to=second.run_id)
    assert roll_back("summaries", shop.parts).run_id == first.run_id


def test_a_rollback_asks_for_the_model_and_skips_one_that_was_deleted(shop: Workshop) -> None:
    first, second, third = shop.go(shop.train()), another(shop, 2), another(shop, 3)
    for run in (second, third):
        promote_run(run.run_id, shop.parts)
    lists_all(shop)
    deletes(shop, second)
    with pytest.raises(ModelGone, match="does not have"):
        roll_back("summaries", shop.parts, to=second.run_id)
    assert serving(shop)["run_id"] == third.run_id
    assert roll_back("summaries", shop.parts).run_id == first.run_id
    assert roll_back("summaries", shop.parts, to=second.run_id, despite_sunset=True).run_id == second.run_id


def test_a_rollback_goes_back_also_while_the_trainer_is_away(shop: Workshop) -> None:
    first, _ = two_champions(shop)
    lists_all(shop)
    shop.trainer.goes_wrong("models", TrainerUnreachable("down"))
    assert roll_back("summaries", shop.parts).run_id == first.run_id


def test_where_all_earlier_ones_were_rolled_back_from_the_refusal_names_one_that_still_answers(shop: Workshop) -> None:
    first, second = two_champions(shop)
    assert roll_back("summaries", shop.parts).run_id == first.run_id
    with pytest.raises(NothingBefore, match="was not rolled back from") as refused:
        roll_back("summaries", shop.parts)
    assert f"tuneloop models rollback summaries --to {second.run_id} still can" in refused.value.remedy
    assert roll_back("summaries", shop.parts, to=second.run_id).run_id == second.run_id
    roll_back("summaries", shop.parts)
    lists_all(shop)
    deletes(shop, second)
    with pytest.raises(NothingBefore, match="whose model still answers") as refused:
        roll_back("summaries", shop.parts)
    assert "--to" not in refused.value.remedy


def test_a_rollback_to_a_chosen_run_wants_one_that_served(shop: Workshop) -> None:
    first, second, third = shop.go(shop.train()), another(shop, 2), another(shop, 3)
    promote_run(second.run_id, shop.parts)
    with pytest.raises(NeverServed):
        roll_back("summaries", shop.parts, to=third.run_id)
    assert roll_back("summaries", shop.parts, to=first.run_id).run_id == first.run_id
    assert roll_back("summaries", shop.parts, to=second.run_id).run_id == second.run_id


def test_where_every_earlier_model_is_gone_there_is_no_way_back_and_nothing_changes(shop: Workshop) -> None:
    shop.go(shop.train())
    second = another(shop, 2)
    shop.evaluations.note_gone(serving(shop), since=shop.clock.now, now=shop.clock.now)
    promote_run(second.run_id, shop.parts)
    before = history(shop)
    with pytest.raises(NothingBefore) as refused:
        roll_back("summaries", shop.parts)
    assert "tuneloop runs list --pipeline summaries" in refused.value.remedy
    assert history(shop) == before


@pytest.mark.parametrize("chosen", [False, True])
def test_a_model_that_shuts_down_before_the_one_that_serves_is_gone_back_to_only_despite_its_end(
    shop: Workshop, *, chosen: bool
) -> None:
    first, second = two_champions(shop)
    dies(shop, first, date(2026, 11, 10))
    to = first.run_id if chosen else None
    with pytest.raises(ModelGone, match="shuts down on 2026-11-10") as refused:
        roll_back("summaries", shop.parts, to=to)
    assert ("--despite-sunset" in refused.value.remedy, serving(shop)["run_id"]) == (True, second.run_id)
    assert roll_back("summaries", shop.parts, to=to, despite_sunset=True).run_id == first.run_id


def test_a_rollback_from_a_model_that_is_gone_or_ends_no_later_loses_no_day(shop: Workshop) -> None:
    first, second = two_champions(shop)
    ends_on(shop, date(2026, 11, 10))
    assert roll_back("summaries", shop.parts).run_id == first.run_id
    ends_on(shop, date(2027, 11, 10))
    promote_run(second.run_id, shop.parts)
    dies(shop, first, date(2026, 11, 10))
    shop.evaluations.note_gone(serving(shop), since=shop.clock.now, now=shop.clock.now)
    assert roll_back("summaries", shop.parts).run_id == first.run_id


def test_a_model_that_has_shut_down_is_not_gone_back_to(shop: Workshop) -> None:
    first, _ = two_champions(shop)
    dies(shop, first, shop.clock.now.date())
    with pytest.raises(NothingBefore):
        roll_back("summaries", shop.parts, despite_sunset=True)


def test_going_back_to_who_serves_changes_nothing(shop: Workshop) -> None:
    _, second = two_champions(shop)
    before = history(shop)
    assert roll_back("summaries", shop.parts, to=second.run_id).run_id == second.run_id
    assert history(shop) == before


def two_champions(shop: Workshop) -> tuple[Run, Run]:
    """Let a first model serve, and then a second."""
    first, second = shop.go(shop.train()), another(shop, 2)
    promote_run(second.run_id, shop.parts)
    return first, second


def lists_all(shop: Workshop) -> None:
    """Let the trainer be one whose list of models is complete."""
    shop.accounts["box"] = replace(shop.accounts["box"], dialect=Dialect(model_list="complete"))


def deletes(shop: Workshop, run: Run) -> None:
    """Let the trainer have a run's model no more."""
    del shop.trainer.voices[str(run.answers_as)]


def dies(shop: Workshop, run: Run, day: date) -> None:
    """Let the trainer say when a run's model ends."""
    shop.models_seen.note("box", str(run.answers_as), RemoteModel(str(run.answers_as), day), now=shop.clock.now)


# What is told.


def test_every_change_is_told_once_whoever_decided_it(shop: Workshop) -> None:
    first = shop.go(shop.train())
    second = another(shop, 2)
    for _ in range(2):
        promote_run(second.run_id, shop.parts)
    roll_back("summaries", shop.parts)
    roll_back("summaries", shop.parts, to=first.run_id)
    for _ in range(2):
        shop.evaluations.note_gone(serving(shop), since=shop.clock.now, now=shop.clock.now)
    heard = [text.split(" of run ")[0].rpartition("\n")[2] for text in told(shop, "champion_changed")]
    assert heard == [first.answers_as, second.answers_as, first.answers_as]
    assert len(told(shop, "champion_gone")) == 1


def test_without_a_champion_there_is_no_way_back(shop: Workshop) -> None:
    with pytest.raises(NothingBefore):
        roll_back("summaries", shop.parts)


def test_a_model_that_was_rolled_back_stays_so_until_a_verdict_about_who_serves_now(shop: Workshop) -> None:
    shop.go(shop.train())
    second = another(shop, 2)
    promote_run(second.run_id, shop.parts)
    roll_back("summaries", shop.parts)
    # The sweep comes again and again.
    for _ in range(3):
        shop.advance(second.run_id)
    assert serving(shop)["run_id"] != second.run_id
