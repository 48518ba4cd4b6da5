import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.phone_numbers import known_regions, phone_spans


def numbers(text: str, *regions: str) -> list[str]:
    spans = phone_spans(text, regions) if regions else phone_spans(text)
    return [text[start:end] for start, end in spans]


@pytest.mark.parametrize(
    "number",
    [
        "+47 22 12 34 56",
        "+683 4002",
        "+44\N{NO-BREAK SPACE}20\N{NO-BREAK SPACE}7946\N{NO-BREAK SPACE}0958",
        "+44\N{EN DASH}20\N{EN DASH}7946\N{EN DASH}0958",
        "+44 20 7946 0958 x12",
        "020 7946 0958 ext. 5",
        "0800 1111",
        "(415) 555-0134",
        "91 123 45 67",
        "0151 23456789",
    ],
)
def test_a_number_is_found_whole_as_its_country_writes_it(number: str) -> None:
    assert numbers(f"The customer left {number}, and waits.") == [number]


@pytest.mark.parametrize(
    "text",
    [
        "on 2026-03-14 10:30, 14.03.2026 10.30 or 12.05.23 - 14.05.23",
        "1 200 000 000 units, 6502530000 EUR, 100 200 3000, EUR 020 000 000",
        "order 48213771, invoice 993847112, 2071838750",
        "1.732050807 and 3.141592653",
        "scores: 10 20 30 40 50, pages 120-130, 140-150, 1990 2000 2010",
        "version 10.0.19045.3803, ISBN 978-3-16-148410-0, VAT 123 456 789",
        "a parcel 1Z999AA10123456784",
    ],
)
def test_dates_amounts_and_the_numbers_of_orders_are_no_phone_numbers(text: str) -> None:
    assert numbers(text) == []


def test_a_number_without_its_country_is_known_only_where_the_country_is_named() -> None:
    text = "call 32 12 34 56 today"
    assert numbers(text) == []
    assert numbers(text, "DK") == ["32 12 34 56"]
    assert "DK" in known_regions()


@given(text=st.text(alphabet="0123456789+-(). x/\N{NO-BREAK SPACE}a", max_size=60))
def test_a_number_is_a_piece_of_the_text_with_seven_digits_or_more(text: str) -> None:
    for number in numbers(text):
        assert number in text
        assert sum(character.isdigit() for character in number) >= 7
