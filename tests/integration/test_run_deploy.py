"""A run whose trainer wants a model deployed before it answers: the commands are real processes."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.adapters.sql_evaluations import SqlEvaluationStore
from service.adapters.sql_runs import SqlRunStore
from service.adapters.sql_tables import notices
from service.domain.deployments import Deployment
from service.domain.errors import ChampionMoved, ServiceError, StoreFailed
from service.domain.pipelines import VerdictPolicy
from service.domain.repeated_looks import EarlierLook
from service.domain.runs import Run, RunState, Step
from service.usecases.advance_run import advance_run
from service.usecases.promote_run import TakenDown, promote_run
from service.usecases.retrain import Retraining, retrain
from service.usecases.steer_run import RunCannot, approve_run, cancel_run
from service.usecases.steps.deploy import DEPLOY_ATTEMPTS
from service.usecases.undeploy_run import StaysDeployed, undeploy_run
from tests.support.builders import make_pipeline
from tests.support.workshop import TUNED, Workshop, good_answer, leaking_answer

S = RunState
# Notes how it was called and ends as the file beside it says: with a code, having printed a line.
SCRIPT = """
import pathlib, sys
folder = pathlib.Path(sys.argv[1])
with (folder / "calls").open("a") as calls:
    calls.write(" ".join(sys.argv[2:]) + "\\n")
code, _, line = ((folder / "will").read_text() if (folder / "will").exists() else "0 ").partition(" ")
print(line)
sys.exit(int(code))
"""
MakeShop = Callable[..., Workshop]


class Killed(BaseException):
    pass


class KilledBeforeWriting(SqlRunStore):
    def record(self, run: Run, step: Step, *, now: datetime) -> Run:
        del run, step, now
        raise Killed


@pytest.fixture
def make(sqlite_engine: sa.Engine, tmp_path: Path) -> MakeShop:
    def made(**plan: Any) -> Workshop:  # noqa: ANN401 - fields of Deployment
        command = (sys.executable, "-c", SCRIPT, str(tmp_path))
        usual = {
            "deploy": (*command, "up", "{model}", "{name}", "{job}", "{base}"),
            "undeploy": (*command, "down", "{name}"),
        }
        shop = Workshop(sqlite_engine, tmp_path / "files", deployment=Deployment(**{**usual, **plan}))
        shop.fill()
        return shop

    return made


def calls(tmp_path: Path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines() if (tmp_path / "calls").exists() else []


def trained(shop: Workshop, voice: Callable[[str], str] = good_answer) -> str:
    """Bring a run to its deployment; give its id. The model answers under its deployment's name alone."""
    run_id = shop.start()
    shop.go(run_id, S.SUBMITTED)
    shop.finish_job(voice=voice)
    del shop.trainer.voices[TUNED]
    assert shop.go(run_id, S.DEPLOYING).state == S.DEPLOYING
    shop.trainer.voices[name_of(run_id)] = voice
    return run_id


def name_of(run_id: str) -> str:
    return "tuneloop-" + run_id.removeprefix("run-")


def will(tmp_path: Path, code: int, line: str = "") -> None:
    (tmp_path / "will").write_text(f"{code} {line}")


def test_a_model_is_deployed_judged_and_crowned_under_its_deployments_name(make: MakeShop, tmp_path: Path) -> None:
    shop = make()
    run_id = trained(shop)

    run = shop.go(run_id)

    assert run.state == S.PROMOTED
    assert shop.states(run_id)[-4:] == ["submitted", "deploying", "evaluating", "promoted"]
    assert calls(tmp_path) == [f"up {TUNED} {name_of(run_id)} ftjob-1 base-model"]
    assert (run.tuned_model, run.answers_as) == (TUNED, name_of(run_id))
    champion = shop.evaluations.champion("summaries")
    assert champion is not None
    assert champion["model"] == name_of(run_id)
    assert {model for model, _ in shop.trainer.asked} == {"base-model", name_of(run_id)}
    assert shop.letter_errors() == {}


