import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.splits import Split, group_key, split_of

percents = st.floats(0, 100, allow_nan=False)


def split(key: str, held_out: float, validation: float = 10.0, salt: str = "p") -> Split:
    return split_of(key, salt=salt, held_out_percent=held_out, validation_percent=validation)


@given(key=st.text(), smaller=percents, larger=percents)
def test_growing_the_held_out_set_never_moves_a_row_back_into_training(key: str, smaller: float, larger: float) -> None:
    smaller, larger = min(smaller, larger), max(smaller, larger)
    before, after = split(key, smaller), split(key, larger)
    assert after in {before, "held_out"}


@given(key=st.text(), smaller=percents, larger=percents)
def test_growing_the_validation_set_leaves_the_held_out_set_alone(key: str, smaller: float, larger: float) -> None:
    before, after = split(key, 20, min(smaller, larger)), split(key, 20, max(smaller, larger))
    assert (before == "held_out") == (after == "held_out")
    assert after == before or (before, after) == ("train", "validation")


@given(key=st.text())
def test_the_ends_of_the_scale(key: str) -> None:
    assert split(key, 100) == "held_out"
    assert split(key, 0, 0) == "train"
    assert split(key, 0, 100) == "validation"


def test_the_shares_are_about_what_was_asked_for() -> None:
    counted = Counter(split(group_key(f"chat {number}"), 20) for number in range(5000))
    assert counted["held_out"] / 5000 == pytest.approx(0.20, abs=0.02)
    assert counted["validation"] / 5000 == pytest.approx(0.10, abs=0.02)


def test_two_pipelines_hold_out_different_rows() -> None:
    keys = [group_key(f"chat {number}") for number in range(200)]
    assert [split(key, 20, salt="p") for key in keys] != [split(key, 20, salt="q") for key in keys]


def test_a_split_is_the_same_on_every_machine() -> None:
    # Written down once; a change here would move examples of everybody who upgrades.
    found = {f"chat {number}": split(group_key(f"chat {number}"), 20) for number in range(12)}
    assert [prompt for prompt, given_split in found.items() if given_split == "held_out"] == ["chat 10", "chat 11"]
    assert [prompt for prompt, given_split in found.items() if given_split == "validation"] == ["chat 0", "chat 5"]


# Groups.


@given(st.text(), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_a_group_does_not_depend_on_the_unicode_form(text: str, form: str) -> None:
    assert group_key(unicodedata.normalize(form, text)) == group_key(text)  # type: ignore[arg-type] # a form


@given(st.lists(st.text("abcÄéß", min_size=1), min_size=1), st.sampled_from([" ", "  ", "\n", "\t", "\r\n", "\u00a0"]))
def test_a_group_does_not_depend_on_spacing(words: list[str], space: str) -> None:
    assert group_key(space + space.join(words) + space) == group_key(" ".join(words))


@given(st.text("abcxyzÄÖÜéèñçß ,.!?ΑΒΓΣάαβγσдЖ"))
def test_a_group_does_not_depend_on_case(text: str) -> None:
    assert group_key(text.upper()) == group_key(text.lower()) == group_key(text)


@given(st.text("abc ", min_size=1), st.text("abc ", min_size=1))
def test_prompts_of_other_words_are_other_groups(one: str, other: str) -> None:
    assert (group_key(one) == group_key(other)) == (one.split() == other.split())
