"""How people type: carefully, in small letters, in a hurry, or as in text messages."""

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from types import MappingProxyType

_SHORT = MappingProxyType(
    {
        "please": "pls",
        "thanks": "thx",
        "thank you": "ty",
        "you": "u",
        "your": "ur",
        "because": "bc",
        "tomorrow": "tmrw",
        "to be honest": "tbh",
        "are": "r",
        "really": "rly",
    }
)
_LONG_WORD = re.compile(r"\b[a-z]{5,}\b")
_TYPO_CHANCE = 0.06


def retype(text: str, habit: str, rng: Random, *, kept: Sequence[str]) -> str:
    """Type a turn again by a habit of ``HABITS``, but leave what is kept as it is: names, numbers, addresses."""
    pieces = re.split(f"({'|'.join(map(re.escape, kept))})", text)
    return "".join(piece if piece in kept else HABITS[habit](piece, rng) for piece in pieces)


def _carefully(text: str, _: Random) -> str:
    return text


def _small(text: str, _: Random) -> str:
    return text.lower().replace(". ", " ").removesuffix(".")


def _hastily(text: str, rng: Random) -> str:
    return _LONG_WORD.sub(lambda match: _typo(match[0], rng) if rng.random() < _TYPO_CHANCE else match[0], text)


def _typo(word: str, rng: Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    return rng.choice(
        (
            word[:at] + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at] + word[at:],
        )
    )


def _texting(text: str, rng: Random) -> str:
    for long, short in _SHORT.items():
        text = re.sub(rf"\b{long}\b", short, text)
    return text.replace("!", rng.choice(("!", "!!", " :)")))


HABITS: Mapping[str, Callable[[str, Random], str]] = MappingProxyType(
    {"careful": _carefully, "small": _small, "hasty": _hastily, "texting": _texting}
)
