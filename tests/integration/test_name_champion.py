"""The stable name follows the champion at once where that can be done, and no promotion fails by it."""

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.domain.dialects import Dialect
from service.domain.errors import TrainerRefused, TrainerUnreachable
from service.domain.reigns import Grounds
from service.domain.runs import RunState, Step
from service.usecases.name_champion import champions_to_name, forget_names, name_champion
from service.usecases.promote_run import promote_run
from service.usecases.roll_back import roll_back
from tests.support.builders import make_run
from tests.support.fakes import NOON, FakeTrainer
from tests.support.workshop import Workshop

NAME = "tuneloop/summaries"


@pytest.fixture
def shop(sqlite_engine: sa.Engine, tmp_path: Path) -> Workshop:
    made = Workshop(sqlite_engine, tmp_path / "files")
    made.accounts["box"] = replace(made.accounts["box"], dialect=Dialect(aliases=True))
    return made


def crown(shop: Workshop, number: int, *, trainer: str = "box") -> None:
    claimed = shop.runs.claim(replace(make_run(f"run-{number}", ordinal=number), trainer=trainer))
    assert claimed is not None
    tuned = Step(RunState.FAILED, "x", changes={"tuned_model": f"ft:{number}"})
    grounds = Grounds("by hand", {"run_id": f"run-{number}"})
    shop.evaluations.promote(shop.runs.record(claimed, tuned, now=NOON), "by hand", now=NOON, grounds=grounds)


def attic(shop: Workshop, *, has_names: bool = True) -> FakeTrainer:
    """Configure a second trainer."""
    other = FakeTrainer()
    shop.accounts["attic"] = replace(
        shop.accounts["box"], name="attic", connect=lambda: other, dialect=Dialect(aliases=has_names)
    )
    return other


def test_the_name_follows_promotions_and_rollbacks(shop: Workshop) -> None:
    for number in (1, 2):
        crown(shop, number)
        assert champions_to_name(shop.parts) == ["summaries"]
        assert name_champion("summaries", shop.parts)
        assert shop.trainer.names == {NAME: f"ft:{number}"}
    assert champions_to_name(shop.parts) == []
    roll_back("summaries", shop.parts)
    assert (shop.trainer.names, champions_to_name(shop.parts)) == ({NAME: "ft:1"}, [])


def test_a_persons_promotion_sets_the_name_at_once_and_a_verdicts_has_it_set(shop: Workshop) -> None:
    shop.fill()
    first = shop.go(shop.train())
    assert ("name_champion", "summaries") in shop.queue.woken
    assert name_champion("summaries", shop.parts)
    shop.queue.woken.clear()
    shop.fill(60, 120)
    second = shop.go(shop.train(2))
    assert (second.state, shop.trainer.names) == (RunState.KEPT, {NAME: first.answers_as})
    assert ("name_champion", "summaries") not in shop.queue.woken
    promote_run(second.run_id, shop.parts)
    assert shop.trainer.names == {NAME: second.answers_as}


def test_a_person_decides_also_while_the_trainer_does_not_answer(shop: Workshop) -> None:
    for number in (1, 2):
        crown(shop, number)
        name_champion("summaries", shop.parts)
    shop.trainer.goes_wrong("set_alias", TrainerUnreachable("down"))
    assert roll_back("summaries", shop.parts).run_id == "run-1"
    assert (shop.trainer.names, champions_to_name(shop.parts)) == ({NAME: "ft:2"}, ["summaries"])


def test_a_champion_at_another_trainer_takes_the_name_along(shop: Workshop) -> None:
    other = attic(shop)
    crown(shop, 1)
    name_champion("summaries", shop.parts)
    crown(shop, 2, trainer="attic")
    assert name_champion("summaries", shop.parts)
    assert (shop.trainer.names, other.names) == ({}, {NAME: "ft:2"})


