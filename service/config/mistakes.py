"""Mistakes of a configuration in words: file, line, key, and what is allowed."""

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from textwrap import shorten
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from service.config.tables import did_you_mean

KeyPath = tuple[str | int, ...]

_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "is missing",
    "too_short": lambda _: "needs at least one table, such as [pipelines.NAME]",
    "value_error": lambda context: str(context["error"]),
    "greater_than": lambda context: f"must be above {context['gt']:g}",
    "greater_than_equal": lambda context: f"must be at least {context['ge']:g}",
    "less_than_equal": lambda context: f"must be at most {context['le']:g}",
    "literal_error": lambda context: f"must be {context['expected']}",
    "finite_number": lambda _: "must be a finite number",
    "int_type": lambda _: "must be a whole number",
    "int_parsing": lambda _: "must be a whole number",
    "float_type": lambda _: "must be a number",
    "bool_type": lambda _: "must be true or false",
    "string_type": lambda _: "must be a text in quotes",
    "list_type": lambda _: "must be a list in brackets",
    "tuple_type": lambda _: "must be a list in brackets",
    "dict_type": lambda _: "must be a table",
    "model_type": lambda _: "must be a table",
    "date_type": lambda _: "must be a date without quotes, such as 2026-10-01",
}
# These speak of a value that is no secret and short; the others say themselves what they want to show.
_SHOWS_VALUE = frozenset(_WORDS) - {"missing", "too_short", "value_error", "dict_type", "model_type"}

_SHOWN_LENGTH = 40


def mistakes_of(error: ValidationError, model: type[BaseModel]) -> list[tuple[KeyPath, str]]:
    """Give the key and the words of every mistake that a validation found."""
    found: dict[tuple[KeyPath, str], None] = {}
    for details in error.errors(include_url=False):
        # pydantic marks a wrong name of a table by a last step "[key]"; the file has no such step.
        path = tuple(step for step in details["loc"] if step != "[key]")
        found.setdefault((path, _words(path, details, model)))
    return list(found)


def _words(path: KeyPath, details: ErrorDetails, model: type[BaseModel]) -> str:
    kind = details["type"]
    if kind == "extra_forbidden":
        allowed = _keys_beside(path, model)
        guess = did_you_mean(str(path[-1]), allowed)
        return f"unknown key{guess}" + ("" if guess else f"; allowed are: {', '.join(allowed)}")
    words = _WORDS[kind](details.get("ctx", {})) if kind in _WORDS else details["msg"]
    # A key that names a variable may hold the secret itself by mistake.
    if kind in _SHOWS_VALUE and not str(path[-1]).endswith("_env"):
        words += f" (got {shorten(repr(details['input']), _SHOWN_LENGTH, placeholder='...')})"
    return words


def _keys_beside(path: KeyPath, model: type[BaseModel]) -> list[str]:
    """Give the keys of the table that a path's last key stands in."""
    table: Any = model
    for step in path[:-1]:
        if isinstance(table, type) and issubclass(table, BaseModel):
            table = _plain(table.model_fields[str(step)].annotation)
        else:
            # A table of named tables, dict[name, table], or a list of them.
            table = _plain(get_args(table)[-1])
    return list(table.model_fields)


def _plain(annotation: Any) -> Any:  # noqa: ANN401 - annotations have no common type
    while get_origin(annotation) in {Annotated, Union, UnionType}:
        annotation = get_args(annotation)[0]
    return annotation


def locate(text: str) -> dict[KeyPath, int]:
    """Give the line of every key in a TOML document that is valid.

    The standard parser tells no lines, so it is given ever more of the document: a key stands where the
    statement begins with which it first appears.
    """
    found: dict[KeyPath, int] = {}
    lines = text.replace("\r\n", "\n").split("\n")
    begins = 1
    for end in range(1, len(lines) + 1):
        try:
            document = tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue  # in the middle of a statement of several lines
        for path in _paths(document):
            found.setdefault(path, begins)
        begins = end + 1
    return found


def line_of(path: KeyPath, lines: Mapping[KeyPath, int]) -> int | None:
    """Give the line of a key, or of the nearest table around it that the file has."""
    return next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), None)


def key_of(path: Sequence[str | int]) -> str:
    """Write a key as it stands in the file: ``trainers.openai.prices."gpt-4.1"``."""
    bare = [step if isinstance(step, int) or step.replace("-", "").isidentifier() else f'"{step}"' for step in path]
    return ".".join(map(str, bare))


def _paths(table: Mapping[str, Any] | list[Any], above: KeyPath = ()) -> Iterator[KeyPath]:
    for key, value in table.items() if isinstance(table, Mapping) else enumerate(table):
        yield (*above, key)
        if isinstance(value, dict | list):
            yield from _paths(value, (*above, key))
