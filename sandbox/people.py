"""What simulated people write. Each says what is right, what is careless and what is half done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from sandbox.answers import kind_of, questions
from sandbox.given import Given
from sandbox.records import DataRow, Ontology

Care = Literal["final", "draft", "careless"]
_DRAFT_SHARE = 0.6


class Writer(Protocol):
    """Knows what to answer on a data row."""

    def write(self, data_row: DataRow, ontology: Ontology, care: Care) -> Given:
        """Label a row with this much care."""


@dataclass(frozen=True, slots=True)
class Texts:
    """A right and a careless answer to one data row."""

    final: str
    careless: str


class KnownTexts:
    """Answers free-text questions from texts that are known by global key.

    Args:
        find: Gives the texts of a global key, or None for rows that somebody else uploaded.
        otherwise: Answers those, and every other kind of question.
    """

    def __init__(self, find: Callable[[str], Texts | None], otherwise: Writer) -> None:
        self._find = find
        self._otherwise = otherwise

    def write(self, data_row: DataRow, ontology: Ontology, care: Care) -> Given:
        """See ``Writer``."""
        given = self._otherwise.write(data_row, ontology, care)
        texts = self._find(data_row.global_key or "")
        if texts is None:
            return given
        written = {"final": texts.final, "draft": half_of(texts.final), "careless": texts.careless}
        known = {item["name"]: written[care] for item in questions(ontology) if kind_of(item) == "text"}
        return replace(given, answers={**given.answers, **known})


class KnownLabels:
    """Labels rows as it is known by global key.

    Args:
        find: Gives what to label with which care, or None for rows that somebody else uploaded.
        otherwise: Labels those.
    """

    def __init__(self, find: Callable[[str], Mapping[Care, Given] | None], otherwise: Writer) -> None:
        self._find = find
        self._otherwise = otherwise

    def write(self, data_row: DataRow, ontology: Ontology, care: Care) -> Given:
        """See ``Writer``."""
        known = self._find(data_row.global_key or "")
        return known[care] if known else self._otherwise.write(data_row, ontology, care)


def half_of(text: str) -> str:
    """Give the beginning of a text, as somebody leaves it who is called away."""
    cut = text[: max(1, int(len(text) * _DRAFT_SHARE))]
    return cut.rpartition(" ")[0] or cut
