"""Texts of labels on a terminal: none of them commands it."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cli.showing import visible

TEXTS = st.text(st.one_of(st.characters(), st.characters(categories=["Cc"])))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;mine\x07", r"\u001b]0;mine\u0007"),
        ("\x9b31mred", r"\u009b31mred"),
        ("over\rwritten\x08\x7f", r"over\u000dwritten\u0008\u007f"),
        ("two\n\tlines, ü 😀", "two\n\tlines, ü 😀"),
    ],
)
def test_control_characters_are_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(TEXTS)
def test_nothing_that_is_shown_commands_a_terminal(text: str) -> None:
    assert {char for char in visible(text) if unicodedata.category(char) == "Cc"} <= {"\n", "\t"}


@given(st.dictionaries(TEXTS, TEXTS))
def test_json_that_is_shown_says_the_same(texts: dict[str, str]) -> None:
    assert json.loads(visible(json.dumps(texts, ensure_ascii=False, indent=1))) == texts