def test_a_later_run_asks_the_champion_by_the_name_it_answers_to(make: MakeShop, tmp_path: Path) -> None:
    shop = make()
    first = trained(shop)
    shop.go(first)
    shop.trainer.asked.clear()
    shop.fill(60, 120)
    second = shop.start()
    shop.go(second, S.SUBMITTED)
    shop.finish_job(2)
    shop.go(second, S.DEPLOYING)
    shop.trainer.voices[name_of(second)] = good_answer
    shop.go(second)
    assert {model for model, _ in shop.trainer.asked} == {"base-model", name_of(first), name_of(second)}
    assert len(calls(tmp_path)) == 3  # up, up, and the second, no better, down


def test_the_name_that_the_command_prints_counts(make: MakeShop, tmp_path: Path) -> None:
    shop = make()
    will(tmp_path, 0, "base-model-LoRa:x")
    run_id = trained(shop)
    shop.trainer.voices["base-model-LoRa:x"] = good_answer
    run = shop.go(run_id)
    assert (run.state, run.answers_as) == (S.PROMOTED, "base-model-LoRa:x")


def test_a_mapping_rule_alone_needs_no_command(make: MakeShop, tmp_path: Path) -> None:
    shop = make(deploy=(), undeploy=(), inference_model="served/{job}")
    shop.trainer.voices["served/ftjob-1"] = good_answer
    run = shop.go(trained(shop))
    assert (run.state, run.answers_as, calls(tmp_path)) == (S.PROMOTED, "served/ftjob-1", [])


def test_a_person_is_asked_to_deploy_under_the_name_and_then_approves(make: MakeShop) -> None:
    shop = make(deploy=(), undeploy=(), by_hand=True)
    run_id = trained(shop)
    run = shop.go(run_id)
    assert run.state == S.NEEDS_ATTENTION
    assert f"Deploy {TUNED} as {name_of(run_id)}, then tuneloop runs approve {run_id}" in run.fact("remedy")
    assert approve_run(run_id, shop.parts).state == S.DEPLOYING
    assert shop.go(run_id).state == S.PROMOTED
    assert shop.trainer.create_requests == 1


def test_a_person_may_give_the_name_that_the_server_chose(make: MakeShop) -> None:
    """Some servers name a deployment themselves, and a paid run must not end there."""
    shop = make(deploy=(), undeploy=(), by_hand=True)
    run_id = trained(shop)
    assert "--as NAME" in shop.go(run_id).fact("remedy")
    with pytest.raises(RunCannot, match="called so"):
        approve_run(run_id, shop.parts, answers_as="two words")
    shop.trainer.voices["base-model-LoRa:chosen"] = good_answer
    assert approve_run(run_id, shop.parts, answers_as="base-model-LoRa:chosen").state == S.EVALUATING
    run = shop.go(run_id)
    assert (run.state, run.answers_as, run.fact("error")) == (S.PROMOTED, "base-model-LoRa:chosen", None)


def test_a_deployment_that_was_named_wrongly_is_named_anew(make: MakeShop) -> None:
    shop = make(deploy=(), undeploy=(), by_hand=True)
    run_id = trained(shop)
    shop.go(run_id)
    approve_run(run_id, shop.parts, answers_as="nobody")
    asked = shop.advance(run_id)
    assert asked is not None
    assert asked.error == "ModelNotReady: nothing answers as nobody"
    assert str(asked.remedy).startswith(f"Deploy {TUNED} as nobody at trainer box. Meanwhile the trainer is asked")
    for _ in range(40):
        shop.clock.forward(60)
        run = shop.advance(run_id) or shop.runs.get(run_id)
    assert run.state == S.NEEDS_ATTENTION
    assert f"as nobody at trainer box. To have it asked again: tuneloop runs approve {run_id}" in str(run.remedy)
    shop.trainer.voices["chosen"] = good_answer
    approve_run(run_id, shop.parts, answers_as="chosen")
    assert shop.go(run_id).answers_as == "chosen"


