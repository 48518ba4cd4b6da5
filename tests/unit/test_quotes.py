"""Recognizing our texts in what a trainer says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.quotes import BLOT, Quotes

TEXT = "Please write to jane@example.com about the late parcel."


@pytest.mark.parametrize(
    "sentence",
    [
        f"line 7 is refused: {TEXT}",
        "line 7: please  WRITE to\njane@exa...",
        "the late parcel; about the late parcel",
    ],
)
def test_four_words_in_a_row_are_a_quotation(sentence: str) -> None:
    assert Quotes([TEXT]).are_in(sentence)


@pytest.mark.parametrize("sentence", ["", "Invalid file format.", "please try to write to us", "the parcel late"])
def test_what_only_shares_words_is_none(sentence: str) -> None:
    assert not Quotes([TEXT]).are_in(sentence)


def test_short_texts_count_only_as_a_whole_and_only_if_they_are_no_phrase() -> None:
    quotes = Quotes(["yes", "not found", "Jane Q. Example-Doe", "+49 170 1234567"])
    assert quotes.are_in("odd name: jane q. example-doe")
    assert quotes.are_in("odd number: +49 170 1234567.")
    for sentence in ("yes", "file not found", "jane example", "+49 170"):
        assert not quotes.are_in(sentence)


def test_languages_without_spaces_are_recognized() -> None:
    assert Quotes(["包裹晚到了三天"]).are_in("错误 包裹晚到了…")


@given(texts=st.lists(st.text()), value=st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_nothing_that_quotes_is_left(texts: list[str], value: object) -> None:
    quotes = Quotes(texts)
    left = quotes.blotted(value)
    assert quotes.blotted(left) == left


def test_only_the_texts_of_a_value_that_quote_are_replaced() -> None:
    value = {"error": [TEXT, "other"], "step": 3, "more": {"is": None}}
    assert Quotes([TEXT]).blotted(value) == {"error": [BLOT, "other"], "step": 3, "more": {"is": None}}
