"""What is marked in an answer: words that differ from another text, and personal data."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

Kind = Literal["only_here", "left_out", "personal"]

# Comparing takes the product of both lengths; longer texts differ nearly everywhere, and nobody reads the marks.
MOST_WORDS = 800
# Scripts without spaces are compared by their characters.
_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a text.

    Attributes:
        start: The first character's place.
        end: The place behind the last; the same as ``start`` for what was left out.
        kind: ``only_here``: the other text has not these words. ``left_out``: it has ``text`` at this place.
            ``personal``: personal data.
        text: The marked words, or those that are missing.
    """

    start: int
    end: int
    kind: Kind
    text: str


class Piece(NamedTuple):
    """A run of characters with the same marks; what is left out is a piece of its own."""

    text: str
    kinds: frozenset[Kind]


def differences(other: str, text: str) -> tuple[Mark, ...] | None:
    """Mark how a text differs from another, word by word; None where one of them is too long to compare."""
    before, after = (list(_WORDS.finditer(found)) for found in (other, text))
    if max(len(before), len(after)) > MOST_WORDS:
        return None
    gone, new = ([match.group() for match in side] for side in (before, after))
    matcher = SequenceMatcher(None, gone, new, autojunk=False)
    return tuple(
        mark
        for tag, low, high, first, last in matcher.get_opcodes()
        if tag != "equal"
        for mark in _marks(other, text, before[low:high], after[first:last], _place(text, after, first))
    )


def _place(text: str, words: Sequence[re.Match[str]], number: int) -> int:
    return words[number].start() if number < len(words) else len(text)


def _marks(
    other: str, text: str, gone: Sequence[re.Match[str]], new: Sequence[re.Match[str]], place: int
) -> Iterator[Mark]:
    if gone:
        yield Mark(place, place, "left_out", other[gone[0].start() : gone[-1].end()])
    if new:
        start, end = new[0].start(), new[-1].end()
        yield Mark(start, end, "only_here", text[start:end])


def personal_marks(text: str, found: Collection[str]) -> tuple[Mark, ...]:
    """Mark everything that was found to be personal data, wherever it stands as words of its own."""
    spans = {
        (match.start(), match.end())
        for one in found
        if one.strip()
        for match in re.finditer(rf"(?<!\w){re.escape(one)}(?!\w)", text)
    }
    return tuple(Mark(start, end, "personal", text[start:end]) for start, end in sorted(spans))


def pieces_of(text: str, marks: Iterable[Mark]) -> list[Piece]:
    """Divide a text at the ends of its marks, so that every piece has the same marks throughout."""
    opened: dict[int, list[Kind]] = {}
    closed: dict[int, list[Kind]] = {}
    missing: dict[int, list[str]] = {}
    for mark in marks:
        if mark.start == mark.end:
            missing.setdefault(mark.start, []).append(mark.text)
        else:
            opened.setdefault(mark.start, []).append(mark.kind)
            closed.setdefault(mark.end, []).append(mark.kind)
    pieces: list[Piece] = []
    active: Counter[Kind] = Counter()
    places = sorted({0, len(text), *opened, *closed, *missing})
    for start, end in zip(places, [*places[1:], len(text)], strict=True):
        active.subtract(closed.get(start, []))
        active.update(opened.get(start, []))
        pieces += [Piece(words, frozenset({"left_out"})) for words in missing.get(start, [])]
        pieces.append(Piece(text[start:end], frozenset(kind for kind, number in active.items() if number > 0)))
    return [piece for piece in pieces if piece.text]