def test_only_a_run_that_waits_for_a_deployment_is_told_its_name(make: MakeShop) -> None:
    shop = make(deploy=(), undeploy=(), by_hand=True)
    run_id = shop.start()
    with pytest.raises(RunCannot, match="waits for nobody"):
        approve_run(run_id, shop.parts, answers_as="chosen")


def test_a_deployment_that_is_not_ready_is_asked_about_again_without_counting_as_failed(
    make: MakeShop, tmp_path: Path
) -> None:
    shop = make()
    will(tmp_path, 75)
    run_id = trained(shop)
    for _ in range(DEPLOY_ATTEMPTS * 3):
        run = shop.advance(run_id)
        assert run is not None
        assert run.state == S.DEPLOYING
    will(tmp_path, 0)
    assert shop.go(run_id).state == S.PROMOTED
    assert set(calls(tmp_path)) == {f"up {TUNED} {name_of(run_id)} ftjob-1 base-model"}


def test_a_deployment_that_never_gets_ready_ends_with_a_person_asked(make: MakeShop, tmp_path: Path) -> None:
    shop = make()
    will(tmp_path, 75)
    run_id = trained(shop)
    shop.advance(run_id)
    shop.clock.forward(timedelta(hours=3).total_seconds())
    run = shop.go(run_id)
    assert run.state == S.NEEDS_ATTENTION
    assert "not ready after two hours" in run.fact("error")
    # Approved, it has its two hours again.
    approve_run(run_id, shop.parts)
    shop.advance(run_id)
    assert shop.runs.get(run_id).state == S.DEPLOYING


@pytest.mark.parametrize(("code", "line", "words"), [(3, "", "code 3"), (0, "All done!", "no model name")])
def test_a_command_that_fails_is_tried_a_few_times_and_then_a_person_is_asked(
    code: int, line: str, words: str, make: MakeShop, tmp_path: Path
) -> None:
    shop = make()
    will(tmp_path, code, line)
    run_id = trained(shop)
    run = shop.go(run_id)
    assert run.state == S.NEEDS_ATTENTION
    assert words in run.fact("error")
    assert "All done" not in run.fact("error")
    assert run.fact("remedy")
    assert len(calls(tmp_path)) == DEPLOY_ATTEMPTS
    will(tmp_path, 0)
    approve_run(run_id, shop.parts)
    assert shop.go(run_id).state == S.PROMOTED


def test_a_program_that_is_not_there_ends_with_a_person_asked(make: MakeShop) -> None:
    shop = make(deploy=("/no/such/program", "{model}"))
    run = shop.go(trained(shop))
    assert run.state == S.NEEDS_ATTENTION
    assert "/no/such/program cannot be started" in run.fact("error")


def test_a_killed_worker_leaves_a_run_that_deploys_under_the_same_name(make: MakeShop, tmp_path: Path) -> None:
    shop = make()
    run_id = trained(shop)
    shop.advance(run_id)
    shop.runs = KilledBeforeWriting(shop.engine)
    with pytest.raises(Killed):
        shop.advance(run_id)
    shop.runs = SqlRunStore(shop.engine)
    shop.clock.forward(300)
    assert shop.go(run_id).state == S.PROMOTED
    assert calls(tmp_path) == [f"up {TUNED} {name_of(run_id)} ftjob-1 base-model"] * 2


def test_a_model_that_lost_is_taken_down_and_cannot_be_promoted_any_more(make: MakeShop, tmp_path: Path) -> None:
    shop = make()
    run_id = trained(shop, leaking_answer)
    assert shop.go(run_id).state == S.KEPT
    assert calls(tmp_path)[-1] == f"down {name_of(run_id)}"
    with pytest.raises(TakenDown):
        promote_run(run_id, shop.parts)


