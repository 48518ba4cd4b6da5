"""What judges replied, on both databases."""

from dataclasses import replace

import sqlalchemy as sa

from service.adapters.sql_erasure import SqlErasureStore
from service.adapters.sql_judgements import SqlJudgementStore
from service.ports import Judgement
from tests.support.fakes import NOON, ManualClock

FIRST = Judgement("key-1", "question-1", "openai/judge-1", "A", prompt_tokens=90, completion_tokens=1)


def test_a_reply_comes_back_with_what_it_cost(engine: sa.Engine) -> None:
    store = SqlJudgementStore(engine)
    other = replace(FIRST, key="key-2", choice="unreadable")
    for judgement in (FIRST, other):
        store.add_judgement(judgement, now=NOON)
    assert store.judgements(["key-1", "key-2", "key-3"]) == {"key-1": FIRST, "key-2": other}
    assert store.judgements([]) == {}


def test_the_first_reply_stays(engine: sa.Engine) -> None:
    store = SqlJudgementStore(engine)
    store.add_judgement(FIRST, now=NOON)
    store.add_judgement(replace(FIRST, choice="B"), now=NOON)
    assert store.judgements(["key-1"]) == {"key-1": FIRST}


def test_many_are_found_at_once(engine: sa.Engine) -> None:
    store = SqlJudgementStore(engine)
    store.add_judgement(FIRST, now=NOON)
    assert set(store.judgements([f"key-{number}" for number in range(2500)])) == {"key-1"}


def test_a_forgotten_question_takes_its_judgements_with_it(engine: sa.Engine) -> None:
    # A key is a hash over both answers: whoever knows one could be told whether it was given.
    store = SqlJudgementStore(engine)
    other = replace(FIRST, key="key-2", question="question-2")
    for judgement in (FIRST, other):
        store.add_judgement(judgement, now=NOON)
    assert SqlErasureStore(engine, ManualClock()).erase_answers(["question-1"], []) == 1
    assert store.judgements(["key-1", "key-2"]) == {"key-2": other}
