"""What is known of a model by its name: its base, its encoding, and how long its training lines may be."""

import re

from service.domain.checks import MAX_LINE_TOKENS

# Azure's name of a tuned model: gpt-4.1-mini-2025-04-14.ft-0123456789abcdef
_AZURE_TUNED = re.compile(r"\.ft-[0-9a-f]+.*$")
# "gpt-4o" and "gpt-4.1" count otherwise than "gpt-4". Azure writes gpt-35-turbo.
_OLDER = re.compile(r"(?:gpt-4(?![\w.])|gpt-3\.?5|babbage-002|davinci-002)")
_SHORT_LINES = re.compile(r"gpt-3\.?5-turbo")
_SHORT_LINE_TOKENS = 16_385


def base_of(model: str) -> str:
    """Give the base of a tuned model, ``ft:BASE:ORGANISATION:SUFFIX:ID``; any other name is its own.

    Encodings and prices belong to the base: "ft:gpt-4.1-..." looked up by its beginning would be taken for gpt-4.
    """
    base = model.split(":")[1] if model.startswith("ft:") else model
    return _AZURE_TUNED.sub("", base)


def encoding_of(model: str) -> str:
    """Give the name of the encoding that a model counts by; what is not known is taken for new."""
    return "cl100k_base" if _OLDER.match(_plain(model)) else "o200k_base"


def line_limit_of(model: str) -> int:
    """Give how many tokens of a line a model is trained on; the rest would be cut off.

    Source: OpenAI, "Fine-tuning best practices".
    """
    return _SHORT_LINE_TOKENS if _SHORT_LINES.match(_plain(model)) else MAX_LINE_TOKENS


def _plain(model: str) -> str:
    # Gateways put the provider before the name.
    return base_of(model).rpartition("/")[2]
