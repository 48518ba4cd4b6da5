"""The stable name follows the champion, and no promotion waits for it."""

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.domain.dialects import Dialect
from service.domain.errors import TrainerUnreachable
from service.domain.runs import RunState, Step
from service.usecases.name_champion import champions_to_name, name_champion
from service.usecases.roll_back import roll_back
from tests.support.builders import make_run
from tests.support.fakes import NOON
from tests.support.workshop import Workshop

NAME = "tuneloop/summaries"


@pytest.fixture
def shop(sqlite_engine: sa.Engine, tmp_path: Path) -> Workshop:
    made = Workshop(sqlite_engine, tmp_path / "files")
    made.accounts["box"] = replace(made.accounts["box"], dialect=Dialect(aliases=True))
    return made


def crown(shop: Workshop, number: int) -> None:
    claimed = shop.runs.claim(make_run(f"run-{number}", ordinal=number))
    assert claimed is not None
    tuned = Step(RunState.FAILED, "x", changes={"tuned_model": f"ft:{number}"})
    shop.evaluations.promote(shop.runs.record(claimed, tuned, now=NOON), "by hand", now=NOON)


def test_the_name_follows_promotions_and_rollbacks(shop: Workshop) -> None:
    for number in (1, 2):
        crown(shop, number)
        assert champions_to_name(shop.parts) == ["summaries"]
        assert name_champion("summaries", shop.parts)
        assert shop.trainer.aliases == {NAME: f"ft:{number}"}
    assert champions_to_name(shop.parts) == []
    with shop.engine.begin() as connection:
        connection.execute(sa.text("""UPDATE champion_history SET evidence = '{"run_id": "run-1"}'"""))
    roll_back("summaries", shop.parts)
    assert name_champion("summaries", shop.parts)
    assert shop.trainer.aliases == {NAME: "ft:1"}


def test_a_trainer_that_does_not_answer_is_asked_again(shop: Workshop) -> None:
    crown(shop, 1)
    shop.trainer.goes_wrong("set_alias", TrainerUnreachable("down"))
    with pytest.raises(TrainerUnreachable):
        name_champion("summaries", shop.parts)
    assert champions_to_name(shop.parts) == ["summaries"]
    assert name_champion("summaries", shop.parts)


def test_a_trainer_without_such_names_is_not_asked(shop: Workshop) -> None:
    shop.accounts["box"] = replace(shop.accounts["box"], dialect=Dialect())
    crown(shop, 1)
    assert champions_to_name(shop.parts) == []
    assert not name_champion("summaries", shop.parts)
    assert shop.trainer.aliases == {}


def test_before_the_first_promotion_there_is_nothing_to_name(shop: Workshop) -> None:
    assert champions_to_name(shop.parts) == []
    assert not name_champion("summaries", shop.parts)
