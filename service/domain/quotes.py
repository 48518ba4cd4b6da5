"""Whether somebody else's sentence quotes one of our texts: a trainer may show the line that it refuses."""

from collections.abc import Iterable, Iterator
from typing import Any

from service.domain.fingerprints import words_of

BLOT = "(forgotten)"
# So many words in a row are a quotation; what is shorter as a whole must be there as a whole, and not be a phrase.
_WORDS = 4
_SHORTEST_CHARACTERS = 12


class Quotes:
    """Recognizes pieces of some texts, whatever their spacing and case."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._pieces = {piece for text in texts for piece in _pieces(words_of(text))}
        self._lengths = sorted({len(piece) for piece in self._pieces})

    def are_in(self, sentence: str) -> bool:
        """Say whether a piece of one of the texts is in a sentence."""
        said = words_of(sentence)
        return any(
            tuple(said[start : start + length]) in self._pieces
            for length in self._lengths
            for start in range(len(said) - length + 1)
        )

    def blotted(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """Give a JSON value in which every text that quotes is replaced."""
        if isinstance(value, str):
            return BLOT if self.are_in(value) else value
        if isinstance(value, dict):
            return {key: self.blotted(inner) for key, inner in value.items()}
        return [self.blotted(inner) for inner in value] if isinstance(value, list) else value


def _pieces(words: list[str]) -> Iterator[tuple[str, ...]]:
    if len(words) >= _WORDS:
        yield from (tuple(words[start : start + _WORDS]) for start in range(len(words) - _WORDS + 1))
    elif sum(map(len, words)) >= _SHORTEST_CHARACTERS:
        yield tuple(words)
