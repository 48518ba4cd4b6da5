"""A number with its noun."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.plurals import how_many


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1200, "1,200 rows"), (-1, "-1 rows")]
)
def test_only_one_is_one(number: int, words: str) -> None:
    assert how_many(number, "row") == words


@given(st.integers())
def test_a_plural_of_its_own_is_used_as_it_is(number: int) -> None:
    noun = how_many(number, "delivery", "deliveries").partition(" ")[2]
    assert noun == ("delivery" if number == 1 else "deliveries")