class KilledBeforeConcluding(SqlEvaluationStore):
    def conclude(self, run: Run, step: Step, evaluation: Mapping[str, Any], *, now: datetime) -> Run:
        del run, step, evaluation, now
        raise Killed


def test_a_model_that_was_taken_down_is_never_promoted_whatever_the_policy_says_later(
    make: MakeShop, tmp_path: Path
) -> None:
    """The worker is killed between taking it down and writing the verdict; it answers nobody by then."""
    shop = make()
    shop.pipelines["summaries"] = make_pipeline(verdict=VerdictPolicy(alpha=1e-9))
    run_id = trained(shop)
    shop.go(run_id, S.EVALUATING)
    shop.evaluations = KilledBeforeConcluding(shop.engine)
    with pytest.raises(Killed):
        shop.go(run_id)
    assert calls(tmp_path)[-1] == f"down {name_of(run_id)}"
    shop.evaluations = SqlEvaluationStore(shop.engine)
    shop.pipelines["summaries"] = make_pipeline()
    shop.clock.forward(300)
    run = shop.go(run_id)
    assert (run.state, run.fact("taken_down"), shop.evaluations.champion("summaries")) == (S.KEPT, True, None)
    evaluation = shop.evaluations.evaluation(run_id)
    assert evaluation is not None
    assert evaluation["outcome"] == "better"
    with pytest.raises(TakenDown):
        promote_run(run_id, shop.parts)


class FailingOnce(SqlEvaluationStore):
    """Fails to write the first verdict."""

    def __init__(self, engine: sa.Engine, error: ServiceError) -> None:
        super().__init__(engine)
        self.errors = [error]

    def conclude(self, run: Run, step: Step, evaluation: Mapping[str, Any], *, now: datetime) -> Run:
        if self.errors:
            raise self.errors.pop()
        return super().conclude(run, step, evaluation, now=now)


@pytest.mark.parametrize("error", [ChampionMoved("another serves"), StoreFailed("no space", remedy="Make some.")])
def test_a_model_that_was_taken_down_stays_known_to_be_where_its_verdict_could_not_be_written(
    make: MakeShop, tmp_path: Path, error: ServiceError
) -> None:
    shop = make()
    shop.pipelines["summaries"] = make_pipeline(verdict=VerdictPolicy(alpha=1e-9))
    run_id = trained(shop)
    shop.go(run_id, S.EVALUATING)
    shop.evaluations = FailingOnce(shop.engine, error)
    run = shop.advance(run_id)
    assert calls(tmp_path)[-1] == f"down {name_of(run_id)}"
    assert run is not None
    assert (run.state, run.fact("taken_down")) == (S.EVALUATING, True)
    shop.pipelines["summaries"] = make_pipeline()
    run = shop.go(run_id)
    assert (run.state, run.fact("taken_down"), shop.evaluations.champion("summaries")) == (S.KEPT, True, None)


def test_a_model_that_lost_against_a_champion_of_before_is_not_taken_down(make: MakeShop, tmp_path: Path) -> None:
    shop = make()
    run_id = trained(shop, leaking_answer)
    shop.go(run_id, S.EVALUATING)
    other = replace(shop.runs.get(run_id), run_id="run-other", facts={"inference_model": "another"})

    class Interfering(SqlEvaluationStore):
        def earlier_looks(self, pipeline: str, *, but: str) -> Iterator[EarlierLook]:
            if self.champion(pipeline) is None:
                self.promote(other, "by hand", now=shop.clock.now)
            return super().earlier_looks(pipeline, but=but)

    shop.evaluations = Interfering(shop.engine)
    shop.trainer.voices["another"] = leaking_answer
    run = shop.advance(run_id)
    assert run is not None
    assert (run.state, run.fact("taken_down"), [call.split()[0] for call in calls(tmp_path)]) == (
        S.EVALUATING,
        None,
        ["up"],
    )
    assert shop.go(run_id).state == S.KEPT
    assert calls(tmp_path)[-1] == f"down {name_of(run_id)}"


