"""Sentences that can be said in many ways.

``[a|b]`` is one of several wordings and may be nested, ``<was|is>`` is a verb in the past and the present,
``{thing}`` is a fact of the chat.
"""

import re
from collections.abc import Mapping
from random import Random

_VERB = re.compile(r"<([^<>|]*)\|([^<>|]*)>")
_INNERMOST_CHOICE = re.compile(r"\[([^\[\]]*)\]")


def expand(text: str, rng: Random, facts: Mapping[str, str], *, past: bool = True) -> str:
    """Choose one wording and fill in the facts.

    Raises:
        KeyError: The text asks for a fact that is not there.
    """
    text = _VERB.sub(lambda match: match[1 if past else 2], text)
    while "[" in text:
        text = _INNERMOST_CHOICE.sub(lambda match: rng.choice(match[1].split("|")), text, count=1)
    return text.format_map(facts)


def sentence(text: str) -> str:
    """Begin with a capital and end with a mark."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text[-1:] in ".!?" else ".")


def read_lines(text: str) -> dict[str, tuple[str, ...]]:
    """Read lines of ``kind: text``; what is indented belongs to the line before."""
    kinds: dict[str, list[str]] = {}
    for line in filter(None, text.replace("\n    ", " ").splitlines()):
        kind, _, rest = line.partition(": ")
        kinds.setdefault(kind, []).append(rest)
    return {kind: tuple(lines) for kind, lines in kinds.items()}
