"""Presidio itself, without a language model, which cannot be had without a download."""

import socket
import sys
from pathlib import Path

import pytest
import spacy

from service.adapters.presidio_findings import KINDS, PresidioFindings
from service.domain.checks import PERSONAL, findings_of
from service.domain.contents import pair
from service.domain.errors import ConfigurationError
from service.domain.personal_data import Finding

TEXT = "Call (415) 555-0134 or write to ana@example.com, card 4111 1111 1111 1111, account DE89 3704 0044 0532 0130 00."


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("Presidio must not download anything")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(spacy.cli, "download", refuse)


@pytest.fixture(scope="module")
def finder() -> PresidioFindings:
    return PresidioFindings()


def test_presidio_finds_by_its_patterns_and_says_that_it_finds_no_names(finder: PresidioFindings) -> None:
    assert finder(TEXT) == (
        Finding("phone", "(415) 555-0134"),
        Finding("card", "4111 1111 1111 1111"),
        Finding("iban", "DE89 3704 0044 0532 0130 00"),
    )
    assert "patterns only" in finder.describe()


@pytest.mark.parametrize("text", ["", " \n", "It arrives on 2026-11-02 in London, passport 912803456."])
def test_what_tells_nobody_apart_or_is_only_guessed_is_left_out(finder: PresidioFindings, text: str) -> None:
    assert finder(text) == ()


@pytest.mark.parametrize("place", [49_480, 49_990, 50_000, 100_000])
def test_what_stands_anywhere_in_a_long_text_is_found_whole(finder: PresidioFindings, place: int) -> None:
    text = "word " * (place // 5) + "card 4111 1111 1111 1111, " + "word " * 2000
    assert Finding("card", "4111 1111 1111 1111") in finder(text)


def test_a_text_is_read_that_a_language_model_refuses(finder: PresidioFindings) -> None:
    assert finder(" " * 1_000_001 + "(415) 555-0134")[-1] == Finding("phone", "(415) 555-0134")


def test_what_presidio_finds_has_a_code(finder: PresidioFindings) -> None:
    assert set(KINDS.values()) <= PERSONAL.keys()
    # A number that our own patterns know as none.
    found = findings_of(pair("Where?", "Send it to 16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ"), tokens=1, names=finder)
    assert found == ("personal_number",)


def test_a_spacy_model_gives_names(tmp_path: Path) -> None:
    pipeline = spacy.blank("en")
    pipeline.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Zbigniew"}])  # type: ignore[attr-defined]
    pipeline.to_disk(tmp_path)
    finder = PresidioFindings(str(tmp_path))
    assert finder("Then Zbigniew called.") == (Finding("name", "Zbigniew"),)
    assert str(tmp_path) in finder.describe()


def test_a_model_that_is_not_installed_is_named_and_not_downloaded() -> None:
    with pytest.raises(ConfigurationError, match="xx_none") as raised:
        PresidioFindings("xx_none")
    assert "spacy download xx_none" in raised.value.remedy


@pytest.mark.parametrize("missing", ["presidio_analyzer", "spacy"])
def test_without_the_package_the_remedy_installs_it(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigurationError) as raised:
        PresidioFindings()
    assert raised.value.remedy == "pip install 'tuneloop[presidio]'"
