"""Cut and refused answers are wrong answers: no model becomes champion by saying nothing."""

from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from service.adapters.sql_evaluations import SqlEvaluationStore
from service.adapters.sql_tables import evaluations
from service.bootstrap import metrics_of
from service.domain.pipelines import VerdictPolicy
from service.domain.runs import RunState as S
from service.ports import Answer
from service.usecases.recompute import recompute
from tests.support.builders import make_pipeline
from tests.support.fakes import NOON
from tests.support.workshop import TUNED, Workshop


def evaluation_of(shop: Workshop, run_id: str) -> Mapping[str, Any]:
    found = shop.evaluations.evaluation(run_id)
    assert found is not None
    return found


@pytest.mark.parametrize("finish", ["refusal", "content_filter", "context_length", "length"])
def test_a_model_that_says_nothing_leaks_nothing_and_wins_nothing(shop: Workshop, finish: str) -> None:
    shop.pipelines["summaries"] = make_pipeline(verdict=VerdictPolicy("pii_leak", ()))
    run_id = shop.train(voice=lambda _: "")
    shop.trainer.finishes[TUNED] = lambda _: finish
    run = shop.go(run_id)
    evaluation = evaluation_of(shop, run_id)
    number = evaluation["held_out"]
    assert (run.state, evaluation["outcome"]) == (S.KEPT, "cannot tell")
    assert evaluation["scores"]["pii_leak"]["challenger"] == [1.0] * number
    assert evaluation["unfinished"] == {"base": 0, "challenger": number}
    assert evaluation["finished"]["challenger"] == {finish: number}
    told = f"Answers that were cut or refused count as the worst: {number} of {number} of the challenger."
    assert evaluation["sentence"].endswith(told)
    assert recompute(run_id, shop, metrics_of).is_equal


def test_a_verdict_says_nothing_of_it_where_every_answer_is_whole(shop: Workshop) -> None:
    evaluation = evaluation_of(shop, shop.go(shop.train()).run_id)
    assert evaluation["unfinished"] == {"base": 0, "challenger": 0}
    assert "refused" not in evaluation["sentence"]


def test_an_evaluation_of_the_time_when_they_were_measured_as_they_are_is_reproduced_so(shop: Workshop) -> None:
    run_id = shop.go(shop.train()).run_id
    stored = evaluation_of(shop, run_id)
    old = {name: value for name, value in stored.items() if name not in {"at", "unfinished"}}
    with shop.engine.begin() as connection:
        connection.execute(sa.update(evaluations).where(evaluations.c.run_id == run_id).values(facts=old))
        connection.exec_driver_sql("UPDATE answers SET finish = 'length'")
    assert recompute(run_id, shop, metrics_of).is_equal


def test_they_are_found_by_whatever_word_the_server_has(engine: sa.Engine) -> None:
    store = SqlEvaluationStore(engine)
    ends = ["stop", None, "length", "MAX_TOKENS", "content_filter", "SAFETY", "refusal", "tool_calls"]
    for number, end in enumerate(ends):
        store.add_answer("box/m", f"q{number}", Answer("x", 1, 1, end), now=NOON)
    keys = [f"q{number}" for number in range(2500)]
    assert store.unfinished("box/m", keys) == {"q2", "q3", "q4", "q5", "q6"}
    assert store.unfinished("box/n", keys) == frozenset()
