"""What is kept of judged checkpoints, on SQLite and on PostgreSQL."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.adapters.sql_erasure import SqlErasureStore
from service.adapters.sql_evaluations import SqlEvaluationStore
from service.domain.checkpoints import Checkpoint, at_checkpoint
from service.domain.reigns import Grounds
from service.domain.runs import Run, RunState
from tests.support.builders import make_run
from tests.support.fakes import NOON, ManualClock
from tests.support.races import at_once

RUN = make_run(state=RunState.KEPT, tuned_model="ft:1")
EARLIER = at_checkpoint(RUN, Checkpoint(82, "ft:1:ckpt-step-82"))


def judged(*questions: str, outcome: str = "better", **facts: object) -> dict[str, object]:
    return {"outcome": outcome, "questions": list(questions), "look": {"step": 0.25, "number": 2}, **facts}


@pytest.fixture
def store(engine: sa.Engine) -> SqlEvaluationStore:
    return SqlEvaluationStore(engine)


def add(store: SqlEvaluationStore, run: Run = EARLIER, step: int = 82, **facts: object) -> None:
    store.add_checkpoint(run, step, judged("q1", "q2", **facts), now=NOON)


def test_an_evaluation_is_kept_by_run_and_step_beside_that_of_the_run(store: SqlEvaluationStore) -> None:
    add(store)
    add(store, step=41, outcome="worse")
    found = store.evaluation("run-1", checkpoint=82)
    assert found is not None
    assert found == judged("q1", "q2") | {"at": NOON}
    assert store.evaluation("run-1") is None
    assert store.evaluation("run-1", checkpoint=7) is None
    assert store.judged_checkpoints("run-1") == {41: "worse", 82: "better"}
    assert store.judged_checkpoints("run-2") == {}


def test_of_two_who_judge_it_at_once_the_first_one_counts(store: SqlEvaluationStore) -> None:
    at_once(4, lambda index: add(store, outcome="better", by=index))
    found = store.evaluation("run-1", checkpoint=82)
    assert found is not None
    assert found["by"] in range(4)
    assert len(list(store.earlier_looks("summaries", but=""))) == 1


def test_every_later_evaluation_counts_it_as_a_look(store: SqlEvaluationStore) -> None:
    add(store)
    # Also that of its own run, should that be judged anew.
    for but in ("", "run-1", "run-2"):
        (look,) = store.earlier_looks("summaries", but=but)
        assert (look.questions, look.step) == ({"q1", "q2"}, 0.25)
    assert list(store.earlier_looks("other", but="")) == []


def test_a_forgotten_question_loses_its_key_in_each_of_them(engine: sa.Engine, store: SqlEvaluationStore) -> None:
    add(store)
    add(store, step=41)
    SqlErasureStore(engine, ManualClock()).erase_answers(["q1"], ["run-1"])
    for step in (41, 82):
        found = store.evaluation("run-1", checkpoint=step)
        assert found is not None
        assert found["questions"] == ["", "q2"]


def test_a_champion_that_did_not_answer_is_noted_as_gone(store: SqlEvaluationStore) -> None:
    store.promote(RUN, "by hand", now=NOON)
    champion = store.champion("summaries")
    assert champion is not None
    add(store, champion_gone=True, judged_against=champion["position"])
    after = store.champion("summaries")
    assert after is not None
    assert after["gone_since"] == NOON


def test_a_model_of_a_run_that_is_gone_leaves_its_other_models_as_they_are(store: SqlEvaluationStore) -> None:
    store.promote(RUN, "by hand", now=NOON)
    store.promote(EARLIER, "by hand", now=NOON + timedelta(hours=1), grounds=Grounds(evidence={"checkpoint": 82}))
    champion = store.champion("summaries")
    assert champion is not None
    assert (champion["model"], champion["run_id"]) == ("ft:1:ckpt-step-82", "run-1")
    assert store.note_gone(champion, since=NOON, now=NOON)
    assert [(row["model"], row["gone_since"]) for row in store.champion_history("summaries")] == [
        ("ft:1:ckpt-step-82", NOON),
        ("ft:1", None),
    ]
