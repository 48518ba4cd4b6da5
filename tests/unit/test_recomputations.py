"""Comparing an evaluation with what is computed again."""

from hypothesis import given
from hypothesis import strategies as st

from service.domain.recomputations import Difference, count_values, differences

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.floats(-1e3, 1e3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_what_is_the_same_has_no_difference(found: object) -> None:
    assert list(differences(found, found)) == []


@given(st.dictionaries(st.text(max_size=3), JSON, min_size=1, max_size=4), st.data())
def test_one_changed_value_is_one_difference(found: dict[str, object], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(found)))
    assert list(differences(found, {**found, name: "another"})) == [Difference(name, found[name], "another")]


@given(st.floats(-1e6, 1e6))
def test_numbers_differ_only_beyond_another_machines_arithmetic(value: float) -> None:
    assert list(differences([value], [value * (1 + 1e-12)])) == []
    assert len(list(differences([value], [value + abs(value) * 1e-6 + 1e-6]))) == 1


def test_a_boolean_is_no_number_and_a_longer_list_is_another() -> None:
    assert [difference.path for difference in differences({"a": 1}, {"a": True})] == ["a"]
    assert list(differences([1], [1, 2])) == [Difference("", [1], [1, 2])]
    assert count_values({"a": [1, 2, {"b": None}], "c": "x"}) == 4
