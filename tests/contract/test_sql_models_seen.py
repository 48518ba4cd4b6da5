"""What trainers said of their models, on both databases."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from service.adapters.sql_models_seen import SqlModelsSeen
from service.ports import RemoteModel, SeenModel
from tests.support.fakes import NOON

LATER = NOON + timedelta(days=1)
ENDS = date(2027, 1, 14)


@pytest.fixture
def store(engine: sa.Engine) -> SqlModelsSeen:
    return SqlModelsSeen(engine)


def test_a_model_nobody_asked_about_is_not_known(store: SqlModelsSeen) -> None:
    assert store.find("box", "m") is None


def test_the_newest_answer_counts(store: SqlModelsSeen) -> None:
    store.note("box", "m", RemoteModel("m", ENDS), now=NOON)
    assert store.find("box", "m") == SeenModel("box", "m", ENDS, known=True, at=NOON)
    # An end may be put off, or taken back.
    store.note("box", "m", RemoteModel("m"), now=LATER)
    assert store.find("box", "m") == SeenModel("box", "m", None, known=True, at=LATER)


def test_a_model_that_is_gone_keeps_the_date_that_was_known(store: SqlModelsSeen) -> None:
    store.note("box", "m", RemoteModel("m", ENDS), now=NOON)
    store.note("box", "m", None, now=LATER)
    assert store.find("box", "m") == SeenModel("box", "m", ENDS, known=False, at=LATER)


def test_a_model_that_was_never_known_is_remembered_as_such(store: SqlModelsSeen) -> None:
    store.note("box", "m", None, now=NOON)
    assert store.find("box", "m") == SeenModel("box", "m", None, known=False, at=NOON)


def test_two_trainers_may_call_their_models_the_same(store: SqlModelsSeen) -> None:
    store.note("box", "m", RemoteModel("m", ENDS), now=NOON)
    assert store.find("other", "m") is None
