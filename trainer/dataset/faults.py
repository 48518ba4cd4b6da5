"""What can be wrong with a line, and small checks that say so."""

from collections.abc import Collection
from typing import Any

from trainer.values import JsonObject


class LineFault(Exception):
    """The line breaks a rule; the text says which, for the file's author."""


def require(condition: object, fault: str) -> None:
    """Raise ``LineFault`` unless the condition holds."""
    if not condition:
        raise LineFault(fault)


def as_object(value: Any, where: str) -> JsonObject:  # noqa: ANN401 - JSON can be anything
    """Take a JSON object, or raise ``LineFault``."""
    if not isinstance(value, dict):
        raise LineFault(f"{where} must be a JSON object")
    return value


def as_list(value: Any, where: str) -> list[Any]:  # noqa: ANN401 - JSON can be anything
    """Take a JSON array that is not empty, or raise ``LineFault``."""
    if not isinstance(value, list) or not value:
        raise LineFault(f"{where} must be a list with at least one entry")
    return value


def only_keys(value: JsonObject, known: Collection[str], where: str) -> None:
    """Refuse keys that mean nothing, since a misspelt one would be ignored in silence."""
    unknown = sorted(set(value) - set(known))
    require(not unknown, f"{where} has the unknown key {', '.join(map(repr, unknown))}")
