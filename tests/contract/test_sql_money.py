"""Answers, evaluations and champions on SQLite and on PostgreSQL."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.adapters.sql_evaluations import SqlEvaluationStore
from service.adapters.sql_runs import SqlRunStore
from service.domain.errors import RunMoved
from service.domain.repeated_looks import EarlierLook
from service.domain.runs import Run, RunState, Step
from service.ports import Answer
from tests.support.builders import make_run
from tests.support.fakes import NOON
from tests.support.races import at_once

S = RunState
# Answers.


@pytest.fixture
def evaluations(engine: sa.Engine) -> SqlEvaluationStore:
    return SqlEvaluationStore(engine)


def test_the_first_answer_of_a_model_to_a_question_stays(evaluations: SqlEvaluationStore) -> None:
    evaluations.add_answer("m", "q1", Answer("first", 1, 2), now=NOON)
    evaluations.add_answer("m", "q1", Answer("second", 1, 2), now=NOON)
    evaluations.add_answer("n", "q1", Answer("of another", 1, 2), now=NOON)
    assert evaluations.answers("m", ["q1", "q2"]) == {"q1": "first"}
    assert evaluations.answers("m", []) == {}


def test_more_questions_than_one_statement_can_ask_for(evaluations: SqlEvaluationStore) -> None:
    evaluations.add_answer("m", "q2499", Answer("here", 1, 2), now=NOON)
    assert evaluations.answers("m", [f"q{number}" for number in range(2500)]) == {"q2499": "here"}


def test_an_answer_of_odd_characters_is_kept(evaluations: SqlEvaluationStore) -> None:
    evaluations.add_answer("m", "q1", Answer("a \x00 byte and half \ud83d an emoji", 1, 2), now=NOON)
    assert "emoji" in evaluations.answers("m", ["q1"])["q1"]


# Verdicts.


def evaluating(engine: sa.Engine, run_id: str = "run-1", ordinal: int = 1) -> Run:
    store = SqlRunStore(engine)
    run = store.claim(make_run(run_id, ordinal=ordinal))
    assert run is not None
    for state in (S.SNAPSHOTTED, S.UPLOADED, S.SUBMITTED):
        run = store.record(run, Step(state, "x"), now=NOON)
    return store.record(run, Step(S.EVALUATING, "x", changes={"tuned_model": f"tuned by {run_id}"}), now=NOON)


def asked(*questions: str, **facts: object) -> dict[str, object]:
    return {"outcome": "worse", "questions": list(questions), "scores": {"chrf": {"base": [1.5]}}, **facts}


def test_every_evaluation_of_a_pipeline_but_ones_own_is_an_earlier_look(
    engine: sa.Engine, evaluations: SqlEvaluationStore
) -> None:
    look = {"number": 2, "alpha": 0.01, "step": 0.25, "before": 1.0, "budget": 0.05}
    judged = {"run-1": asked("q1", "q2"), "run-2": asked("q2", "q3", look=look), "run-3": asked("q4")}
    for ordinal, (run_id, evaluation) in enumerate(judged.items(), start=1):
        at = NOON + timedelta(hours=ordinal)
        evaluations.conclude(evaluating(engine, run_id, ordinal), Step(S.KEPT, "x"), evaluation, now=at)
    found = list(evaluations.earlier_looks("summaries", but="run-3"))
    # One that was judged before looks were counted took a whole step.
    assert found == [EarlierLook(frozenset({"q1", "q2"}), 1.0), EarlierLook(frozenset({"q2", "q3"}), 0.25)]
    assert list(evaluations.earlier_looks("other", but="run-3")) == []


def test_a_forgotten_question_is_no_question_in_common(engine: sa.Engine, evaluations: SqlEvaluationStore) -> None:
    evaluations.conclude(evaluating(engine), Step(S.KEPT, "x"), asked("", "q2"), now=NOON)
    assert [look.questions for look in evaluations.earlier_looks("summaries", but="")] == [{"q2"}]


def test_an_evaluation_that_says_nothing_of_its_questions_shares_none(
    engine: sa.Engine, evaluations: SqlEvaluationStore
) -> None:
    evaluations.conclude(evaluating(engine), Step(S.KEPT, "x"), {"outcome": "worse"}, now=NOON)
    assert [look.questions for look in evaluations.earlier_looks("summaries", but="")] == [frozenset()]


BETTER = {"outcome": "better", "scores": {"chrf": {"base": [1.5]}}}


def test_a_promotion_writes_verdict_end_and_champion(engine: sa.Engine, evaluations: SqlEvaluationStore) -> None:
    run = evaluations.conclude(evaluating(engine), Step(S.PROMOTED, "It is better."), BETTER, now=NOON)
    assert run.state == S.PROMOTED
    found = evaluations.evaluation("run-1")
    assert found is not None
    assert (found["outcome"], found["scores"]) == ("better", BETTER["scores"])
    champion = evaluations.champion("summaries")
    assert champion is not None
    assert (champion["model"], champion["run_id"], champion["trainer"]) == ("tuned by run-1", "run-1", "box")
    assert [row["cause"] for row in evaluations.champion_history("summaries")] == ["It is better."]


def test_a_kept_champion_stays(engine: sa.Engine, evaluations: SqlEvaluationStore) -> None:
    evaluations.conclude(evaluating(engine), Step(S.PROMOTED, "x"), BETTER, now=NOON)
    second = evaluating(engine, "run-2", ordinal=2)
    evaluations.conclude(second, Step(S.KEPT, "x"), {"outcome": "worse"}, now=NOON)
    champion = evaluations.champion("summaries")
    assert champion is not None
    assert champion["run_id"] == "run-1"
    assert evaluations.evaluation("run-2") is not None


def test_a_new_champion_takes_the_place_and_the_old_one_stays_in_the_history(
    engine: sa.Engine, evaluations: SqlEvaluationStore
) -> None:
    for ordinal in (1, 2):
        run = evaluating(engine, f"run-{ordinal}", ordinal)
        evaluations.conclude(run, Step(S.PROMOTED, "x"), BETTER, now=NOON + timedelta(hours=ordinal))
    champion = evaluations.champion("summaries")
    assert champion is not None
    assert champion["run_id"] == "run-2"
    assert [row["run_id"] for row in evaluations.champion_history("summaries")] == ["run-2", "run-1"]
    assert evaluations.champion("other") is None


def test_a_verdict_on_a_run_that_moved_leaves_nothing_behind(
    engine: sa.Engine, evaluations: SqlEvaluationStore
) -> None:
    run = evaluating(engine)
    SqlRunStore(engine).record(run, Step(S.CANCELLED, "by hand"), now=NOON)
    with pytest.raises(RunMoved):
        evaluations.conclude(run, Step(S.PROMOTED, "x"), BETTER, now=NOON)
    assert evaluations.evaluation("run-1") is None
    assert evaluations.champion("summaries") is None
    assert evaluations.champion_history("summaries") == []


def test_of_workers_that_conclude_at_once_one_counts(engine: sa.Engine, evaluations: SqlEvaluationStore) -> None:
    run = evaluating(engine)

    def conclude(_index: int) -> bool:
        try:
            evaluations.conclude(run, Step(S.PROMOTED, "x"), BETTER, now=NOON)
        except RunMoved:
            return False
        return True

    assert sum(at_once(4, conclude)) == 1
    assert len(evaluations.champion_history("summaries")) == 1
