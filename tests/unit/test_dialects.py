"""What servers do differently, as data."""

import pytest

from service.domain.dialects import DIALECTS, OPENAI_STATUSES, Dialect


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_understands_openais_words(name: str) -> None:
    assert all(DIALECTS[name].outcome_of(word) == outcome for word, outcome in OPENAI_STATUSES.items())


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("word", ["", "brand_new", "Pausing", "almost succeeded"])
def test_a_word_that_nobody_knows_is_an_open_job(name: str, word: str) -> None:
    assert DIALECTS[name].outcome_of(word) == "open"


@pytest.mark.parametrize(
    ("name", "word", "outcome"),
    [
        ("generic", "COMPLETED", "succeeded"),
        ("generic", "Error", "failed"),
        ("generic", "canceled", "cancelled"),
        ("together", "completed", "succeeded"),
        ("together", "cancel_requested", "open"),
        ("openai", "SUCCEEDED", "succeeded"),
        ("openai", "completed", "open"),
        ("azure", "canceled", "cancelled"),
    ],
)
def test_a_servers_own_words_are_understood_whatever_their_case(name: str, word: str, outcome: str) -> None:
    assert DIALECTS[name].outcome_of(word) == outcome


def test_own_ways_come_on_top_of_the_dialect() -> None:
    ways = {"bom": True, "statuses": {"trained": "succeeded", "completed": "open"}}
    changed = DIALECTS["generic"].but(ways)
    assert changed.bom
    assert changed.outcome_of("trained") == "succeeded"
    assert changed.outcome_of("completed") == "open"
    assert changed.outcome_of("error") == "failed"
    assert Dialect().but({}) == Dialect()
