"""Models that a trainer does not have, and those that may be meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.model_names import closest, not_listed

NAMES = st.lists(st.text(max_size=20), max_size=8)


@given(model=st.text(max_size=20), others=NAMES)
def test_what_is_proposed_is_there_and_few(model: str, others: list[str]) -> None:
    found = closest(model, others)
    assert set(found) <= set(others)
    assert len(found) <= 3


@given(others=NAMES, model=st.text(min_size=1, max_size=20))
def test_the_likeliest_comes_first(others: list[str], model: str) -> None:
    assert closest(model, [*others, model])[0] == model


@pytest.mark.parametrize("typed", ["gpt-4.1-mni", "gpt-41-mini", "gpt-4.1-mini "])
def test_a_slip_of_the_finger_finds_what_was_meant(typed: str) -> None:
    reason = not_listed(typed, trainer="openai", others=["gpt-4.1-mini", "o3", "whisper-1"])
    assert reason.text == f"{typed} is not among the models of openai; the closest of its 3: gpt-4.1-mini"
    assert reason.facts == {"model": typed, "trainer": "openai", "closest": ["gpt-4.1-mini"]}
    assert reason.code == "model_not_listed"


def test_where_nothing_is_alike_nothing_is_proposed() -> None:
    reason = not_listed("zzz", trainer="box", others=["gpt-4.1-mini"])
    assert (reason.text, reason.facts["closest"]) == ("zzz is not among the models of box", [])