def test_a_better_model_that_a_person_has_to_promote_stays(make: MakeShop, tmp_path: Path) -> None:
    shop = make()
    shop.pipelines["summaries"] = make_pipeline(verdict=VerdictPolicy(promote="manual"))
    run_id = trained(shop)
    assert shop.go(run_id).state == S.KEPT
    assert [call.split()[0] for call in calls(tmp_path)] == ["up"]
    promote_run(run_id, shop.parts)
    champion = shop.evaluations.champion("summaries")
    assert champion is not None
    assert champion["model"] == name_of(run_id)


def test_a_loser_that_cannot_be_taken_down_is_a_dead_letter_and_its_run_ends(make: MakeShop, tmp_path: Path) -> None:
    shop = make()
    run_id = trained(shop, leaking_answer)
    shop.go(run_id, S.EVALUATING)
    will(tmp_path, 1)
    assert shop.go(run_id).state == S.KEPT
    assert shop.letter_errors() == {f"deployment {run_id}": "CommandFailed"}


def test_a_run_cancelled_while_deploying_leaves_no_deployment(make: MakeShop, tmp_path: Path) -> None:
    shop = make()
    will(tmp_path, 75)
    run_id = trained(shop)
    shop.advance(run_id)
    shop.advance(run_id)
    will(tmp_path, 0)
    assert cancel_run(run_id, shop.parts).state == S.CANCELLED
    assert [call.split()[0] for call in calls(tmp_path)] == ["up", "down"]


def test_a_run_is_not_cancelled_under_a_worker_that_deploys(make: MakeShop, tmp_path: Path) -> None:
    shop = make()
    run_id = trained(shop)
    shop.advance(run_id)
    now = shop.clock.now
    assert shop.runs.lease(run_id, until=now + timedelta(seconds=60), now=now) is not None
    with pytest.raises(RunCannot, match="just advancing"):
        cancel_run(run_id, shop.parts)
    assert calls(tmp_path) == []


def test_a_run_is_not_cancelled_under_a_worker_that_may_crown_its_model(make: MakeShop, tmp_path: Path) -> None:
    shop = make()
    run_id = trained(shop)
    shop.go(run_id, S.EVALUATING)
    now = shop.clock.now
    assert shop.runs.lease(run_id, until=now + timedelta(seconds=60), now=now) is not None
    with pytest.raises(RunCannot, match="just advancing"):
        cancel_run(run_id, shop.parts)
    shop.clock.forward(61)
    assert cancel_run(run_id, shop.parts).state == S.CANCELLED
    assert [call.split()[0] for call in calls(tmp_path)] == ["up", "down"]


def test_an_evaluation_that_workers_never_leave_alone_pauses_for_the_one_who_cancels_it(
    make: MakeShop, tmp_path: Path
) -> None:
    """Each step queues the next at once: whoever tries again a minute later would always come too late."""
    shop = make()
    run_id = trained(shop)
    shop.go(run_id, S.EVALUATING)
    now = shop.clock.now
    run = shop.runs.lease(run_id, until=now + timedelta(seconds=60), now=now)
    assert run is not None
    with pytest.raises(RunCannot, match="just advancing"):
        cancel_run(run_id, shop.parts)
    shop.runs.extend(shop.runs.get(run_id), until=shop.clock.forward(20) + timedelta(seconds=60))
    shop.runs.record(run, Step(S.EVALUATING, "10 of 40 answers"), now=shop.clock.now)
    assert advance_run(run_id, shop.parts) is None
    assert cancel_run(run_id, shop.parts).state == S.CANCELLED
    assert [call.split()[0] for call in calls(tmp_path)] == ["up", "down"]


