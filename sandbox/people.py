"""What simulated people write. Each says what is right, what is careless and what is half done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol
from zlib import crc32

from sandbox.answers import Answers, kind_of, questions
from sandbox.records import DataRow, Ontology

Care = Literal["final", "draft", "careless"]
_DRAFT_SHARE = 0.6


class Writer(Protocol):
    """Knows what to answer on a data row."""

    def write(self, data_row: DataRow, ontology: Ontology, care: Care) -> Answers:
        """Answer the ontology's questions with this much care."""


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

    def write(self, data_row: DataRow, ontology: Ontology, care: Care) -> Answers:
        """See ``Writer``."""
        answers = dict(self._otherwise.write(data_row, ontology, care))
        texts = self._find(data_row.global_key or "")
        if texts is not None:
            written = {"final": texts.final, "draft": half_of(texts.final), "careless": texts.careless}
            answers |= {item["name"]: written[care] for item in questions(ontology) if kind_of(item) == "text"}
        return answers


class PlainWriter:
    """Answers any question about any text, the same every time."""

    def write(self, data_row: DataRow, ontology: Ontology, care: Care) -> Answers:
        """See ``Writer``; careless people repeat the text, which a reviewer would not accept."""
        answers: dict[str, str | list[str]] = {}
        for item in questions(ontology):
            kind = kind_of(item)
            values = [option["value"] for option in item["options"]]
            chosen = crc32(f"{data_row.id} {item['name']} {care}".encode())
            if kind == "text":
                answers[item["name"]] = _text(data_row.row_data, care)
            elif kind == "radio":
                answers[item["name"]] = values[chosen % len(values)]
            else:
                answers[item["name"]] = [value for n, value in enumerate(values) if not chosen >> n & 1] or values[:1]
        return answers


def half_of(text: str) -> str:
    """Give the beginning of a text, as somebody leaves it who is called away."""
    cut = text[: max(1, int(len(text) * _DRAFT_SHARE))]
    return cut.rpartition(" ")[0] or cut


def _text(text: str, care: Care) -> str:
    final = f"This is about: {' '.join(text.split())[:200]}"
    written: Mapping[Care, str] = {"final": final, "draft": half_of(final), "careless": text}
    return written[care]