def test_the_name_is_removed_also_where_the_new_trainer_has_no_names(shop: Workshop) -> None:
    attic(shop, has_names=False)
    crown(shop, 1)
    name_champion("summaries", shop.parts)
    crown(shop, 2, trainer="attic")
    assert champions_to_name(shop.parts) == ["summaries"]
    assert not name_champion("summaries", shop.parts)
    assert (shop.trainer.names, champions_to_name(shop.parts)) == ({}, [])
    # Once that trainer has names, too, nobody takes the name for set.
    later = attic(shop)
    assert champions_to_name(shop.parts) == ["summaries"]
    assert name_champion("summaries", shop.parts)
    assert later.names == {NAME: "ft:2"}


def test_a_former_trainer_that_does_not_answer_is_cleared_by_the_next_comparison(shop: Workshop) -> None:
    other = attic(shop)
    crown(shop, 1)
    name_champion("summaries", shop.parts)
    crown(shop, 2, trainer="attic")
    shop.trainer.goes_wrong("remove_alias", TrainerUnreachable("down"))
    assert name_champion("summaries", shop.parts)
    assert (shop.trainer.names, other.names) == ({NAME: "ft:1"}, {NAME: "ft:2"})
    shop.trainer.goes_wrong("aliases", TrainerUnreachable("down"))
    with pytest.raises(TrainerUnreachable):
        forget_names("box", shop.parts)
    assert forget_names("box", shop.parts) == [NAME]
    assert (shop.trainer.names, forget_names("box", shop.parts)) == ({}, [])


def test_two_tables_of_one_server_do_not_take_the_name_from_each_other(shop: Workshop) -> None:
    shop.accounts["attic"] = replace(shop.accounts["box"], name="attic")
    crown(shop, 1)
    name_champion("summaries", shop.parts)
    crown(shop, 2, trainer="attic")
    assert name_champion("summaries", shop.parts)
    assert (shop.trainer.names, forget_names("box", shop.parts)) == ({NAME: "ft:2"}, [])


def test_names_of_others_are_left_alone(shop: Workshop) -> None:
    attic(shop)
    crown(shop, 1)
    crown(shop, 2, trainer="attic")
    theirs = {NAME: "ft:theirs", "tuneloop/unknown": "ft:1", "acme/summaries": "ft:1"}
    shop.trainer.names.update(theirs)
    assert forget_names("box", shop.parts) == []
    assert shop.trainer.names == theirs


def test_a_trainer_that_does_not_answer_is_asked_again(shop: Workshop) -> None:
    crown(shop, 1)
    shop.trainer.goes_wrong("set_alias", TrainerUnreachable("down"))
    with pytest.raises(TrainerUnreachable):
        name_champion("summaries", shop.parts)
    assert champions_to_name(shop.parts) == ["summaries"]
    assert name_champion("summaries", shop.parts)


@pytest.mark.parametrize("is_deleted", [True, False])
def test_a_champion_whose_name_is_refused_is_gone_where_the_trainer_has_it_no_more(
    shop: Workshop, *, is_deleted: bool
) -> None:
    shop.accounts["box"] = replace(shop.accounts["box"], dialect=Dialect(aliases=True, model_list="complete"))
    crown(shop, 1)
    shop.trainer.voices["ft:2" if is_deleted else "ft:1"] = str
    shop.trainer.goes_wrong("set_alias", TrainerRefused("refused", code="model_not_found"))
    with pytest.raises(TrainerRefused):
        name_champion("summaries", shop.parts)
    champion = shop.evaluations.champion("summaries")
    assert champion is not None
    assert (champion["gone_since"] is not None) == is_deleted


def test_a_trainer_without_such_names_is_not_asked(shop: Workshop) -> None:
    shop.accounts["box"] = replace(shop.accounts["box"], dialect=Dialect())
    crown(shop, 1)
    assert champions_to_name(shop.parts) == []
    assert not name_champion("summaries", shop.parts)
    assert shop.trainer.names == {}


def test_before_the_first_promotion_there_is_nothing_to_name(shop: Workshop) -> None:
    assert champions_to_name(shop.parts) == []
    assert not name_champion("summaries", shop.parts)