def test_a_run_that_waits_for_a_person_after_deploying_is_taken_down_when_cancelled(
    make: MakeShop, tmp_path: Path
) -> None:
    shop = make()
    will(tmp_path, 3)
    run_id = trained(shop)
    assert shop.go(run_id).state == S.NEEDS_ATTENTION
    will(tmp_path, 0)
    assert cancel_run(run_id, shop.parts).state == S.CANCELLED
    assert calls(tmp_path)[-1] == f"down {name_of(run_id)}"


def test_a_former_champion_is_taken_down_by_hand_and_the_reigning_one_is_not(make: MakeShop, tmp_path: Path) -> None:
    shop = make()
    first = trained(shop)
    with pytest.raises(StaysDeployed, match="is deploying"):
        undeploy_run(first, shop.parts)
    shop.go(first)
    with pytest.raises(StaysDeployed, match="is the champion"):
        undeploy_run(first, shop.parts)
    other = replace(shop.runs.get(first), run_id="run-other")
    shop.evaluations.promote(other, "by hand", now=shop.clock.now)
    undeploy_run(first, shop.parts)
    assert calls(tmp_path)[-1] == f"down {name_of(first)}"
    # It would answer nobody.
    with pytest.raises(TakenDown):
        promote_run(first, shop.parts)
    champion = shop.evaluations.champion("summaries")
    assert champion is not None
    assert champion["run_id"] == "run-other"


def test_a_deployed_run_whose_trainer_left_the_configuration_can_be_cancelled(make: MakeShop, tmp_path: Path) -> None:
    """The remedy says so, and its pipeline would otherwise start no run ever again."""
    shop = make()
    run_id = trained(shop)
    shop.go(run_id, S.EVALUATING)
    del shop.accounts["box"]
    run = shop.go(run_id)
    assert (run.state, run.fact("remedy")) == (S.NEEDS_ATTENTION, "Put it back, or cancel the run.")
    assert cancel_run(run_id, shop.parts).state == S.CANCELLED
    assert shop.letter_errors()[f"deployment {run_id}"] == "NotFound"
    assert [call.split()[0] for call in calls(tmp_path)] == ["up"]


def test_a_model_that_a_person_deployed_is_taken_down_when_its_run_is_cancelled(make: MakeShop, tmp_path: Path) -> None:
    shop = make(deploy=(), by_hand=True)
    run_id = trained(shop)
    assert shop.go(run_id).state == S.NEEDS_ATTENTION
    # Deployed, and given up before anybody approved.
    cancel_run(run_id, shop.parts)
    assert calls(tmp_path) == [f"down {name_of(run_id)}"]


def test_a_champion_that_is_crowned_anew_is_told_by_its_deployments_name_and_no_news_is_none(make: MakeShop) -> None:
    shop = make()
    first = shop.go(trained(shop))
    shop.evaluations.promote(first, "by hand", now=shop.clock.now)
    with shop.engine.connect() as connection:
        told = list(connection.scalars(sa.select(notices.c.text).where(notices.c.kind == "champion_changed")))
    (text,) = told
    assert text.startswith(f"{name_of(first.run_id)} of run 1 at box serves now;")


def test_a_model_that_was_trained_again_stays_up_for_a_person_to_promote(make: MakeShop, tmp_path: Path) -> None:
    shop = make()
    first = trained(shop)
    shop.go(first)
    snapshot = str(shop.runs.get(first).snapshot_id)
    shop.clock.forward(1)
    second = retrain(Retraining(snapshot, model="lasting"), shop.parts).run_id
    shop.trainer.voices["lasting"] = leaking_answer
    shop.go(second, S.SUBMITTED)
    shop.finish_job(2)
    shop.go(second, S.DEPLOYING)
    shop.trainer.voices[name_of(second)] = good_answer
    assert shop.go(second).state == S.KEPT  # no better than the champion, whose place it is to take
    assert [call.split()[0] for call in calls(tmp_path)] == ["up", "up"]
    promote_run(second, shop.parts)
    champion = shop.evaluations.champion("summaries")
    assert champion is not None
    assert champion["model"] == name_of(second)
