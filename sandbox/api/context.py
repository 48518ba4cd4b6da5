"""What a resolver is given, and how it reads the arguments of a field."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sandbox.core import Sandbox
from sandbox.errors import InvalidQuery

Arguments = Mapping[str, Any]
Resolver = Callable[["Context", Arguments], object]

_Item = TypeVar("_Item")


@dataclass(slots=True)
class Context:
    """One request.

    Attributes:
        base_url: The sandbox's own address as this client sees it, without a slash at the end.
        afterwards: Work to do when the lock is released, before the answer is sent.
    """

    sandbox: Sandbox
    base_url: str
    afterwards: list[Callable[[], None]] = field(default_factory=list)


def where_of(arguments: Arguments) -> dict[str, Any]:
    """Give the conditions of ``where``, also where the SDK nested them in ``AND``."""
    return _flat(arguments.get("where") or {})


def fitting(views: Sequence[Mapping[str, Any]], wanted: Mapping[str, Any]) -> list[Any]:
    """Keep the views that equal what is wanted in every field named.

    Raises:
        InvalidQuery: A field is not imitated, or another comparison than equality is asked for.
    """
    for view in views[:1]:
        if unknown := sorted(set(wanted) - set(view)):
            raise InvalidQuery(f'"{unknown[0]}" is not imitated as a condition')
    return [view for view in views if all(view[key] == value for key, value in wanted.items())]


def page_of(items: Sequence[_Item], arguments: Arguments) -> list[_Item]:
    """Cut the page that ``skip`` and ``first`` name."""
    skip = int(arguments.get("skip") or 0)
    first = arguments.get("first")
    return list(items[skip:] if first is None else items[skip : skip + int(first)])


def _flat(where: Mapping[str, Any]) -> dict[str, Any]:
    flat = {key: value for key, value in where.items() if key != "AND"}
    for part in where.get("AND") or ():
        flat |= _flat(part)
    return flat
