"""Reads of evaluations for reports and curves, on SQLite and on PostgreSQL."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.adapters.sql_evaluation_reads import SqlEvaluationReads
from service.adapters.sql_evaluations import SqlEvaluationStore
from service.adapters.sql_tables import evaluations
from service.ports import Answer, AnswerTokens
from tests.support.fakes import NOON


@pytest.fixture
def reads(engine: sa.Engine) -> SqlEvaluationReads:
    return SqlEvaluationReads(engine)


@pytest.fixture
def judged(engine: sa.Engine) -> None:
    """Judge three runs of one pipeline, and one of another."""
    rows = [("run-1", "p", 0), ("run-2", "p", 2), ("run-3", "p", 1), ("run-4", "q", 3)]
    with engine.begin() as connection:
        for run_id, pipeline, hours in rows:
            row = {"run_id": run_id, "pipeline": pipeline, "outcome": "better", "facts": {"of": run_id}}
            connection.execute(sa.insert(evaluations).values({**row, "at": NOON + timedelta(hours=hours)}))


@pytest.mark.usefixtures("judged")
def test_evaluations_are_read_the_newest_first(reads: SqlEvaluationReads) -> None:
    found = list(reads.newest("p", limit=9))
    assert [one.run_id for one in found] == ["run-2", "run-3", "run-1"]
    assert (found[0].facts, found[0].at) == ({"of": "run-2"}, NOON + timedelta(hours=2))
    assert [one.run_id for one in reads.newest("p", limit=1)] == ["run-2"]
    assert list(reads.newest("nothing of it", limit=9)) == []


@pytest.mark.usefixtures("judged")
def test_evaluations_are_read_from_a_run_on_backwards(reads: SqlEvaluationReads) -> None:
    assert [one.run_id for one in reads.newest("p", limit=9, until="run-3")] == ["run-3", "run-1"]
    assert list(reads.newest("p", limit=9, until="no such run")) == []


def test_tokens_are_summed_over_a_models_answers_to_the_questions(engine: sa.Engine, reads: SqlEvaluationReads) -> None:
    store = SqlEvaluationStore(engine)
    for number in (0, 1, 2499):
        store.add_answer("m", f"q{number}", Answer("text", 10, 3), now=NOON)
    store.add_answer("m", "of another evaluation", Answer("text", 1000, 1000), now=NOON)
    store.add_answer("another model", "q0", Answer("text", 1000, 1000), now=NOON)
    assert reads.answer_tokens("m", [f"q{number}" for number in range(2500)]) == AnswerTokens(3, 30, 9)
    assert reads.answer_tokens("m", []) == AnswerTokens(0, 0, 0)
